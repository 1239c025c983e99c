//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// Run runs cmd, made with exec.CommandContext, in a process group of its own and ends the whole group with the context.
func Run(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return err
	}
	// What it may have left behind in its group.
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	return cmd.Wait()
}
