package cache

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"

	"github.com/idferry/idferry/internal/ownfile"
)

const temporaryPrefix = ".new-"

// locate returns the cache directory, or the reason why there is none. adrg/xdg never fails: without HOME it says
// /.cache, where root would silently create it, and with a relative HOME a path under the working directory.
func locate(dir string, lookup func(string) (string, bool)) (path, reason string) {
	if dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Sprintf("the cache directory %q is not an absolute path", dir)
		}
		return dir, ""
	}
	// XDG Base Directory Specification: a path in these variables that is not absolute is ignored.
	explicit, _ := lookup("XDG_CACHE_HOME")
	if runtime.GOOS != "windows" && !filepath.IsAbs(explicit) {
		home, _ := lookup("HOME")
		// A system service has no home; systemd names the directory that its unit asks for (systemd.exec(5), CacheDirectory=).
		given, _ := lookup("CACHE_DIRECTORY")
		given, _, _ = strings.Cut(given, ":")
		switch info, err := os.Stat(home); {
		case home == "" && filepath.IsAbs(given):
			return filepath.Join(given, "idferry"), ""
		case home == "":
			return "", "HOME is not set, so there is no cache directory"
		case !filepath.IsAbs(home) || filepath.Clean(home) == "/":
			return "", fmt.Sprintf("HOME is %q, so there is no cache directory", home)
		case err != nil || !info.IsDir():
			return "", fmt.Sprintf("HOME is %q, which is no directory", home)
		}
	}
	if !filepath.IsAbs(xdg.CacheHome) {
		return "", "the XDG cache home is not an absolute path"
	}
	return filepath.Join(xdg.CacheHome, "idferry"), ""
}

// foreign says why dir must not be used. A directory that does not exist yet is fine.
func foreign(dir string) string {
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		return err.Error()
	case !info.IsDir():
		return dir + " is a link or a file, not a directory"
	}
	if err := private(info); err != nil {
		return fmt.Sprintf("%s %v", dir, err)
	}
	return ""
}

// ensureDir makes dir if need be and checks whose it is. It is held open: by its path, whoever may write above it could have
// put something else in its place since.
func ensureDir(dir string) (*os.Root, error) {
	if reason := foreign(dir); reason != "" {
		return nil, errors.New(reason)
	}
	return ownfile.PrivatePath(dir)
}

// readOwn reads a file that is ours, no link, private and of at most limit bytes.
func readOwn(path string, limit int64) ([]byte, error) {
	f, err := openNoFollow(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is no file of the expected kind or size", path)
	}
	if err := private(info); err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	raw := make([]byte, info.Size())
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// writeOwn replaces a file in one step. It is not synced: a file lost in a crash is a miss, and a torn one does not open.
func writeOwn(dir, name string, raw []byte) error {
	in, err := ensureDir(dir)
	if err != nil {
		return err
	}
	defer in.Close()
	temporary := temporaryPrefix + rand.Text()[:10]
	f, err := in.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err == nil {
		err = in.Rename(temporary, name)
	}
	if err != nil {
		_ = in.Remove(temporary)
	}
	return err
}

// remove removes a file; one that is not there is fine.
func remove(dir, name string) error {
	in, err := ownfile.ExistingPrivate(dir)
	if err == nil {
		defer in.Close()
		err = in.Remove(name)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
