//go:build unix && !linux && !darwin && !freebsd

package ownfile

// passing opens a directory to pass through.
const passing = 0

// kernels says that the links in an open directory are the kernel's, as Linux has them in /proc.
func kernels(int) bool { return false }
