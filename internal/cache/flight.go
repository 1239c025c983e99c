package cache

import (
	"context"
	"sync"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// flights lets concurrent callers in one process share one renewal. The file lock alone would do so only where there
// is something to lock and something to remember.
type flights struct {
	mu      sync.Mutex
	running map[identity]*flight
}

type flight struct {
	done  chan struct{}
	token token.Token
	out   Outcome
	err   error
	// void is set when the result is the leader's alone: its context ended, or its mint panicked.
	void bool
}

// do runs renew, or waits for the caller that already does.
func (f *flights) do(ctx context.Context, id identity, renew func() (token.Token, Outcome, error)) (token.Token, Outcome, error) {
	for {
		f.mu.Lock()
		running, follow := f.running[id]
		if !follow {
			return f.lead(ctx, id, renew) // unlocks
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return token.Token{}, Outcome{}, problem.New(problem.DeadlineExceeded, "wait for the token that is being renewed: %w", context.Cause(ctx))
		case <-running.done:
		}
		if running.void {
			continue
		}
		out := running.out
		out.Hit = running.err == nil
		return running.token, out, running.err
	}
}

func (f *flights) lead(ctx context.Context, id identity, renew func() (token.Token, Outcome, error)) (token.Token, Outcome, error) {
	own := &flight{done: make(chan struct{}), void: true}
	if f.running == nil {
		f.running = map[identity]*flight{}
	}
	f.running[id] = own
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.running, id)
		f.mu.Unlock()
		close(own.done)
	}()
	own.token, own.out, own.err = renew()
	own.void = own.err != nil && ctx.Err() != nil
	return own.token, own.out, own.err
}
