package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// workshop is where clients are installed and built, outside of the checkout: the directories of a suite hold sources
// and lock files only.
type workshop struct {
	dir string
	// programs holds what idferry's own module builds.
	programs string
	log      io.Writer
	// temporary means that dir goes away with the run.
	temporary bool
}

func newWorkshop(ctx context.Context, dir string, log io.Writer) (_ *workshop, err error) {
	w := &workshop{dir: dir, log: log, temporary: dir == ""}
	if w.temporary {
		w.dir, err = os.MkdirTemp("", "idferry-conformance-")
	} else if w.dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(w.dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	w.programs = filepath.Join(w.dir, "programs")
	build := w.command(ctx, "..", "go", "build", "-trimpath", "-o", w.programs+string(filepath.Separator), "./cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := w.wait(build); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) close() {
	if w.temporary {
		_ = os.RemoveAll(w.dir)
	}
}

// fetch copies a client's directory, or that of an example beside us, into the workshop and returns the copy.
func (w *workshop) fetch(source string) (string, error) {
	to := filepath.Join(w.dir, strings.TrimPrefix(source, "../"))
	from := os.DirFS(source)
	return to, fs.WalkDir(from, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, path)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		// A build tool that goes by time stamps would take a copy for a change.
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, body) {
			return nil
		}
		return os.WriteFile(target, body, 0o600)
	})
}

// sh runs one step of an installation in dir, with the caller's environment: package managers find their caches by it.
func (w *workshop) sh(ctx context.Context, dir string, argv ...string) error {
	return w.wait(w.command(ctx, dir, argv...))
}

func (w *workshop) command(ctx context.Context, dir string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	return cmd
}

func (w *workshop) wait(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, tail(out))
	}
	return nil
}

// tail is the end of what a failed command said, where the cause is.
func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// tool is a program that an installation runs.
type tool struct {
	// probe is a command that ends well where the tool is installed.
	probe []string
	// packages are Debian's, which has it.
	packages []string
	// then is a command that finishes what the packages began.
	then []string
}

// need makes tools available. Where one is missing it is installed, if this is Debian and we are root.
func (w *workshop) need(ctx context.Context, tools ...tool) error {
	for _, t := range tools {
		missing := w.sh(ctx, w.dir, t.probe...)
		if missing == nil {
			continue
		}
		apt, err := exec.LookPath("apt-get")
		if err != nil || os.Getuid() != 0 {
			return fmt.Errorf("%w\ninstall it first (in Debian: apt-get install %s)", missing, strings.Join(t.packages, " "))
		}
		_, _ = fmt.Fprintf(w.log, "installing %s\n", strings.Join(t.packages, " "))
		if err := w.sh(ctx, w.dir, apt, "update", "-qq"); err != nil {
			return err
		}
		install := w.command(ctx, w.dir, append([]string{apt, "install", "-y", "-qq", "--no-install-recommends"}, t.packages...)...)
		install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err := w.wait(install); err != nil {
			return err
		}
		if len(t.then) > 0 {
			if err := w.sh(ctx, w.dir, t.then...); err != nil {
				return err
			}
		}
		if err := w.sh(ctx, w.dir, t.probe...); err != nil {
			return fmt.Errorf("%w, after it was installed", err)
		}
	}
	return nil
}
