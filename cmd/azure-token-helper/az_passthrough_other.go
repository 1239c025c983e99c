//go:build !unix

package main

import (
	"errors"
	"os"
	"os/exec"
)

// become runs the program on this process's streams and ends as it ends: Windows cannot replace a process.
func become(file string, args []string, variable string) error {
	cmd := exec.Command(file, args...)
	// Environ reads the process's environment, which is to be handed on whole.
	cmd.Env = append(cmd.Environ(), variable)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return exitCode(ended.ExitCode())
	}
	return err
}
