package processes

import (
	"cmp"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	// soakVariable is how long the run takes: a day of renewals, or more of them where it is longer than two minutes. CI
	// says 90s.
	soakVariable = "IDFERRY_TEST_SOAK"
	// seedVariable is the seed of every choice, as a run before has logged it.
	seedVariable = "IDFERRY_TEST_SEED"

	day = 24 * time.Hour
	// renewed is the age at which a token of an hour is replaced: ten minutes are left.
	renewed = 50 * time.Minute
	callers = 8
	// shortest and longest are what a period is at least, so that a token has seconds to live, and at most, so that a
	// long run has more renewals and not longer ones.
	shortest, longest = 2 * time.Second, 4 * time.Second
)

// soak is a day of a machine, in minutes.
//
// What makes the day short is not its clocks but its tokens. A token of an hour is renewed after 50 minutes, 29 times in
// 24 hours, and this is what is scaled: each identity is renewed as often in the run as in the day, or oftener. There are
// two ways to it that need no other clock in the binaries, and each leaves out what the other has, so both are taken:
//   - Tokens of seconds. The policy is in proportion for short lives (Life.Fresh: half of a life under 20 minutes is
//     left), and such tokens end, so that one served too late shows. But none has the two minutes that serving it in
//     place of a failed renewal takes, so an outage is an error.
//   - Tokens of an hour whose issuer wants them to be renewed after seconds (refresh_in). An outage is served through;
//     none ends.
//
// What is counted in seconds of a clock stays so: a failure's memory (5 s), the wait for a lock (20 s), the age of what
// the dead leave (a minute), a connection that idles (30 s). To all that a day of faults is as long as the run.
type soak struct {
	t        *testing.T
	programs built
	lasts    time.Duration
	period   time.Duration // between two renewals
	seed     uint64
	begun    time.Time

	short, hours *place // two clouds, one machine
	locked       *place // where the lock is held for long
	disk         *smallDisk
	keyring      *restarted // nil where there is none
	callers      []*caller
	mark         string

	outages map[upstream]*windows
	full    windows
	down    windows // the keyring
	stopped windows // some caller

	unanswered sync.Map // by upstream, how many requests an outage had

	mu       sync.Mutex
	figures  figures
	excused  map[string]int
	failures int
}

// figures are what the run counts.
type figures struct {
	served, hits, failed, killed, suspended, outages, disks, restarts, crashes, locks, unkept, expired, renewals int
}

func TestADayOfKillsSuspensionsFullDisksAndOutages(t *testing.T) {
	text := os.Getenv(soakVariable)
	if text == "" {
		t.Skip(soakVariable + " says how long to go on: 90s, or 10m")
	}
	s := newSoak(t, text)
	s.warmUp()
	if t.Failed() {
		return
	}
	watched := s.startWatched()
	ended, evening := make(chan struct{}), make(chan struct{})
	var keeper sync.WaitGroup
	keeper.Go(func() { s.watchKeyring(evening) })
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() { s.calls(rand.New(rand.NewPCG(s.seed, uint64(n))), ended) })
	}
	for n, fault := range []func(*rand.Rand, <-chan struct{}){s.breakUpstreams, s.fillDisks, s.restartKeyring, s.holdLocks} {
		all.Go(func() { fault(rand.New(rand.NewPCG(s.seed, uint64(100+n))), ended) })
	}
	for _, w := range watched {
		all.Go(func() { s.watch(w, ended) })
	}
	var looks []look
	for n := range 24 {
		time.Sleep(time.Until(s.begun.Add(s.lasts * time.Duration(n+1) / 24)))
		looks = append(looks, s.measure(watched))
	}
	close(ended)
	all.Wait()
	s.calm()
	s.bounded(looks)
	s.exchanged()
	s.endWatched(watched)
	s.nothingLeft()
	close(evening)
	keeper.Wait()
	s.summary(looks)
}

func newSoak(t *testing.T, text string) *soak {
	t.Helper()
	lasts, err := time.ParseDuration(text)
	if err == nil && lasts < time.Minute {
		t.Fatalf("%s=%s: a renewal needs two seconds, so a day takes a minute at least", soakVariable, text)
	}
	seed, seedErr := strconv.ParseUint(cmp.Or(os.Getenv(seedVariable), strconv.FormatUint(rand.Uint64N(1e6), 10)), 10, 64)
	if err != nil || seedErr != nil {
		t.Fatal(err, seedErr)
	}
	t.Logf("%s=%s %s=%d", soakVariable, lasts, seedVariable, seed)
	programs := build(t)
	s := &soak{
		t: t, programs: programs, lasts: lasts, seed: seed, mark: markVariable + "=" + t.Name() + strconv.Itoa(os.Getpid()),
		// Lives are told in whole seconds.
		period:  min(longest, max(shortest, time.Duration(float64(lasts)*renewed.Hours()/day.Hours()).Truncate(time.Second))),
		excused: map[string]int{}, outages: map[upstream]*windows{},
	}
	s.short, s.hours, s.locked = newPlace(t), newPlace(t), newPlace(t)
	for _, p := range []*place{s.short, s.hours, s.locked} {
		p.env = append(p.env, s.mark)
		p.Entra.AddApplication(fakecloud.Application{TenantID: fakecloud.SandboxTenant, ClientID: soakClient, ObjectID: "0000" + soakClient[4:], Federated: []fakecloud.FederatedCredential{
			{Issuer: fakecloud.GoogleIssuer, Subject: fakecloud.SandboxAccountID, Audience: fakecloud.AssertionAudience, Name: "google"},
		}})
	}
	s.short.Entra.Issue(s.life(), 0)
	s.short.Google.IssueIDTokens(s.life())
	s.hours.Entra.Issue(time.Hour, 0)
	s.hours.Entra.RenewIn(s.period)
	// One machine, one cache.
	s.hours.env = append(s.hours.env, "IDFERRY_CACHE_DIR="+s.short.cacheDir())
	s.disk = s.newSmallDisk()
	s.keyring = s.newRestarted()
	s.callers = s.newCallers()
	for _, u := range s.upstreams() {
		s.outages[u] = &windows{}
	}
	s.begun = time.Now()
	return s
}

// life is that of a short token.
func (s *soak) life() time.Duration { return 2 * s.period }

// warmUp has every caller's first token, without a fault.
func (s *soak) warmUp() {
	s.callers = slices.DeleteFunc(s.callers, s.withoutKernel)
	for _, c := range s.callers {
		s.call(c, nil, plain)
		s.call(c, nil, plain)
	}
	s.begun = time.Now()
}

// calm calls everybody again once all faults are over: all is as in the beginning.
func (s *soak) calm() {
	time.Sleep(failureMemory)
	for range 2 {
		for _, c := range s.callers {
			s.call(c, nil, plain)
		}
	}
}

func (s *soak) count(what *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*what++
}

// errorf reports what breaks a promise. A promise that is broken a thousand times is told a few times.
func (s *soak) errorf(format string, args ...any) {
	s.t.Helper()
	s.mu.Lock()
	s.failures++
	n := s.failures
	s.mu.Unlock()
	if n <= 20 {
		s.t.Errorf("after %s: "+format, append([]any{time.Since(s.begun).Round(time.Millisecond)}, args...)...)
	}
}

// pause waits for a random time between the two and says whether the day goes on.
func pause(dice *rand.Rand, ended <-chan struct{}, least, most time.Duration) bool {
	timer := time.NewTimer(least + time.Duration(dice.Float64()*float64(most-least)))
	defer timer.Stop()
	select {
	case <-ended:
		return false
	case <-timer.C:
		return true
	}
}
