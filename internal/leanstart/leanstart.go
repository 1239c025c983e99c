// Package leanstart gives the main goroutine a large stack before any other package is initialised. A program of some
// milliseconds imports it for that effect: it is the one place of the house where something happens without being called.
//
// It imports nothing, and so comes before whatever needs net/http: of the packages whose imports are ready, the one with
// the first import path is next (https://go.dev/ref/spec#Program_initialization). Without it, a hit takes a tenth of a bare
// program longer.
package leanstart

// MSAL compiles a regular expression of deep repetitions (apps/internal/oauth/ops/authority, validRegion), for which the
// stack would be copied to 16, 32, 64 and 128 kB one after the other, each of pages that the kernel has to give first. Of
// one that grows in one step, only those that are used are touched.
var _ = grow(false)

// grow needs a stack of 128 kB for its frame, whether it uses it or not.
//
//go:noinline
func grow(use bool) byte {
	if !use {
		return 0
	}
	var frame [96 << 10]byte
	for i := range frame {
		frame[i] = frame[len(frame)-1-i] + 1
	}
	return frame[0]
}
