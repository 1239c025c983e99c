package main

import (
	"math"
	"testing"
	"time"
)

func TestTheRatioIsTheMedianOfPairs(t *testing.T) {
	p := paired{
		// The machine was slow in the fourth round, for both.
		subject: []time.Duration{20, 22, 18, 400, 30},
		base:    []time.Duration{10, 10, 10, 200, 10},
	}
	median, low, high := p.ratio()
	if median != 2 || low != 2 || high != 2.2 {
		t.Error(median, low, high)
	}
	if got := p.milliseconds(); math.Abs(got-22e-6) > 1e-12 {
		t.Error(got)
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{{nil, 0.5, 0}, {[]float64{3}, 0.25, 3}, {[]float64{4, 2}, 0.5, 3}, {[]float64{1, 2, 3, 4, 5}, 0.75, 4}, {[]float64{5, 1}, 1, 5}} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("%v at %v: %v, want %v", c.values, c.q, got, c.want)
		}
	}
}
