//go:build !linux

package ownfile

// hardLinksProtected says that nobody gives a file another name that he may not write to anyway.
func hardLinksProtected() bool { return false }
