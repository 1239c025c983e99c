package cache

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

// Entry is what cache list shows of a remembered token: what its file says in clear. Nothing is opened or asked for.
type Entry struct {
	// ID is the SHA-256 of everything that selects the token, in hexadecimal.
	ID          string
	Description string
	// Holder names who keeps the key: keyring, kernel or file.
	Holder string
	// Minted, ExpiresOn and RefreshOn are in UTC; RefreshOn is zero when the issuer did not say.
	Minted, ExpiresOn, RefreshOn time.Time
}

// Dir returns the cache directory, which may not exist yet, or the reason why there is none.
func (c *Cache) Dir() (dir, reason string) { return c.dir, c.unusable }

// List returns the remembered tokens, the expired ones included, ordered by description.
func (c *Cache) List() []Entry {
	var list []Entry
	for _, name := range c.files() {
		id, isEntry := strings.CutSuffix(name, entrySuffix)
		if !isEntry {
			continue
		}
		raw, err := readOwn(filepath.Join(c.dir, name), maxEntry)
		if err != nil {
			continue
		}
		if h, _, err := parseHeader(raw); err == nil {
			list = append(list, Entry{id, h.description, h.holder, h.minted, h.expires, h.refresh})
		}
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		return a.Description < b.Description || a.Description == b.Description && a.ID < b.ID
	})
	return list
}

// Clear removes every remembered token and failure and then the key, so that a copy of the files is of no use either.
// A holder that does not work here keeps its key and is no error: the tokens are gone.
func (c *Cache) Clear(ctx context.Context) error {
	for _, name := range c.files() {
		switch filepath.Ext(name) {
		case entrySuffix, failureSuffix, markerSuffix:
			if err := remove(c.dir, name); err != nil {
				return problem.New(problem.Unexpected, "clear the cache: %w", err).WithHint("remove the directory %s", c.dir)
			}
		}
	}
	if c.keys != nil {
		c.keys.drop(ctx)
	}
	return nil
}

func (c *Cache) files() []string {
	if c.unusable != "" || foreign(c.dir) != "" {
		return nil
	}
	dir, err := os.Open(c.dir)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return names
}
