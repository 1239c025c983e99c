package kubeconfig

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

// lockWait is how long a lock of kubectl is waited for. kubectl holds one for the time of one write.
const lockWait = 2 * time.Second

// lockAll takes the lock of every file as clientcmd does (tools/clientcmd/loader.go, lockFile): a file of the same name
// with .lock behind it, which must not exist. A link is locked under both of its names. The returned function
// gives back what was taken, also after an error.
func lockAll(ctx context.Context, files []*File) (func(), error) {
	var names, held []string
	for _, f := range files {
		names = append(names, f.Path+".lock", f.Target+".lock")
	}
	// In one order for everybody, so that no two wait for each other.
	slices.Sort(names)
	unlock := func() {
		for _, name := range held {
			_ = os.Remove(name)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for _, name := range slices.Compact(names) {
		if err := lock(ctx, name); err != nil {
			return unlock, err
		}
		held = append(held, name)
	}
	return unlock, nil
}

func lock(ctx context.Context, name string) error {
	for {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0)
		switch {
		case err == nil:
			return file.Close()
		case !errors.Is(err, fs.ErrExist):
			return problem.New(problem.Refused, "lock the kubeconfig: %w; nothing was written", err)
		}
		select {
		case <-ctx.Done():
			return problem.New(problem.Refused, "%s exists: kubectl is writing the kubeconfig, or was interrupted while it did; nothing was written", name).
				WithHint("if no kubectl is running: rm -f %s", name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
