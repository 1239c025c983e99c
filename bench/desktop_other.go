//go:build !linux

package main

import (
	"context"
	"errors"
)

type desktop struct {
	env  []string
	stop func()
}

func startDesktop(context.Context, string) (*desktop, error) {
	return nil, errors.New("the Secret Service is a Linux desktop's")
}
