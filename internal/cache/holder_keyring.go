package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// keyringHolder keeps the key in the operating system's keyring by go-keyring, which has no time limit, waits for a
// prompt for ever, panics when the bus goes away at a prompt (v0.2.8, secret_service.go:209) and starts a D-Bus daemon
// where it finds none. So each call runs beside this one with a limit, and after a look at whether it can work at all.
type keyringHolder struct {
	limit time.Duration
	// probe says why a call would prompt, hang or start a daemon, or returns how to read the item. It is the platform's.
	probe func(context.Context) (operation, error)
}

// operation is one use of the item; reading returns its text.
type operation func() (string, error)

func newKeyringHolder(lookup func(string) (string, bool)) keyringHolder {
	// A slow keychain on macOS (its security program starts for each call) takes over a second in practice.
	limit := 4 * time.Second
	if runtime.GOOS == "linux" {
		limit = 2 * time.Second
	}
	return keyringHolder{limit, func(context.Context) (operation, error) { return probeKeyring(lookup) }}
}

func (keyringHolder) name() string { return string(Keyring) }

func (h keyringHolder) get(ctx context.Context) (cacheKey, error) {
	text, err := h.call(ctx, nil)
	if err != nil {
		return cacheKey{}, err
	}
	return parseKey(text)
}

func (h keyringHolder) put(ctx context.Context, key cacheKey) error {
	_, err := h.call(ctx, func() (string, error) { return "", keyring.Set(keyService, keyAccount, key.text()) })
	return err
}

func (h keyringHolder) drop(ctx context.Context) error {
	_, err := h.call(ctx, func() (string, error) { return "", keyring.Delete(keyService, keyAccount) })
	if errors.Is(err, errNoKey) {
		return nil
	}
	return err
}

// call probes and then does op, or reads the item where op is nil, each within the limit.
func (h keyringHolder) call(ctx context.Context, op operation) (string, error) {
	read, err := bounded(ctx, h.limit, h.probe)
	if err != nil {
		return "", err
	}
	if op == nil {
		op = read
	}
	text, err := bounded(ctx, h.limit, func(context.Context) (string, error) { return op() })
	var u *unavailable
	switch {
	case err == nil, errors.As(err, &u), ctx.Err() != nil:
		return text, err
	case errors.Is(err, keyring.ErrNotFound), notFound(err):
		return "", errNoKey
	}
	return "", &unavailable{reason: "the keyring says: " + err.Error(), costly: true}
}

// notFound knows errSecItemNotFound, which macOS's security program reports as exit status 44 (-25300 & 0xff) in any
// language; go-keyring looks for the English text.
func notFound(err error) bool {
	var exit interface{ ExitCode() int }
	return runtime.GOOS == "darwin" && errors.As(err, &exit) && exit.ExitCode() == 44
}

// bounded runs f for at most limit. When that passes, f goes on alone: there is no way to stop go-keyring, and the
// process soon ends.
func bounded[T any](ctx context.Context, limit time.Duration, f func(context.Context) (T, error)) (value T, err error) {
	type result struct {
		value T
		err   error
	}
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: &unavailable{reason: fmt.Sprintf("the keyring library panicked: %v", p), costly: true}}
			}
			done <- r
		}()
		r.value, r.err = f(inner)
	}()
	select {
	case r := <-done:
		if r.err == nil || inner.Err() == nil {
			return r.value, r.err
		}
	case <-inner.Done():
	}
	if ctx.Err() != nil {
		return value, context.Cause(ctx)
	}
	return value, &unavailable{reason: fmt.Sprintf("the keyring did not answer within %s", limit), costly: true}
}
