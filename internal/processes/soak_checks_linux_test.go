package processes

import (
	"math"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// served checks a token: whose it is, that it is good, and that it is the one that was promised.
func (s *soak) served(c *caller, how way, start, end time.Time, value string) {
	claims, err := token.ReadClaims(value)
	if err != nil || !c.is(claims) {
		s.errorf("%s: the wrong identity: %v, tenant %s, application %s, object %s, audience %s", c.name, err, claims.TenantID, claims.AppID, claims.ObjectID, claims.Audience)
		return
	}
	if !claims.Expiry.After(start) {
		s.errorf("%s: the token ended %s before the call began", c.name, start.Sub(claims.Expiry))
	}
	// At least half of its life was left, but for the second that is told in whole ones, when it was chosen.
	if took := end.Sub(start); how != suspended && took < s.period-time.Second && !claims.Expiry.After(end) {
		s.errorf("%s: the token ended %s before it was printed, after %s", c.name, end.Sub(claims.Expiry), took)
	}
	if took := end.Sub(start); took > 27*time.Second {
		s.errorf("%s: a call took %s, beyond its own deadline", c.name, took)
	}
	r := c.remembered
	r.mu.Lock()
	defer r.mu.Unlock()
	hit := value == r.value
	unkept := c.unkept != nil && c.unkept.overlap(r.begun.Add(-aftermath), end)
	if !hit && !unkept && start.After(r.told) && end.Before(r.until) {
		s.errorf("%s: the token that was printed %s before has been lost, %s before it was to be renewed", c.name, start.Sub(r.told), r.until.Sub(end))
	}
	if !hit && claims.Expiry.Add(time.Second).After(r.ends) {
		// It came in the second in which its life begins, or the next. One second more, since refresh_in is told in whole ones.
		r.value, r.begun, r.told, r.ends, r.until = value, start, end, claims.Expiry, claims.Expiry.Add(s.period-r.life-time.Second)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures.served++
	if hit {
		s.figures.hits++
	}
	if unkept && !hit {
		s.figures.unkept++
	}
}

// documented are the codes of what may go wrong upstream (internal/problem), as both binaries begin with them. People at
// azure-token-helper are told in a second line what to do.
var documented = regexp.MustCompile(`^(azure-token-helper: )?(unreachable|bad_answer|refused|no_identity|deadline_exceeded): .*(\nazure-token-helper: .|; )`)

var digits = regexp.MustCompile(`[0-9][0-9a-f.:TZ-]*`)

// failed checks that a fault explains the failure, and that the error is one that is documented.
func (s *soak) failed(c *caller, how way, start, end time.Time, err error, said, stderr string) {
	explained := how == hasty && s.stopped.overlap(start, end)
	since := time.Duration(math.MaxInt64)
	for _, u := range c.from {
		explained = explained || s.outages[u].overlap(start.Add(-aftermath), end)
		since = min(since, s.outages[u].since(start))
	}
	if said == "" {
		said = stderr
	}
	first, _, _ := strings.Cut(said, "\n")
	if !explained || c.stale {
		s.errorf("%s: failed without a cause after %s, %s after an outage: %v: %s", c.name, end.Sub(start), since, err, said)
	}
	if !documented.MatchString(said) || strings.Contains(said, "panic") {
		s.errorf("%s: no documented error: %s", c.name, said)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.figures.failed++
	s.excused[digits.ReplaceAllString(first, "…")]++
}

// readable checks the output file as Google's libraries read it: a whole response, for this identity.
func (s *soak) readable(c *caller) {
	raw, err := os.ReadFile(c.outputFile)
	if err != nil {
		s.errorf("%s: %v", c.name, err)
		return
	}
	value, _ := printed(raw)
	if claims, err := token.ReadClaims(value); err != nil || !c.is(claims) {
		s.errorf("%s: the output file has %d bytes: %v, %s", c.name, len(raw), err, claims.ObjectID)
	}
}
