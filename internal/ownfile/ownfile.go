// Package ownfile replaces a file that programs read at any moment: whole, and only where nobody else could replace it
// or lead the writer astray.
package ownfile

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/idferry/idferry/internal/problem"
)

// Place says which file is meant.
type Place struct {
	// Field is the flag or the key that names it, for errors.
	Field string
	Path  string
	// Mode is the permissions it gets, whatever the umask is; zero means 0600. Windows has access lists in their place.
	Mode fs.FileMode
}

// File is a file in a directory that is held open. It may not exist yet.
type File struct {
	place Place
	dir   *os.Root
	name  string
}

// Open checks that the file can be replaced without following anybody else's links. Its errors are of what the caller
// named wrongly.
func Open(place Place) (*File, error) {
	if place.Mode == 0 {
		place.Mode = 0o600
	}
	dir, err := reach(filepath.Dir(place.Path), way{})
	switch {
	case errors.Is(err, errLed):
		return nil, problem.Input(place.Field, "its directory is not used: %w", err).
			WithHint("choose a directory of your own: mkdir -m 700 DIR")
	case err != nil:
		return nil, problem.Input(place.Field, "its directory cannot be used: %w", err).
			WithHint("mkdir -m 700 %s", filepath.Dir(place.Path))
	}
	f := &File{place, dir, filepath.Base(place.Path)}
	if err := f.check(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) check() error {
	field, path := f.place.Field, f.place.Path
	dir, err := f.dir.Stat(".")
	if err != nil {
		return problem.Input(field, "its directory cannot be read: %w", err)
	}
	if who := foreignOwner(dir, true); who != "" {
		return problem.Input(field, "the directory of %s belongs to %s, who could replace it", path, who).
			WithHint("choose a directory of your own: mkdir -m 700 DIR")
	}
	if othersMayReplace(dir) {
		return problem.Input(field, "the directory of %s can be written by everybody, who could replace it", path).
			WithHint("chmod o-w %[1]s, or name a file in a directory of your own inside it: mkdir -m 700 %[1]s/idferry", filepath.Dir(path))
	}
	file, err := f.dir.Lstat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return problem.Input(field, "%w", err)
	case file.Mode()&fs.ModeSymlink != 0:
		return problem.Input(field, "%s is a symbolic link, and nothing is written through one", path).
			WithHint("name the file it points at, or remove it: rm %s", path)
	case !file.Mode().IsRegular():
		return problem.Input(field, "%s is not a regular file", path)
	}
	if who := foreignOwner(file, false); who != "" {
		return problem.Input(field, "%s belongs to %s, who could read or replace it", path, who).
			WithHint("choose a file of your own")
	}
	return nil
}

// Read returns the first most bytes of what is there, or an error that is fs.ErrNotExist.
func (f *File) Read(most int64) ([]byte, error) {
	// Who may replace the file may put a pipe in its place since it was looked at, and nobody waits for its other end.
	in, err := f.dir.OpenFile(f.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is not a regular file any more"))
	}
	return io.ReadAll(io.LimitReader(in, most))
}

// Write replaces the file by doc: written whole to a temporary name beside it, then renamed.
func (f *File) Write(doc []byte) error {
	temporary := "." + f.name + "." + rand.Text()[:10] + ".tmp"
	out, err := f.dir.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(doc)
	if f.place.Mode != 0o600 && runtime.GOOS != "windows" {
		err = errors.Join(err, out.Chmod(f.place.Mode))
	}
	err = errors.Join(err, out.Close())
	if err == nil {
		err = f.dir.Rename(temporary, f.name)
	}
	if err != nil {
		_ = f.dir.Remove(temporary)
	}
	return err
}

// Remove deletes the file; it is no error when there is none.
func (f *File) Remove() error {
	if err := f.dir.Remove(f.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close lets go of the directory.
func (f *File) Close() { _ = f.dir.Close() }
