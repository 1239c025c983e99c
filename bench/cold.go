package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// distances are the round-trip times to every cloud of a cold call.
func distances() [3]time.Duration {
	return [...]time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond}
}

// farRounds is how often a cold call to a cloud that is far away is timed.
const farRounds = 15

// coldMemory is the goal of a first call's memory, in kB.
const coldMemory = 14_000

// cold is a call that nobody has made before, paired with a bare program where the clouds are near.
type cold struct {
	row
	// Walls are the wall times at each of distances, in ms.
	Walls [3]float64 `json:"wallMilliseconds"`
	// Trips is how many round trips a call takes, by what the farthest costs more than the nearest.
	Trips float64 `json:"roundTrips"`
	// AtMost bounds Trips, as a whole number, and Slack what a call at 20 ms may take beyond so many, in ms; 0 is no bound.
	AtMost int     `json:"roundTripsBound,omitempty"`
	Slack  float64 `json:"beyondBoundMilliseconds,omitempty"`
}

// beyond is what a call at 20 ms takes beyond the round trips that bound it, in ms.
func (c cold) beyond() float64 {
	return c.Walls[1] - float64(c.AtMost)*float64(distances()[1])/float64(time.Millisecond)
}

func (c cold) faults() []string {
	all := c.row.faults()
	if c.Missing == "" && c.Slack > 0 && c.beyond() > c.Slack {
		all = append(all, fmt.Sprintf("%.1f ms beyond %d round trips are above %.0f ms", c.beyond(), c.AtMost, c.Slack))
	}
	return all
}

// colds are the rows of first calls, one for each source of identity that asks somebody.
func (b *bench) colds(ctx context.Context) (all []cold, err error) {
	for _, s := range b.sources() {
		c := cold{row: row{Name: "cold, " + s.name, Asks: s.asks, MemoryGoal: coldMemory}, AtMost: s.atMost, Slack: s.slack}
		for i, away := range distances() {
			if err := b.coldAt(ctx, &c, s, i, away); err != nil {
				return nil, fmt.Errorf("%s at %s: %w", c.Name, away, err)
			}
		}
		c.Trips = (c.Walls[2] - c.Walls[0]) / float64(distances()[2]/time.Millisecond)
		all = append(all, c)
	}
	return all, nil
}

func (b *bench) coldAt(ctx context.Context, c *cold, s source, i int, away time.Duration) error {
	f, err := newFar(b.place, away)
	if err != nil {
		return err
	}
	defer f.Close()
	next, err := s.command(f)
	if err != nil {
		return err
	}
	call := func() (time.Duration, error) {
		out, took, err := next().run(ctx)
		if err == nil && !strings.Contains(out, "eyJ") {
			err = fmt.Errorf("no token in %s", out)
		}
		return took, err
	}
	if away > 0 {
		c.Walls[i], err = b.timesOf(call, c, i)
		return err
	}
	first, _, err := next().run(ctx)
	if err != nil {
		return err
	}
	base, err := b.bareOf(ctx, next(), first)
	if err != nil {
		return err
	}
	c.Bytes, c.Before = len(first), b.before(c.Name)
	if err := b.measured(&c.row, call, base.printing(ctx, first), max(b.rounds/3, 5)); err != nil {
		return err
	}
	c.Walls[i] = c.Millis
	b.meterRuns(ctx, &c.row, next)
	return nil
}

// timesOf is the median of a call's wall times in ms, once more where it is too much.
func (b *bench) timesOf(call timed, c *cold, i int) (best float64, err error) {
	for attempt := range attempts {
		var walls []float64
		for range min(farRounds, b.rounds) {
			took, err := call()
			if err != nil {
				return 0, err
			}
			walls = append(walls, float64(took)/float64(time.Millisecond))
		}
		if m := median(walls); attempt == 0 || m < best {
			best = m
		}
		if c.Walls[i] = best; i != 1 || c.Slack == 0 || c.beyond() <= c.Slack {
			break
		}
	}
	return best, nil
}

// command returns what makes the command of a source's next cold call.
func (s source) command(f *far) (func() command, error) {
	env, err := s.env(f)
	if err != nil {
		return nil, err
	}
	env = append(append([]string{}, f.env...), env...)
	return func() command {
		return command{s.program, append(append([]string{}, s.args...), f.emptyCache()...), env}
	}, nil
}

// source is an identity that a cold call starts from.
type source struct {
	name, program string
	args          []string
	// env is what a machine with that identity has.
	env func(f *far) ([]string, error)
	// asks is how many requests a call makes, and atMost and slack what bounds its time (cold's).
	asks, atMost int
	slack        float64
}

func (b *bench) sources() []source {
	all := append(b.googleSources(), b.azureSources()...)
	for i, s := range all {
		all[i].name = filepath.Base(s.program) + ", " + s.name
	}
	return all
}
