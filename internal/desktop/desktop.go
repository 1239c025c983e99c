//go:build linux

// Package desktop runs a session bus and a Secret Service of its own, for tests and measurements that need a real
// keyring: gnome-keyring in a home nobody else uses, on a bus nobody else knows. Nothing of the user's is touched.
package desktop

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

	"github.com/godbus/dbus/v5"
)

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	login       = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
)

// Desktop is a session bus, with a Secret Service unless it is a Bus.
type Desktop struct {
	// Env is the environment of a program of that desktop: HOME, XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS and so on.
	Env []string
	// Bus and Service are the daemons. Service is nil where there is none.
	Bus, Service *os.Process

	address string
	cancel  func()
	wait    []func() error
	// ctx and more are what the service is started with.
	ctx         context.Context
	more        []string
	stopService func()
	ended       chan struct{}
}

// StartBus starts a bus in home whose services are those of the .service files in services, a directory that may be "".
// The error says what is missing where dbus-daemon is not installed.
func StartBus(ctx context.Context, home, services string) (*Desktop, error) {
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		return nil, errors.New("dbus-daemon is not installed")
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	// Not in home, whose path may be too long for a socket.
	runtimeDir, err := os.MkdirTemp("", "bus")
	if err != nil {
		return nil, err
	}
	activation := ""
	if services != "" {
		activation = "<servicedir>" + services + "</servicedir>"
	}
	config := filepath.Join(home, "bus.conf")
	err = os.WriteFile(config, []byte(`<busconfig><type>session</type><listen>unix:dir=`+runtimeDir+`</listen><auth>EXTERNAL</auth>`+activation+
		`<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`), 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	bus := exec.CommandContext(ctx, "dbus-daemon", "--config-file", config, "--nofork", "--print-address")
	bus.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + runtimeDir, "XDG_DATA_HOME=" + filepath.Join(home, "data"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache")}
	out, err := bus.StdoutPipe()
	if err == nil {
		err = bus.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	d := &Desktop{Bus: bus.Process, cancel: cancel, wait: []func() error{bus.Wait, func() error { return os.RemoveAll(runtimeDir) }}}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		d.Stop()
		return nil, err
	}
	d.address = strings.TrimSpace(address)
	d.Env = append(bus.Env, "DBUS_SESSION_BUS_ADDRESS="+d.address)
	return d, nil
}

// Start starts a bus and gnome-keyring with an unlocked login collection. more is added to the service's environment.
func Start(ctx context.Context, home string, more ...string) (*Desktop, error) {
	if _, err := exec.LookPath("gnome-keyring-daemon"); err != nil {
		return nil, errors.New("gnome-keyring-daemon is not installed")
	}
	d, err := StartBus(ctx, home, "")
	if err != nil {
		return nil, err
	}
	d.ctx, d.more = ctx, more
	if err := d.StartService(); err != nil {
		d.Stop()
		return nil, err
	}
	return d, nil
}

// StartService starts the Secret Service, again where StopService has ended it: it has what it had.
func (d *Desktop) StartService() error {
	ctx, cancel := context.WithCancel(d.ctx)
	// In the foreground: the parent of a daemon that forks returns before the child serves for good.
	service := exec.CommandContext(ctx, "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	service.Env, service.Stdin = append(append([]string{}, d.Env...), d.more...), strings.NewReader("a password")
	if err := service.Start(); err != nil {
		cancel()
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = service.Wait()
		close(ended)
	}()
	d.Service, d.ended, d.stopService = service.Process, ended, func() { cancel(); <-ended }
	return d.ready(ctx)
}

// Ended is closed once the Secret Service that was started last has ended, which gnome-keyring does by an assertion of its own
// at times.
func (d *Desktop) Ended() <-chan struct{} { return d.ended }

// StopService ends the Secret Service at once, as a crash does, and leaves the bus.
func (d *Desktop) StopService() {
	if d.stopService != nil {
		d.stopService()
	}
	d.stopService = nil
}

// Stop ends the daemons, stopped ones too, and waits for them.
func (d *Desktop) Stop() {
	d.StopService()
	d.cancel()
	for _, wait := range d.wait {
		_ = wait()
	}
	d.wait = nil
}

// ready waits until the service owns its name and its login collection is open.
func (d *Desktop) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := d.Do(func(conn *dbus.Conn) error {
			var running bool
			// First, since the bus would start a service for any other call where it knows one.
			if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&running); err != nil || !running {
				return errors.Join(err, errors.New("the service has no name yet"))
			}
			locked, err := conn.Object(secretsName, login).GetProperty("org.freedesktop.Secret.Collection.Locked")
			if err == nil && locked.Value() != false {
				err = errors.New("the collection is locked")
			}
			return err
		})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gnome-keyring-daemon did not come up: %w", err)
		case <-tick.C:
		}
	}
}

// Do calls f with a connection to the bus.
func (d *Desktop) Do(f func(*dbus.Conn) error) error {
	conn, err := dbus.Connect(d.address)
	if err != nil {
		return err
	}
	return errors.Join(f(conn), conn.Close())
}
