package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// locks opens the lock files. They are never deleted (see sweep) and hold nothing.
type locks struct {
	cacheDir string
	lookup   func(string) (string, bool)
	// patience bounds the wait for another caller's renewal.
	patience time.Duration
}

// open returns the lock called name, not taken yet.
func (l locks) open(name string) (*flock.Flock, error) {
	dir, err := l.dir()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	// The runtime directory is shared by all cache directories of the user.
	sum := sha256.Sum256([]byte(l.cacheDir + "\x00" + name))
	file := hex.EncodeToString(sum[:16]) + ".lock"
	// It is made in the directory that was looked at, and never by its path.
	if made, err := dir.OpenFile(file, os.O_RDONLY|os.O_CREATE, 0o600); err == nil {
		_ = made.Close()
	}
	return flock.New(filepath.Join(dir.Name(), file), flock.SetFlag(os.O_RDONLY)), nil
}

// released tells when the lock's holder, another caller, has let go of it, or that there is no way to know. Those who
// wait share the lock for that moment, so that all of them go on at once. The wait cannot be called off, and costs a
// long-lived process a thread until then.
func (locks) released(lock *flock.Flock) <-chan error {
	done := make(chan error, 1)
	go func() {
		shared := flock.New(lock.Path(), flock.SetFlag(os.O_RDONLY))
		err := shared.RLock()
		done <- errors.Join(err, shared.Close())
	}()
	return done
}

// dir prefers the user's runtime directory, which is local where a home directory may be on NFS: flock goes to the
// server there, and without a lock manager the process hangs beyond any time limit, since it cannot even be killed.
// Callers that disagree about the directory mint one token more, no worse.
// xdg.RuntimeFile is not used: it falls back to a path in /tmp that anyone may have made.
func (l locks) dir() (*os.Root, error) {
	cache, err := ensureDir(l.cacheDir)
	if err != nil {
		return nil, err
	}
	// Where the winner cannot write what the others wait for, a lock only puts them in a row.
	if !writable(l.cacheDir) {
		return nil, errors.Join(errors.New("the cache directory is read-only"), cache.Close())
	}
	if runtimeDir, _ := l.lookup("XDG_RUNTIME_DIR"); filepath.IsAbs(runtimeDir) && exists(runtimeDir) && foreign(runtimeDir) == "" {
		if dir, err := ensureDir(filepath.Join(runtimeDir, "idferry")); err == nil {
			_ = cache.Close()
			return dir, nil
		}
	}
	if remote(l.cacheDir) {
		return nil, errors.Join(errors.New("the cache directory is on NFS, where locks may hang"), cache.Close())
	}
	return cache, nil
}
