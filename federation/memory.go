package federation

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/idferry/idferry/internal/attempt"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// failureMemory is how long a failure is repeated without asking again: it spares the issuer a program that asks in a loop.
const failureMemory = 5 * time.Second

// memory keeps the tokens of one credential in the process.
type memory struct {
	now   func() time.Time
	limit time.Duration
	store Cache

	mu      sync.RWMutex
	held    map[string]held
	flights singleflight.Group
}

// held is the last token for a key, if there was one, and what became of the last attempt to renew it.
type held struct {
	token  token.Token
	life   token.Life
	err    error
	failed time.Time
}

// failing returns the failure of the last seconds, or nil.
func (h held) failing(now time.Time) error {
	if age := now.Sub(h.failed); age >= 0 && age < failureMemory {
		return h.err
	}
	return nil
}

// fresh returns the token for key if it is to be served as it is. It allocates nothing.
func (m *memory) fresh(key []byte) (token.Token, bool) {
	m.mu.RLock()
	h, ok := m.held[string(key)]
	m.mu.RUnlock()
	if ok && h.life.Fresh(m.now()) {
		return h.token, true
	}
	return token.Token{}, false
}

// get returns the token for key when it is not fresh: the old one while a new one is on its way, as long as it is of use,
// or else the new one. challenge tells answers to different claims challenges apart.
func (m *memory) get(ctx context.Context, key, challenge string, wanted token.Wanted) (token.Token, error) {
	flight := key
	if wanted.Request.Bypass {
		flight += "\x00" + challenge
	} else if t, err, settled := m.settled(ctx, key, wanted); settled {
		return t, err
	}
	if ctx.Err() != nil {
		return token.Token{}, gaveUp(ctx, wanted.What)
	}
	select {
	case r := <-m.renew(ctx, key, flight, wanted):
		if r.Err != nil {
			return token.Token{}, r.Err
		}
		return r.Val.(token.Token), nil
	case <-ctx.Done():
		return token.Token{}, gaveUp(ctx, wanted.What)
	}
}

// settled looks whether there is nothing to wait for: an old token that is of use, or a failure of the last seconds.
func (m *memory) settled(ctx context.Context, key string, wanted token.Wanted) (token.Token, error, bool) {
	now := m.now()
	m.mu.RLock()
	h := m.held[key]
	m.mu.RUnlock()
	failing := h.failing(now)
	switch {
	case h.life.Usable(now):
		if failing == nil {
			m.renew(ctx, key, key, wanted)
		}
		return h.token, nil, true
	case failing != nil:
		return token.Token{}, failing, true
	}
	return token.Token{}, nil, false
}

func gaveUp(ctx context.Context, what string) error {
	code := "canceled"
	if ctx.Err() == context.DeadlineExceeded {
		code = problem.DeadlineExceeded
	}
	return problem.New(code, "%s: the caller gave up: %w", what, context.Cause(ctx))
}

// renew asks for a new token, unless somebody does so already. The one who asks may give up without that ending it.
func (m *memory) renew(ctx context.Context, key, flight string, wanted token.Wanted) <-chan singleflight.Result {
	return m.flights.DoChan(flight, func() (any, error) {
		if t, ok := m.fresh([]byte(key)); ok && !wanted.Request.Bypass {
			// Another attempt ended between the look that led here and now.
			return t, nil
		}
		t, err := attempt.Within(context.WithoutCancel(ctx), m.limit, wanted.What, func(ctx context.Context) (token.Token, error) {
			return m.store.Token(ctx, wanted)
		})
		m.keep(key, wanted.Request, t, err)
		return t, err
	})
}

func (m *memory) keep(key string, request token.Request, t token.Token, err error) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held == nil {
		m.held = map[string]held{}
	}
	maps.DeleteFunc(m.held, func(_ string, h held) bool { return !h.life.Usable(now) && h.failing(now) == nil })
	switch {
	case err != nil && request.Bypass:
		// An answer to a claims challenge says nothing about calls without one.
	case err != nil:
		h := m.held[key]
		h.err, h.failed = err, now
		m.held[key] = h
	case request.Admits(t) == nil:
		m.held[key] = held{token: t, life: t.Life(now)}
	}
}
