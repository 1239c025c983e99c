//go:build linux

package desktop

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Lock locks the login collection.
func (d *Desktop) Lock() error {
	return d.Do(func(conn *dbus.Conn) error {
		return conn.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{login}).Err
	})
}

// Items lists the login collection's items.
func (d *Desktop) Items() (items []dbus.ObjectPath, err error) {
	err = d.Do(func(conn *dbus.Conn) error {
		v, err := conn.Object(secretsName, login).GetProperty("org.freedesktop.Secret.Collection.Items")
		items, _ = v.Value().([]dbus.ObjectPath)
		return err
	})
	return items, err
}

// Delete deletes an item.
func (d *Desktop) Delete(item dbus.ObjectPath) error {
	return d.Do(func(conn *dbus.Conn) error {
		return conn.Object(secretsName, item).Call("org.freedesktop.Secret.Item.Delete", 0).Err
	})
}

// Replace writes text into every item.
func (d *Desktop) Replace(text string) error {
	items, err := d.Items()
	if err != nil {
		return err
	}
	return d.Do(func(conn *dbus.Conn) error {
		var nothing dbus.Variant
		var session dbus.ObjectPath
		err := conn.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&nothing, &session)
		if err != nil {
			return err
		}
		for _, item := range items {
			secret := struct {
				Session           dbus.ObjectPath
				Parameters, Value []byte
				ContentType       string
			}{session, nil, []byte(text), "text/plain"}
			if err := conn.Object(secretsName, item).Call("org.freedesktop.Secret.Item.SetSecret", 0, secret).Err; err != nil {
				return err
			}
		}
		return nil
	})
}

// Gone waits until the Secret Service's name has no owner.
func (d *Desktop) Gone(ctx context.Context) error {
	return d.until(ctx, func(names []string) bool {
		for _, name := range names {
			if name == secretsName {
				return false
			}
		}
		return true
	})
}

// Names is how many connections the bus has, this question's own among them.
func (d *Desktop) Names() (n int, err error) {
	err = d.until(context.Background(), func(names []string) bool {
		n = connections(names)
		return true
	})
	return n, err
}

// KillOnceNamed kills the bus as soon as it has n connections, this question's own among them.
func (d *Desktop) KillOnceNamed(ctx context.Context, n int) error {
	if err := d.until(ctx, func(names []string) bool { return connections(names) >= n }); err != nil {
		return err
	}
	return d.Bus.Kill()
}

func connections(names []string) (n int) {
	for _, name := range names {
		if strings.HasPrefix(name, ":") {
			n++
		}
	}
	return n
}

// until asks who is on the bus, over and over on one connection, until done says so.
func (d *Desktop) until(ctx context.Context, done func(names []string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return d.Do(func(conn *dbus.Conn) error {
		for {
			var names []string
			if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
				return err
			}
			if done(names) {
				return nil
			}
			if ctx.Err() != nil {
				return errors.New("the bus did not get to that")
			}
		}
	})
}
