//go:build !linux

package cli

// KeepMemory does nothing: where there is a limit alone, what is started would inherit it.
func KeepMemory() {}
