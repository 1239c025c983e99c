package kubeconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/idferry/idferry/internal/problem"
)

// Written is a file that was rewritten, with the copy of what it was.
type Written struct{ Path, Backup string }

// Write puts the plan on disk. Every file is locked as kubectl locks it, copied beside itself and written in full under
// another name before the first is replaced, so that a failure leaves all of them as they were.
func (p *Plan) Write(ctx context.Context) (done []Written, err error) {
	var changed []*File
	for _, f := range p.Files {
		if f.changed() {
			changed = append(changed, f)
		}
	}
	for _, f := range changed {
		if err := f.writable(); err != nil {
			return nil, err
		}
	}
	unlock, err := lockAll(ctx, changed)
	defer unlock()
	if err != nil {
		return nil, err
	}
	var prepared []string
	defer func() {
		for _, path := range prepared {
			_ = os.Remove(path)
		}
	}()
	for _, f := range changed {
		if now, err := os.ReadFile(f.Target); err != nil || !bytes.Equal(now, f.before) {
			return nil, problem.New(problem.Refused, "%s was changed by somebody else just now; nothing was written", f.Path).WithHint("run this again")
		}
	}
	var backups, temporary []string
	for _, f := range changed {
		backup, err := f.create(f.Path+".before-idferry", f.before)
		if err != nil {
			return nil, err
		}
		prepared, backups = append(prepared, backup), append(backups, backup)
		fresh, err := f.create(filepath.Join(filepath.Dir(f.Target), "."+filepath.Base(f.Target)+".idferry"), f.after)
		if err != nil {
			return nil, err
		}
		prepared, temporary = append(prepared, fresh), append(temporary, fresh)
	}
	for n, f := range changed {
		if err := os.Rename(temporary[n], f.Target); err != nil {
			return done, problem.New(problem.Refused, "replace %s: %w (%d of %d files are rewritten)", f.Path, err, n, len(changed)).
				WithHint("a file that is mounted on its own cannot be replaced; rewrite the one it comes from, with --kubeconfig FILE")
		}
		// What was replaced needs its copy.
		prepared = without(prepared, backups[n], temporary[n])
		done = append(done, Written{f.Path, backups[n]})
	}
	return done, nil
}

func without(all []string, gone ...string) []string {
	var kept []string
	for _, s := range all {
		if s != gone[0] && s != gone[1] {
			kept = append(kept, s)
		}
	}
	return kept
}

// writable reports a file that nobody meant to be written, before anything is.
func (f *File) writable() error {
	info, err := os.Stat(f.Target)
	if err != nil {
		return unreadable(f.Path, err)
	}
	refused := problem.New(problem.Refused, "%s is read-only; nothing was written", f.Path).
		WithHint("chmod u+w %s, or see what would change with --dry-run", f.Path)
	// Root may write what is marked read-only, and should not.
	if info.Mode().Perm()&0o200 == 0 {
		return refused
	}
	file, err := os.OpenFile(f.Target, os.O_WRONLY, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return refused
	case err != nil:
		return problem.New(problem.Refused, "open %s for writing: %w", f.Path, err)
	}
	return file.Close()
}

// create writes data to a new file of the given name, or of that name with the first free number behind it, with f's
// mode and owner.
func (f *File) create(name string, data []byte) (string, error) {
	info, err := os.Stat(f.Target)
	if err != nil {
		return "", unreadable(f.Path, err)
	}
	path := name
	var file *os.File
	for n := 1; ; n++ {
		file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) || n == 1000 {
			break
		}
		path = name + "." + strconv.Itoa(n)
	}
	if err != nil {
		return "", problem.New(problem.Refused, "write beside %s: %w; no kubeconfig was changed", f.Path, err).
			WithHint("make %s writable for yourself", filepath.Dir(name))
	}
	_, err = file.Write(data)
	keepOwner(file, info)
	err = errors.Join(err, file.Chmod(info.Mode().Perm()), file.Sync(), file.Close())
	if err != nil {
		_ = os.Remove(path)
		return "", problem.New(problem.Refused, "write %s: %w; no kubeconfig was changed", path, err).WithHint("%s", fmt.Sprintf("df %s", filepath.Dir(path)))
	}
	return path, nil
}
