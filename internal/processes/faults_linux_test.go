package processes

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	// markVariable is in the environment of everything that a call starts.
	markVariable = "IDFERRY_TEST_MARK"
	// slack is how much longer than without a cache a call may take, whatever is wrong with the cache.
	slack = 2500 * time.Millisecond
)

// need skips the test where err says what is missing, or fails it in CI.
func need(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv(faultsVariable) == "1":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		need(t, errors.New("only root can become another user and mount"))
	}
}

// fault is a state of the machine that must not matter.
type fault struct {
	// modes are the values of --cache under which the call is made.
	modes []string
	// reason is what the log has to name. It is "" where the cache works all the same.
	reason string
	// env comes after the place's own; under stands before the program's path; attr is the process's.
	env   []string
	under []string
	attr  *syscall.SysProcAttr
	// calls is how often each mode is tried; the default is twice.
	calls int
}

// survives makes the call without a cache and then with one under the fault. Each time it has to print its token in
// nearly the same time, with nothing on stderr, and to leave nobody behind.
func (p *place) survives(t *testing.T, programs built, f fault) {
	t.Helper()
	if f.calls == 0 {
		f.calls = 2
	}
	off, _ := p.call(t, programs, f, "off")
	for _, mode := range f.modes {
		for n := range f.calls {
			took, log := p.call(t, programs, f, mode)
			if took > off+slack {
				t.Errorf("--cache %s, call %d took %s, and %s without a cache", mode, n+1, took, off)
			}
			if !strings.Contains(log, f.reason) {
				t.Errorf("--cache %s, call %d: the log does not name %q:\n%s", mode, n+1, f.reason, log)
			}
			if f.reason != "" && !strings.Contains(log, "cached=false") {
				t.Errorf("--cache %s, call %d: it was cached all the same:\n%s", mode, n+1, log)
			}
		}
	}
}

// call makes one call and returns how long it took and what it logged.
func (p *place) call(t *testing.T, programs built, f fault, mode string) (took time.Duration, log string) {
	t.Helper()
	mark, logs := markVariable+"="+rand.Text(), t.TempDir()
	if err := os.Chmod(logs, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	logFile := filepath.Join(logs, "log")
	argv := append(append([]string{}, f.under...), programs.helper)
	argv = append(append(argv, inTenant(fakecloud.SandboxTenant)...), "--cache", mode, "--log-file", logFile)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(append(append([]string{}, p.env...), mark), f.env...)
	cmd.SysProcAttr, cmd.Dir = f.attr, logs
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	took = time.Since(start)
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("--cache %s: %v, stderr %q", mode, err, stderr.String())
	}
	if c, err := claims(string(out)); err != nil || c.TenantID != fakecloud.SandboxTenant {
		t.Fatalf("--cache %s: no token: %v", mode, err)
	}
	if who := marked(mark); len(who) > 0 {
		t.Errorf("--cache %s left behind: %s", mode, strings.Join(who, ", "))
	}
	if left, _ := os.ReadDir(logs); len(left) != 1 {
		t.Errorf("--cache %s left %d files in the working directory", mode, len(left))
	}
	text, err := os.ReadFile(logFile)
	if err != nil {
		t.Fatal(err)
	}
	return took, string(text)
}

// marked lists the processes that have mark in their environment.
func marked(mark string) (who []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if env, err := os.ReadFile(file); err == nil && strings.Contains(string(env), mark) {
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
			who = append(who, fmt.Sprintf("%s %s", filepath.Base(filepath.Dir(file)), strings.TrimSpace(string(name))))
		}
	}
	return who
}

func TestWithoutAUsableHomeTheTokenIsPrinted(t *testing.T) {
	programs, p := build(t), newPlace(t)
	file := filepath.Join(p.home, "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]fault{
		"HOME is not set":            {env: []string{"HOME=", "IDFERRY_CACHE_DIR="}, reason: "HOME is not set"},
		"HOME is relative":           {env: []string{"HOME=home/me", "IDFERRY_CACHE_DIR="}, reason: `HOME is \"home/me\"`},
		"HOME is the root":           {env: []string{"HOME=/", "IDFERRY_CACHE_DIR="}, reason: `HOME is \"/\"`},
		"HOME is a file":             {env: []string{"HOME=" + file, "IDFERRY_CACHE_DIR="}, reason: "which is no directory"},
		"HOME does not exist":        {env: []string{"HOME=/nowhere/me", "IDFERRY_CACHE_DIR="}, reason: "which is no directory"},
		"both are relative":          {env: []string{"HOME=.", "XDG_CACHE_HOME=cache", "IDFERRY_CACHE_DIR="}, reason: "HOME is"},
		"the directory is relative":  {env: []string{"IDFERRY_CACHE_DIR=cache"}, reason: "is not an absolute path"},
		"the directory is a file":    {env: []string{"IDFERRY_CACHE_DIR=" + file}, reason: "is a link or a file"},
		"it is below a file":         {env: []string{"IDFERRY_CACHE_DIR=" + file + "/idferry"}, reason: "not a directory"},
		"a runtime directory is one": {env: []string{"XDG_RUNTIME_DIR=" + file}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.modes = []string{"auto", "file"}
			if f.reason == "" {
				f.modes = []string{"file"}
			}
			p.survives(t, programs, f)
		})
	}
	for _, path := range []string{"/.cache/idferry", "/nowhere"} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}
