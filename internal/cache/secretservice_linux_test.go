package cache

import (
	"syscall"

	"github.com/godbus/dbus/v5"
)

func lockCollections() error {
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Auth(nil); err != nil {
		return err
	}
	if err := conn.Hello(); err != nil {
		return err
	}
	return conn.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.Lock", 0,
		[]dbus.ObjectPath{loginCollection}).Err
}

// stopService stops the process that owns the Secret Service on this test's own bus, until resume is called.
func stopService() (resume func(), err error) {
	conn, err := dbus.SessionBusPrivateNoAutoStartup()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.Auth(nil); err != nil {
		return nil, err
	}
	if err := conn.Hello(); err != nil {
		return nil, err
	}
	var pid uint32
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, secretsName).Store(&pid); err != nil {
		return nil, err
	}
	if err := syscall.Kill(int(pid), syscall.SIGSTOP); err != nil {
		return nil, err
	}
	return func() { _ = syscall.Kill(int(pid), syscall.SIGCONT) }, nil
}
