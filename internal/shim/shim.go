// Package shim puts a program on PATH under the names of Azure's own tools, and takes it away again. It never touches
// a file that is not the program's own.
package shim

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Names are the tools that can be stood in for.
func Names() []string { return []string{"az", "azd"} }

// Shims are names of one program in one directory.
type Shims struct {
	// Program is the absolute path that the names lead to: the one that outlives an upgrade, links unresolved.
	Program string
	// Dir is an absolute path. Install makes it where it does not exist.
	Dir string
	// Tools are some of Names.
	Tools []string
}

// file is where the stand-in for a tool is.
func (s Shims) file(tool string) string {
	if runtime.GOOS == "windows" {
		tool += ".exe"
	}
	return filepath.Join(s.Dir, tool)
}

// Install makes every name lead to the program and returns the files. If one of them is somebody else's it changes none.
func (s Shims) Install() ([]string, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, problem.Input("--dir", "%w", err).WithHint("choose a directory of your own, such as ~/bin")
	}
	var files []string
	for _, tool := range s.Tools {
		file := s.file(tool)
		if err := s.place(file); err != nil {
			return files, problem.Input("--dir", "%w", err).WithHint("ls -ld %s", s.Dir)
		}
		files = append(files, file)
	}
	return files, nil
}

// Uninstall removes the names that lead to this program and returns the files it removed. One that is not there is fine.
func (s Shims) Uninstall() ([]string, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	var files []string
	for _, tool := range s.Tools {
		file := s.file(tool)
		switch err := os.Remove(file); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return files, problem.Input("--dir", "%w", err).WithHint("rm %s", file)
		default:
			files = append(files, file)
		}
	}
	return files, nil
}

// check refuses a directory in which one of the names is something else.
func (s Shims) check() error {
	for _, tool := range s.Tools {
		file := s.file(tool)
		info, err := os.Lstat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return problem.Input("--dir", "%w", err).WithHint("ls -ld %s", s.Dir)
		}
		if info.IsDir() || !s.ours(file) {
			return problem.Input("--dir", "%s is not a stand-in of this program, so it stays as it is", file).
				WithHint("choose another directory and put it before %s on PATH", s.Dir)
		}
		if filepath.Clean(file) == filepath.Clean(s.Program) {
			return problem.Input("--dir", "%s is the program itself", file).WithHint("run it by its own name, azure-token-helper")
		}
	}
	return nil
}

// place makes file lead to the program in one step, so that a caller finds the old or the new one.
func (s Shims) place(file string) error {
	next := file + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var err error
	if runtime.GOOS == "windows" {
		// Links need a privilege there.
		err = copyFile(s.Program, next)
	} else {
		err = os.Symlink(s.Program, next)
	}
	if err == nil {
		err = os.Rename(next, file)
	}
	if err != nil {
		_ = os.Remove(next)
	}
	return err
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// ours says that a file leads to this program, or is a copy of one of its versions, or leads to where one was.
func (s Shims) ours(file string) bool {
	if a, err := os.Stat(file); err == nil {
		if b, err := os.Stat(s.Program); err == nil && os.SameFile(a, b) {
			return true
		}
		return IsStandIn(file)
	}
	target, err := os.Readlink(file)
	return err == nil && strings.HasPrefix(filepath.Base(target), filepath.Base(s.Program))
}

// IsStandIn says that a file is some version of azure-token-helper under whatever name: the Go linker leaves the
// program's own in it (runtime/debug.BuildInfo).
func IsStandIn(file string) bool {
	const most = 64 << 20
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return false
	}
	data, err := os.ReadFile(file)
	return err == nil && bytes.Contains(data, []byte("path\tgithub.com/idferry/idferry/cmd/azure-token-helper\n"))
}

// Found is what PATH leads to for one tool.
type Found struct {
	Tool string
	// First is the file that runs, or "" when PATH leads nowhere.
	First string
	// Ours is set when that is the stand-in in Dir.
	Ours bool
}

// Find looks each tool up in path, a list as PATH has it.
func (s Shims) Find(path string) []Found {
	var found []Found
	for _, tool := range s.Tools {
		f := Found{Tool: tool}
		for _, dir := range filepath.SplitList(path) {
			if file := runnable(dir, tool); file != "" {
				f.First = file
				break
			}
		}
		if a, err := os.Lstat(f.First); err == nil {
			b, err := os.Lstat(s.file(tool))
			f.Ours = err == nil && os.SameFile(a, b)
		}
		found = append(found, f)
	}
	return found
}

// runnable returns the file in dir that runs under a name, or "".
func runnable(dir, tool string) string {
	names := []string{tool}
	if runtime.GOOS == "windows" {
		names = []string{tool + ".com", tool + ".exe", tool + ".bat", tool + ".cmd"}
	}
	for _, name := range names {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && !info.IsDir() && (runtime.GOOS == "windows" || info.Mode().Perm()&0o111 != 0) {
			return file
		}
	}
	return ""
}
