package kubeconfig

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Command returns what to write as exec.command for the program that was started as started (the first word of its
// command line). Symbolic links stay as they are: package managers move what is behind them at every upgrade.
func Command(started string) (string, error) {
	// LookPath reads PATH itself, as the shell that started this did.
	path, err := exec.LookPath(started)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return "", problem.Input("--command", "where this program is installed is not known (%w)", err).WithHint("give --command PATH")
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", problem.Input("--command", "%w", err).WithHint("give --command PATH")
	}
	if strings.Contains(filepath.ToSlash(path), "/go-build") {
		return "", problem.Input("--command", "%s is where `go run` built this program, and it will be gone", path).WithHint("give --command PATH")
	}
	return path, nil
}

// CheckCommand makes a command that somebody gave fit for exec.command: a bare name stays, and what is relative to the
// current directory becomes absolute, because client-go takes it relative to the kubeconfig.
func CheckCommand(given string) (string, error) {
	if !strings.ContainsAny(given, `/\`) || isAbsolute(given) {
		return given, nil
	}
	path, err := filepath.Abs(given)
	if err != nil {
		return "", problem.Input("--command", "%w", err)
	}
	return path, nil
}

// isAbsolute is true for the absolute paths of every system: a kubeconfig may be written on another than it is used on.
func isAbsolute(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(path, "/") || strings.HasPrefix(path, `\\`) ||
		len(path) > 2 && path[1] == ':' && strings.ContainsRune(`/\`, rune(path[2]))
}
