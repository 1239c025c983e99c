//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// become replaces this process, so that the caller's signals, terminal and exit code are the real program's own.
func become(file string, args []string, variable string) error {
	cmd := exec.Command(file, args...)
	// Environ reads the process's environment, which is to be handed on whole.
	return syscall.Exec(file, append([]string{file}, args...), append(cmd.Environ(), variable))
}
