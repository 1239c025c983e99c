package externalaccount

import (
	"errors"
	"io/fs"

	"github.com/idferry/idferry/internal/ownfile"
	"github.com/idferry/idferry/internal/problem"
)

// most is more than any such file has.
const most = 1 << 20

// Write puts content at path, mode 0600, whole or not at all. Only a file of the same type is replaced, unless force is
// set: what else credentials are kept in may exist nowhere else.
func Write(path string, content []byte, force bool) error {
	f, err := ownfile.Open(ownfile.Place{Field: "FILE", Path: path})
	if err != nil {
		return err
	}
	defer f.Close()
	if !force {
		switch data, err := f.Read(most); {
		case errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0:
		case err != nil:
			return problem.Input("FILE", "%w", err)
		default:
			if _, err := parse(path, data); err != nil {
				return problem.Input("FILE", "%s, and it is not replaced", problem.From(err).Message).WithHint("name another file, or add --force")
			}
		}
	}
	if err := f.Write(content); err != nil {
		return problem.New(problem.BadInput, "write %s: %w", path, err)
	}
	return nil
}
