// Package tokenfile keeps a token in a file fresh, for programs that read one from there and know nothing of where it
// comes from: Google's libraries with a file as credential_source, and Azure's with AZURE_FEDERATED_TOKEN_FILE.
package tokenfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/idferry/idferry/internal/ownfile"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// File is the file. It holds the token and nothing else, not even a line break: no client trims what it reads.
type File struct {
	// Field is the flag that names the file, for errors.
	Field string
	Path  string
	// Mode is 0600, or 0640 and the like for readers of the same group; zero means 0600.
	Mode fs.FileMode
	// Force replaces a file that holds something else.
	Force bool
}

// maxToken is more than any token has: Entra's with two hundred groups are of 12 KB.
const maxToken = 1 << 20

// Check makes the file's directory where only that is missing, and says why the file may not be replaced.
func (f File) Check() error {
	file, err := f.open()
	if err == nil {
		file.Close()
	}
	return err
}

// open opens the place anew each time: whoever mends or remounts the directory needs no restart of ours.
func (f File) open() (*ownfile.File, error) {
	mode := fs.FileMode(0o600)
	if f.Mode != 0 {
		mode = f.Mode
	}
	if mode&^0o640 != 0 || mode&0o400 == 0 {
		return nil, problem.Input("--mode", "%#o is none of 0600, 0640, 0400 and 0440; a token is for its owner and at most one group", uint32(mode))
	}
	// A volume of a pod belongs to everybody in it, so that a directory of our own inside it is needed. The group may
	// enter it if it may read the file.
	dir := filepath.Dir(f.Path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := ownfile.MakeDirectory(dir, 0o700|mode&0o040|mode&0o040>>2); err != nil {
			return nil, problem.Input(f.Field, "its directory is missing and cannot be made: %w", err).WithHint("mkdir -p -m 700 %s", dir)
		}
	}
	file, err := ownfile.Open(ownfile.Place{Field: f.Field, Path: f.Path, Mode: mode})
	if err != nil || f.Force {
		return file, err
	}
	held, err := file.Read(maxToken)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file, nil
	case err != nil:
		err = problem.Input(f.Field, "what %s holds cannot be read: %w", f.Path, err)
	case len(held) > 0 && !isToken(held):
		err = problem.Input(f.Field, "%s holds something else than a token", f.Path).WithHint("name another file, or replace this one with --force")
	default:
		return file, nil
	}
	file.Close()
	return nil, err
}

func isToken(held []byte) bool {
	_, err := token.ReadClaims(string(bytes.TrimSpace(held)))
	return err == nil
}

// Write replaces the file. What it held stays when that fails.
func (f File) Write(t token.Token) error {
	file, err := f.open()
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Write([]byte(t.Value.Reveal())); err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err // the temporary name says nothing to anybody
		}
		return problem.New(problem.Unexpected, "write %s: %w", f.Path, err).WithHint("df %[1]s; ls -ld %[1]s", filepath.Dir(f.Path))
	}
	return nil
}

func same(a, b token.Token) bool { return a.Value.Reveal() == b.Value.Reveal() }

// missing reports whether somebody removed the file.
func (f File) missing() bool {
	_, err := os.Lstat(f.Path)
	return errors.Is(err, fs.ErrNotExist)
}

// Fresh returns an error unless path holds a token that has not expired by its own word. Whoever may read the file may
// ask.
func Fresh(path string, now time.Time) error {
	held, err := os.ReadFile(path)
	if err != nil {
		return problem.New(problem.BadInput, "no token is there yet: %w", err)
	}
	claims, err := token.ReadClaims(string(held))
	if err != nil {
		return problem.New(problem.BadInput, "%s holds no token: %w", path, err)
	}
	if !now.Before(claims.Expiry) {
		return problem.New(problem.Expired, "the token in %s expired at %s", path, claims.Expiry.Format(time.RFC3339)).
			WithHint("see what the program that renews it says")
	}
	return nil
}
