package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// What a herd meets: clouds at 50 ms, of which the token service takes 100 ms for an answer.
const (
	herdAway    = 50 * time.Millisecond
	herdService = 100 * time.Millisecond
	// herdBound bounds the last of fifty against one alone.
	herdBound = 1.4
)

// crowd is a number of processes that start at once on an empty cache.
type crowd struct {
	Name      string `json:"name"`
	Processes int    `json:"processes"`
	// Exchanges is the largest number of tokens that were asked for.
	Exchanges int `json:"exchanges"`
	// Last is when the last one had its token, in ms, and Ratio that in times of one process alone.
	Last  float64 `json:"lastMilliseconds"`
	Ratio float64 `json:"ratio"`
	// CPU is the processor time of one process, in ms.
	CPU     float64   `json:"cpuMilliseconds"`
	Bound   float64   `json:"bound,omitempty"`
	Medians []float64 `json:"medians"`
}

func (c crowd) faults() (all []string) {
	if c.Exchanges != 1 {
		all = append(all, fmt.Sprintf("%d exchanges", c.Exchanges))
	}
	if c.Bound > 0 && c.Ratio > c.Bound {
		all = append(all, fmt.Sprintf("%.2f × one alone is above %.1f ×", c.Ratio, c.Bound))
	}
	return all
}

func (c crowd) verdict() string {
	switch faults := c.faults(); {
	case len(faults) > 0:
		return "BROKEN: " + strings.Join(faults, "; ")
	case c.Bound > 0:
		return fmt.Sprintf("≤ %.1f × holds", c.Bound)
	}
	return ""
}

// herds are the rows of many processes at once.
func (b *bench) herds(ctx context.Context) (all []crowd, err error) {
	f, err := newFar(b.place, herdAway)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b.clouds.Entra.Slow("/oauth2/v2.0/token", herdService)
	b.clouds.IMDS.Slow("/oauth2/token", herdService)
	defer b.clouds.Entra.Slow("/oauth2/v2.0/token", 0)
	defer b.clouds.IMDS.Slow("/oauth2/token", 0)
	for _, s := range []source{
		{program: b.helper, args: toAzure(), env: func(*far) ([]string, error) { return []string{"IDFERRY_GOOGLE_SOURCE=metadata"}, nil }},
		{program: b.source, args: toGoogle(), env: func(*far) ([]string, error) { return nil, nil }},
	} {
		next, err := s.command(f)
		if err != nil {
			return nil, err
		}
		for _, n := range []int{1, 50, 200, 500, 1000} {
			c := crowd{Name: filepath.Base(s.program), Processes: n}
			if n == 50 {
				c.Bound = herdBound
			}
			for again := true; again; {
				if err := b.herd(ctx, &c, next); err != nil {
					return nil, fmt.Errorf("%d of %s at once: %w", n, c.Name, err)
				}
				again = c.Bound > 0 && c.Ratio > c.Bound && len(c.Medians) < attempts
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// herd lets the processes run in pairs with one alone, several times where they are few.
func (b *bench) herd(ctx context.Context, c *crowd, next func() command) error {
	var lasts, ratios, cpus []float64
	for range max(1, min(b.rounds/10, 300/c.Processes)) {
		alone, err := b.atOnce(ctx, c, next(), 1)
		if err != nil {
			return err
		}
		many, err := b.atOnce(ctx, c, next(), c.Processes)
		if err != nil {
			return err
		}
		lasts, cpus = append(lasts, float64(many.last)/float64(time.Millisecond)), append(cpus, float64(many.cpu)/float64(time.Millisecond)/float64(c.Processes))
		ratios = append(ratios, float64(many.last)/float64(alone.last))
	}
	if m := median(ratios); len(c.Medians) == 0 || m < c.Ratio {
		c.Ratio, c.Last, c.CPU = m, median(lasts), median(cpus)
	}
	c.Medians = append(c.Medians, median(ratios))
	return nil
}

// stampede is what n processes took.
type stampede struct{ last, cpu time.Duration }

// atOnce starts n processes of one command as fast as this machine can.
func (b *bench) atOnce(ctx context.Context, c *crowd, one command, n int) (s stampede, err error) {
	before := b.exchanges()
	outputs, errs, ends, cpus := make([]string, n), make([]error, n), make([]time.Duration, n), make([]time.Duration, n)
	var all sync.WaitGroup
	start := time.Now()
	for i := range n {
		all.Go(func() {
			cmd := exec.CommandContext(ctx, one.path, one.args...)
			cmd.Env = one.env
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				errs[i] = fmt.Errorf("%w: %s", err, stderr.String())
				return
			}
			outputs[i], ends[i], cpus[i] = stdout.String(), time.Since(start), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return s, err
	}
	if slices.ContainsFunc(outputs, func(out string) bool { return out != outputs[0] }) {
		return s, errors.New("they have different tokens")
	}
	c.Exchanges = max(c.Exchanges, b.exchanges()-before)
	for _, cpu := range cpus {
		s.cpu += cpu
	}
	s.last = slices.Max(ends)
	return s, nil
}

// exchanges is how many tokens Entra ID and IMDS have been asked for.
func (b *bench) exchanges() (n int) {
	for _, server := range []*fakecloud.Server{b.clouds.Entra.Server, b.clouds.IMDS.Server} {
		for _, r := range server.Requests() {
			if strings.HasSuffix(r.Path, "/token") {
				n++
			}
		}
	}
	return n
}
