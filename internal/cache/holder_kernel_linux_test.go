package cache

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// testKernelKey is not the user's own cache key.
func testKernelKey(t *testing.T) kernelHolder {
	t.Helper()
	h := kernelHolder{"idferry:test:" + t.Name()}
	_, err := h.get(t.Context())
	var u *unavailable
	if errors.As(err, &u) {
		t.Skip("keyctl is refused here: " + u.reason)
	}
	t.Cleanup(func() { _ = h.drop(context.Background()) })
	return h
}

func TestTheKernelKeyringKeepsTheKeyForLaterProcesses(t *testing.T) {
	h := testKernelKey(t)
	dir := privateDir(t)
	clock := newClock()
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock, h), request("x"), i, "a")
	// From threads that have no process keyring yet: possession is the thread's.
	for range 8 {
		got := make(chan error, 1)
		go func() {
			runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
			_, err := h.get(context.Background())
			got <- err
		}()
		if err := <-got; err != nil {
			t.Errorf("another thread: %v", err)
		}
	}
	want(t, open(t, dir, clock, h), request("x"), i, "a")
	if err := h.drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, dir, clock, h), request("x"), i, "b")
}

func TestTheKernelHoldsTheKeyOfLargeTokens(t *testing.T) {
	roundTrip(t, testKernelKey(t))
}

func TestOpenChoosesTheKernelFirst(t *testing.T) {
	for mode, want := range map[Mode][]string{Auto: {"kernel", "keyring"}, Kernel: {"kernel"}, Keyring: {"keyring"}, File: {"file"}} {
		var got []string
		for _, h := range Open(Options{Mode: mode, Dir: privateDir(t)}).keys.holders {
			got = append(got, h.name())
		}
		if len(got) != len(want) || got[0] != want[0] {
			t.Errorf("%s: %v, want %v", mode, got, want)
		}
	}
}
