package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// command is one process to time.
type command struct {
	path string
	args []string
	env  []string
}

// run runs it once with standard output a pipe that is read to its end, as kubectl and the SDKs have it.
func (c command) run(ctx context.Context) (out string, took time.Duration, err error) {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = c.env
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err = cmd.Run()
	took = time.Since(start)
	if err == nil && stderr.Len() > 0 {
		err = errors.New("standard error is not empty")
	}
	if err != nil {
		return "", took, fmt.Errorf("%s %s: %w: %s", c.path, strings.Join(c.args, " "), err, stderr.String())
	}
	return stdout.String(), took, nil
}

// printing runs it once and times it; it must print want.
func (c command) printing(ctx context.Context, want string) timed {
	return func() (time.Duration, error) {
		out, took, err := c.run(ctx)
		if err == nil && out != want {
			err = fmt.Errorf("%s prints something else than before", c.path)
		}
		return took, err
	}
}

// timed does something once and says how long that took.
type timed func() (time.Duration, error)

// paired are the times of two commands, run one right after the other.
type paired struct{ subject, base []time.Duration }

// pair runs both once in each round, in turns first, so that whatever else the machine does meets both alike.
func pair(subject, base timed, rounds int) (paired, error) {
	var p paired
	for round := range rounds {
		order := []struct {
			timed
			times *[]time.Duration
		}{{subject, &p.subject}, {base, &p.base}}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			took, err := c.timed()
			if err != nil {
				return p, err
			}
			*c.times = append(*c.times, took)
		}
	}
	return p, nil
}

// ratio is the median of the rounds' ratios, with its 95 % interval.
func (p paired) ratio() (middle, low, high float64) {
	ratios := make([]float64, len(p.subject))
	for i := range ratios {
		ratios[i] = float64(p.subject[i]) / float64(p.base[i])
	}
	low, high = interval(ratios)
	return median(ratios), low, high
}

// milliseconds is the median wall time of the subject.
func (p paired) milliseconds() float64 {
	times := make([]float64, len(p.subject))
	for i, t := range p.subject {
		times[i] = float64(t) / float64(time.Millisecond)
	}
	return median(times)
}
