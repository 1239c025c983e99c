//go:build darwin || freebsd

package ownfile

import "golang.org/x/sys/unix"

// passing opens a directory to pass through, which takes no permission to list it.
const passing = unix.O_SEARCH

// kernels says that the links in an open directory are the kernel's, as Linux has them in /proc.
func kernels(int) bool { return false }
