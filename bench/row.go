package main

import (
	"context"
	"strconv"
)

// row is one line of the report.
type row struct {
	Name   string  `json:"name"`
	Millis float64 `json:"milliseconds"`
	// Ratio is the median of the pairs' ratios, Low to High its 95 % interval.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"ratioLow"`
	High  float64 `json:"ratioHigh"`
	// Bound is what Ratio must not be above; 0 is none. Ratio is the smaller of Medians: there are two where the first
	// was above the bound.
	Bound   float64   `json:"bound,omitempty"`
	Medians []float64 `json:"medians"`
	// Bytes is how much it prints; Memory the largest resident set in kB.
	Bytes  int `json:"bytes"`
	Memory int `json:"memoryKB,omitempty"`
	// Requests is how many requests any cloud had from all of its runs; Sockets what one run opened.
	Requests int     `json:"requests"`
	Sockets  sockets `json:"sockets"`
	// Bus is set where a hit may talk to the session bus.
	Bus bool `json:"bus,omitempty"`
	// Missing says why it was not measured.
	Missing string `json:"missing,omitempty"`
}

func (r row) broken() bool {
	return r.Missing == "" && (r.Bound > 0 && r.Ratio > r.Bound || r.Requests > 0 || r.Sockets.Network > 0 || r.Sockets.Local > 0 && !r.Bus)
}

// add takes one measurement and reports whether another one is due: the machine may have been busy.
func (r *row) add(p paired) (again bool) {
	ratio, low, high := p.ratio()
	if len(r.Medians) == 0 || ratio < r.Ratio {
		r.Ratio, r.Low, r.High, r.Millis = ratio, low, high, p.milliseconds()
	}
	r.Medians = append(r.Medians, ratio)
	return r.Bound > 0 && r.Ratio > r.Bound && len(r.Medians) == 1
}

// time measures r, which has its name and bound, as the process subject, which prints text.
func (b *bench) time(ctx context.Context, r row, subject command, text string) (row, error) {
	b.bares++
	path, err := bare(ctx, b.dir, "bare"+strconv.Itoa(b.bares), text)
	if err != nil {
		return row{}, err
	}
	base := command{path: path, env: subject.env}
	r.Bytes = len(text)
	before := b.requests()
	for again := true; again; {
		p, err := pair(subject.printing(ctx, text), base.printing(ctx, text), b.rounds)
		if err != nil {
			return row{}, err
		}
		again = r.add(p)
	}
	r.Sockets = countSockets(ctx, subject)
	r.Memory = b.memory(ctx, subject)
	r.Requests = b.requests() - before
	return r, nil
}
