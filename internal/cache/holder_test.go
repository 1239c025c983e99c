package cache

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"
)

func TestAHitIsOneKeyOperationAndAMissReadsWithoutAny(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	key := &memory{}
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock, key), request("x"), i, "a")
	cost := func(f func()) int {
		before := key.operations()
		f()
		return key.operations() - before
	}
	c := open(t, dir, clock, key)
	if n := cost(func() { want(t, c, request("x"), i, "a") }); n != 1 {
		t.Errorf("a hit cost %d operations", n)
	}
	if n := cost(func() { want(t, c, request("x"), i, "a") }); n != 0 {
		t.Errorf("the same process's second hit cost %d", n)
	}
	clock.advance(2 * time.Hour)
	r := &renewal{c: open(t, dir, clock, key), want: wantedBy(request("x")), id: wantedBy(request("x")).id()}
	if n := cost(func() { _, _ = r.hit(t.Context()) }); n != 0 {
		t.Errorf("an expired entry cost %d", n)
	}
	// Writing costs one: the key is there.
	if n := cost(func() { want(t, open(t, dir, clock, key), request("x"), i, "b") }); n != 1 {
		t.Errorf("a renewal cost %d", n)
	}
}

func TestALostOrReplacedKeyIsAMiss(t *testing.T) {
	for name, lose := range map[string]func(*memory){
		"lost":     func(m *memory) { m.key = nil },
		"replaced": func(m *memory) { m.key = &cacheKey{1} },
	} {
		t.Run(name, func(t *testing.T) {
			clock := newClock()
			dir := privateDir(t)
			key := &memory{}
			i := &issuer{clock: clock, life: time.Hour}
			want(t, open(t, dir, clock, key), request("x"), i, "a")
			lose(key)
			if out := want(t, open(t, dir, clock, key), request("x"), i, "b"); out.Hit || out.Reason == "" {
				t.Errorf("outcome %+v", out)
			}
			want(t, open(t, dir, clock, key), request("x"), i, "b")
		})
	}
}

func TestAnotherHoldersEntryIsAMissAndNoHolderStandsInForAnother(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a") // sealed with the file's key
	broken := &memory{fail: &unavailable{reason: "no luck"}}
	out := want(t, open(t, dir, clock, broken), request("x"), i, "b")
	if out.Hit || !strings.Contains(out.Reason, "memory: no luck") {
		t.Errorf("outcome %+v", out)
	}
	want(t, open(t, dir, clock), request("x"), i, "a")
}

func TestTheFirstHolderThatWorksIsUsed(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	broken := &memory{fail: &unavailable{reason: "no luck"}}
	want(t, open(t, dir, clock, broken, fileHolder{dir}), request("x"), i, "a")
	if out := want(t, open(t, dir, clock, broken, fileHolder{dir}), request("x"), i, "a"); !out.Hit {
		t.Errorf("outcome %+v", out)
	}
}

func TestAHolderThatTakesItsTimeToFailIsLeftAloneForFiveMinutes(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	key := &memory{fail: &unavailable{reason: "no answer", costly: true}}
	i := &issuer{clock: clock, life: time.Hour}
	for n, value := range []string{"a", "b", "c"} {
		out := want(t, open(t, dir, clock, key), request("x"), i, value)
		if !strings.Contains(out.Reason, "no answer") || key.gets != 1 {
			t.Errorf("call %d: %+v, %d operations", n, out, key.gets)
		}
	}
	key.fail = nil
	clock.advance(markerMemory)
	want(t, open(t, dir, clock, key), request("x"), i, "d")
	want(t, open(t, dir, clock, key), request("x"), i, "d")
}

func TestAHolderThatFailsAtOnceIsAskedAgain(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	key := &memory{fail: &unavailable{reason: "locked"}}
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock, key), request("x"), i, "a")
	key.fail = nil
	want(t, open(t, dir, clock, key), request("x"), i, "b")
	want(t, open(t, dir, clock, key), request("x"), i, "b")
}

func TestTheFirstCallersOfManyIdentitiesMakeOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newClock()
		dir := privateDir(t)
		key := &memory{takes: time.Millisecond}
		i := &issuer{clock: clock, life: time.Hour}
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				c := open(t, dir, clock, key) // as in a process of its own
				if _, out, err := c.Token(t.Context(), request(strconv.Itoa(n)), i.mint); err != nil || out.Reason != "" {
					t.Errorf("%+v, %v", out, err)
				}
			})
		}
		wg.Wait()
		if key.puts != 1 {
			t.Errorf("%d keys were made", key.puts)
		}
	})
}

func TestAKeyringCallThatHangsPanicsOrFailsIsAnAbsentKeyring(t *testing.T) {
	fine := func(context.Context) (operation, error) { return nil, nil }
	for _, tt := range []struct {
		name  string
		probe func(context.Context) (operation, error)
		op    operation
		says  string
	}{
		{"the call hangs", fine, func() (string, error) { select {} }, "did not answer within"},
		{"the probe hangs", func(context.Context) (operation, error) { select {} }, nil, "did not answer within"},
		{"the call panics", fine, func() (string, error) { panic("nil dereference") }, "panicked"},
		{"the probe panics", func(context.Context) (operation, error) { panic("nil dereference") }, nil, "panicked"},
		{"the call fails", fine, func() (string, error) { return "", errors.New("failed to unlock") }, "failed to unlock"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := keyringHolder{limit: 20 * time.Millisecond, probe: tt.probe}
			_, err := h.call(t.Context(), func() (string, error) {
				if tt.op == nil {
					t.Error("the keyring was called though the probe did not pass")
					return "", nil
				}
				return tt.op()
			})
			var u *unavailable
			if !errors.As(err, &u) || !u.costly || !strings.Contains(u.reason, tt.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestACallersEndIsNotHeldAgainstTheKeyring(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := keyringHolder{limit: time.Hour, probe: func(context.Context) (operation, error) { cancel(); select {} }}
	_, err := h.call(ctx, nil)
	var u *unavailable
	if errors.As(err, &u) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAHangingKeyringDoesNotKeepATokenBack(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	var asked atomic.Int32
	h := keyringHolder{limit: 20 * time.Millisecond, probe: func(context.Context) (operation, error) { asked.Add(1); select {} }}
	i := &issuer{clock: clock, life: time.Hour}
	for _, value := range []string{"a", "b", "c"} {
		if out := want(t, open(t, dir, clock, h), request("x"), i, value); !strings.Contains(out.Reason, "did not answer") {
			t.Errorf("outcome %+v", out)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the keyring was waited for %d times", n)
	}
}

// go-keyring's own in-memory provider is process-wide, so what uses it is one test.
func TestTheKeyringHolderKeepsOneShortTextItem(t *testing.T) {
	keyring.MockInit()
	h := keyringHolder{limit: 5 * time.Second, probe: func(context.Context) (operation, error) {
		return func() (string, error) { return keyring.Get(keyService, keyAccount) }, nil
	}}
	if _, err := h.get(t.Context()); !errors.Is(err, errNoKey) {
		t.Fatalf("an empty keyring: %v", err)
	}
	if err := h.drop(t.Context()); err != nil {
		t.Fatalf("nothing to drop: %v", err)
	}
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour, size: 64 << 10}
	want(t, open(t, dir, clock, h), request("x"), i, "a")
	want(t, open(t, dir, clock, h), request("x"), i, "a")
	if text, err := keyring.Get("idferry", "cache-key-v1"); err != nil || len(text) != 44 {
		t.Errorf("the item has %d bytes, %v", len(text), err)
	}
	if err := keyring.Set(keyService, keyAccount, "what someone typed"); err != nil {
		t.Fatal(err)
	}
	want(t, open(t, dir, clock, h), request("x"), i, "b")
	want(t, open(t, dir, clock, h), request("x"), i, "b")
	if err := h.drop(t.Context()); err != nil {
		t.Error(err)
	}
	want(t, open(t, dir, clock, h), request("x"), i, "c")

	keyring.MockInitWithError(errors.New("exit status 36"))
	out := want(t, open(t, dir, clock, h), request("x"), i, "d")
	if !strings.Contains(out.Reason, "exit status 36") {
		t.Errorf("outcome %+v", out)
	}
}
