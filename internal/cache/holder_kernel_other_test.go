//go:build !linux

package cache

import "testing"

func TestOnlyLinuxHasAKernelKeyring(t *testing.T) {
	if _, reason := Open(Options{Mode: Kernel, Dir: privateDir(t)}).Dir(); reason == "" {
		t.Error("a kernel keyring was found")
	}
}
