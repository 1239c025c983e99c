package processes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/idferry/idferry/internal/desktop"
)

// leaving is a Secret Service with our item, which crashes when it is to be read.
type leaving struct{ conn *dbus.Conn }

// Get answers for org.freedesktop.DBus.Properties.
func (leaving) Get(_, name string) (dbus.Variant, *dbus.Error) {
	if name == "Collections" {
		return dbus.MakeVariant([]dbus.ObjectPath{"/org/freedesktop/secrets/collection/login"}), nil
	}
	return dbus.MakeVariant(false), nil
}

// SearchItems finds one that is not locked.
func (leaving) SearchItems(map[string]string) (open, locked []dbus.ObjectPath, _ *dbus.Error) {
	return []dbus.ObjectPath{"/org/freedesktop/secrets/collection/login/1"}, nil, nil
}

// OpenSession is the first step of reading.
func (l leaving) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	_ = l.conn.Close()
	return dbus.Variant{}, "/", nil
}

// A keyring that is restarted is back in a second, so nobody has to do without it for the minutes for which one is left
// alone that prompts or hangs.
func TestAKeyringThatCrashesInACallIsAskedAgain(t *testing.T) {
	programs, p := build(t), newPlace(t)
	d, err := desktop.StartBus(context.Background(), filepath.Join(p.home, "desktop"), "")
	need(t, err)
	t.Cleanup(d.Stop)
	p.env = append(p.env, append(d.Env, "XDG_RUNTIME_DIR=")...)
	crashes := func(conn *dbus.Conn) error {
		service := leaving{conn}
		for _, path := range []dbus.ObjectPath{"/org/freedesktop/secrets", "/org/freedesktop/secrets/collection/login", "/org/freedesktop/secrets/aliases/default"} {
			for _, of := range []string{"org.freedesktop.DBus.Properties", "org.freedesktop.Secret.Service"} {
				if err := conn.Export(service, path, of); err != nil {
					return err
				}
			}
		}
		if _, err := conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue); err != nil {
			return err
		}
		_, log := p.call(t, programs, fault{}, "keyring")
		if !strings.Contains(log, "cached=false") || !strings.Contains(log, "the Secret Service went away") {
			t.Errorf("the log does not say what went wrong:\n%s", log)
		}
		return nil
	}
	for range 2 {
		// The connection is closed by then.
		_ = d.Do(crashes)
	}
	if _, err := os.Lstat(filepath.Join(p.cacheDir(), "holder-keyring.down")); err == nil {
		t.Error("the keyring is left alone")
	}
}
