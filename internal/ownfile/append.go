package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/idferry/idferry/internal/problem"
)

// Append opens the file to be written at its end, and makes it where it is missing. It may be in a directory that is not
// ours, as logs are, so that what is there already is looked at once it is open: neither a link nor another name of one of
// our files is written to.
func Append(place Place) (*os.File, error) {
	dir, err := reach(filepath.Dir(place.Path), way{})
	if err != nil {
		return nil, problem.Input(place.Field, "its directory cannot be used: %w", err)
	}
	defer dir.Close()
	name := filepath.Base(place.Path)
	const end = os.O_WRONLY | os.O_APPEND
	out, err := dir.OpenFile(name, end|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		out, err = dir.OpenFile(name, end|syscall.O_NONBLOCK, 0)
		if err == nil {
			err = appendable(place.Path, dir, name, out)
		}
	}
	if err != nil {
		if out != nil {
			_ = out.Close()
		}
		var at *fs.PathError
		if errors.As(err, &at) {
			at.Path = place.Path
		}
		return nil, problem.Input(place.Field, "%w", err)
	}
	return out, nil
}

func appendable(path string, dir *os.Root, name string, out *os.File) error {
	opened, err := out.Stat()
	if err != nil {
		return err
	}
	there, err := dir.Lstat(name)
	switch {
	case err != nil:
		return err
	case !there.Mode().IsRegular() || !opened.Mode().IsRegular():
		return errors.New(path + " is not a regular file")
	case !os.SameFile(there, opened):
		return errors.New(path + " was replaced while it was opened")
	case foreignOwner(opened, true) != "":
		return errors.New(path + " belongs to " + foreignOwner(opened, true))
	case otherNames(opened):
		return errors.New(path + " has another name somewhere, and nothing is written to that")
	}
	return nil
}
