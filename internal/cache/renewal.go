package cache

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const (
	// lockPoll is how often a waiting caller tries the lock and looks for the token where it cannot be told of a lock
	// that is let go.
	lockPoll = 25 * time.Millisecond
	// lookAgain is how often it does where it can, for a token of one who took no lock. Waking up is what costs: 200
	// callers that look every 15 ms keep the processors from the one that they wait for, and are served twice as late.
	lookAgain = 500 * time.Millisecond
	// lockWait is locks.patience: under the 25 s and 30 s that Google's SDKs give.
	lockWait = 20 * time.Second
	// lastWord is how long the key may take when the caller's context has ended.
	lastWord = 250 * time.Millisecond
)

// renewal is one caller's way to a token.
type renewal struct {
	c    *Cache
	req  token.Request
	want wanted
	id   identity // want's
	mint func(context.Context) (token.Token, error)

	first  entry    // what was remembered when the call began
	bad    []byte   // an entry that did not open, so that polling does not ask the keyring about it again
	reason string   // why the last entry was not used
	key    *pending // the key to seal with, under way since it was known to be needed
}

// hit reads the remembered token if it is fresh. A missing, expired or ageing entry is told by its clear header, so it
// costs no keyring operation.
func (r *renewal) hit(ctx context.Context) (token.Token, bool) {
	r.first, r.reason = r.c.readEntry(r.id)
	if !r.first.fresh(r.c.now()) {
		return token.Token{}, false
	}
	return r.open(ctx, r.first)
}

func (r *renewal) open(ctx context.Context, e entry) (token.Token, bool) {
	if e.raw == nil || bytes.Equal(e.raw, r.bad) {
		return token.Token{}, false
	}
	t, err := r.c.openEntry(ctx, r.want, e)
	if err == nil {
		err = r.req.Admits(t)
	}
	if err != nil {
		r.bad, r.reason = e.raw, err.Error()
		return token.Token{}, false
	}
	return t, true
}

// run renews the token, unless another caller does so first.
func (r *renewal) run(ctx context.Context) (token.Token, Outcome, error) {
	if t, out, err, settled := r.settled(ctx); settled {
		return t, out, err
	}
	r.fetchKey(ctx)
	lock, err := r.c.locks.open(r.id.String())
	if err != nil {
		r.reason = err.Error()
		return r.renew(ctx)
	}
	// The deferred Close is also what keeps the lock: a flock whose object is not used afterwards is released by the
	// finaliser of its file at the next garbage collection, which is during the exchange.
	defer lock.Close()

	timeout := time.NewTimer(r.c.locks.patience)
	defer timeout.Stop()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	keyDone := r.key.done
	var released <-chan error
	for {
		locked, lockErr := lock.TryLock()
		if lockErr != nil {
			r.reason = "there is no lock to be had: " + lockErr.Error()
		}
		if t, out, err, settled := r.settled(ctx); settled {
			return t, out, err
		}
		if locked || lockErr != nil || r.c.recentlyUnkept(r.id) {
			return r.renew(ctx)
		}
		if released == nil {
			released = r.c.locks.released(lock)
		}
		select {
		case err := <-released:
			if released = nil; err != nil {
				released = make(chan error)
				tick.Reset(lockPoll)
			}
		case <-ctx.Done():
			err := problem.New(problem.DeadlineExceeded, "wait for another process to renew the token: %w", context.Cause(ctx)).
				WithHint("run the command again; --cache off does not wait")
			return r.orStale(ctx, err)
		case <-timeout.C:
			r.reason = "another process has held the lock for too long"
			return r.renew(ctx)
		case <-keyDone:
			// Without a key nobody will find anything remembered, and waiting would only put the callers in a row.
			if r.key.err != nil && !errors.Is(r.key.err, errNoKey) {
				return r.renew(ctx)
			}
			keyDone = nil
		case <-tick.C:
		}
	}
}

// settled looks whether there is nothing left to do: another caller renewed the token since this call began, or the
// last attempt failed a moment ago.
func (r *renewal) settled(ctx context.Context) (token.Token, Outcome, error, bool) {
	if e, _ := r.c.readEntry(r.id); e.fresh(r.c.now()) {
		if t, ok := r.open(ctx, e); ok {
			return t, Outcome{Hit: true}, nil, true
		}
	}
	if err := r.c.recentFailure(r.id); err != nil {
		t, out, err := r.orStale(ctx, err)
		out.Reason = "the last attempt failed less than 5 s ago"
		return t, out, err, true
	}
	return token.Token{}, Outcome{}, nil, false
}

// renew calls mint and remembers what came of it.
func (r *renewal) renew(ctx context.Context) (token.Token, Outcome, error) {
	t, err := r.mint(ctx)
	if err != nil {
		// A caller that gave up says nothing about the set-up, and an answer to a claims challenge says nothing about
		// calls without one.
		if ctx.Err() == nil && !errors.Is(err, context.Canceled) && !r.req.Bypass {
			r.c.rememberFailure(r.id, err)
		}
		return r.orStale(ctx, err)
	}
	// What failed a moment ago works again.
	_ = remove(r.c.dir, r.id.failureName())
	if err := r.remember(ctx, t); err != nil {
		if !r.req.Bypass {
			r.c.noteUnkept(r.id)
		}
		return t, Outcome{Reason: err.Error()}, nil
	}
	return t, Outcome{Reason: r.reason}, nil
}

func (r *renewal) remember(ctx context.Context, t token.Token) error {
	if err := r.req.Admits(t); err != nil {
		return err
	}
	key, holder, err := r.key.wait(ctx)
	if errors.Is(err, errNoKey) {
		key, holder, err = r.c.keys.forWrite(ctx)
	}
	if err != nil {
		return err
	}
	return r.c.writeEntry(r.want, r.req.Description, t, key, holder)
}

// orStale serves the old token in place of err if it is good for long enough to be of use.
func (r *renewal) orStale(ctx context.Context, err error) (token.Token, Outcome, error) {
	if !r.req.Bypass && r.first.usable(r.c.now()) {
		if ctx.Err() != nil {
			// The caller's time is up, but the token it wants is at hand.
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastWord)
			defer cancel()
		}
		if t, ok := r.open(ctx, r.first); ok {
			return t, Outcome{Hit: true, Stale: true, Reason: problem.From(err).Message}, nil
		}
	}
	return token.Token{}, Outcome{Reason: r.reason}, err
}

// fetchKey starts to ask for the key, so that a slow holder works while the issuer does.
func (r *renewal) fetchKey(ctx context.Context) {
	if r.key == nil {
		r.key = r.c.keys.begin(ctx)
	}
}
