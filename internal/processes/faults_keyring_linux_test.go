package processes

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/idferry/idferry/internal/desktop"
)

// seated is a place with a desktop of its own, whose Secret Service is unlocked.
func seated(t *testing.T, more ...string) (*place, *desktop.Desktop) {
	t.Helper()
	p := newPlace(t)
	d, err := desktop.Start(context.Background(), filepath.Join(p.home, "desktop"), more...)
	need(t, err)
	t.Cleanup(d.Stop)
	p.env = append(p.env, append(d.Env, "XDG_RUNTIME_DIR=")...)
	return p, d
}

func send(t *testing.T, p *os.Process, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestALockedOrDeafKeyringCostsOnlyTheCache(t *testing.T) {
	programs := build(t)
	modes := []string{"keyring"}
	t.Run("a locked collection, and no display", func(t *testing.T) {
		t.Parallel()
		p, d := seated(t)
		if err := d.Lock(); err != nil {
			t.Fatal(err)
		}
		p.survives(t, programs, fault{modes: modes, reason: "collection is locked", env: []string{"DISPLAY=", "WAYLAND_DISPLAY="}})
		out, err := p.run(t.Context(), programs.helper, "cache", "list", "--cache", "keyring")
		if err != nil || !strings.Contains(out, "keyring: the Secret Service's collection is locked") {
			t.Errorf("%v, %s", err, out)
		}
	})
	t.Run("a locked collection, and a display on which nobody answers", func(t *testing.T) {
		t.Parallel()
		display := screen(t)
		p, d := seated(t, "DISPLAY="+display)
		if err := d.Lock(); err != nil {
			t.Fatal(err)
		}
		p.survives(t, programs, fault{modes: modes, reason: "collection is locked", env: []string{"DISPLAY=" + display}})
		if windows := windowsOn(t, display); windows != 0 {
			t.Errorf("%d windows were opened", windows)
		}
	})
	t.Run("a keyring that has stopped", func(t *testing.T) {
		t.Parallel()
		p, d := seated(t)
		send(t, d.Service, syscall.SIGSTOP)
		p.survives(t, programs, fault{modes: modes, reason: "the keyring did not answer within 2s", calls: 3})
	})
	t.Run("a bus that has stopped", func(t *testing.T) {
		t.Parallel()
		p, d := seated(t)
		send(t, d.Bus, syscall.SIGSTOP)
		p.survives(t, programs, fault{modes: modes, reason: "the keyring did not answer within 2s"})
	})
	t.Run("a bus that is gone", func(t *testing.T) {
		t.Parallel()
		p, d := seated(t)
		d.Stop()
		p.survives(t, programs, fault{modes: modes, reason: "the session bus says: dial unix"})
	})
	t.Run("a keyring that is gone", func(t *testing.T) {
		t.Parallel()
		p, d := seated(t)
		send(t, d.Service, syscall.SIGKILL)
		if err := d.Gone(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.survives(t, programs, fault{modes: modes, reason: "no Secret Service is running"})
	})
	t.Run("a bus that dies during the call", func(t *testing.T) {
		t.Parallel()
		p, d := seated(t)
		off, _ := p.call(t, programs, fault{}, "off")
		send(t, d.Service, syscall.SIGSTOP)
		before, err := d.Names()
		if err != nil {
			t.Fatal(err)
		}
		killed := make(chan error, 1)
		go func() { killed <- d.KillOnceNamed(t.Context(), before+1) }()
		took, log := p.call(t, programs, fault{}, "keyring")
		if err := <-killed; err != nil {
			t.Fatal(err)
		}
		if took > off+slack || !strings.Contains(log, "keyring: ") || !strings.Contains(log, "cached=false") {
			t.Errorf("%s, %s", took, log)
		}
	})
}

func TestAServiceThatNeverComesUpIsNotStarted(t *testing.T) {
	programs, p := build(t), newPlace(t)
	services, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	file := "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/sh -c \": > " + ran + "; exec sleep 600\"\n"
	if err := os.WriteFile(filepath.Join(services, "org.freedesktop.secrets.service"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := desktop.StartBus(context.Background(), filepath.Join(p.home, "desktop"), services)
	need(t, err)
	t.Cleanup(d.Stop)
	p.survives(t, programs, fault{modes: []string{"keyring"}, reason: "no Secret Service is running", env: append(d.Env, "XDG_RUNTIME_DIR=")})
	if _, err := os.Lstat(ran); err == nil {
		t.Error("the service was started")
	}
	// And it is the kind of service that a call without care starts.
	_ = d.Do(func(conn *dbus.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").CallWithContext(ctx, "org.freedesktop.DBus.Peer.Ping", 0).Err
	})
	if _, err := os.Lstat(ran); err != nil {
		t.Error("the test's service cannot be started at all, so that it was not says nothing")
	}
}

func TestWithoutABusNoDaemonIsStarted(t *testing.T) {
	programs, p := build(t), newPlace(t)
	if _, err := os.Stat("/run/user/" + uid() + "/bus"); err == nil {
		need(t, errors.New("this user has a bus in /run/user, so the case without any cannot be made"))
	}
	bin, ran := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte("#!/bin/sh\n: > '"+ran+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"", "autolaunch:", "unix:path=/nowhere;autolaunch:"} {
		for _, path := range []string{bin + ":" + os.Getenv("PATH"), os.Getenv("PATH")} {
			p.survives(t, programs, fault{modes: []string{"keyring"}, reason: "session bus",
				env: []string{"DBUS_SESSION_BUS_ADDRESS=" + address, "PATH=" + path, "XDG_RUNTIME_DIR="}})
		}
	}
	if _, err := os.Lstat(ran); err == nil {
		t.Error("dbus-launch was run")
	}
}

func TestBothBinariesShareOneItemAndSurviveItsLoss(t *testing.T) {
	programs := build(t)
	p, d := seated(t)
	p.env = append(p.env, "IDFERRY_CACHE=keyring")
	served := func(program string, args []string, exchanges int) {
		t.Helper()
		out, err := p.run(t.Context(), program, args...)
		if err == nil {
			_, err = claims(out)
		}
		if n := count(p.Entra.Server, "/oauth2/v2.0/token") + count(p.IMDS.Server, "/oauth2/token"); err != nil || n != exchanges {
			t.Errorf("%v, %d exchanges, want %d", err, n, exchanges)
		}
	}
	azure, google := inTenant("11111111-1111-1111-1111-111111111111"), ofIdentity("")
	served(programs.helper, azure, 1)
	served(programs.source, google, 2)
	served(programs.helper, azure, 2)
	served(programs.source, google, 2)
	items, err := d.Items()
	if err != nil || len(items) != 1 {
		t.Fatalf("%v, %v", items, err)
	}
	// Somebody deletes it: both get new tokens, and remember them again.
	if err := d.Delete(items[0]); err != nil {
		t.Fatal(err)
	}
	served(programs.helper, azure, 3)
	served(programs.helper, azure, 3)
	served(programs.source, google, 4)
	served(programs.source, google, 4)
	// Somebody writes something else into it.
	if err := d.Replace("what someone typed"); err != nil {
		t.Fatal(err)
	}
	served(programs.source, google, 5)
	served(programs.source, google, 5)
	served(programs.helper, azure, 6)
	served(programs.helper, azure, 6)
	if items, err := d.Items(); err != nil || len(items) != 1 {
		t.Errorf("%v, %v", items, err)
	}
	// cache clear --all takes the key along.
	if out, err := p.run(t.Context(), programs.source, "cache", "clear", "--all"); err != nil || !strings.Contains(out, "2 removed") {
		t.Errorf("%s, %v", out, err)
	}
	if items, err := d.Items(); err != nil || len(items) != 0 {
		t.Errorf("%v, %v", items, err)
	}
}

// screen is the name of an X display of the test's own.
func screen(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"Xvfb", "xwininfo"} {
		if _, err := exec.LookPath(program); err != nil {
			need(t, err)
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "640x480x8")
	cmd.ExtraFiles = []*os.File{write}
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	_ = write.Close()
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// windowsOn counts what is on a display.
func windowsOn(t *testing.T, display string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "xwininfo", "-display", display, "-root", "-children").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Count(string(out), "\n     0x")
}
