package cache

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

func TestAModeIsOneOfFiveWords(t *testing.T) {
	for _, s := range []string{"", "auto", "keyring", "kernel", "file", "off"} {
		if m, err := ParseMode(s); err != nil || (s != "" && string(m) != s) {
			t.Errorf("ParseMode(%q) = %q, %v", s, m, err)
		}
	}
	_, err := ParseMode("plain")
	if p := problem.From(err); err == nil || !p.Misuse || !strings.Contains(p.Message, `--cache: "plain"`) {
		t.Errorf("ParseMode(plain): %v", err)
	}
}

func TestATokenIsServedRenewedOrServedStaleByWhatIsLeftOfIt(t *testing.T) {
	const hour = time.Hour
	for _, tt := range []struct {
		name          string
		life, refresh time.Duration
		after         time.Duration
		fails         bool
		value         string
		hit, stale    bool
	}{
		{"a new token is a hit", hour, 0, 0, false, "a", true, false},
		{"eleven minutes before the end it still is", hour, 0, 49 * time.Minute, false, "a", true, false},
		{"ten minutes before the end it is renewed", hour, 0, 50 * time.Minute, false, "b", false, false},
		{"so it is when the renewal would fail and there are ten minutes", hour, 0, 50 * time.Minute, true, "a", true, true},
		{"three minutes are enough when the renewal fails", hour, 0, 57 * time.Minute, true, "a", true, true},
		{"two minutes are not", hour, 0, 58 * time.Minute, true, "", false, false},
		{"an expired token is never served", hour, 0, hour, true, "", false, false},
		{"the issuer's time to renew comes first", 24 * hour, 12 * hour, 12 * hour, false, "b", false, false},
		{"before it the token is a hit", 24 * hour, 12 * hour, 12*hour - time.Second, false, "a", true, false},
		{"past it the old token bridges a failure", 24 * hour, 12 * hour, 20 * hour, true, "a", true, true},
		{"a time to renew that had passed when it came is ignored", hour, -time.Minute, time.Minute, false, "a", true, false},
		{"a token of eight minutes is fresh for four", 8 * time.Minute, 0, 3 * time.Minute, false, "a", true, false},
		{"and renewed then", 8 * time.Minute, 0, 4 * time.Minute, false, "b", false, false},
		{"a clock set back an hour makes no token live longer", hour, 0, -hour, false, "b", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := newClock()
			dir := privateDir(t)
			i := &issuer{clock: clock, life: tt.life, refresh: tt.refresh}
			want(t, open(t, dir, clock), request("x"), i, "a")
			clock.advance(tt.after)
			if tt.fails {
				i.fail = errUpstream
			}
			tok, out, err := open(t, dir, clock).Token(t.Context(), request("x"), i.mint)
			if tt.value == "" {
				if !errors.Is(err, errUpstream) {
					t.Fatalf("got %v, %v, want the mint's error", tok.ExpiresOn, err)
				}
				return
			}
			if err != nil || tok.Value.Reveal() != tt.value || out.Hit != tt.hit || out.Stale != tt.stale {
				t.Errorf("got %q, %+v, %v", tok.Value.Reveal(), out, err)
			}
		})
	}
}

func TestARememberedTokenIsTheTokenThatWasMinted(t *testing.T) {
	roundTrip(t, fileHolder{privateDir(t)})
	roundTrip(t, &memory{})
}

// roundTrip remembers tokens of all sizes with the key in h. Entra's are of 2 KB, and of 12 with groups in them.
func roundTrip(t *testing.T, h holder) {
	t.Helper()
	clock := newClock()
	for _, size := range []int{0, 12 << 10, 64 << 10} {
		dir := privateDir(t)
		i := &issuer{clock: clock, life: time.Hour, refresh: 30 * time.Minute, size: size}
		minted, _, err := open(t, dir, clock, h).Token(t.Context(), request("x"), i.mint)
		if err != nil {
			t.Fatal(err)
		}
		read, out, err := open(t, dir, clock, h).Token(t.Context(), request("x"), i.mint)
		if err != nil || !out.Hit || read.Value.Reveal() != minted.Value.Reveal() || !read.ExpiresOn.Equal(minted.ExpiresOn) || !read.RefreshOn.Equal(minted.RefreshOn) {
			t.Errorf("%s, %d bytes: %+v, %v; %v %v, not %v %v", h.name(), size, out, err, read.ExpiresOn, read.RefreshOn, minted.ExpiresOn, minted.RefreshOn)
		}
	}
}

func TestATokenThatCannotBeRememberedIsReturnedWithTheReason(t *testing.T) {
	clock := newClock()
	for name, i := range map[string]*issuer{
		"without an expiry": {clock: clock},
		"already expired":   {clock: clock, life: -time.Second},
		"too large":         {clock: clock, life: time.Hour, size: 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			dir := privateDir(t)
			if out := want(t, open(t, dir, clock), request("x"), i, "a"); out.Hit || out.Reason == "" {
				t.Errorf("outcome %+v", out)
			}
			want(t, open(t, dir, clock), request("x"), i, "b")
		})
	}
}

func TestTwoIdentitiesNeverShareAToken(t *testing.T) {
	in := func(pairs ...string) (list []token.Input) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, token.Input{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	requests := []token.Request{
		{},
		{Purpose: "azure"},
		{Purpose: "azure", Inputs: in("", "")},
		{Purpose: "azure", Inputs: in("client", "a")},
		{Purpose: "azure", Inputs: in("client", "b")},
		{Purpose: "google", Inputs: in("client", "a")},
		{Purpose: "azure", Inputs: in("clienta", "")},
		{Purpose: "azure", Inputs: in("", "clienta")},
		{Purpose: "azureclient", Inputs: in("", "a")},
		{Purpose: "azure", Inputs: in("client", "a", "scope", "s")},
		{Purpose: "azure", Inputs: in("scope", "s", "client", "a")},
		{Purpose: "azure", Inputs: in("client", "ascopes")},
		{Purpose: "azure", Inputs: in("client", "a", "", "")},
		{Purpose: "azure", Inputs: in("client", "a\x00")},
	}
	clock := newClock()
	c := open(t, privateDir(t), clock)
	i := &issuer{clock: clock, life: time.Hour}
	for n, r := range requests {
		want(t, c, r, i, string(rune('a'+n)))
	}
	for n, r := range requests {
		r.Description = "not part of the identity"
		want(t, c, r, i, string(rune('a'+n)))
	}
}

func TestAClaimsChallengeReplacesTheTokenThatWasRefused(t *testing.T) {
	clock := newClock()
	c := open(t, privateDir(t), clock)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, c, request("x"), i, "a")
	challenged := request("x")
	challenged.Bypass = true
	if out := want(t, c, challenged, i, "b"); out.Hit {
		t.Errorf("outcome %+v", out)
	}
	want(t, c, request("x"), i, "b")
	i.fail = errUpstream
	if _, _, err := c.Token(t.Context(), challenged, i.mint); !errors.Is(err, errUpstream) {
		t.Errorf("the refused token was served: %v", err)
	}
	want(t, c, request("x"), i, "b")
	// And its failure is nobody else's.
	another := request("y")
	another.Bypass = true
	if _, _, err := c.Token(t.Context(), another, i.mint); !errors.Is(err, errUpstream) {
		t.Errorf("got %v", err)
	}
	i.fail = nil
	want(t, c, request("y"), i, "e")
}

func TestARevokedTokenIsForgotten(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	c := open(t, dir, clock)
	if err := c.Forget(t.Context(), request("x")); err != nil {
		t.Fatalf("nothing to forget: %v", err)
	}
	i := &issuer{clock: clock, life: time.Hour}
	want(t, c, request("x"), i, "a")
	want(t, c, request("y"), i, "b")
	if err := c.Forget(t.Context(), request("x")); err != nil {
		t.Fatal(err)
	}
	want(t, c, request("y"), i, "b")
	want(t, c, request("x"), i, "c")
}

func TestABrokenSetUpAsksUpstreamOnceInFiveSeconds(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	secret := "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
	i := &issuer{clock: clock, fail: problem.Input("AADSTS700213", "no match for %s", secret).WithHint("az ad app list")}
	first := problem.From(third(open(t, dir, clock).Token(t.Context(), request("x"), i.mint)))
	for range 3 {
		p := problem.From(third(open(t, dir, clock).Token(t.Context(), request("x"), i.mint)))
		if p.Code != first.Code || p.Hint != first.Hint || !p.Misuse || strings.Contains(p.Message, secret) || !strings.Contains(p.Message, "AADSTS700213: no match for [redacted]") {
			t.Errorf("remembered as %+v", p)
		}
	}
	if n := i.minted.Load(); n != 1 {
		t.Errorf("upstream was asked %d times", n)
	}
	_ = third(open(t, dir, clock).Token(t.Context(), request("y"), i.mint))
	if n := i.minted.Load(); n != 2 {
		t.Errorf("another configuration was not asked for itself: %d", n)
	}
	i.fail, i.life = nil, time.Hour
	clock.advance(failureMemory)
	want(t, open(t, dir, clock), request("x"), i, "c")
}

func TestWhileARenewalFailsTheOldTokenIsServedWithoutAskingEachTime(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	clock.advance(55 * time.Minute)
	i.fail = errUpstream
	for range 3 {
		if out := want(t, open(t, dir, clock), request("x"), i, "a"); !out.Stale || !out.Hit {
			t.Errorf("outcome %+v", out)
		}
	}
	if n := i.minted.Load(); n != 2 {
		t.Errorf("upstream was asked %d times, want 2", n)
	}
}

func TestUpstreamIsDownForAnHourWithFifteenMinutesLeft(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	clock.advance(45 * time.Minute)
	down := problem.New("temporarily_unavailable", "entra ID did not answer").WithHint("try again in a minute")
	i.fail = down
	for left := 15 * time.Minute; left > -45*time.Minute; left -= 30 * time.Second {
		// A program that retries in a loop.
		for range 5 {
			tok, out, err := open(t, dir, clock).Token(t.Context(), request("x"), i.mint)
			p := problem.From(err)
			switch {
			case left > token.StaleMargin && (err != nil || tok.Value.Reveal() != "a" || out.Stale != (left <= token.RenewalMargin)):
				t.Fatalf("%s before the end: %+v, %v", left, out, err)
			case left <= token.StaleMargin && (err == nil || p.Code != down.Code || p.Message != down.Message || p.Hint != down.Hint || !tok.Value.Empty()):
				t.Fatalf("%s before the end: %+v, %v", left, out, err)
			}
		}
		clock.advance(30 * time.Second)
	}
	// Once every half minute, for the 55 minutes in which a renewal was due.
	if n := i.minted.Load() - 1; n != 110 {
		t.Errorf("upstream was asked %d times", n)
	}
	want(t, open(t, dir, clock), request("x"), &issuer{clock: clock, life: time.Hour}, "a")
}

func TestACallerThatGaveUpLeavesNoFailureBehind(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := open(t, dir, clock).Token(ctx, request("x"), func(ctx context.Context) (token.Token, error) {
		cancel()
		return token.Token{}, ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	want(t, open(t, dir, clock), request("x"), &issuer{clock: clock, life: time.Hour}, "a")
}

func TestCallersInOneProcessShareOneMint(t *testing.T) {
	for name, key := range map[string]*memory{
		"one that remembers":            {},
		"one that can remember nothing": {fail: &unavailable{reason: "none"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := newClock()
				c := open(t, privateDir(t), clock, key)
				i := &issuer{clock: clock, life: time.Hour}
				release := make(chan struct{})
				mint := func(ctx context.Context) (token.Token, error) {
					<-release
					return i.mint(ctx)
				}
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						tok, _, err := c.Token(t.Context(), request("x"), mint)
						if err != nil || tok.Value.Reveal() != "a" {
							t.Errorf("%v", err)
						}
					})
				}
				synctest.Wait()
				// A caller whose time is up does not wait for the others.
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, _, err := c.Token(ctx, request("x"), mint); !errors.Is(err, context.Canceled) {
					t.Errorf("a cancelled caller got %v", err)
				}
				close(release)
				wg.Wait()
				if n := i.minted.Load(); n != 1 {
					t.Errorf("%d mints", n)
				}
			})
		})
	}
}

func TestOneCallersEndIsNotTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := newClock()
		c := open(t, privateDir(t), clock)
		i := &issuer{clock: clock, life: time.Hour}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := c.Token(ctx, request("x"), func(ctx context.Context) (token.Token, error) {
				<-ctx.Done()
				return token.Token{}, ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the first caller got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if tok, _, err := c.Token(t.Context(), request("x"), i.mint); err != nil || tok.Value.Reveal() != "a" {
				t.Errorf("the second caller got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestWhatIsRememberedIsToldWithoutAskingAnybody(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	remembered := func(c *Cache, r token.Request) string {
		tok, hit := c.Remembered(t.Context(), r)
		if hit == tok.Value.Empty() {
			t.Errorf("hit %v and a token %v", hit, !tok.Value.Empty())
		}
		return tok.Value.Reveal()
	}
	if remembered(open(t, dir, clock), request("x")) != "" || exists(dir) {
		t.Error("a token out of nowhere, or a directory was made")
	}
	want(t, open(t, dir, clock), request("x"), i, "a")
	challenged, faulty := request("x"), request("x")
	challenged.Bypass = true
	faulty.Check = func(token.Secret) error { panic("a fault of our own") }
	for _, tt := range []struct {
		name string
		c    *Cache
		r    token.Request
		want string
	}{
		{"the token", open(t, dir, clock), request("x"), "a"},
		{"another's", open(t, dir, clock), request("y"), ""},
		{"after a claims challenge", open(t, dir, clock), challenged, ""},
		{"with a fault of our own", open(t, dir, clock), faulty, ""},
		{"without a cache", Open(Options{Mode: Off}), request("x"), ""},
	} {
		if got := remembered(tt.c, tt.r); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	clock.advance(50 * time.Minute)
	if remembered(open(t, dir, clock), request("x")) != "" || i.minted.Load() != 1 {
		t.Error("a token that is due for renewal was served, or renewed")
	}
}

func TestTheLogHoldsNoToken(t *testing.T) {
	var log strings.Builder
	clock := newClock()
	c := Open(Options{Mode: File, Dir: privateDir(t), Now: clock.now, Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	i := &issuer{clock: clock, life: time.Hour, size: 40}
	want(t, c, request("x"), i, "a")
	want(t, c, request("x"), i, "a")
	if s := log.String(); strings.Contains(s, "xxxx") || strings.Count(s, `"hit":true`) != 1 {
		t.Errorf("log: %s", s)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }
