package processes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// watched is a process that lives all day and keeps a file.
type watched struct {
	name  string
	cmd   *exec.Cmd
	stdin io.Closer
	file  string
	is    func(token.Claims) bool
	from  upstream
	said  bytes.Buffer
}

func (s *soak) startWatched() []*watched {
	file := filepath.Join(s.short.home, "subject-token")
	subject := &watched{name: "token-file", file: file, from: upstream{s.short, "imds"},
		cmd: exec.CommandContext(context.Background(), s.programs.source, "token-file", "--path", file, "--credential", "managed-identity", "--client-id", fakecloud.SandboxUserClient, "--resource", "https:"+fakecloud.SandboxProvider),
		is:  func(c token.Claims) bool { return c.ObjectID == fakecloud.SandboxUserOID }}
	assertion := &watched{name: "exec", from: upstream{s.short, "metadata"},
		cmd: s.short.executed(s.programs, `echo "$AZURE_FEDERATED_TOKEN_FILE"; read line`),
		is: func(c token.Claims) bool {
			return c.Issuer == fakecloud.GoogleIssuer && c.Subject == fakecloud.SandboxAccountID && slices.Equal(c.Audience, []string{fakecloud.AssertionAudience})
		}}
	subject.cmd.Env = s.short.env
	for _, w := range []*watched{subject, assertion} {
		w.cmd.Stderr = &w.said
		stdin, inErr := w.cmd.StdinPipe()
		stdout, outErr := w.cmd.StdoutPipe()
		if err := errors.Join(inErr, outErr, w.cmd.Start()); err != nil {
			s.t.Fatal(err)
		}
		w.stdin = stdin
		if w.file == "" {
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				s.t.Fatal(err)
			}
			w.file = strings.TrimSpace(line)
		}
	}
	soon(s.t, "the file is there", func() bool { _, err := os.Stat(file); return err == nil })
	return []*watched{subject, assertion}
}

// watch reads the file all day.
func (s *soak) watch(w *watched, ended <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		raw, err := os.ReadFile(w.file)
		now := time.Now()
		claims, claimsErr := token.ReadClaims(string(raw))
		if err != nil || claimsErr != nil || !w.is(claims) {
			s.errorf("%s: %d bytes, %v", w.name, len(raw), errors.Join(err, claimsErr))
			continue
		}
		if string(raw) != last {
			last = string(raw)
			s.count(&s.figures.renewals)
		}
		if !claims.Expiry.After(now) {
			// A renewal that fails is repeated after five seconds, ten, twenty; one that hears nothing takes 25 s to fail.
			if !s.outages[w.from].overlap(now.Add(-time.Minute), now) {
				s.errorf("%s: the file's token ended %s ago", w.name, now.Sub(claims.Expiry))
			}
			s.count(&s.figures.expired)
		}
	}
}

// endWatched ends them as their supervisor does.
func (s *soak) endWatched(all []*watched) {
	for _, w := range all {
		if w.name == "token-file" {
			_ = w.cmd.Process.Signal(syscall.SIGTERM)
		}
		_ = w.stdin.Close()
		if err := w.cmd.Wait(); err != nil {
			s.errorf("%s: %v: %s", w.name, err, &w.said)
		}
		s.t.Logf("%s said %d lines", w.name, strings.Count(w.said.String(), "\n"))
	}
	s.short.left(s.t)
}

// hour is what there was at the end of one.
type hour struct {
	files, unfinished int
	bytes             int64
	watched           []usage
}

type usage struct{ descriptors, threads, memory int }

func (u usage) String() string { return fmt.Sprintf("%d/%d/%d", u.descriptors, u.threads, u.memory) }

func (s *soak) dirs() map[string]int {
	dirs := map[string]map[*remembered]bool{}
	for _, c := range s.callers {
		dir := s.short.cacheDir()
		for _, v := range c.env {
			if at, ok := strings.CutPrefix(v, "IDFERRY_CACHE_DIR="); ok {
				dir = at
			}
		}
		if dirs[dir] == nil {
			dirs[dir] = map[*remembered]bool{}
		}
		dirs[dir][c.remembered] = true
	}
	counts := map[string]int{}
	for dir, entries := range dirs {
		counts[dir] = len(entries)
	}
	counts[s.short.cacheDir()]++ // token-file's
	return counts
}

// measure looks at the machine, and at what must not be there at any time.
func (s *soak) measure(all []*watched) (h hour) {
	for dir, entries := range s.dirs() {
		kept := 0
		listed, err := os.ReadDir(dir)
		if err != nil {
			s.errorf("%v", err)
		}
		for _, e := range listed {
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 16<<10 {
				s.errorf("%s: %v, %v, %d bytes", e.Name(), err, info.Mode(), info.Size())
				continue
			}
			h.bytes += info.Size()
			if !strings.HasPrefix(e.Name(), temporary) {
				kept++
				continue
			}
			h.unfinished++
			// The next write sweeps what is a minute old. On a full disk nobody writes.
			if age := time.Since(info.ModTime()); age > time.Minute+3*s.period+10*time.Second {
				s.errorf("%s is %s old", e.Name(), age)
			}
		}
		h.files += kept
		// An entry, its lock and its last failure; the key, its lock and its marker.
		if kept > 3*entries+3 {
			s.errorf("%s holds %d files for %d tokens", dir, kept, entries)
		}
	}
	for _, w := range all {
		h.watched = append(h.watched, used(w.cmd.Process.Pid))
	}
	return h
}

// temporary is how a file that is being written begins (internal/cache).
const temporary = ".new-"

// used is what a process has: descriptors, threads, KB of memory.
func used(pid int) (u usage) {
	dir := "/proc/" + strconv.Itoa(pid)
	descriptors, _ := os.ReadDir(dir + "/fd")
	u.descriptors = len(descriptors)
	status, _ := os.ReadFile(dir + "/status")
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && fields[0] == "Threads:":
			u.threads, _ = strconv.Atoi(fields[1])
		case len(fields) > 1 && fields[0] == "VmRSS:":
			u.memory, _ = strconv.Atoi(fields[1])
		}
	}
	return u
}

// bounded compares the second half of the day with what there was from the second hour to noon.
func (s *soak) bounded(hours []hour) {
	morning, evening := hours[1:12], hours[12:]
	most := func(hours []hour, of func(hour) int) (n int) {
		for _, h := range hours {
			n = max(n, of(h))
		}
		return n
	}
	check := func(what string, slack int, of func(hour) int) {
		if was, is := most(morning, of), most(evening, of); is > was+slack {
			s.errorf("%s grew from %d to %d", what, was, is)
		}
	}
	// Each token has a failure at times.
	check("the number of files", len(s.callers), func(h hour) int { return h.files })
	for n := range hours[0].watched {
		check("descriptors", 3, func(h hour) int { return h.watched[n].descriptors })
		check("threads", 4, func(h hour) int { return h.watched[n].threads })
		check("memory in KB", 6<<10, func(h hour) int { return h.watched[n].memory })
		if h := hours[0].watched[n]; h.descriptors == 0 || h.memory == 0 {
			s.errorf("nothing is known of the process")
		}
	}
}

// exchanges are the requests for a token that were answered with one.
func (s *soak) exchanges() (n int) {
	for _, u := range s.upstreams() {
		if u.name != "metadata" {
			ending := map[string]string{"entra": "/oauth2/v2.0/token", "imds": "/oauth2/token"}[u.name]
			n += count(u.server(), ending) - int(s.failedRequests(u).Load())
		}
	}
	return n
}

// exchanged bounds the exchanges: one a token and period, one for who died or could not remember his.
func (s *soak) exchanged() {
	tokens := 1.0 / 0.8 // token-file renews up to a tenth early, and repeats what an outage broke
	for _, entries := range s.dirs() {
		tokens += float64(entries)
	}
	// The life of a token is told in whole seconds, so half of what is left of it may be half a second less.
	periods := float64(time.Since(s.begun))/float64(s.period-500*time.Millisecond) + 2
	f := s.figures
	if most := int(tokens*periods) + f.killed + f.unkept; s.exchanges() > most {
		s.errorf("%d exchanges, more than %d", s.exchanges(), most)
	}
	if f.served < 500 || f.killed < 50 || f.suspended < 20 || f.hits < f.served/2 {
		s.errorf("too few to tell: %+v", f)
	}
}

// nothingLeft looks for processes that outlived their callers.
func (s *soak) nothingLeft() {
	if who := marked(s.mark); len(who) > 0 {
		s.errorf("left behind: %s", strings.Join(who, ", "))
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		raw, _ := os.ReadFile(stat)
		_, rest, _ := strings.Cut(string(raw), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(os.Getpid()) {
			s.errorf("nobody has waited for %s", raw)
		}
	}
	for dir := range s.dirs() {
		unfinished, _ := filepath.Glob(filepath.Join(dir, temporary+"*"))
		for _, path := range unfinished {
			long := time.Now().Add(-2 * time.Minute)
			_ = os.Chtimes(path, long, long)
		}
	}
	// A renewal of everybody's sweeps what is left.
	time.Sleep(s.period + time.Second)
	for _, c := range s.callers {
		s.call(c, nil, plain)
	}
	for dir := range s.dirs() {
		if unfinished, _ := filepath.Glob(filepath.Join(dir, temporary+"*")); len(unfinished) > 0 {
			s.errorf("%s keeps %v", dir, unfinished)
		}
	}
}

func (s *soak) summary(hours []hour) {
	f := s.figures
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(name string, values ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprint(values...)) }
	row("hours of tokens of an hour", fmt.Sprintf("%.1f in %s, renewed every %s", renewed.Hours()*float64(s.lasts)/float64(s.period), s.lasts, s.period))
	row("calls", f.served+f.failed+f.killed)
	row("served", f.served, ", remembered ", f.hits)
	row("exchanges", s.exchanges())
	row("killed", f.killed)
	row("suspended", f.suspended, ", and ", f.locks, " that held the lock for 20 s")
	for _, u := range s.upstreams() {
		where := "short lives"
		if u.place == s.hours {
			where = "an hour"
		}
		row("outages of "+u.name+", "+where, s.outages[u])
	}
	row("full disks", &s.full)
	row("keyring restarts", f.restarts, ", away ", &s.down)
	row("tokens that could not be remembered", f.unkept)
	row("calls that failed in an outage", f.failed)
	row("broken promises (wrong identity, ended, lost, no cause)", s.failures)
	row("renewals of the two files", f.renewals, ", found ended in an outage ", f.expired)
	for _, n := range []int{0, 1, 5, 11, 17, 23} {
		h := hours[n]
		row(fmt.Sprintf("hour %d", n+1), h.files, " files, ", h.bytes, " bytes, ", h.unfinished, " unfinished; descriptors/threads/KB ", h.watched)
	}
	_ = w.Flush()
	for _, said := range slices.Sorted(maps.Keys(s.excused)) {
		fmt.Fprintf(&text, "%4d × %s\n", s.excused[said], said)
	}
	s.t.Logf("\n%s", &text)
}
