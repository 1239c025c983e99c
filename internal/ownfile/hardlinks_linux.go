package ownfile

import (
	"bytes"
	"os"
)

// hardLinksProtected says that nobody gives a file another name that he may not write to anyway (proc_sys_fs(5)).
func hardLinksProtected() bool {
	set, err := os.ReadFile("/proc/sys/fs/protected_hardlinks")
	return err == nil && bytes.Equal(bytes.TrimSpace(set), []byte("1"))
}
