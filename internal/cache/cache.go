// Package cache remembers tokens between calls and processes. A token is sealed in a file of its own under the user's
// cache directory; the 32-byte key that opens it is kept by a holder: the operating system's keyring, the Linux kernel
// keyring, or a file where that was asked for. It knows no cloud, and none of its own troubles ever fails, hangs or
// prompts in a call: whatever goes wrong is a miss with a reason.
package cache

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Mode says who holds the key.
type Mode string

// The modes. Auto means the kernel keyring and then the Secret Service on Linux, the Keychain on macOS and the
// Credential Manager on Windows, and no cache where none of them works. Every other mode is taken at its word: it never
// turns to another holder.
const (
	Auto    Mode = "auto"
	Keyring Mode = "keyring"
	Kernel  Mode = "kernel"
	File    Mode = "file"
	Off     Mode = "off"
)

// Modes are the names of the modes.
func Modes() []string {
	return []string{string(Auto), string(Keyring), string(Kernel), string(File), string(Off)}
}

// ParseMode returns the mode that s names; an empty s is Auto.
func ParseMode(s string) (Mode, error) {
	switch {
	case s == "":
		return Auto, nil
	case slices.Contains(Modes(), s):
		return Mode(s), nil
	}
	return "", problem.Input("--cache", "%q is none of %s", s, strings.Join(Modes(), ", ")).
		WithHint("use --cache auto, or --cache off to remember nothing")
}

// Options are what a Cache needs to know. Only Mode must be set.
type Options struct {
	Mode Mode
	// Dir is an absolute path; empty means idferry under the XDG cache home, if there is a sane one.
	Dir string
	// Lookup reads the environment; nil means an empty one. The D-Bus and XDG libraries read the process's own
	// environment besides, so give os.LookupEnv unless they do not matter.
	Lookup func(string) (string, bool)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log receives what was decided and why, never a token; nil means no log.
	Log *slog.Logger
}

// Cache remembers tokens. It is safe for concurrent use.
type Cache struct {
	off      bool
	unusable string // why nothing is ever remembered; empty if something may be
	dir      string
	now      func() time.Time
	log      *slog.Logger
	keys     *keys
	locks    locks
	flights  flights
}

// Open returns a Cache and never fails: a Cache that can remember nothing says so in each Outcome. It asks no keyring
// and makes no directory.
func Open(o Options) *Cache {
	c := &Cache{now: o.Now, log: o.Log}
	if c.now == nil {
		c.now = time.Now
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if o.Lookup == nil {
		o.Lookup = func(string) (string, bool) { return "", false }
	}
	if o.Mode == "" {
		o.Mode = Auto
	}
	if o.Mode == Off {
		c.off, c.unusable = true, "the cache is off"
		return c
	}
	if c.dir, c.unusable = locate(o.Dir, o.Lookup); c.unusable != "" {
		return c
	}
	c.locks = locks{cacheDir: c.dir, lookup: o.Lookup, patience: lockWait}
	c.keys = &keys{dir: c.dir, mode: o.Mode, now: c.now, locks: c.locks, memo: map[string]cacheKey{}, down: map[string]time.Time{}}
	switch {
	case o.Mode == File:
		c.keys.holders = []holder{fileHolder{c.dir}}
	case o.Mode == Kernel && runtime.GOOS != "linux":
		c.unusable = "only Linux has a kernel keyring"
	case o.Mode == Kernel:
		c.keys.holders = []holder{newKernelHolder()}
	case o.Mode == Auto && runtime.GOOS == "linux":
		// The kernel first: it cannot prompt or hang and is read in a fifth of a millisecond, the Secret Service in five.
		c.keys.holders = []holder{newKernelHolder(), newKeyringHolder(o.Lookup)}
	default:
		c.keys.holders = []holder{newKeyringHolder(o.Lookup)}
	}
	return c
}

// Outcome says what the cache did, for the log.
type Outcome struct {
	// Hit is set when the token was remembered, by this process or another.
	Hit bool
	// Stale is set when the renewal failed and the token it was to replace is served. Hit is set too.
	Stale bool
	// Reason says why nothing was read or remembered. It may be empty.
	Reason string
}

// Token returns the remembered token for req if it is fresh, and else what mint returns. Any number of callers, in this
// process and others, that want the same token at the same time call mint once. What mint returned is returned
// whatever becomes of remembering it. The error is mint's (or the one it returned less than five seconds ago), or says
// that ctx ended.
func (c *Cache) Token(ctx context.Context, req token.Request, mint func(context.Context) (token.Token, error)) (token.Token, Outcome, error) {
	start := time.Now()
	t, out, err := c.token(ctx, req, mint)
	c.log.DebugContext(ctx, "cache", "purpose", req.Purpose, "hit", out.Hit, "stale", out.Stale, "reason", out.Reason, "took", time.Since(start))
	return t, out, err
}

// Remembered returns the token for req if it is remembered and fresh: what Token returns without asking anybody. It
// leaves everything as it is. A fault of our own in it is a miss, for Token's caller to tell.
func (c *Cache) Remembered(ctx context.Context, req token.Request) (t token.Token, hit bool) {
	defer func() {
		if recover() != nil {
			t, hit = token.Token{}, false
		}
	}()
	if c.unusable != "" || req.Unknown != "" || req.Bypass || foreign(c.dir) != "" {
		return token.Token{}, false
	}
	want := wantedBy(req)
	r := &renewal{c: c, req: req, want: want, id: want.id()}
	return r.hit(ctx)
}

func (c *Cache) token(ctx context.Context, req token.Request, mint func(context.Context) (token.Token, error)) (token.Token, Outcome, error) {
	reason := c.unusable
	if reason == "" {
		reason = req.Unknown
	}
	if reason == "" {
		reason = foreign(c.dir)
	}
	if reason != "" {
		direct := func() (token.Token, Outcome, error) {
			t, err := mint(ctx)
			return t, Outcome{Reason: reason}, err
		}
		if c.off || req.Bypass || req.Unknown != "" {
			return direct()
		}
		return c.flights.do(ctx, wantedBy(req).id(), direct)
	}
	want := wantedBy(req)
	r := &renewal{c: c, req: req, want: want, id: want.id(), mint: mint}
	if req.Bypass {
		// Neither a lock nor company: an answer to someone else's challenge is none to this one.
		r.fetchKey(ctx)
		return r.renew(ctx)
	}
	if t, ok := r.hit(ctx); ok {
		return t, Outcome{Hit: true}, nil
	}
	return c.flights.do(ctx, r.id, func() (token.Token, Outcome, error) { return r.run(ctx) })
}

// Forget removes what is remembered for req, such as a token that was revoked.
func (c *Cache) Forget(_ context.Context, req token.Request) error {
	if c.unusable != "" || foreign(c.dir) != "" {
		return nil
	}
	id := wantedBy(req).id()
	for _, name := range []string{id.entryName(), id.failureName()} {
		if err := remove(c.dir, name); err != nil {
			return problem.New(problem.Unexpected, "forget a token: %w", err).WithHint("remove the directory %s", c.dir)
		}
	}
	return nil
}
