package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	ss "github.com/zalando/go-keyring/secret_service"
)

// desktop is a session bus with a Secret Service whose login collection is unlocked.
type desktop struct {
	env  []string
	stop func()
}

// startDesktop starts both in home. The error says what is missing where they are not installed.
func startDesktop(ctx context.Context, home string) (*desktop, error) {
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%s is not installed", program)
		}
	}
	runtimeDir := filepath.Join(home, "run")
	if err := os.MkdirAll(runtimeDir, 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	bus := exec.CommandContext(ctx, "dbus-daemon", "--session", "--nofork", "--print-address")
	bus.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + runtimeDir, "XDG_DATA_HOME=" + filepath.Join(home, "data")}
	out, err := bus.StdoutPipe()
	if err == nil {
		err = bus.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cancel()
		return nil, errors.Join(err, bus.Wait())
	}
	env := append(bus.Env, "DBUS_SESSION_BUS_ADDRESS="+strings.TrimSpace(address))
	// In the foreground: the parent of a daemon that forks returns before the child serves for good.
	service := exec.CommandContext(ctx, "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	service.Env, service.Stdin = env, strings.NewReader("bench")
	if err := service.Start(); err != nil {
		cancel()
		return nil, errors.Join(err, bus.Wait())
	}
	d := &desktop{env, func() {
		cancel()
		_, _ = service.Wait(), bus.Wait()
	}}
	if err := ready(ctx, strings.TrimSpace(address)); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// ready waits until the service owns its name and its login collection is open.
func ready(ctx context.Context, address string) error {
	if err := os.Setenv("DBUS_SESSION_BUS_ADDRESS", address); err != nil { // where godbus looks
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		service, err := ss.NewSecretService()
		var running bool
		if err == nil {
			// First, since the bus would start a daemon of its own for any other call.
			err = service.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, "org.freedesktop.secrets").Store(&running)
		}
		if err == nil && running {
			locked, lockedErr := service.GetLoginCollection().GetProperty("org.freedesktop.Secret.Collection.Locked")
			if err = lockedErr; err == nil && locked.Value() == false {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gnome-keyring-daemon did not come up: %w", errors.Join(err, ctx.Err()))
		case <-tick.C:
		}
	}
}
