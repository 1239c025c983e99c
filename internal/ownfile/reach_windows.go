package ownfile

import (
	"io/fs"
	"os"
)

// walk only makes what is missing: making a link takes a privilege on Windows.
func (w way) walk(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	switch {
	case err == nil && w.itself && !info.IsDir():
		return nil, os.ErrInvalid
	case w.make != 0 && w.all:
		return nil, os.MkdirAll(path, 0o700)
	case err != nil && w.make != 0:
		return nil, os.Mkdir(path, 0o700)
	}
	return nil, nil
}
