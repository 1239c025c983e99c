//go:build !linux

package cache

// remote is known on Linux only; elsewhere gofrs/flock's own error is all there is.
func remote(string) bool { return false }
