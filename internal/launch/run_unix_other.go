//go:build unix && !linux

package launch

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// endWithUs does nothing: no system but Linux tells a process of its parent's end.
func endWithUs(*syscall.SysProcAttr) {}

// dieOf returns where the runtime would print a stack trace in place of what the signal does to other programs.
func dieOf(s syscall.Signal) {
	if slices.Contains([]syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}, s) {
		signal.Reset(s)
		_ = syscall.Kill(os.Getpid(), s)
	}
}
