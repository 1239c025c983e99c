package processes

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// look is what there was at a moment.
type look struct {
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
func (s *soak) measure(all []*watched) (l look) {
	for dir, entries := range s.dirs() {
		// What a writer leaves that is killed in the fraction of a millisecond that it takes. The small disk has no room for it.
		if s.disk == nil || dir != s.disk.cache {
			if err := os.WriteFile(filepath.Join(dir, temporary+rand.Text()), []byte("half of an ent"), 0o600); err != nil {
				s.errorf("%v", err)
			}
		}
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
			l.bytes += info.Size()
			if !strings.HasPrefix(e.Name(), temporary) {
				kept++
				continue
			}
			l.unfinished++
			// The next write sweeps what is a minute old. On a full disk nobody writes.
			if age := time.Since(info.ModTime()); age > time.Minute+3*s.period+10*time.Second {
				s.errorf("%s is %s old", e.Name(), age)
			}
		}
		l.files += kept
		// An entry, its lock and its last failure; the key, its lock and its marker.
		if kept > 3*entries+3 {
			s.errorf("%s holds %d files for %d tokens", dir, kept, entries)
		}
	}
	for _, w := range all {
		l.watched = append(l.watched, used(w.cmd.Process.Pid))
	}
	return l
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

// idle is how long a connection is kept (internal/upstream).
const idle = 30 * time.Second

// bounded compares the second half of the run with what there was after its first twelfth.
func (s *soak) bounded(looks []look) {
	early, late := looks[1:12], looks[12:]
	most := func(looks []look, of func(look) int) (n int) {
		for _, l := range looks {
			n = max(n, of(l))
		}
		return n
	}
	check := func(what string, slack int, of func(look) int) {
		if was, is := most(early, of), most(late, of); is > was+slack {
			s.errorf("%s grew from %d to %d", what, was, is)
		}
	}
	// Each token has a failure at times.
	check("the number of files", len(s.callers), func(l look) int { return l.files })
	// A renewal asks anew, as another process would, and leaves a connection to idle. In a day none meets the next.
	idling := int(idle/(s.period*9/10-500*time.Millisecond)) + 4
	for n, first := range looks[0].watched {
		if is := most(looks, func(l look) int { return l.watched[n].descriptors }); is > first.descriptors+idling {
			s.errorf("from %d descriptors to %d", first.descriptors, is)
		}
		check("threads", 4, func(l look) int { return l.watched[n].threads })
		check("memory in KB", 2<<10, func(l look) int { return l.watched[n].memory })
		if first.descriptors == 0 || first.memory == 0 {
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
