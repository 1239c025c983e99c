package cli

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Program returns the absolute path by which other programs can run this one from now on. Symbolic links stay as they
// are: package managers move what is behind them at every upgrade.
func (p Process) Program() (string, error) {
	// LookPath reads PATH itself, as the shell that started this did.
	path, err := exec.LookPath(p.Started)
	if err == nil || errors.Is(err, exec.ErrDot) {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", problem.New(problem.Unexpected, "find where this program is installed: %w", err).WithHint("start it by its whole path")
	}
	if strings.Contains(filepath.ToSlash(path), "/go-build") {
		return "", problem.New(problem.BadInput, "%s is where `go run` built this program, and it will be gone", path).
			WithHint("go install github.com/idferry/idferry/cmd/...@latest, and run that")
	}
	return path, nil
}
