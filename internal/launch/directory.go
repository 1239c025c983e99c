package launch

import (
	"crypto/rand"
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
	// base is where it is, held open: by a path, whoever may write above it could lead us elsewhere.
	base *os.Root
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

func newDirectory(path string) (*Directory, error) {
	// Whoever else could write to it could lead the program to another identity.
	base, err := ownfile.PrivateDirectory(path)
	if err != nil {
		return nil, err
	}
	sweep(base)
	for {
		d := directory(base, rand.Text())
		if made, err := base.OpenFile(d.lockName(), os.O_RDONLY|os.O_CREATE, 0o600); err == nil {
			_ = made.Close()
		}
		taken, err := d.lock.TryLock()
		if err == nil && (!taken || !d.stillThere()) {
			// Another process took the new lock file for a dead one's.
			_ = d.lock.Close()
			continue
		}
		// A file system without locks leaves the directory to whoever empties it; nobody takes it away too soon either.
		if err := base.Mkdir(d.name(), 0o700); err != nil {
			d.Close()
			return nil, err
		}
		return d, nil
	}
}

// directory is the one called name in base, whose lock file is there already.
func directory(base *os.Root, name string) *Directory {
	d := &Directory{Path: filepath.Join(base.Name(), name), base: base}
	d.lock = flock.New(d.Path+".lock", flock.SetFlag(os.O_RDONLY))
	return d
}

func (d *Directory) name() string     { return filepath.Base(d.Path) }
func (d *Directory) lockName() string { return d.name() + ".lock" }

func (d *Directory) stillThere() bool {
	held, err := d.lock.Stat()
	if err != nil {
		return false
	}
	there, err := d.base.Lstat(d.lockName())
	return err == nil && os.SameFile(held, there)
}

// Close takes the directory away with all that is in it.
func (d *Directory) Close() {
	d.remove()
	_ = d.base.Close()
}

func (d *Directory) remove() {
	_ = d.base.RemoveAll(d.name())
	_ = d.base.Remove(d.lockName())
	_ = d.lock.Close()
	// Windows removes no file that is open.
	_ = d.base.Remove(d.lockName())
}

// sweep takes away the directories whose processes have ended.
func sweep(base *os.Root) {
	entries, _ := fs.ReadDir(base.FS(), ".")
	locks := regexp.MustCompile(`^([A-Z2-7]{26})\.lock$`)
	for _, e := range entries {
		name := locks.FindStringSubmatch(e.Name())
		if name == nil {
			continue
		}
		d := directory(base, name[1])
		if taken, err := d.lock.TryLock(); err == nil && taken {
			d.remove()
			continue
		}
		_ = d.lock.Close()
	}
}
