package cache

import "golang.org/x/sys/unix"

// remote says whether dir is on NFS.
func remote(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && int64(st.Type) == unix.NFS_SUPER_MAGIC
}
