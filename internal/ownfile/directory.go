package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// PrivateDirectory opens a directory that only this user can enter, and makes it where it is missing in one that exists.
// Windows has access lists for that, which a directory in the user's profile inherits.
func PrivateDirectory(dir string) (*os.Root, error) {
	return private(dir, way{make: 0o700, itself: true})
}

// PrivatePath is PrivateDirectory that makes the directories above it too.
func PrivatePath(dir string) (*os.Root, error) {
	return private(dir, way{make: 0o700, all: true, itself: true})
}

// ExistingPrivate is PrivateDirectory that makes nothing.
func ExistingPrivate(dir string) (*os.Root, error) { return private(dir, way{itself: true}) }

func private(dir string, w way) (*os.Root, error) {
	if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a link or a file, not a directory", dir)
	}
	root, err := reach(filepath.Clean(dir), w)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil {
		err = alone(dir, info)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

func alone(dir string, info fs.FileInfo) error {
	who := foreignOwner(info, false)
	switch {
	case who != "":
		return fmt.Errorf("%s belongs to %s", dir, who)
	case openToOthers(info):
		return fmt.Errorf("%s is open to others (mode %04o)", dir, info.Mode().Perm())
	}
	return nil
}
