package tokenfile

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// jwt is a token that ends at the given time, unlike every other of another number.
func jwt(number int, ends time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"exp":%d,"number":%d,"filler":%q}`, ends.Unix(), number, strings.Repeat("x", 1500))
	return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
}

// issuer gives tokens that live for life.
type issuer struct {
	life, refreshIn time.Duration
	down            error
	// repeats gives the last token again until so little of it is left.
	repeats time.Duration
	// clock is how far its clock is from the test's.
	clock time.Duration
	asked []time.Time
	last  token.Token
}

func (i *issuer) token(context.Context) (token.Token, error) {
	i.asked = append(i.asked, time.Now())
	now := time.Now().Add(i.clock)
	if i.down != nil {
		return token.Token{}, i.down
	}
	if i.repeats > 0 && i.last.ExpiresOn.Sub(now) > i.repeats {
		return i.last, nil
	}
	i.last = token.Token{Value: token.NewSecret(jwt(len(i.asked), now.Add(i.life))), ExpiresOn: now.Add(i.life)}
	if i.refreshIn > 0 {
		i.last.RefreshOn = now.Add(i.refreshIn)
	}
	return i.last, nil
}

// service is a file that is kept fresh in the time of a test, and what is said about it. The test has the lock except
// while time passes.
type service struct {
	*issuer
	mu      sync.Mutex
	path    string
	jump    time.Duration // of the clock on the wall
	reports []error
}

func (s *service) now() time.Time { return time.Now().Add(s.jump) }

// start keeps the file until the test ends.
func (s *service) start(t *testing.T) {
	t.Helper()
	s.path = filepath.Join(t.TempDir(), "token")
	k := NewKeeper(File{Field: "--path", Path: s.path}, func(ctx context.Context) (token.Token, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.token(ctx)
	}, func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now()
	}, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reports = append(s.reports, err)
	})
	if err := k.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	ctx, stop := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { k.Keep(ctx) })
	t.Cleanup(func() { stop(); ended.Wait() })
}

// left is how much of its life the token in the file has.
func (s *service) left(t *testing.T) time.Duration {
	t.Helper()
	held, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := token.ReadClaims(string(held))
	if err != nil {
		t.Fatalf("%v: %q", err, held)
	}
	return claims.Expiry.Sub(s.now())
}

// pass lets time pass.
func (s *service) pass(d time.Duration) {
	s.mu.Unlock()
	defer s.mu.Lock()
	time.Sleep(d)
	synctest.Wait()
}

func TestNoReaderFindsLessThanTenMinutes(t *testing.T) {
	for name, i := range map[string]issuer{
		"an hour":                {life: time.Hour},
		"an hour and a quarter":  {life: 75 * time.Minute},
		"an hour and a half":     {life: 90 * time.Minute},
		"a day, renewed at noon": {life: 24 * time.Hour, refreshIn: 12 * time.Hour},
		"25 minutes":             {life: 25 * time.Minute},
		"15 minutes":             {life: 15 * time.Minute},
		"12 minutes":             {life: 12 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{issuer: &i}
				s.start(t)
				least := i.life
				for range 3 * 24 * 60 {
					s.pass(time.Minute)
					least = min(least, s.left(t))
				}
				if least < 10*time.Minute || i.refreshIn > 0 && least < i.refreshIn-time.Minute {
					t.Errorf("a reader found %s", least)
				}
				// No more often than a renewal a tenth early makes necessary.
				every := max(i.life-lead, (i.life-promised)/2, i.refreshIn)
				if i.refreshIn > 0 {
					every = i.refreshIn
				}
				if most := int(3*24*time.Hour/(every*9/10)) + 2; len(i.asked) > most {
					t.Errorf("asked %d times in three days, want at most %d", len(i.asked), most)
				}
				if len(s.reports) > 0 {
					t.Error(s.reports)
				}
			})
		})
	}
}

func TestShortLivedTokensAreRenewedAtHalfTheirLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: 8 * time.Minute}}
		s.start(t)
		for range 24 * 60 {
			s.pass(time.Minute)
			if left := s.left(t); left < 4*time.Minute-time.Second {
				t.Fatalf("a reader found %s", left)
			}
		}
		if asked := len(s.asked); asked > 24*60/3 {
			t.Errorf("asked %d times in a day", asked)
		}
	})
}

func TestAnOldFirstTokenIsReplacedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: 13 * time.Minute}} // what is left of a remembered one
		s.start(t)
		s.life = time.Hour
		for range 10 {
			s.pass(30 * time.Second)
			if left := s.left(t); left < 10*time.Minute {
				t.Fatalf("a reader found %s", left)
			}
		}
		if len(s.asked) != 2 {
			t.Errorf("asked %d times", len(s.asked))
		}
	})
}

func TestAnOutageLeavesTheTokenAndIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: time.Hour}}
		s.start(t)
		before, _ := os.ReadFile(s.path)
		s.down = errors.New("nobody answers")
		s.pass(3 * time.Hour)
		if held, _ := os.ReadFile(s.path); string(held) != string(before) {
			t.Error("the file does not hold the last token any more")
		}
		if len(s.reports) != 1 || s.reports[0] == nil || !strings.Contains(s.reports[0].Error(), "nobody answers") {
			t.Errorf("reported: %v", s.reports)
		}
		// Two hours and twelve minutes, a minute apart or a tenth less once the first pauses have doubled.
		if asked := len(s.asked); asked < 130 || asked > 160 {
			t.Errorf("asked %d times", asked)
		}
		s.down = nil
		s.pass(time.Minute)
		if left := s.left(t); left < 59*time.Minute {
			t.Errorf("a minute after the outage a reader finds %s", left)
		}
		if len(s.reports) != 2 || s.reports[1] != nil {
			t.Errorf("reported: %v", s.reports)
		}
		s.pass(24 * time.Hour)
		s.down = errors.New("again")
		s.pass(2 * time.Hour)
		if len(s.reports) != 3 {
			t.Errorf("a second outage is one of its own: %v", s.reports)
		}
	})
}

// A renewal that fails with half a day left is no emergency.
func TestAnEarlyRenewalThatFailsIsRepeatedSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: 24 * time.Hour, refreshIn: 12 * time.Hour}}
		s.start(t)
		s.down = errors.New("nobody answers")
		s.pass(20 * time.Hour)
		if asked := len(s.asked); asked < 48 || asked > 80 {
			t.Errorf("asked %d times in eight hours and more", asked)
		}
	})
}

func TestTheClockOnTheWallDecides(t *testing.T) {
	for name, jump := range map[string]time.Duration{"a lid that was closed for three hours": 3 * time.Hour, "a clock set back by a day": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{issuer: &issuer{life: time.Hour}}
				s.start(t)
				s.pass(10 * time.Minute)
				asked := len(s.asked)
				s.jump, s.clock = jump, jump
				s.pass(look)
				if len(s.asked) != asked+1 {
					t.Errorf("asked %d times, want one more than %d", len(s.asked), asked)
				}
				s.pass(10 * time.Minute)
				if len(s.asked) != asked+1 {
					t.Errorf("and then %d times more", len(s.asked)-asked-1)
				}
			})
		})
	}
}

func TestAnIssuerInThePastIsNotAskedWithoutPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: time.Hour, clock: -3 * time.Hour}}
		s.start(t)
		s.pass(time.Minute)
		if asked := len(s.asked); asked > 70 {
			t.Errorf("asked %d times in a minute", asked)
		}
	})
}

func TestManyDoNotAskTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []*service
		for range 200 {
			s := &service{issuer: &issuer{life: 75 * time.Minute}}
			s.start(t)
			s.mu.Unlock()
			all = append(all, s)
		}
		time.Sleep(75 * time.Minute)
		synctest.Wait()
		perMinute := map[int]int{}
		for _, s := range all {
			perMinute[int(s.asked[1].Sub(s.asked[0]).Minutes())]++
		}
		for minute, asked := range perMinute {
			if asked > 80 {
				t.Errorf("%d of 200 asked in minute %d: %v", asked, minute, perMinute)
			}
		}
	})
}

// The instance metadata service, and az, remember tokens for themselves.
func TestAnIssuerThatRepeatsItselfIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: time.Hour, repeats: 5 * time.Minute}}
		s.start(t)
		for range 24 * 60 {
			s.pass(time.Minute)
			if left := s.left(t); left < 4*time.Minute-time.Second {
				t.Fatalf("a reader found %s", left)
			}
		}
		if asked := len(s.asked); asked > 24*60/55*12 {
			t.Errorf("asked %d times in a day", asked)
		}
	})
}

func TestAFileThatIsGoneComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: time.Hour}}
		s.start(t)
		before, _ := os.ReadFile(s.path)
		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		s.pass(look)
		if held, _ := os.ReadFile(s.path); string(held) != string(before) || len(s.asked) != 1 {
			t.Errorf("asked %d times, and the file holds %d bytes", len(s.asked), len(held))
		}
		// Also while nobody answers.
		s.down = errors.New("nobody answers")
		s.pass(55 * time.Minute)
		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		s.pass(look)
		if held, _ := os.ReadFile(s.path); string(held) != string(before) || len(s.reports) != 1 {
			t.Errorf("the file holds %d bytes; reported: %v", len(held), s.reports)
		}
	})
}

func TestAFileThatCannotBeReplacedIsReportedOnceAndNoTokenIsWasted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: time.Hour}}
		s.start(t)
		note := []byte("somebody's note")
		if err := os.WriteFile(s.path, note, 0o600); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Hour)
		if held, _ := os.ReadFile(s.path); string(held) != string(note) {
			t.Error("the note is lost")
		}
		if len(s.reports) != 1 || !strings.Contains(s.reports[0].Error(), "something else than a token") {
			t.Errorf("reported: %v", s.reports)
		}
		if len(s.asked) > 3 {
			t.Errorf("asked %d times", len(s.asked))
		}
		if err := os.Remove(s.path); err != nil {
			t.Fatal(err)
		}
		s.pass(5 * time.Minute)
		if len(s.reports) != 2 || s.reports[1] != nil || s.left(t) < 10*time.Minute {
			t.Errorf("reported: %v", s.reports)
		}
	})
}

func TestReadersFindWholeTokensDuringAHundredRenewals(t *testing.T) {
	stop := make(chan struct{})
	found := make(chan map[string]int, 1)
	path := make(chan string, 1)
	// Outside of the bubble, so in real time: as fast as it can.
	go func() {
		seen := map[string]int{}
		defer func() { found <- seen }()
		file := <-path
		for {
			select {
			case <-stop:
				return
			default:
				held, err := os.ReadFile(file)
				if err != nil {
					seen[err.Error()]++
				}
				seen[string(held)]++
			}
		}
	}()
	given := map[string]bool{}
	var seen map[string]int
	synctest.Test(t, func(t *testing.T) {
		s := &service{issuer: &issuer{life: time.Hour}}
		s.start(t)
		path <- s.path
		for len(s.asked) < 100 {
			s.pass(10 * time.Minute)
			given[s.last.Value.Reveal()] = true
		}
		close(stop)
		seen = <-found
	})
	for held := range seen {
		if !given[held] {
			t.Fatalf("a reader found %q", held[:min(len(held), 80)])
		}
	}
	if len(seen) < 10 {
		t.Errorf("the reader saw %d tokens; it cannot have missed so many renewals", len(seen))
	}
}
