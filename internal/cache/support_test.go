package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// TestMain lets the test binary stand in for the processes that a story needs; see processes_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// clock stands still until it is told otherwise.
type clock struct{ at atomic.Int64 }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newClock() *clock {
	c := &clock{}
	c.at.Store(noon.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

// memory is a holder without an operating system, which counts what it is asked.
type memory struct {
	mu   sync.Mutex
	key  *cacheKey
	fail error
	// refuse is what put says.
	refuse error
	// takes is how long an operation takes, on synctest's clock.
	takes time.Duration
	gets  int
	puts  int
}

func (m *memory) name() string { return "memory" }

func (m *memory) get(context.Context) (cacheKey, error) {
	time.Sleep(m.takes)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if m.fail != nil {
		return cacheKey{}, m.fail
	}
	if m.key == nil {
		return cacheKey{}, errNoKey
	}
	return *m.key, nil
}

func (m *memory) put(_ context.Context, k cacheKey) error {
	time.Sleep(m.takes)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	if m.refuse != nil {
		return m.refuse
	}
	m.key = &k
	return m.fail
}

func (m *memory) drop(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.key = nil
	return nil
}

func (m *memory) operations() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gets + m.puts
}

// open returns a cache in dir as a new process would, with the holder given or the file holder.
func open(t *testing.T, dir string, c *clock, h ...holder) *Cache {
	t.Helper()
	cache := Open(Options{Mode: File, Dir: dir, Now: c.now})
	if len(h) > 0 {
		cache.keys.holders = h
	}
	return cache
}

// issuer mints numbered tokens, or fails, and counts.
type issuer struct {
	clock   *clock
	life    time.Duration
	refresh time.Duration
	size    int
	fail    error
	minted  atomic.Int32
}

func (i *issuer) mint(context.Context) (token.Token, error) {
	n := i.minted.Add(1)
	if i.fail != nil {
		return token.Token{}, i.fail
	}
	t := token.Token{Value: token.NewSecret(string(rune('a'-1+n)) + strings.Repeat("x", i.size))}
	if i.life != 0 {
		t.ExpiresOn = i.clock.now().Add(i.life)
	}
	if i.refresh != 0 {
		t.RefreshOn = i.clock.now().Add(i.refresh)
	}
	return t, nil
}

func request(values ...string) token.Request {
	r := token.Request{Purpose: "test", Description: "a token for " + strings.Join(values, " ")}
	for _, v := range values {
		r.Inputs = append(r.Inputs, token.Input{Name: "tenant", Value: v})
	}
	return r
}

// want calls Token and fails the test unless it returns the value wanted.
func want(t *testing.T, c *Cache, r token.Request, i *issuer, value string) Outcome {
	t.Helper()
	tok, out, err := c.Token(t.Context(), r, i.mint)
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	if got := tok.Value.Reveal(); got[:1] != value {
		t.Fatalf("token %q, want %q (outcome %+v)", got[:1], value, out)
	}
	return out
}

func entryPath(dir string, r token.Request) string {
	return filepath.Join(dir, wantedBy(r).id().entryName())
}

// privateDir is a directory as idferry makes it; t.TempDir is 0755.
func privateDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "idferry")
}

var errUpstream = errors.New("upstream says no")
