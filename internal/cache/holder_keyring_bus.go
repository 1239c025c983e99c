//go:build linux || freebsd || netbsd || openbsd || dragonfly

package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
	ss "github.com/zalando/go-keyring/secret_service"
)

const (
	secretsName       = "org.freedesktop.secrets"
	secretsPath       = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection   = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	defaultCollection = dbus.ObjectPath("/org/freedesktop/secrets/aliases/default")
	getProperty       = "org.freedesktop.DBus.Properties.Get"
)

// probeKeyring looks whether go-keyring can work without a prompt, an activation or a daemon of its own: there is a
// bus, the Secret Service runs, and neither the collection that go-keyring uses nor our item (KeePassXC locks items
// one by one) is locked. All questions go out at once and carry NO_AUTO_START (D-Bus specification, message format),
// so that a service that never gets ready does not cost the bus's 120 s. They go over go-keyring's own connection, and
// the item that is found is read as keyring.Get would read it: connecting and searching twice costs as much again.
func probeKeyring(lookup func(string) (string, bool)) (read operation, err error) {
	if reason := settleBus(lookup); reason != "" {
		return nil, &unavailable{reason: reason}
	}
	conn, err := ss.NewSecretService()
	if err != nil {
		return nil, &unavailable{reason: "the session bus says: " + err.Error()}
	}
	ask := func(path dbus.ObjectPath, method string, args ...any) *dbus.Call {
		return conn.Object(secretsName, path).Go(method, dbus.FlagNoAutoStart, make(chan *dbus.Call, 1), args...)
	}
	owner := conn.BusObject().Go("org.freedesktop.DBus.NameHasOwner", 0, make(chan *dbus.Call, 1), secretsName)
	collections := ask(secretsPath, getProperty, "org.freedesktop.Secret.Service", "Collections")
	locked := map[dbus.ObjectPath]*dbus.Call{}
	for _, path := range []dbus.ObjectPath{loginCollection, defaultCollection} {
		locked[path] = ask(path, getProperty, "org.freedesktop.Secret.Collection", "Locked")
	}
	items := ask(secretsPath, "org.freedesktop.Secret.Service.SearchItems",
		map[string]string{"username": keyAccount, "service": keyService})

	if running, err := answer[bool](owner); err != nil || !running {
		return nil, &unavailable{reason: "no Secret Service is running on the session bus"}
	}
	paths, err := answer[dbus.Variant](collections)
	if err != nil {
		return nil, &unavailable{reason: "the Secret Service says: " + err.Error()}
	}
	// As go-keyring chooses (GetLoginCollection).
	collection := defaultCollection
	listed, _ := paths.Value().([]dbus.ObjectPath)
	for _, path := range listed {
		if path == loginCollection {
			collection = loginCollection
		}
	}
	state, err := answer[dbus.Variant](locked[collection])
	if err != nil {
		return nil, &unavailable{reason: "the Secret Service has no default collection: " + err.Error()}
	}
	if isLocked, ok := state.Value().(bool); !ok || isLocked {
		return nil, &unavailable{reason: "the Secret Service's collection is locked"}
	}
	var open, closed []dbus.ObjectPath
	if err := (<-items.Done).Store(&open, &closed); err != nil {
		return nil, &unavailable{reason: "the Secret Service says: " + err.Error()}
	}
	if len(closed) > 0 {
		return nil, &unavailable{reason: "the Secret Service's item is locked"}
	}
	return func() (string, error) {
		if len(open) == 0 {
			return "", keyring.ErrNotFound
		}
		session, err := conn.OpenSession()
		if err != nil {
			return "", passing(err)
		}
		secret, err := conn.GetSecret(open[0], session.Path())
		if err != nil {
			return "", passing(err)
		}
		return string(secret.Value), nil
	}, nil
}

// passing makes an error that the bus gives for a service which ended a moment ago one that is no reason to leave the
// keyring alone: it is restarted, and whether it is back shows in a millisecond.
// https://dbus.freedesktop.org/doc/dbus-specification.html#bus-messages-errors
func passing(err error) error {
	var said dbus.Error
	if errors.As(err, &said) && slices.Contains([]string{
		"org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
	}, said.Name) {
		return &unavailable{reason: "the Secret Service went away: " + err.Error()}
	}
	return err
}

func answer[T any](call *dbus.Call) (value T, err error) {
	err = (<-call.Done).Store(&value)
	return value, err
}

// settleBus makes godbus's own search for a bus, which ends in dbus-launch and so leaves a daemon behind at each call
// (cli/cli#7582), find one in the process's environment; or it says why there is none. The order is godbus's.
func settleBus(lookup func(string) (string, bool)) string {
	const variable = "DBUS_SESSION_BUS_ADDRESS"
	address, _ := lookup(variable)
	if address != "" && address != "autolaunch:" {
		if strings.Contains(address, "autolaunch:") {
			return variable + " asks to start a session bus"
		}
		return ""
	}
	path := fmt.Sprintf("/run/user/%d/bus", os.Getuid())
	if info, err := os.Stat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		return "there is no session bus"
	}
	if err := os.Setenv(variable, "unix:path="+path); err != nil {
		return "there is no session bus: " + err.Error()
	}
	return ""
}
