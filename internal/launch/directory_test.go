package launch

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func unset(string) (string, bool) { return "", false }

func TestADirectoryGoesWithItsProcessOrWithTheNext(t *testing.T) {
	root := t.TempDir()
	first, err := NewDirectory(root, unset)
	if err != nil {
		t.Fatal(err)
	}
	dead, err := NewDirectory(root, unset)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Directory{first, dead} {
		if err := os.WriteFile(filepath.Join(d.Path, "secret"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A killed process lets go of its lock and of nothing else.
	if err := dead.lock.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := NewDirectory(root, unset)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.Path); !os.IsNotExist(err) {
		t.Error("what the dead process left is still there")
	}
	if _, err := os.Stat(filepath.Join(first.Path, "secret")); err != nil {
		t.Errorf("the living one's: %v", err)
	}
	first.Close()
	next.Close()
	if left, _ := filepath.Glob(filepath.Join(root, "*", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAPlaceThatOthersMadeIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permissions")
	}
	open := t.TempDir()
	if err := os.Mkdir(base(open), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base(open), 0o770); err != nil {
		t.Fatal(err)
	}
	linked := t.TempDir()
	if err := os.Symlink(t.TempDir(), base(linked)); err != nil {
		t.Fatal(err)
	}
	for root, want := range map[string]string{open: "open to others", linked: "is a link", filepath.Join(open, "missing"): "no such file", "relative": "not an absolute path"} {
		if _, err := NewDirectory(root, unset); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--runtime-dir") {
			t.Errorf("%s: %v", root, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	e := Environment{"A=1", "B=", "C=3=x"}
	e, dropped := e.Set("A", "2").Without("B", "C", "D")
	if strings.Join(e, " ") != "A=2" || strings.Join(dropped, " ") != "C" || e.Get("A") != "2" || e.Get("C") != "" {
		t.Error(e, dropped)
	}
}
