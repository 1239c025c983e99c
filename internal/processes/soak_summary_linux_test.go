package processes

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
)

// summary says what there was.
func (s *soak) summary(looks []look) {
	f, total := s.figures, renewed.Hours()*float64(s.lasts)/float64(s.period)
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(name string, values ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprint(values...)) }
	row("hours of tokens of an hour", fmt.Sprintf("%.0f in %s, renewed every %s", total, s.lasts, s.period))
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
	row("keyring restarts", f.restarts, " and ", f.crashes, " by its own crash, away ", &s.down)
	row("tokens that could not be remembered", f.unkept)
	row("calls that failed in an outage", f.failed)
	row("broken promises (wrong identity, ended, lost, no cause)", s.failures)
	row("renewals of the two files", f.renewals, ", found ended in an outage ", f.expired)
	for _, n := range []int{0, 1, 5, 11, 17, 23} {
		l := looks[n]
		row(fmt.Sprintf("after hour %.0f", total*float64(n+1)/24), l.files, " files, ", l.bytes, " bytes, ", l.unfinished, " unfinished; descriptors/threads/KB ", l.watched)
	}
	_ = w.Flush()
	for _, said := range slices.Sorted(maps.Keys(s.excused)) {
		fmt.Fprintf(&text, "%4d × %s\n", s.excused[said], said)
	}
	s.t.Logf("\n%s", &text)
}
