package cache

import (
	"cmp"
	"context"
	"os"
	"slices"
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

// Dir returns the cache directory, which may not exist yet, or the reason why there is none to use.
func (c *Cache) Dir() (dir, reason string) {
	if c.unusable != "" {
		return c.dir, c.unusable
	}
	return c.dir, foreign(c.dir)
}

// List returns the remembered tokens, the expired ones included, ordered by description.
func (c *Cache) List() []Entry {
	var list []Entry
	for _, name := range c.files() {
		id, isEntry := strings.CutSuffix(name, entrySuffix)
		if !isEntry {
			continue
		}
		if h, ok := c.peek(name); ok {
			list = append(list, Entry{id, h.description, h.holder, h.minted, h.expires, h.refresh})
		}
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Description, b.Description), strings.Compare(a.ID, b.ID))
	})
	return list
}

// Selection says what Clear removes. The zero value is everything but the keys.
type Selection struct {
	// Keys means the keys too, of every holder that the mode may turn to and the one in a file, so that copies of the
	// files are of no use either.
	Keys bool
	// Expired means only tokens that have expired.
	Expired bool
	// Match means only tokens whose description holds it, or whose ID begins with it.
	Match string
}

func (s Selection) everything() bool { return !s.Expired && s.Match == "" }

func (s Selection) selects(e Entry, now time.Time) bool {
	if s.Expired && e.ExpiresOn.After(now) {
		return false
	}
	match := strings.ToLower(s.Match)
	return strings.Contains(strings.ToLower(e.Description), match) || strings.HasPrefix(e.ID, match)
}

// Clear removes what s selects and returns the tokens among it. With everything go the files that cannot be read and
// what is remembered of failures. A holder that does not work here keeps its key and is no error: the tokens are gone.
// Lock files stay (see sweep).
func (c *Cache) Clear(ctx context.Context, s Selection) ([]Entry, error) {
	var removed []Entry
	names := map[string]bool{}
	for _, e := range c.List() {
		if s.selects(e, c.now()) {
			removed = append(removed, e)
			names[e.ID+entrySuffix], names[e.ID+failureSuffix] = true, true
		}
	}
	if s.everything() {
		for _, name := range c.files() {
			if strings.HasSuffix(name, entrySuffix) || strings.HasSuffix(name, failureSuffix) || strings.HasSuffix(name, markerSuffix) {
				names[name] = true
			}
		}
	}
	for name := range names {
		if err := remove(c.dir, name); err != nil {
			return nil, problem.New(problem.Unexpected, "clear the cache: %w", err).WithHint("remove the directory %s", c.dir)
		}
	}
	if s.Keys && c.keys != nil {
		_ = remove(c.dir, keyFile)
		c.keys.drop(ctx)
	}
	return removed, nil
}

func (c *Cache) files() []string {
	if _, reason := c.Dir(); reason != "" {
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
