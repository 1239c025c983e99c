package cache

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
)

// keyFile is beside the entries: whoever reads both reads the tokens. It is for containers whose seccomp profile
// refuses the kernel keyring, and only on request.
const keyFile = "key-v1"

type fileHolder struct{ dir string }

func (fileHolder) name() string { return string(File) }

func (h fileHolder) get(context.Context) (cacheKey, error) {
	raw, err := readOwn(filepath.Join(h.dir, keyFile), 4<<10)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cacheKey{}, errNoKey
	case err != nil:
		return cacheKey{}, &unavailable{reason: err.Error()}
	}
	return parseKey(string(raw))
}

func (h fileHolder) put(_ context.Context, key cacheKey) error {
	return writeOwn(h.dir, keyFile, []byte(key.text()))
}

func (h fileHolder) drop(context.Context) error { return remove(h.dir, keyFile) }
