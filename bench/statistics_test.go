package main

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 2}, 3}, {[]float64{5, 1, 2}, 2}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

// The ranks are those of any table of the sign test's intervals.
func TestIntervalOfTheMedian(t *testing.T) {
	for _, c := range []struct {
		n         int
		low, high float64
	}{{0, 0, 0}, {1, 1, 1}, {5, 1, 5}, {6, 1, 6}, {9, 2, 8}, {25, 8, 18}, {100, 40, 61}, {5000, 2431, 2570}} {
		values := make([]float64, c.n)
		for i := range values {
			values[i] = float64(c.n - i)
		}
		if low, high := interval(values); low != c.low || high != c.high {
			t.Errorf("of %d values: %v to %v, want %v to %v", c.n, low, high, c.low, c.high)
		}
	}
	if got := coins(4, 2); math.Abs(got-6.0/16) > 1e-12 {
		t.Error(got)
	}
}
