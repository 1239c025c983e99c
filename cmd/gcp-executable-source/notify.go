package main

import (
	"net"

	"github.com/idferry/idferry/internal/cli"
)

// notify tells systemd what the service has come to, when it is one of Type=notify. The library for it is of no use to
// any other verb, which would link it too.
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
func notify(p cli.Process, state string) error {
	address := p.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	// An address that begins with @ is one of the abstract namespace, for systemd and for net alike.
	socket, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer socket.Close()
	_, err = socket.Write([]byte(state))
	return err
}
