// Package attempt bounds one attempt at something in time, and judges a token that came of it by this machine's clock.
package attempt

import (
	"context"
	"errors"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// lastWord is what a library that heeds the context has to say why it ends: it says more than we can.
const lastWord = 200 * time.Millisecond

// Within runs call and gives up on it when limit has passed or ctx has ended, whether or not the libraries below notice.
// what names the attempt in that error.
func Within[T any](ctx context.Context, limit time.Duration, what string, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				// The value of a panic may quote what was being handled, a token included; its type cannot.
				done <- answer{err: problem.New(problem.Unexpected, "%s: internal fault (%T)", what, r)}
			}
		}()
		value, err := call(ctx)
		done <- answer{value, err}
	}()
	var a answer
	select {
	case a = <-done:
	case <-ctx.Done():
		select {
		case a = <-done:
		case <-time.After(lastWord):
			a.err = ctx.Err()
		}
	}
	if a.err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		var known *problem.Error
		switch {
		case !errors.As(a.err, &known):
			a.err = late(what, limit, "")
		case known.Code == problem.DeadlineExceeded || errors.Is(known, context.DeadlineExceeded):
			a.err = late(what, limit, " ("+known.Message+")")
		}
	}
	return a.value, a.err
}

func late(what string, limit time.Duration, last string) error {
	return problem.New(problem.DeadlineExceeded, "%s: no answer within %s%s", what, limit, last).
		WithHint("see which endpoint is slow with --log-file FILE, or give it longer with --timeout")
}

// Unexpired returns t unless it has expired by this machine's clock already: then the clock is wrong, and whoever is given
// the token would only say that it is expired.
func Unexpired(t token.Token, now time.Time, from string) (token.Token, error) {
	if now.Before(t.ExpiresOn) {
		return t, nil
	}
	return token.Token{}, problem.New(problem.Expired, "the token that %s just gave expired at %s, and this machine's clock shows %s",
		from, t.ExpiresOn.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)).WithHint("set the clock: timedatectl set-ntp true")
}
