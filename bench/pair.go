package main

import (
	"context"
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
	if err != nil || stderr.Len() > 0 {
		return "", took, fmt.Errorf("%s %s: %w: %s", c.path, strings.Join(c.args, " "), err, stderr.String())
	}
	return stdout.String(), took, nil
}

// paired are the times of two commands, run one right after the other.
type paired struct{ subject, base []time.Duration }

// pair runs both commands once in each round, in turns first, so that whatever else the machine does meets both alike.
func pair(ctx context.Context, subject, base command, rounds int) (paired, error) {
	var p paired
	for round := range rounds {
		order := []struct {
			command
			times *[]time.Duration
		}{{subject, &p.subject}, {base, &p.base}}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			_, took, err := c.run(ctx)
			if err != nil {
				return p, err
			}
			*c.times = append(*c.times, took)
		}
	}
	return p, nil
}

// ratio is the median of the rounds' ratios, with the range in which half of them are.
func (p paired) ratio() (median, low, high float64) {
	ratios := make([]float64, len(p.subject))
	for i := range ratios {
		ratios[i] = float64(p.subject[i]) / float64(p.base[i])
	}
	return quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)
}

// milliseconds is the median wall time of the subject.
func (p paired) milliseconds() float64 {
	times := make([]float64, len(p.subject))
	for i, t := range p.subject {
		times[i] = float64(t) / float64(time.Millisecond)
	}
	return quantile(times, 0.5)
}

// quantile interpolates between the two nearest values; values may be in any order.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
