package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	// The runtime directory is shared by all cache directories of the user.
	sum := sha256.Sum256([]byte(l.cacheDir + "\x00" + name))
	return flock.New(filepath.Join(dir, hex.EncodeToString(sum[:16])+".lock")), nil
}

// released tells when the lock's holder, another caller, has let go of it, or that there is no way to know. Those who
// wait share the lock for that moment, so that all of them go on at once. The wait cannot be called off, and costs a
// long-lived process a thread until then.
func (locks) released(lock *flock.Flock) <-chan error {
	done := make(chan error, 1)
	go func() {
		shared := flock.New(lock.Path())
		err := shared.RLock()
		done <- errors.Join(err, shared.Close())
	}()
	return done
}

// dir prefers the user's runtime directory, which is local where a home directory may be on NFS: flock goes to the
// server there, and without a lock manager the process hangs beyond any time limit, since it cannot even be killed.
// Callers that disagree about the directory mint one token more, no worse.
// xdg.RuntimeFile is not used: it falls back to a path in /tmp that anyone may have made.
func (l locks) dir() (string, error) {
	if err := ensureDir(l.cacheDir); err != nil {
		return "", err
	}
	// Where the winner cannot write what the others wait for, a lock only puts them in a row.
	if !writable(l.cacheDir) {
		return "", errors.New("the cache directory is read-only")
	}
	if runtimeDir, _ := l.lookup("XDG_RUNTIME_DIR"); filepath.IsAbs(runtimeDir) && exists(runtimeDir) && foreign(runtimeDir) == "" {
		dir := filepath.Join(runtimeDir, "idferry")
		if ensureDir(dir) == nil {
			return dir, nil
		}
	}
	if remote(l.cacheDir) {
		return "", errors.New("the cache directory is on NFS, where locks may hang")
	}
	return l.cacheDir, nil
}
