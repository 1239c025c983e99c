package cache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/token"
)

const maxEntry = 1 << 20

// entry is a file as read, not opened yet. The zero entry is a missing one.
type entry struct {
	header
	raw  []byte
	size int // of the header
}

func (e entry) life() token.Life {
	return token.Life{Minted: e.minted, Refresh: e.refresh, Expires: e.expires}
}

// fresh says that the token is to be served as it is.
func (e entry) fresh(now time.Time) bool { return e.raw != nil && e.life().Fresh(now) }

// usable says that the token may be served when its renewal failed.
func (e entry) usable(now time.Time) bool { return e.raw != nil && e.life().Usable(now) }

// readEntry reads the entry of id, or says why there is none.
func (c *Cache) readEntry(id identity) (entry, string) {
	raw, err := readOwn(filepath.Join(c.dir, id.entryName()), maxEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return entry{}, ""
	}
	if err != nil {
		return entry{}, err.Error()
	}
	h, size, err := parseHeader(raw)
	if err != nil {
		return entry{}, err.Error()
	}
	return entry{h, raw, size}, ""
}

// openEntry opens an entry with one operation of its key's holder, or none if this process has had the key before.
func (c *Cache) openEntry(ctx context.Context, w wanted, e entry) (token.Token, error) {
	key, err := c.keys.forRead(ctx, e.holder, e.keyID)
	if err != nil {
		return token.Token{}, err
	}
	value, err := unseal(key, e.raw, e.size, w)
	if err != nil {
		return token.Token{}, err
	}
	return token.Token{Value: value, ExpiresOn: e.expires, RefreshOn: e.refresh, MintedOn: e.minted}, nil
}

func (c *Cache) writeEntry(w wanted, description string, t token.Token, key cacheKey, holder string) error {
	now := c.now()
	if !t.ExpiresOn.After(now) || t.Value.Empty() {
		return errors.New("the token has no life left to remember it for")
	}
	raw, err := seal(key, header{
		holder: holder, minted: now, expires: t.ExpiresOn, refresh: t.RefreshOn, description: description,
	}, w, t.Value)
	if err != nil {
		return err
	}
	if len(raw) > maxEntry {
		return errors.New("the token is too large to remember")
	}
	if err := writeOwn(c.dir, w.id().entryName(), raw); err != nil {
		return err
	}
	c.sweep(now)
	return nil
}

const (
	// sweepNames bounds what one sweep looks at.
	sweepNames = 512
	// unfinished is the age at which a temporary file has lost its writer, which was killed: writing takes milliseconds.
	unfinished = time.Minute
	// abandoned is the age at which what is remembered of a failure is of no use to anybody.
	abandoned = time.Hour
	// outlived is the age at which no token is good any more, whatever its file says or another version of us could read
	// in it. Entra's longest live for 28 hours.
	// https://learn.microsoft.com/entra/identity-platform/access-tokens#token-lifetime
	outlived = 48 * time.Hour
)

// sweep removes what has expired. Lock files stay: a lock on a removed file excludes nobody (the cause of a row of az's
// cache failures, azure-cli#20252, #21744, #25485).
func (c *Cache) sweep(now time.Time) {
	dir, err := os.Open(c.dir)
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(sweepNames)
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(c.dir, name))
		if err != nil || info.IsDir() {
			continue
		}
		// The file system's clock is the real one.
		age := time.Since(info.ModTime())
		gone := false
		switch {
		case strings.HasSuffix(name, entrySuffix):
			e, ok := c.peek(name)
			gone = age > outlived || ok && !e.expires.After(now)
		case strings.HasPrefix(name, temporaryPrefix):
			gone = age > unfinished
		case strings.HasSuffix(name, failureSuffix), strings.HasSuffix(name, markerSuffix):
			gone = age > abandoned
		}
		if gone {
			_ = remove(c.dir, name)
		}
	}
}

// peek reads what an entry's file says in clear.
func (c *Cache) peek(name string) (header, bool) {
	raw, err := readOwn(filepath.Join(c.dir, name), maxEntry)
	if err != nil {
		return header{}, false
	}
	h, _, err := parseHeader(raw)
	return h, err == nil
}
