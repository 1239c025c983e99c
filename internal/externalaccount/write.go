package externalaccount

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/idferry/idferry/internal/problem"
)

// Write puts content at path, mode 0600, whole or not at all. Only a file of the same type is replaced, unless force is
// set: what else credentials are kept in may exist nowhere else.
func Write(path string, content []byte, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return problem.Input("FILE", "%w", err)
	case info.Mode()&fs.ModeSymlink != 0:
		return problem.Input("FILE", "%s is a symbolic link, which would be lost", path).WithHint("name the file it points at")
	case !info.Mode().IsRegular():
		return problem.Input("FILE", "%s is not a regular file", path)
	case !force:
		data, err := os.ReadFile(path)
		if err != nil {
			return problem.Input("FILE", "%w", err)
		}
		if _, err := parse(path, data); err != nil && len(data) > 0 {
			e := problem.From(err)
			return problem.Input("FILE", "%s, and it is not replaced", e.Message).WithHint("name another file, or add --force")
		}
	}
	// CreateTemp makes the file 0600.
	f, err := os.CreateTemp(filepath.Dir(path), ".external_account-*")
	if err != nil {
		return problem.Input("FILE", "%w", err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return problem.New(problem.BadInput, "write %s: %w", path, err)
	}
	return nil
}
