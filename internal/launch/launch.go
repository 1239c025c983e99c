// Package launch starts another program in the place of this one: on the same terminal and streams, told every signal
// that this one is told, and ended the way that one ended. This process stays beside it only to keep fresh what the
// other reads from a private directory.
package launch

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Exit codes that are not the program's own, as env(1), nohup(1), timeout(1) and docker-run(1) have them.
const (
	ExitOwn           = 125 // nothing was started
	ExitNotExecutable = 126
	ExitNotFound      = 127
)

// Program is what is started.
type Program struct {
	// Path is the file; Args are the words of its command line, its own name first.
	Path string
	Args []string
	Env  Environment
}

// End is how a program ended.
type End struct {
	code int
	// signal is the number of the signal that ended it, or 0.
	signal int
}

// unusable is a program that cannot be started.
type unusable struct {
	why  *problem.Error
	code int
}

func (u unusable) Error() string { return u.why.Error() }
func (u unusable) Unwrap() error { return u.why }

// Code is the exit code for an error of this process before or in place of the program's run.
func Code(err error) int {
	var u unusable
	if errors.As(err, &u) {
		return u.code
	}
	return ExitOwn
}

// Find returns the file that a shell would run for name. What is in first, where that is not "", goes before PATH.
func Find(name, first string) (string, error) {
	path := ""
	err := error(exec.ErrNotFound)
	if first != "" && filepath.Base(name) == name {
		path, err = exec.LookPath(filepath.Join(first, name))
	}
	if err != nil {
		path, err = exec.LookPath(name)
	}
	if err != nil {
		return "", cannotStart(name, err)
	}
	return path, nil
}

// cannotStart says why name does not run.
func cannotStart(name string, err error) error {
	u := unusable{code: ExitNotExecutable}
	var at *exec.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var in *fs.PathError
	if errors.As(err, &in) {
		err = in.Err
	}
	hint := "ls -l " + name
	switch {
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		u.code, hint = ExitNotFound, "type "+name
		if strings.ContainsRune(name, filepath.Separator) {
			hint = "ls -l " + name
		}
	case errors.Is(err, exec.ErrDot):
		hint = "name it ./" + name
	}
	u.why = problem.Input("the program to run", "%s: %w", name, err).WithHint("%s", hint)
	return u
}

// AsInit runs what it is given, unless this process is the first of its PID namespace: then the same command line is
// started again to do so, below one that does what is left to process 1 (see Init).
func AsInit(started string, args []string, environ func() []string, run func() (End, error)) (End, error) {
	if First() {
		return Init(append([]string{started}, args...), environ())
	}
	return run()
}

// streams are this process's own: the program finds the terminal, pipe or file that it would find without us.
func streams() []*os.File { return []*os.File{os.Stdin, os.Stdout, os.Stderr} }
