package doctor

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

// Examination makes a Report, hop by hop.
type Examination struct {
	Report
	ctx context.Context
	now func() time.Time
	// show is called for each hop when it has ended; it may be nil.
	show func(*Hop)
}

// Begin starts an examination that ends with ctx. show is called for each hop as it ends; it may be nil.
func Begin(ctx context.Context, now func() time.Time, r Report, show func(*Hop)) *Examination {
	return &Examination{Report: r, ctx: ctx, now: now, show: show}
}

// mostOfHop bounds a single hop, so that one that hangs leaves time for the others.
const mostOfHop = 8 * time.Second

// Hop runs one hop, if those that it needs are well. run fills in what it finds; its error makes the hop one that failed,
// or one that could not be checked where that is what Uncheckable says.
func (x *Examination) Hop(name string, run func(context.Context, *Hop) error, needs ...*Hop) *Hop {
	h := &Hop{Name: name, Status: OK}
	x.Hops = append(x.Hops, h)
	defer func() {
		if x.show != nil {
			x.show(h)
		}
	}()
	for _, n := range needs {
		if n != nil && !n.well() {
			h.Status, h.Summary = Skipped, "not tried: "+n.Name+" first"
			return h
		}
	}
	if x.ctx.Err() != nil {
		h.Status, h.Summary = Unknown, "not tried: the time was over"
		return h
	}
	ctx, cancel := context.WithTimeout(x.ctx, mostOfHop)
	defer cancel()
	begun := time.Now()
	found, err := within(ctx, name, run)
	*h = found
	h.Took = time.Since(begun)
	var unknown *uncheckable
	var nothing *skipped
	switch {
	case err == nil:
	case errors.As(err, &nothing):
		h.Status, h.Summary, h.Took = Skipped, nothing.why, 0
	case errors.As(err, &unknown):
		h.Status, h.Problem = Unknown, problem.From(unknown.err)
	default:
		h.Status, h.Problem = Failed, problem.From(err)
	}
	return h
}

// within returns what run finds. A library may not heed its context; what such a one finds afterwards is nobody's.
func within(ctx context.Context, name string, run func(context.Context, *Hop) error) (Hop, error) {
	type end struct {
		hop Hop
		err error
	}
	done := make(chan end, 1)
	go func() {
		e := end{hop: Hop{Name: name, Status: OK}}
		defer func() {
			if recover() != nil {
				// What a panic quotes may be a token.
				e.err = problem.New(problem.Unexpected, "internal fault")
			}
			done <- e
		}()
		e.err = run(ctx, &e.hop)
	}()
	select {
	case e := <-done:
		return e.hop, e.err
	case <-ctx.Done():
	}
	select {
	case e := <-done:
		return e.hop, e.err
	case <-time.After(300 * time.Millisecond):
		return Hop{Name: name}, problem.New(problem.DeadlineExceeded, "no answer in time")
	}
}

type uncheckable struct{ err error }

func (u *uncheckable) Error() string { return u.err.Error() }
func (u *uncheckable) Unwrap() error { return u.err }

// Uncheckable marks an error as one that says nothing about what is to be checked.
func Uncheckable(err error) error { return &uncheckable{err} }

type skipped struct{ why string }

func (s *skipped) Error() string { return s.why }

// Skip ends a hop that has nothing to do here.
func Skip(why string) error { return &skipped{why} }

// In says in words when t is, seen from now: "in 59 minutes (2026-11-01 11:00:00 UTC)".
func In(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	left := t.Sub(now).Round(time.Second)
	at := " (" + t.UTC().Format("2006-01-02 15:04:05 UTC") + ")"
	if left < 0 {
		return Long(-left) + " ago" + at
	}
	return "in " + Long(left) + at
}

// Long says a duration as people do, in its largest two units at most.
func Long(d time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return strconv.Itoa(n) + " " + unit + "s"
	}
	switch {
	case d < time.Minute:
		return count(int(d/time.Second), "second")
	case d < time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return strings.TrimSuffix(count(int(d/time.Hour), "hour")+" "+count(int(d%time.Hour/time.Minute), "minute"), " 0 minutes")
	}
	return count(int(d/(24*time.Hour)), "day")
}
