//go:build !unix

package fuzzing

import "time"

// Spent is how long it is since a moment long ago.
func Spent() time.Duration { return time.Since(time.Unix(0, 0)) }
