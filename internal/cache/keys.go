package cache

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The one item that a holder keeps. Both binaries use it, so a keyring that asks does so once.
const (
	keyService = "idferry"
	keyAccount = "cache-key-v1"
)

// holder keeps the cache key. A holder answers within its own time limit and never prompts.
type holder interface {
	name() string
	// get returns errNoKey when the holder works and has no key, and an *unavailable when it does not work.
	get(context.Context) (cacheKey, error)
	put(context.Context, cacheKey) error
	// drop removes the key; none there is fine.
	drop(context.Context) error
}

var errNoKey = errors.New("there is no cache key")

// unavailable says that a holder does not work here.
type unavailable struct {
	reason string
	// costly failures took time or may take it the next time, so they are worth a marker. The others (no bus, a
	// locked collection, EPERM) are found out again in a millisecond, and their end is noticed at once.
	costly bool
}

func (u *unavailable) Error() string { return u.reason }

// keys gets the key from the holders that the mode allows.
type keys struct {
	dir     string
	mode    Mode
	now     func() time.Time
	locks   locks
	holders []holder

	mu   sync.Mutex
	memo map[string]cacheKey  // by holder, for callers that live long
	down map[string]time.Time // by holder, for when the marker cannot be written
}

// forRead returns the key with that id from the holder that an entry names.
func (k *keys) forRead(ctx context.Context, holderName string, id [8]byte) (cacheKey, error) {
	for _, h := range k.holders {
		if h.name() != holderName {
			continue
		}
		k.mu.Lock()
		key, known := k.memo[holderName]
		k.mu.Unlock()
		if known && key.id() == id {
			return key, nil
		}
		key, err := k.ask(ctx, h)
		if err != nil {
			return cacheKey{}, err
		}
		if key.id() != id {
			return cacheKey{}, errors.New("the entry was sealed with another key")
		}
		return key, nil
	}
	return cacheKey{}, fmt.Errorf("the entry's key holder is not one of --cache %s", k.mode)
}

// forWrite returns the key of the first holder that works, making one if it has none.
func (k *keys) forWrite(ctx context.Context) (cacheKey, string, error) {
	return k.first(ctx, func(ctx context.Context, h holder) (cacheKey, error) {
		key, err := k.ask(ctx, h)
		if errors.Is(err, errNoKey) {
			key, err = k.create(ctx, h)
		}
		return key, err
	})
}

// first returns the first holder's answer that is a key or errNoKey, or all the reasons why there is none.
func (k *keys) first(ctx context.Context, get func(context.Context, holder) (cacheKey, error)) (cacheKey, string, error) {
	var reasons []string
	for _, h := range k.holders {
		key, err := get(ctx, h)
		if err == nil || errors.Is(err, errNoKey) {
			return key, h.name(), err
		}
		reasons = append(reasons, h.name()+": "+err.Error())
	}
	return cacheKey{}, "", errors.New(strings.Join(reasons, "; "))
}

// create makes a key under a lock and reads back what the holder now has. Without the lock, the first callers seal
// with keys that overwrite one another: 55 of 100 files were undecryptable.
func (k *keys) create(ctx context.Context, h holder) (cacheKey, error) {
	if lock, err := k.locks.open("key of " + h.name()); err == nil {
		defer lock.Close()
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); ctx.Err() != nil {
			return cacheKey{}, fmt.Errorf("wait for the key to be made: %w", err)
		}
	}
	if key, err := k.ask(ctx, h); !errors.Is(err, errNoKey) {
		return key, err
	}
	var key cacheKey
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	if err := h.put(ctx, key); err != nil {
		// Looking for a key works here (podman's seccomp profile lets keyctl do that), so nothing but this tells.
		if u := (*unavailable)(nil); errors.As(err, &u) {
			err = &unavailable{reason: "it takes no key: " + u.reason, costly: true}
		}
		return cacheKey{}, k.noteFailure(h, err)
	}
	return k.ask(ctx, h)
}

// ask is one operation of the holder, unless it is known not to work.
func (k *keys) ask(ctx context.Context, h holder) (cacheKey, error) {
	if reason := k.marked(h); reason != "" {
		return cacheKey{}, &unavailable{reason: reason}
	}
	key, err := h.get(ctx)
	if err != nil {
		return cacheKey{}, k.noteFailure(h, err)
	}
	k.mu.Lock()
	k.memo[h.name()] = key
	k.mu.Unlock()
	return key, nil
}

// drop removes the key from every holder that works.
func (k *keys) drop(ctx context.Context) {
	for _, h := range k.holders {
		_ = h.drop(ctx)
	}
	k.mu.Lock()
	clear(k.memo)
	k.mu.Unlock()
}

// markerMemory is how long a holder that took its time to fail is left alone.
const markerMemory = 5 * time.Minute

type marker struct {
	Holder string    `json:"holder"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

const markerSuffix = ".down"

func markerName(h holder) string { return "holder-" + h.name() + markerSuffix }

func (k *keys) marked(h holder) string {
	now := k.now()
	k.mu.Lock()
	until := k.down[h.name()]
	k.mu.Unlock()
	var m marker
	if raw, err := readOwn(filepath.Join(k.dir, markerName(h)), 4<<10); err == nil && json.Unmarshal(raw, &m) == nil && m.Until.After(until) {
		until = m.Until
	}
	if left := until.Sub(now); left <= 0 || left > markerMemory {
		return ""
	}
	if m.Reason == "" {
		m.Reason = "it did not work"
	}
	return fmt.Sprintf("%s (left alone until %s)", m.Reason, until.UTC().Format(time.TimeOnly+"Z"))
}

// noteFailure marks a holder that is slow to fail, and returns err.
func (k *keys) noteFailure(h holder, err error) error {
	var u *unavailable
	if !errors.As(err, &u) || !u.costly {
		return err
	}
	until := k.now().Add(markerMemory)
	k.mu.Lock()
	k.down[h.name()] = until
	k.mu.Unlock()
	if raw, err := json.Marshal(marker{h.name(), u.reason, until}); err == nil {
		_ = writeOwn(k.dir, markerName(h), raw)
	}
	return err
}

// pending is a key that is being fetched.
type pending struct {
	done   chan struct{}
	key    cacheKey
	holder string
	err    error // errNoKey if one can be made
}

// begin asks the holders for a key. It makes none: that waits until there is a token to seal.
func (k *keys) begin(ctx context.Context) *pending {
	p := &pending{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.key, p.holder, p.err = k.first(ctx, k.ask)
	}()
	return p
}

func (p *pending) wait(ctx context.Context) (cacheKey, string, error) {
	select {
	case <-p.done:
		return p.key, p.holder, p.err
	case <-ctx.Done():
		return cacheKey{}, "", context.Cause(ctx)
	}
}
