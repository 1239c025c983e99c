package launch

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/gofrs/flock"

	"github.com/idferry/idferry/internal/ownfile"
	"github.com/idferry/idferry/internal/problem"
)

// Directory is a private directory that goes with this process. One that a killed process left behind is taken away by
// the next that makes one: a lock file beside each tells the two apart.
type Directory struct {
	Path string
	lock *flock.Flock
}

// NewDirectory makes a directory under root, and takes away those of the dead. Where root is "" it is the user's runtime
// directory, which is memory and goes with the session, or else the system's for temporary files.
func NewDirectory(root string, lookup func(string) (string, bool)) (*Directory, error) {
	if root != "" && !filepath.IsAbs(root) {
		return nil, problem.Input("--runtime-dir", "%q is not an absolute path, and the program may start anywhere", root)
	}
	roots := []string{root}
	if root == "" {
		roots = []string{os.TempDir()}
		if session, _ := lookup("XDG_RUNTIME_DIR"); filepath.IsAbs(session) {
			roots = []string{session, os.TempDir()}
		}
	}
	var err error
	for _, r := range roots {
		var d *Directory
		if d, err = newDirectory(base(r)); err == nil {
			return d, nil
		}
	}
	return nil, problem.Input("--runtime-dir", "no private directory can be made: %w", err).
		WithHint("name a place that you alone can write to and that is in memory, as in: --runtime-dir /dev/shm")
}

// base is the directory in root for all that this user starts.
func base(root string) string {
	name := "idferry-exec"
	if uid := os.Geteuid(); uid >= 0 {
		name += "-" + strconv.Itoa(uid)
	}
	return filepath.Join(root, name)
}

func newDirectory(base string) (*Directory, error) {
	if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// Whoever else could write to it could lead the program to another identity.
	if err := ownfile.PrivateDirectory(base); err != nil {
		return nil, err
	}
	sweep(base)
	for {
		d := &Directory{Path: filepath.Join(base, rand.Text())}
		d.lock = flock.New(d.Path + ".lock")
		taken, err := d.lock.TryLock()
		if err == nil && (!taken || !d.stillThere()) {
			// Another process took the new lock file for a dead one's.
			_ = d.lock.Close()
			continue
		}
		// A file system without locks leaves the directory to whoever empties it; nobody takes it away too soon either.
		if err := os.Mkdir(d.Path, 0o700); err != nil {
			d.Close()
			return nil, err
		}
		return d, nil
	}
}

func (d *Directory) stillThere() bool {
	held, err := d.lock.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(d.lock.Path())
	return err == nil && os.SameFile(held, there)
}

// Close takes the directory away with all that is in it.
func (d *Directory) Close() {
	_ = os.RemoveAll(d.Path)
	_ = os.Remove(d.lock.Path())
	_ = d.lock.Close()
	// Windows removes no file that is open.
	_ = os.Remove(d.lock.Path())
}

// sweep takes away the directories whose processes have ended.
func sweep(base string) {
	entries, _ := os.ReadDir(base)
	locks := regexp.MustCompile(`^([A-Z2-7]{26})\.lock$`)
	for _, e := range entries {
		name := locks.FindStringSubmatch(e.Name())
		if name == nil {
			continue
		}
		d := &Directory{Path: filepath.Join(base, name[1])}
		d.lock = flock.New(d.Path + ".lock")
		if taken, err := d.lock.TryLock(); err == nil && taken {
			d.Close()
			continue
		}
		_ = d.lock.Close()
	}
}
