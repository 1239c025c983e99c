package cache

import (
	"testing"
	"time"
)

// BenchmarkAHit is what one call of a binary pays for a remembered 2 KB token, with the key in a file.
func BenchmarkAHit(b *testing.B) {
	dir := b.TempDir() + "/idferry"
	clock := newClock()
	i := &issuer{clock: clock, life: time.Hour, size: 2 << 10}
	for b.Loop() {
		c := Open(Options{Mode: File, Dir: dir, Now: clock.now})
		if _, _, err := c.Token(b.Context(), request("x"), i.mint); err != nil {
			b.Fatal(err)
		}
	}
	if i.minted.Load() != 1 {
		b.Fatal("it was not a hit")
	}
}
