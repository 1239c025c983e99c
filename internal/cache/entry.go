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

const (
	// renewalMargin is how much of a token's life must be left for it to be served without a renewal. It is what
	// token.PublishedExpiry tells callers, so that one that comes back then gets a new token.
	renewalMargin = 10 * time.Minute
	// staleMargin is how much must be left for a token to be served when its renewal failed: client-go, azcore and
	// Google's libraries would not use a token with less for the next request.
	staleMargin = 2 * time.Minute
	// skewTolerance is how far in the future a token may have been minted: further, and the clock has been set back,
	// so that what is said to be left cannot be believed.
	skewTolerance = 5 * time.Minute

	maxEntry = 1 << 20
)

// entry is a file as read, not opened yet. The zero entry is a missing one.
type entry struct {
	header
	raw  []byte
	size int // of the header
}

func (e entry) left(now time.Time) time.Duration {
	if e.raw == nil || e.minted.Sub(now) > skewTolerance {
		return 0
	}
	return e.expires.Sub(now)
}

// fresh says that the token is to be served as it is.
func (e entry) fresh(now time.Time) bool {
	margin := renewalMargin
	if life := e.expires.Sub(e.minted); life < 2*renewalMargin {
		margin = life / 2
	}
	if e.left(now) <= margin {
		return false
	}
	// A time to renew that had passed when the token came is no news to its issuer, which would only repeat itself.
	return !e.refresh.After(e.minted) || now.Before(e.refresh)
}

// usable says that the token may be served when its renewal failed.
func (e entry) usable(now time.Time) bool { return e.left(now) > staleMargin }

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
	return token.Token{Value: value, ExpiresOn: e.expires, RefreshOn: e.refresh}, nil
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
