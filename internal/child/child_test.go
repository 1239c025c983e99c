//go:build unix

package child

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
)

// az is a shell script that starts Python: ending the script must end Python too.
func TestGrandchildrenEndWithTheContext(t *testing.T) {
	held, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", "sleep 1000 & echo started >&3; wait")
	cmd.ExtraFiles = []*os.File{hold}
	done := make(chan error, 1)
	go func() { done <- Run(cmd) }()
	lines := bufio.NewReader(held)
	if line, err := lines.ReadString('\n'); err != nil || line != "started\n" {
		t.Fatal(line, err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the script ended by itself")
	}
	_ = hold.Close()
	// The pipe is at its end once every process that inherited it is gone, the sleeping grandchild included.
	if rest, err := io.ReadAll(lines); err != nil || len(rest) != 0 {
		t.Error(rest, err)
	}
}

func TestWhatAProgramLeavesBehindEndsWithIt(t *testing.T) {
	held, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "sleep 1000 >/dev/null 2>&1 & exit 3")
	cmd.ExtraFiles = []*os.File{hold}
	if err := Run(cmd); cmd.ProcessState.ExitCode() != 3 {
		t.Error(err)
	}
	_ = hold.Close()
	if rest, err := io.ReadAll(held); err != nil || len(rest) != 0 {
		t.Error(rest, err)
	}
}
