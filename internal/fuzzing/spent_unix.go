//go:build unix

package fuzzing

import (
	"syscall"
	"time"
)

// Spent is the processor time that this process has taken so far: what an input costs, however busy the machine is.
func Spent() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
