package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// TestARealSecretServiceUnlockedLockedAndStopped needs dbus-run-session (package dbus), gnome-keyring-daemon
// (gnome-keyring) and IDFERRY_TEST_SECRET_SERVICE=1. It runs on a bus and in a home of its own.
func TestARealSecretServiceUnlockedLockedAndStopped(t *testing.T) {
	if os.Getenv("IDFERRY_TEST_SECRET_SERVICE") != "1" {
		t.Skip("IDFERRY_TEST_SECRET_SERVICE is not 1")
	}
	if runtime.GOOS != "linux" {
		t.Skip("the Secret Service is a Linux desktop's")
	}
	home := t.TempDir()
	runtimeDir := filepath.Join(home, "run")
	if err := os.Mkdir(runtimeDir, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c",
		// In the foreground: the parent of a daemon that forks returns before the child serves for good.
		`printf secret | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 & exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+runtimeDir, "XDG_DATA_HOME="+filepath.Join(home, "data"),
		"DISPLAY=", "WAYLAND_DISPLAY=", roleVariable+"="+roleSecrets, dirVariable+"="+privateDir(t))
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "all well") {
		t.Fatalf("on the bus: %v", err)
	}
}

// playSecretService is the story, told by a process on the bus.
func playSecretService() int {
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"the service is up", serviceStory},
		{"an unlocked collection keeps the key for the next process", unlockedStory},
		{"a locked collection is no cache, at once and without a prompt", lockedStory},
		{"a stopped service costs one time limit", stoppedStory},
	} {
		if err := step.do(); err != nil {
			fmt.Printf("%s: %v\n", step.name, err)
			return 1
		}
		fmt.Println(step.name)
	}
	fmt.Println("all well")
	return 0
}

// call asks as a new process would, and expects a hit or a reason within limit.
func call(r token.Request, i *issuer, hit bool, reason string, limit time.Duration) error {
	c := Open(Options{Mode: Keyring, Dir: os.Getenv(dirVariable), Lookup: os.LookupEnv, Now: i.clock.now})
	start := time.Now()
	_, out, err := c.Token(context.Background(), r, i.mint)
	took := time.Since(start)
	if err != nil || out.Hit != hit || !strings.Contains(out.Reason, reason) || reason == "" && out.Reason != "" || took > limit {
		return fmt.Errorf("%+v after %s, %w", out, took, errors.Join(err, errors.New("not as expected")))
	}
	fmt.Printf("  hit %v in %s %s\n", out.Hit, took, out.Reason)
	return nil
}

// serviceStory waits until the daemon owns its name and has unlocked its collection.
func serviceStory() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		_, err := probeKeyring(os.LookupEnv)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func unlockedStory() error {
	var all error
	for _, size := range []int{2 << 10, 12 << 10, 64 << 10} {
		i := &issuer{clock: newClock(), life: time.Hour, size: size}
		r := request("x", strconv.Itoa(size))
		all = errors.Join(all, call(r, i, false, "", 2*time.Second), call(r, i, true, "", 2*time.Second))
	}
	return all
}

func lockedStory() error {
	if err := lockCollections(); err != nil {
		return fmt.Errorf("lock the collection: %w", err)
	}
	i := &issuer{clock: newClock(), life: time.Hour}
	if err := call(request("x"), i, false, "locked", time.Second); err != nil {
		return err
	}
	if exists(filepath.Join(os.Getenv(dirVariable), markerName(keyringHolder{}))) {
		return errors.New("a locked collection, which is told at once, left a marker")
	}
	return nil
}

func stoppedStory() error {
	resume, err := stopService()
	if err != nil {
		return fmt.Errorf("stop the service: %w", err)
	}
	defer resume()
	i := &issuer{clock: newClock(), life: time.Hour}
	return errors.Join(
		call(request("x"), i, false, "did not answer", 4*time.Second),
		call(request("x"), i, false, "did not answer", time.Second),
		call(request("x"), i, false, "left alone", time.Second),
	)
}
