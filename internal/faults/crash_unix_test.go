//go:build unix

package faults

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program that is made to crash while it has secrets in its memory tells none of them, neither in what Go prints of a
// crash, as much of it as there may be, nor in a core, where there may be one of any size.
func TestACrashTellsNoSecret(t *testing.T) {
	programs := build(t)
	at, other, homes := newClouds(t, 0), newElsewhere(t), t.TempDir()
	waiting := fault{name: "silence", set: answers(silence)}
	cores := dumps(t)
	var n int
	for _, name := range []string{"Entra's token endpoint, client secret", "Entra's token endpoint, Google's assertion", "Google's token endpoint, user", "App Service"} {
		hops := slices.Concat(toAzure(), toGoogle())
		h := hops[slices.IndexFunc(hops, func(h hop) bool { return h.name == name })]
		for _, signal := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS} {
			for _, traceback := range []string{"single", "system", "crash"} {
				n++
				c := errand(t, h, waiting, h.told[0], at, other, programs, filepath.Join(homes, strconv.Itoa(n)))
				t.Run(h.name+"/"+signal.String()+"/"+traceback, func(t *testing.T) {
					text, dumped := c.crash(t, programs, signal, traceback)
					c.first.stderr = []byte(text)
					if !strings.Contains(text, "goroutine ") {
						t.Errorf("it did not crash: %s", text)
					}
					c.judgeSecrets(t)
					if dumped && cores {
						t.Error("a core was written")
					}
				})
			}
		}
	}
	if !cores {
		t.Log("this machine writes no cores, so that none could be missed")
	}
}

// crash has the program be hit by a signal while it waits for an answer.
func (c *cell) crash(t *testing.T, programs string, signal syscall.Signal, traceback string) (text string, dumped bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", anyCore + `; exec "$@"`, "sh", filepath.Join(programs, c.contract.program)}, c.args()...)...)
	cmd.Env = append(c.machine.env[:len(c.machine.env):len(c.machine.env)], "GOTRACEBACK="+traceback, "IDFERRY_LOG="+c.machine.logFile())
	cmd.Dir = c.machine.home
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stderr, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); c.gate.asked.Load() == 0 && time.Now().Before(end); {
		<-tick.C
	}
	if c.gate.asked.Load() == 0 {
		t.Errorf("the endpoint was not asked")
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) {
		t.Errorf("it ended well: %v", err)
		return stderr.String(), false
	}
	return stderr.String(), ended.Sys().(syscall.WaitStatus).CoreDump()
}

// dumps says whether a program of this machine that ends so leaves a core.
func dumps(t *testing.T) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", anyCore+"; kill -ABRT $$")
	cmd.Dir = t.TempDir()
	_ = cmd.Run()
	return cmd.ProcessState.Sys().(syscall.WaitStatus).CoreDump()
}

// The memory of a running program is shown to nobody but root: there are tokens in it.
func TestTheMemoryIsNotShownToOtherProcessesOfTheUser(t *testing.T) {
	if _, err := os.Stat("/proc/self/mem"); err != nil {
		t.Skip("there is no /proc of Linux")
	}
	programs := build(t)
	h := toGoogle()[0]
	c := errand(t, h, fault{name: "silence", set: answers(silence)}, h.told[0], newClouds(t, 0), newElsewhere(t), programs, filepath.Join(t.TempDir(), "home"))
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, source), c.args()...)
	cmd.Env, cmd.Dir = c.machine.env, c.machine.home
	other := os.Getuid()
	if other == 0 {
		// Root's own processes are root's whether they show their memory or not.
		other = 12345
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(other), Gid: uint32(other)}}
		for dir := programs; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd.Dir = "/"
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(cmd.Process.Kill(), cmd.Wait()) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); c.gate.asked.Load() == 0 && time.Now().Before(end); {
		<-tick.C
	}
	info, err := os.Stat("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 {
		t.Errorf("its memory and environment belong to user %d", owner)
	}
}
