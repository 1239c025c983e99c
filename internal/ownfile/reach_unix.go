//go:build unix

package ownfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mostLinks is how many links a path may lead over (path_resolution(7)).
const mostLinks = 40

// walk goes from one directory to the next, each held open while the next is looked up in it, and returns the last.
func (w way) walk(path string) (fs.FileInfo, error) {
	at, err := start(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(at) }()
	names, links := split(path), 0
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		next, err := step(at, name)
		if err == unix.ENOENT && w.make != 0 && (w.all || len(names) == 0) {
			mode := w.make
			if len(names) > 0 {
				mode = 0o700
			}
			if err = unix.Mkdirat(at, name, uint32(mode)); err == nil || err == unix.EEXIST {
				next, err = step(at, name)
			}
		}
		if err == nil {
			_ = unix.Close(at)
			at = next
			continue
		}
		target, owner, linkErr := readLink(at, name)
		switch {
		case linkErr == errLed:
			return nil, linkErr
		case linkErr != nil:
			return nil, err // it is no link
		case !trusted(owner):
			return nil, errLed
		case len(names) == 0 && w.itself:
			return nil, unix.ENOTDIR
		case links == mostLinks:
			return nil, unix.ELOOP
		}
		links++
		if kernels(at) {
			if next, err = open(at, name, 0); err != nil {
				return nil, err
			}
			_ = unix.Close(at)
			at = next
			continue
		}
		names = append(split(target), names...)
		if filepath.IsAbs(target) {
			_ = unix.Close(at)
			if at, err = start(target); err != nil {
				return nil, err
			}
		}
	}
	last := os.NewFile(uintptr(at), path)
	at = -1
	defer last.Close()
	return last.Stat()
}

// trusted says that a link of this user's is followed.
func trusted(owner uint32) bool {
	if owner == 0 || int(owner) == os.Geteuid() {
		return true
	}
	// In a user namespace what belongs to the machine's root has another number.
	var root unix.Stat_t
	return unix.Stat("/", &root) == nil && root.Uid == owner
}

// start is where a path begins.
func start(path string) (int, error) {
	if filepath.IsAbs(path) {
		return step(unix.AT_FDCWD, "/")
	}
	return step(unix.AT_FDCWD, ".")
}

func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(name string) bool { return name == "" || name == "." })
}

// step opens the directory called name, which is no link.
func step(at int, name string) (fd int, err error) { return open(at, name, unix.O_NOFOLLOW) }

// open opens the directory called name to pass through it.
func open(at int, name string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Openat(at, name, passing|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// readLink returns where a link leads and whose it is. A link cannot be held open everywhere: it is looked at before and
// after it is read, and one that was moved shows it in its time of change.
func readLink(at int, name string) (target string, owner uint32, err error) {
	var before, after unix.Stat_t
	if err := unix.Fstatat(at, name, &before, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return "", 0, err
	}
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(at, name, text)
	if err != nil {
		return "", 0, err
	}
	if err := unix.Fstatat(at, name, &after, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return "", 0, err
	}
	if before.Ino != after.Ino || before.Dev != after.Dev || before.Ctim != after.Ctim || n == len(text) {
		return "", 0, errLed
	}
	return string(text[:n]), before.Uid, nil
}
