//go:build !linux

// Package desktop runs a session bus and a Secret Service of its own; see desktop.go.
package desktop

import (
	"context"
	"errors"
	"os"
)

// Desktop is Linux's.
type Desktop struct {
	Env          []string
	Bus, Service *os.Process
}

// Start says that there is none.
func Start(context.Context, string, ...string) (*Desktop, error) {
	return nil, errors.New("the Secret Service is a Linux desktop's")
}

// Stop does nothing.
func (*Desktop) Stop() {}
