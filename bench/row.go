package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// row is one line of a table: a process in pairs with another one.
type row struct {
	Name string `json:"name"`
	// Against is what Ratio is to; "" is a bare Go program that prints the same bytes.
	Against string  `json:"against,omitempty"`
	Millis  float64 `json:"milliseconds"`
	// CPU is user and system time of one run.
	CPU float64 `json:"cpuMilliseconds,omitempty"`
	// Ratio is the median of the pairs' ratios, Low to High its 95 % interval.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"ratioLow"`
	High  float64 `json:"ratioHigh"`
	// Bound is what Ratio must not be above; 0 is none. Ratio is the smallest of Medians: there are several where the
	// first was too high.
	Bound   float64   `json:"bound,omitempty"`
	Medians []float64 `json:"medians"`
	// Goal is what Ratio should not be above; whether it is is said, and breaks nothing. 0 is none.
	Goal float64 `json:"goal,omitempty"`
	// Before is what docs/performance.md has of it.
	Before figures `json:"before,omitzero"`
	// Bytes is how much it prints; Memory the largest resident set in kB, and Own what of that is no file's.
	Bytes  int `json:"bytes"`
	Memory int `json:"memoryKB,omitempty"`
	Own    int `json:"ownMemoryKB,omitempty"`
	// MemoryGoal is what Memory should not be above, in kB; whether it is is said, and breaks nothing. 0 is none.
	MemoryGoal int `json:"memoryGoalKB,omitempty"`
	// Requests is how many requests any cloud has from one run, and Asks how many it may have; -1 is any number.
	Requests int `json:"requests"`
	Asks     int `json:"asks,omitempty"`
	// Sockets is what one run opened, and is held to none but where Asks says that it may ask, or Bus that it may talk to
	// the session bus.
	Sockets sockets `json:"sockets"`
	Bus     bool    `json:"bus,omitempty"`
	// Asked is what one run asks of anybody, as method and path, where it may ask; Size is the program's in bytes, where it is
	// another one and one file.
	Asked []string `json:"asked,omitempty"`
	Size  int64    `json:"sizeBytes,omitempty"`
	// Missing says why it was not measured.
	Missing string `json:"missing,omitempty"`
}

// figures are what a later run is held to.
type figures struct {
	Ratio  float64 `json:"ratio,omitempty"`
	Memory int     `json:"memoryKB,omitempty"`
}

// regression is how much a figure may have grown since the page was written.
const regression = 1.15

// attempts is how often a row is measured whose ratio is too high: the machine may have been busy.
const attempts = 5

// limit is what the ratio must not be above, or 0.
func (r row) limit() float64 {
	before := r.Before.Ratio * regression
	switch {
	case r.Bound == 0:
		return before
	case before == 0:
		return r.Bound
	}
	return min(r.Bound, before)
}

// faults says what about r is not as it has to be.
func (r row) faults() (all []string) {
	if r.Missing != "" {
		return nil
	}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if r.Bound > 0 && r.Ratio > r.Bound {
		add("%.2f × is above %.2f ×", r.Ratio, r.Bound)
	}
	if r.Before.Ratio > 0 && r.Ratio > r.Before.Ratio*regression {
		add("%.2f × was %.2f ×", r.Ratio, r.Before.Ratio)
	}
	if r.Before.Memory > 0 && float64(r.Memory) > float64(r.Before.Memory)*regression {
		add("%.1f MB was %.1f MB", float64(r.Memory)/1e3, float64(r.Before.Memory)/1e3)
	}
	if r.Asks >= 0 && r.Requests != r.Asks {
		add("%d requests in place of %d", r.Requests, r.Asks)
	}
	if r.Asks == 0 && (r.Sockets.Network > 0 || r.Sockets.Local > 0 && !r.Bus) {
		add("sockets: %s", r.Sockets)
	}
	return all
}

// add takes one measurement and reports whether another one is due.
func (r *row) add(p paired) (again bool) {
	ratio, low, high := p.ratio()
	if len(r.Medians) == 0 || ratio < r.Ratio {
		r.Ratio, r.Low, r.High, r.Millis = ratio, low, high, p.milliseconds()
	}
	r.Medians = append(r.Medians, ratio)
	return r.limit() > 0 && r.Ratio > r.limit() && len(r.Medians) < attempts
}

// verdict says what r is held to, and whether it holds: what faults there are.
func (r row) verdict(faults []string) string {
	var words []string
	if r.Bound > 0 {
		bound := "≤ " + strconv.FormatFloat(r.Bound, 'f', -1, 64) + " ×"
		if r.Ratio <= r.Bound {
			bound += " holds"
		}
		words = append(words, bound)
	}
	if len(r.Medians) > 1 {
		var all []string
		for _, m := range r.Medians {
			all = append(all, fmt.Sprintf("%.2f", m))
		}
		words = append(words, "("+strings.Join(all, ", then ")+")")
	}
	if len(faults) > 0 {
		words = append(words, "BROKEN: "+strings.Join(faults, "; "))
	}
	switch {
	case r.Goal == 0:
	case r.Ratio > r.Goal:
		words = append(words, fmt.Sprintf("above its goal of %.1f ×", r.Goal))
	default:
		words = append(words, fmt.Sprintf("≤ %.1f ×", r.Goal))
	}
	switch goal := float64(r.MemoryGoal) / 1e3; {
	case r.MemoryGoal == 0 || r.Memory == 0:
	case r.Memory > r.MemoryGoal:
		words = append(words, fmt.Sprintf("above its goal of %.0f MB", goal))
	default:
		words = append(words, fmt.Sprintf("≤ %.0f MB", goal))
	}
	return strings.Join(words, ", ")
}

// time measures r, which has its name and bounds, as the process subject, which prints text each time.
func (b *bench) time(ctx context.Context, r row, subject command, text string) (row, error) {
	base, err := b.bareOf(ctx, subject, text)
	if err != nil {
		return row{}, err
	}
	r.Bytes, r.Before = len(text), b.before(r.Name)
	if err := b.measured(&r, subject.printing(ctx, text), base.printing(ctx, text), b.rounds); err != nil {
		return row{}, err
	}
	r.Sockets = countSockets(ctx, subject)
	b.meterRuns(ctx, &r, func() command { return subject })
	return r, nil
}

// bareOf is the bare program that prints text, in the subject's environment.
func (b *bench) bareOf(ctx context.Context, subject command, text string) (command, error) {
	b.bares++
	path, err := bare(ctx, b.dir, "bare"+strconv.Itoa(b.bares), text)
	return command{path: path, env: subject.env}, err
}

// measured pairs until the ratio is within its limit, or has had its attempts, and counts the requests of a run.
func (b *bench) measured(r *row, subject, base timed, rounds int) error {
	runs, asked := 0, 0
	counted := func() (time.Duration, error) {
		before := b.requests()
		took, err := subject()
		runs, asked = runs+1, asked+b.requests()-before
		return took, err
	}
	for again := true; again; {
		p, err := pair(counted, base, rounds)
		if err != nil {
			return err
		}
		again = r.add(p)
	}
	// Rounded up: one request too many in a hundred runs is one too many.
	r.Requests = (asked + runs - 1) / runs
	return nil
}
