//go:build unix && !linux && !darwin && !freebsd

package ownfile

// passing opens a directory to pass through.
const passing = 0

// kernels says that the links in an open directory are the kernel's, as Linux has them in /proc.
func kernels(int) bool { return false }

// hardLinksProtected says that nobody gives a file another name that he may not write to anyway.
func hardLinksProtected() bool { return false }
