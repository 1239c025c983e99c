package pluggable

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/idferry/idferry/internal/problem"
)

const outputField = "output_file"

// OutputFile is the place where a client library looks for a response before it runs the executable. The library
// only reads it: writing is the executable's part. Only whole, successful documents are written, because clients
// fail for good on anything else they find there.
type OutputFile struct {
	dir  *os.Root
	path string
	name string
}

// OpenOutputFile checks that path can be replaced without following anybody else's links, before any token is asked
// for. It returns nil for "".
func OpenOutputFile(path string) (*OutputFile, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		return nil, problem.Input(outputField, "%q is not an absolute path", path).
			WithHint("AIP-4117 asks for an absolute path in credential_source.executable.output_file")
	}
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, problem.Input(outputField, "its directory cannot be used: %w", err).
			WithHint("mkdir -m 700 %s", filepath.Dir(path))
	}
	f := &OutputFile{dir: dir, path: path, name: filepath.Base(path)}
	if err := f.check(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *OutputFile) check() error {
	dir, err := f.dir.Stat(".")
	if err != nil {
		return problem.Input(outputField, "its directory cannot be read: %w", err)
	}
	if who := foreignOwner(dir, true); who != "" {
		return problem.Input(outputField, "the directory of %s belongs to %s, who could replace the token", f.path, who).
			WithHint("choose a directory of your own: mkdir -m 700 DIR")
	}
	if othersMayReplace(dir) {
		return problem.Input(outputField, "the directory of %s can be written by everybody, who could replace the token", f.path).
			WithHint("chmod o-w %s", filepath.Dir(f.path))
	}
	file, err := f.dir.Lstat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return problem.Input(outputField, "%w", err)
	case file.Mode()&fs.ModeSymlink != 0:
		return problem.Input(outputField, "%s is a symbolic link, and a token is not written through one", f.path).
			WithHint("name the file it points at, or remove it: rm %s", f.path)
	case !file.Mode().IsRegular():
		return problem.Input(outputField, "%s is not a regular file", f.path)
	}
	if who := foreignOwner(file, false); who != "" {
		return problem.Input(outputField, "%s belongs to %s, who could read or replace the token", f.path, who).
			WithHint("choose a file of your own")
	}
	return nil
}

// Write replaces the file by doc: written whole to a temporary name beside it, mode 0600, then renamed.
func (f *OutputFile) Write(doc []byte) error {
	temporary := "." + f.name + "." + rand.Text()[:10] + ".tmp"
	out, err := f.dir.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(doc)
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
func (f *OutputFile) Remove() error {
	if err := f.dir.Remove(f.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close lets go of the directory.
func (f *OutputFile) Close() { _ = f.dir.Close() }
