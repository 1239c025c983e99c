package processes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

const (
	soakClient = "34343434-3434-3434-3434-343434343434"
	storage    = "https://storage.azure.com"
	// failureMemory is how long a failure, or a token that could not be kept, is told to others (internal/cache).
	failureMemory = 5 * time.Second
	// impatient is the deadline of a caller that has little time.
	impatient = 3 * time.Second
)

// caller is one of the two binaries in one contract, and whom it is to be given.
type caller struct {
	name    string
	place   *place
	program string
	args    []string
	env     []string
	is      func(token.Claims) bool
	// remembered is shared by the callers that want the same token.
	remembered *remembered
	// from is whom a renewal needs.
	from []upstream
	// stale is set where a renewal may fail, because the old token is still good.
	stale bool
	// unkept are the times at which nothing can be remembered.
	unkept *windows
	// outputFile is where the response is to be found too.
	outputFile string
}

// remembered is what has been promised: a token that was printed, when all was well, is what everybody is given until
// it is to be renewed.
type remembered struct {
	life time.Duration

	mu          sync.Mutex
	value       string
	begun, told time.Time // the call that printed it first
	until, ends time.Time
}

func (s *soak) newCallers() []*caller {
	files := s.short.cacheDir()
	a, b, m := []upstream{{s.short, "entra"}, {s.short, "metadata"}}, []upstream{{s.hours, "entra"}, {s.hours, "metadata"}}, []upstream{{s.short, "imds"}}
	of := func(tenant, client, audience string) func(token.Claims) bool {
		return func(c token.Claims) bool {
			return c.TenantID == tenant && c.AppID == client && len(c.Audience) == 1 && strings.TrimSuffix(c.Audience[0], "/") == audience
		}
	}
	machine := func(oid string) func(token.Claims) bool {
		return func(c token.Claims) bool {
			return c.ObjectID == oid && len(c.Audience) == 1 && c.Audience[0] == fakecloud.SandboxResource
		}
	}
	exchange := func(format, tenant, client, resource string) []string {
		if format == "exec" {
			return []string{"get-token", "--server-id", resource, "--client-id", client, "--tenant-id", tenant}
		}
		return []string{"get-token", "-o", format, "--resource", resource, "--client-id", client, "--tenant-id", tenant}
	}
	at := func(mode, dir string) []string { return []string{"IDFERRY_CACHE=" + mode, "IDFERRY_CACHE_DIR=" + dir} }
	const tenant, other, app = fakecloud.SandboxTenant, fakecloud.SandboxOtherTenant, fakecloud.SandboxApp
	first, server, second, lasting := s.newRemembered(0), s.newRemembered(0), s.newRemembered(0), s.newRemembered(time.Hour)
	system, user := s.newRemembered(0), s.newRemembered(0)
	response := filepath.Join(s.short.home, "response.json")
	all := []*caller{
		{name: "raw", program: s.programs.helper, args: exchange("raw", tenant, app, storage), is: of(tenant, app, storage), remembered: first, from: a},
		{name: "az", program: s.programs.helper, args: exchange("az", tenant, app, storage), is: of(tenant, app, storage), remembered: first, from: a},
		{name: "kubectl", program: s.programs.helper, args: exchange("exec", tenant, app, fakecloud.AKSServer), is: of(tenant, app, fakecloud.AKSServer), remembered: server, from: a},
		{name: "another tenant", program: s.programs.helper, args: exchange("azd", other, app, storage), is: of(other, app, storage), remembered: second, from: a},
		{name: "another application", program: s.programs.helper, args: exchange("raw", tenant, soakClient, storage), is: of(tenant, soakClient, storage), remembered: s.newRemembered(0), from: a},
		{name: "an hour", place: s.hours, program: s.programs.helper, args: exchange("raw", tenant, app, storage), is: of(tenant, app, storage), remembered: lasting, from: b, stale: true},
		{name: "an hour, kubectl", place: s.hours, program: s.programs.helper, args: exchange("exec", other, app, fakecloud.AKSServer), is: of(other, app, fakecloud.AKSServer), remembered: s.newRemembered(time.Hour), from: b, stale: true},
		{name: "the system's identity", program: s.programs.source, args: ofIdentity(""), is: machine(fakecloud.SandboxSystemOID), remembered: system, from: m},
		{name: "a user's identity", program: s.programs.source, args: ofIdentity(fakecloud.SandboxUserClient), is: machine(fakecloud.SandboxUserOID), remembered: user, from: m},
		{name: "a user's identity, output file", program: s.programs.source, args: ofIdentity(fakecloud.SandboxUserClient), is: machine(fakecloud.SandboxUserOID), remembered: user, from: m,
			env: []string{"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=" + response}, outputFile: response},
		{name: "kernel keyring", program: s.programs.helper, args: exchange("raw", other, app, storage), is: of(other, app, storage), remembered: s.newRemembered(0), from: a, env: at("kernel", files+"-kernel")},
		{name: "kernel keyring, machine", program: s.programs.source, args: ofIdentity(""), is: machine(fakecloud.SandboxSystemOID), remembered: s.newRemembered(0), from: m, env: at("kernel", files+"-kernel")},
	}
	if s.disk != nil {
		all = append(all,
			&caller{name: "small disk", program: s.programs.helper, args: exchange("header", tenant, app, storage), is: of(tenant, app, storage), remembered: s.newRemembered(0), from: a, env: at("file", s.disk.cache), unkept: &s.full},
			&caller{name: "small disk, output file", program: s.programs.source, args: ofIdentity(""), is: machine(fakecloud.SandboxSystemOID), remembered: s.newRemembered(0), from: m,
				env: append(at("file", s.disk.cache), "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE="+s.disk.response), unkept: &s.full})
	}
	if s.keyring != nil {
		dir := append(at("keyring", files+"-keyring"), s.keyring.Env...)
		dir = append(dir, "XDG_RUNTIME_DIR=")
		all = append(all,
			&caller{name: "keyring", program: s.programs.helper, args: exchange("raw", tenant, app, storage), is: of(tenant, app, storage), remembered: s.newRemembered(0), from: a, env: dir, unkept: &s.down},
			&caller{name: "keyring, machine", program: s.programs.source, args: ofIdentity(fakecloud.SandboxUserClient), is: machine(fakecloud.SandboxUserOID), remembered: s.newRemembered(0), from: m, env: dir, unkept: &s.down})
	}
	for _, c := range all {
		if c.place == nil {
			c.place = s.short
		}
	}
	return all
}

func (s *soak) newRemembered(life time.Duration) *remembered {
	if life == 0 {
		life = s.life()
	}
	return &remembered{life: life}
}

// way is what becomes of a call.
type way int

const (
	plain way = iota
	hasty
	killed
	suspended
)

// calls makes one call after the other.
func (s *soak) calls(dice *rand.Rand, ended <-chan struct{}) {
	for pause(dice, ended, 0, 150*time.Millisecond) {
		how := []way{plain, plain, plain, plain, hasty, killed, killed, suspended}[dice.IntN(8)]
		s.call(s.callers[dice.IntN(len(s.callers))], dice, how)
	}
}

// call makes a call and checks what comes of it.
func (s *soak) call(c *caller, dice *rand.Rand, how way) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, c.args...)
	cmd.Env = append(append([]string{}, c.place.env...), c.env...)
	if how == hasty {
		cmd.Env = append(cmd.Env, "IDFERRY_TIMEOUT="+impatient.String())
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		s.errorf("%s: %v", c.name, err)
		return
	}
	switch how {
	case killed:
		timer := time.AfterFunc(time.Duration(dice.IntN(40_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	case suspended:
		time.Sleep(time.Duration(dice.IntN(40_000)) * time.Microsecond)
		over := s.stopped.begin()
		_ = cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(dice.IntN(1000)) * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGCONT)
		over()
		s.count(&s.figures.suspended)
	}
	err := cmd.Wait()
	end := time.Now()
	if how == killed {
		s.count(&s.figures.killed)
		return
	}
	value, said := printed(stdout.Bytes())
	if err != nil || value == "" {
		s.failed(c, how, start, end, err, said, stderr.String())
		return
	}
	s.served(c, how, start, end, value)
	if stderr.Len() > 0 {
		s.errorf("%s: on stderr: %s", c.name, &stderr)
	}
	if c.outputFile != "" {
		s.readable(c)
	}
}

// printed is the token in any of the contracts, or the error of one.
func printed(out []byte) (value, said string) {
	text := strings.TrimPrefix(strings.TrimSpace(string(out)), "Authorization: Bearer ")
	if !strings.HasPrefix(text, "{") {
		return text, ""
	}
	var document struct {
		Code, Message string
		IDToken       string `json:"id_token"`
		AccessToken   string `json:"accessToken"`
		Token         string
		Status        struct{ Token string }
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return "", err.Error()
	}
	if document.Code != "" {
		return "", document.Code + ": " + document.Message
	}
	return document.IDToken + document.AccessToken + document.Token + document.Status.Token, ""
}

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
	unkept := c.unkept != nil && c.unkept.overlap(r.begun.Add(-failureMemory), end)
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

var digits = regexp.MustCompile(`[0-9][0-9a-f.:TZ-]*`)

// failed checks that a fault explains the failure, and that the error is one that is documented.
func (s *soak) failed(c *caller, how way, start, end time.Time, err error, said, stderr string) {
	explained := how == hasty && s.stopped.overlap(start, end)
	for _, u := range c.from {
		explained = explained || s.outages[u].overlap(start.Add(-failureMemory), end)
	}
	if said == "" {
		said = stderr
	}
	first, _, _ := strings.Cut(said, "\n")
	if !explained || c.stale {
		s.errorf("%s: failed without a cause after %s: %v: %s", c.name, end.Sub(start), err, said)
	}
	documented := strings.Contains(said, "deadline") || strings.Contains(said, "500") || strings.Contains(said, "503") || strings.Contains(said, "within") || strings.Contains(said, "EOF")
	if !documented || strings.Contains(said, "panic") {
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

// windows are the times of a fault.
type windows struct {
	mu     sync.Mutex
	spans  []span
	closed int // spans before are over
}

type span struct{ from, to time.Time }

// begin begins one; what it returns ends it.
func (w *windows) begin() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.spans)
	w.spans = append(w.spans, span{from: time.Now()})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.spans[n].to = time.Now()
	}
}

func (w *windows) overlap(from, to time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.spans {
		if s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) {
			return true
		}
	}
	return false
}

func (w *windows) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sum time.Duration
	for _, s := range w.spans {
		sum += s.to.Sub(s.from)
	}
	return fmt.Sprintf("%d, %s in all", len(w.spans), sum.Round(time.Second))
}
