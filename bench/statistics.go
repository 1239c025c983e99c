package main

import (
	"math"
	"slices"
)

// median of values in any order; that of none is 0.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// interval is the median's 95 % confidence interval, whatever the distribution: how many of n values lie below the true
// median is binomial with one half, so it is between the kth value from either end (the sign test's interval). Fewer than
// six values have no such k, and their whole range is returned.
func interval(values []float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0, 0
	}
	below, k := 0.0, 0
	for ; k < n/2; k++ {
		if below += coins(n, k); below > 0.025 {
			break
		}
	}
	k = max(k-1, 0)
	return sorted[k], sorted[n-1-k]
}

// coins is the probability of k heads in n throws.
func coins(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	heads, _ := math.Lgamma(float64(k + 1))
	tails, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(all - heads - tails - float64(n)*math.Ln2)
}
