package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/idferry/idferry/internal/problem"
)

// Append opens the file to be written at its end, and makes it where it is missing. It may be in a directory where others
// make files, as /tmp is, so that what is there already is looked at once it is open: neither a link nor another name of one
// of our files is written to. Where others may take names away too, no look is proof: what is another name when the file is
// opened need not be one any more when it is looked at. That directory is refused unless the kernel lets nobody make such
// names.
func Append(place Place) (*os.File, error) { return openEnd(place, hardLinksProtected()) }

func openEnd(place Place, linksProtected bool) (*os.File, error) {
	dir, err := reach(filepath.Dir(place.Path), way{})
	if err != nil {
		return nil, problem.Input(place.Field, "its directory cannot be used: %w", err)
	}
	defer dir.Close()
	if !linksProtected {
		if err := keepsNames(place, dir); err != nil {
			return nil, err
		}
	}
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

// keepsNames says that nobody else may take a name out of the directory.
func keepsNames(place Place, dir *os.Root) error {
	info, err := dir.Stat(".")
	if err != nil {
		return problem.Input(place.Field, "its directory cannot be read: %w", err)
	}
	switch who := foreignOwner(info, true); {
	case who != "":
		return problem.Input(place.Field, "the directory of %s belongs to %s, who could lead what is written elsewhere", place.Path, who).
			WithHint("choose a directory of your own: mkdir -m 700 DIR")
	case othersMayReplace(info) || groupMayReplace(info):
		return problem.Input(place.Field, "the directory of %s can be written by others, who could lead what is written elsewhere", place.Path).
			WithHint("name a file in a directory of your own inside it: mkdir -m 700 %s", filepath.Join(filepath.Dir(place.Path), "idferry"))
	}
	return nil
}

// appendable looks at the name first: nobody else takes away one that is a link, so that the file has it still when its
// names are counted.
func appendable(path string, dir *os.Root, name string, out *os.File) error {
	there, err := dir.Lstat(name)
	if err != nil {
		return err
	}
	opened, err := out.Stat()
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
