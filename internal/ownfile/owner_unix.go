//go:build unix

package ownfile

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// foreignOwner names the owner when it is neither us nor, for a directory, root (who can read everything anyway:
// /tmp and /run belong to root).
func foreignOwner(info fs.FileInfo, rootMay bool) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() || (rootMay && trusted(st.Uid)) {
		return ""
	}
	return fmt.Sprintf("user %d", st.Uid)
}

// othersMayReplace reports whether any user may rename files in the directory. The sticky bit, as on /tmp, limits
// that to each file's owner.
func othersMayReplace(dir fs.FileInfo) bool {
	return dir.Mode().Perm()&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0
}

// groupMayReplace reports whether another member of the directory's group may rename files in it. The group that has the
// number of its user is that user's alone, and where it is the rule, directories are writable by it (umask 002; pam_umask(8),
// usergroups).
func groupMayReplace(dir fs.FileInfo) bool {
	st, ok := dir.Sys().(*syscall.Stat_t)
	alone := ok && int(st.Gid) == os.Geteuid()
	return !alone && dir.Mode().Perm()&0o020 != 0 && dir.Mode()&fs.ModeSticky == 0
}

// openToOthers reports whether anybody but the owner may do anything with it.
func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// otherNames reports whether a file has more than one name.
func otherNames(file fs.FileInfo) bool {
	st, ok := file.Sys().(*syscall.Stat_t)
	return ok && st.Nlink > 1
}
