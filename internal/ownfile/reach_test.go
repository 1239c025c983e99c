//go:build unix

package ownfile

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

// above makes a directory that others may write to, with one of ours in it, and returns both.
func above(t *testing.T) (shared, own string) {
	t.Helper()
	shared = filepath.Join(t.TempDir(), "shared")
	own = filepath.Join(shared, "own")
	need(t, os.Mkdir(shared, 0o700), os.Chmod(shared, 0o777), os.Mkdir(own, 0o700))
	return shared, own
}

func need(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOwnLinksLeadToADirectoryAndThoseOfOthersDoNot(t *testing.T) {
	shared, own := above(t)
	for _, l := range []struct{ name, target string }{{"absolute", own}, {"relative", "own"}, {"dots", "../shared/./own"}, {"twice", filepath.Join(shared, "relative")}} {
		name, link := l.name, filepath.Join(shared, l.name)
		need(t, os.Symlink(l.target, link))
		root, err := reach(filepath.Join(link, "."), way{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = root.Close()
	}
	need(t, os.Symlink("loop", filepath.Join(shared, "loop")))
	if _, err := reach(filepath.Join(shared, "loop"), way{}); err == nil {
		t.Error("a link to itself")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a link away")
	}
	link := filepath.Join(shared, "absolute")
	need(t, os.Lchown(link, 12345, 12345))
	for what, open := range map[string]func() error{
		"output file": func() error { _, err := Open(Place{Field: "--path", Path: filepath.Join(link, "token")}); return err },
		"log": func() error {
			_, err := Append(Place{Field: "--log-file", Path: filepath.Join(link, "log")})
			return err
		},
		"cache": func() error { _, err := PrivatePath(filepath.Join(link, "a", "b")); return err },
		"below": func() error { return MakeDirectory(filepath.Join(link, "c"), 0o700) },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), "a link of another user's") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left, _ := os.ReadDir(own); len(left) > 0 {
		t.Errorf("made through somebody else's link: %v", left)
	}
}

// A link of /proc/PID leads where its text does not: here to a directory that has another name by now.
func TestALinkOfTheKernelLeadsWhereTheKernelSays(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc of Linux")
	}
	_, own := above(t)
	held, err := os.Open(own)
	need(t, err)
	defer held.Close()
	moved := own + "-moved"
	need(t, os.Rename(own, moved), os.Mkdir(own, 0o700))
	root, err := reach(fmt.Sprintf("/proc/self/fd/%d", held.Fd()), way{})
	need(t, err)
	defer root.Close()
	need(t, root.Mkdir("made", 0o700))
	if _, err := os.Stat(filepath.Join(moved, "made")); err != nil {
		t.Error(err)
	}
	again, err := PrivatePath("/proc/self/root" + moved)
	need(t, err)
	defer again.Close()
	if _, err := again.Stat("made"); err != nil {
		t.Error(err)
	}
}

func TestALogIsWrittenToNothingElse(t *testing.T) {
	shared, own := above(t)
	need(t, os.Chmod(shared, 0o777|os.ModeSticky))
	mine := filepath.Join(own, "mine")
	need(t, os.WriteFile(mine, []byte("mine\n"), 0o600))
	hard, soft, pipe, fresh := filepath.Join(shared, "hard"), filepath.Join(shared, "soft"), filepath.Join(shared, "pipe"), filepath.Join(shared, "fresh")
	need(t, os.Link(mine, hard), os.Symlink("own/mine", soft), syscall.Mkfifo(pipe, 0o600))
	for path, want := range map[string]string{hard: "another name", soft: "not a regular file", pipe: "no such device", own: "is a directory"} {
		out, err := Append(Place{Field: "--log-file", Path: path})
		if err == nil {
			_, _ = out.WriteString("a line\n")
			_ = out.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if held, _ := os.ReadFile(mine); string(held) != "mine\n" {
		t.Errorf("it holds %q", held)
	}
	for range 2 {
		out, err := Append(Place{Field: "--log-file", Path: fresh})
		need(t, err)
		_, err = out.WriteString("a line\n")
		need(t, err, out.Close())
	}
	if held, _ := os.ReadFile(fresh); string(held) != "a line\na line\n" {
		t.Errorf("it holds %q", held)
	}
}

// A name that another may take away can be a second name of any file of ours until it is looked at.
func TestALogIsWhereNobodyElseTakesNamesAway(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		mode     os.FileMode
		uid, gid int
		want     string
	}{
		"our own":             {mode: 0o755},
		"everybody's, sticky": {mode: 0o777 | os.ModeSticky},
		"everybody's":         {mode: 0o777, want: "can be written by others"},
		"of our own group":    {mode: 0o775},
		"a group's":           {mode: 0o775, gid: 12345, want: "can be written by others"},
		"a group's, sticky":   {mode: 0o775 | os.ModeSticky, gid: 12345},
		"a group's to read":   {mode: 0o755, gid: 12345},
		"somebody's":          {mode: 0o777 | os.ModeSticky, uid: 12345, want: "belongs to user 12345"},
	} {
		if os.Geteuid() != 0 && (c.uid != 0 || c.gid != 0 || name == "of our own group") {
			continue // only root can give a directory away, or has a group with its number everywhere
		}
		at := filepath.Join(dir, name)
		need(t, os.Mkdir(at, 0o700))
		if os.Geteuid() == 0 {
			need(t, os.Chown(at, c.uid, c.gid))
		}
		need(t, os.Chmod(at, c.mode))
		place := Place{Field: "--log-file", Path: filepath.Join(at, "log")}
		out, err := openEnd(place, true)
		need(t, err, out.Close())
		for range 2 {
			out, err := openEnd(place, false)
			if err == nil {
				_ = out.Close()
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: %v", name, err)
			}
			if e := problem.From(err); err != nil && (e == nil || !e.Misuse || e.Hint == "") {
				t.Errorf("%s: %#v", name, err)
			}
		}
	}
}
