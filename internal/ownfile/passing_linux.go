package ownfile

import "golang.org/x/sys/unix"

// passing opens a directory to pass through, which takes no permission to list it.
const passing = unix.O_PATH

// kernels says that what is in an open directory was put there by the kernel. A link of /proc/PID leads where its text does
// not: to another root, or to what has no name any more (proc(5)).
func kernels(at int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(at, &fs) == nil && fs.Type == unix.PROC_SUPER_MAGIC
}
