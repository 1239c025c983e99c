package ownfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

func TestAFileIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("an older and much longer document"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(Place{Field: "--path", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Write([]byte("new\n")); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(got) != "new\n" || (runtime.GOOS != "windows" && info.Mode().Perm() != 0o600) {
		t.Errorf("%q %v", got, info.Mode())
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("temporary files left: %v", entries)
	}
	for range 2 {
		if err := f.Remove(); err != nil {
			t.Error("removing twice is no error:", err)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip("symbolic links:", err)
	}
	open := filepath.Join(dir, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	type refusal struct{ path, want string }
	cases := map[string]refusal{
		"missing directory":   {filepath.Join(dir, "none", "token"), "directory"},
		"a link":              {link, "symbolic link"},
		"a directory":         {dir, "not a regular file"},
		"everybody's":         {filepath.Join(open, "token"), "written by everybody"},
		"parent is not a dir": {filepath.Join(target, "token"), "directory"},
	}
	if os.Geteuid() == 0 { // nobody else can give files away
		cases["foreign-owned file"] = refusal{foreign(t, dir, "file"), "belongs to"}
		cases["foreign-owned folder"] = refusal{filepath.Join(foreign(t, dir, "folder"), "token"), "belongs to"}
	}
	for name, c := range cases {
		if runtime.GOOS == "windows" && name == "everybody's" {
			continue
		}
		_, err := Open(Place{Field: "--path", Path: c.path})
		e := problem.From(err)
		if e == nil || !e.Misuse || !strings.HasPrefix(e.Message, "--path: ") || !strings.Contains(e.Message, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, _ := os.ReadFile(target); string(got) != "untouched" {
		t.Error("something was written through the link")
	}
}

// foreign makes a file or folder of another user's.
func foreign(t *testing.T, dir, kind string) string {
	t.Helper()
	path := filepath.Join(dir, "foreign-"+kind)
	var err error
	if kind == "file" {
		err = os.WriteFile(path, nil, 0o600)
	} else {
		err = os.Mkdir(path, 0o755)
	}
	if err = errors.Join(err, os.Chown(path, 12345, 12345)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadersOfTheGroupWhateverTheUmaskIs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permissions of a group")
	}
	path := filepath.Join(t.TempDir(), "token")
	f, err := Open(Place{Field: "--path", Path: path, Mode: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if held, err := f.Read(2); string(held) != "ne" || err != nil {
		t.Errorf("%q %v", held, err)
	}
}
