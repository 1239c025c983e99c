package ownfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// way is how a directory is reached.
type way struct {
	// make is the permissions of a directory that is made where it is missing, or zero to make none. all makes those above
	// it too, with 0700.
	make fs.FileMode
	all  bool
	// itself means that the directory itself must not be a link.
	itself bool
}

// errLed says that a directory is not where its path says by our own doing.
var errLed = errors.New("it is reached by a link of another user's, who could lead it anywhere")

// reach opens the directory at path. Between a look at a path and its use, whoever may write to a directory above can put a
// link in its place; so nothing is followed on the way but links of root's and our own, and what was found is held open.
func reach(path string, w way) (*os.Root, error) {
	seen, err := w.walk(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	// The path was looked up once more.
	if info, err := root.Stat("."); err != nil || seen != nil && !os.SameFile(seen, info) {
		_ = root.Close()
		return nil, errors.Join(err, fmt.Errorf("%s was replaced while it was opened", path))
	}
	return root, nil
}

// MakeDirectory makes the directory at path, unless it is there, in one that exists.
func MakeDirectory(path string, mode fs.FileMode) error {
	root, err := reach(path, way{make: mode})
	if err == nil {
		_ = root.Close()
	}
	return err
}
