//go:build !linux

package cache

import "errors"

func lockCollections() error { return errors.ErrUnsupported }

func stopService() (func(), error) { return nil, errors.ErrUnsupported }
