package azure

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/child"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// program is a command-line tool that is signed in and prints tokens.
type program struct {
	name string
	// install is where to get it.
	install string
	// explain says what its failure means, from what it wrote on stderr.
	explain func(stderr string) error
}

// run returns what the program prints. It ends with ctx, its own children included, and never sees our stdin.
func (p program) run(ctx context.Context, s Settings, args ...string) ([]byte, error) {
	path, err := exec.LookPath(p.name)
	if err != nil {
		return nil, problem.New(problem.NoIdentity, "%s was not found on PATH", p.name).WithHint("install it (%s), or choose another --credential", p.install)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	// Not the caller's directory, where az.cmd may be anybody's (azidentity does the same).
	cmd.Dir = "/bin"
	if runtime.GOOS == "windows" {
		cmd.Dir = s.env("SYSTEMROOT")
	}
	cmd.Env = append(cmd.Environ(), "AZURE_CORE_NO_COLOR=true", "NO_COLOR=true", "AZURE_CORE_SURVEY_MESSAGE=false")
	// For a grandchild that keeps the pipes open after the program is gone.
	cmd.WaitDelay = 100 * time.Millisecond
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = child.Run(cmd)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, problem.New(problem.DeadlineExceeded, "waiting for %s: %w", p.name, ctx.Err()).WithHint("see how long it takes: time %s %s", p.name, strings.Join(args, " "))
	case errors.Is(err, exec.ErrWaitDelay) && stdout.Len() > 0:
		return stdout.Bytes(), nil
	case errors.As(err, &exit):
		return nil, p.explain(stderr.String())
	case err != nil:
		return nil, problem.New(problem.NoIdentity, "running %s: %w", p.name, err)
	}
	return stdout.Bytes(), nil
}

// quote makes a program's words fit to be shown: on one line, without credentials, not too long, no full stop.
func quote(text string) string { return token.Quote(text, 500) }

// argument refuses what a batch file (az.cmd) could take for more than one word.
func argument(field, value string) error {
	if i := strings.IndexFunc(value, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/:", r))
	}); i >= 0 {
		return problem.Input(field, "%q cannot be passed on to a program: use letters, digits and . _ - / : only", value)
	}
	return nil
}
