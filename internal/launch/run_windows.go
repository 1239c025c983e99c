package launch

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"

	"github.com/idferry/idferry/internal/child"
)

// Run starts a program and returns how it ended. Windows tells every process of a console of Ctrl-C and Ctrl-Break, so
// that there is nothing to pass on. The program ends with this process.
func Run(p Program) (End, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	cmd := exec.CommandContext(context.Background(), p.Path)
	cmd.Args, cmd.Env = p.Args, p.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams()[0], streams()[1], streams()[2]
	err := child.Run(cmd)
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		return End{code: ended.ExitCode()}, nil
	case err != nil:
		return End{}, cannotStart(p.Path, err)
	}
	return End{}, nil
}

// Mirror returns the exit code with which this process is to end.
func (e End) Mirror() int { return e.code }
