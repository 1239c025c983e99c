package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// ownMemory is how much memory a run has for itself when it ends, in kB, or 0 where that cannot be known: the rest of its
// resident set are pages of its file, which the kernel maps sixteen at a time, has only once, and can drop.
func ownMemory(ctx context.Context, c command) (kilobytes int) {
	if _, err := exec.LookPath("strace"); err != nil || runtime.GOOS != "linux" {
		return 0
	}
	// It is held at its last system call for long enough to be looked at.
	const held = 100 * time.Millisecond
	cmd := exec.CommandContext(ctx, "strace", append([]string{
		"-f", "-qq", "-o", os.DevNull, "-e", "trace=exit_group", "-e", fmt.Sprintf("inject=exit_group:delay_enter=%d", held.Microseconds()), c.path,
	}, c.args...)...)
	cmd.Env = c.env
	if err := cmd.Start(); err != nil {
		return 0
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case err := <-ended:
			tick.Stop()
			if err != nil {
				return 0
			}
			return kilobytes
		case <-tick.C:
			kilobytes = max(kilobytes, anonymousOfChild(cmd.Process.Pid))
		}
	}
}

// anonymousOfChild is what the one child of a process has that is no file's, in kB.
func anonymousOfChild(pid int) int {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	status, _ := os.ReadFile("/proc/" + string(bytes.TrimSpace(children)) + "/status")
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			return kilobytes
		}
	}
	return 0
}
