package shim

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

// program is a file that says it is what the linker would say it is.
func program(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	write(t, path, "\x7fELF path\tgithub.com/idferry/idferry/cmd/azure-token-helper\nmod", 0o755)
	return path
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

func TestNamesLeadToTheProgramAndGoAgain(t *testing.T) {
	dir := t.TempDir()
	s := Shims{program(t, dir, exe("azure-token-helper")), filepath.Join(dir, "new", "bin"), Names()}
	for range 2 { // the second time there is nothing to do
		files, err := s.Install()
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if same, err := os.ReadFile(file); err != nil || !strings.Contains(string(same), "azure-token-helper") {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "*")); len(left) != 2 {
		t.Errorf("there are %v", left)
	}
	for range 2 {
		if _, err := s.Uninstall(); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "*")); len(left) != 0 {
		t.Errorf("there are %v", left)
	}
}

func TestWhatIsNotOursStays(t *testing.T) {
	for name, other := range map[string]func(t *testing.T, az string){
		"a real az":           func(t *testing.T, az string) { write(t, az, "#!/usr/bin/env python3\n", 0o755) },
		"a directory":         func(t *testing.T, az string) { _ = os.Mkdir(az, 0o755) },
		"a link to a real az": func(t *testing.T, az string) { write(t, az+".real", "#!", 0o755); _ = os.Symlink(az+".real", az) },
		"a link to nothing":   func(t *testing.T, az string) { _ = os.Symlink("/opt/az/bin/az", az) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := Shims{program(t, dir, exe("azure-token-helper")), filepath.Join(dir, "bin"), []string{"azd", "az"}}
			_ = os.Mkdir(s.Dir, 0o755)
			az := filepath.Join(s.Dir, exe("az"))
			other(t, az)
			before, _ := os.Lstat(az)
			for _, do := range []func() ([]string, error){s.Install, s.Uninstall} {
				_, err := do()
				if e := problem.From(err); err == nil || !e.Misuse || !strings.Contains(e.Message, az) || e.Hint == "" {
					t.Errorf("%v", err)
				}
			}
			after, err := os.Lstat(az)
			if err != nil || !os.SameFile(before, after) {
				t.Error("it was changed")
			}
			if _, err := os.Lstat(filepath.Join(s.Dir, exe("azd"))); err == nil {
				t.Error("half of it was done")
			}
		})
	}
}

func TestAnOldVersionsNamesAreReplaced(t *testing.T) {
	for name, old := range map[string]func(t *testing.T, dir, az string){
		"a copy of another version": func(t *testing.T, dir, az string) {
			_ = os.Rename(program(t, dir, "other"), az)
		},
		"a link to another version": func(t *testing.T, dir, az string) { _ = os.Symlink(program(t, dir, "other"), az) },
		"a link to one that is gone": func(t *testing.T, dir, az string) {
			_ = os.Symlink(filepath.Join(dir, "0.1", exe("azure-token-helper")), az)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.Contains(name, "link") {
				t.Skip("links need a privilege")
			}
			dir := t.TempDir()
			s := Shims{program(t, dir, exe("azure-token-helper")), filepath.Join(dir, "bin"), []string{"az"}}
			_ = os.Mkdir(s.Dir, 0o755)
			az := filepath.Join(s.Dir, exe("az"))
			old(t, dir, az)
			if _, err := s.Install(); err != nil {
				t.Fatal(err)
			}
			if target, err := os.Readlink(az); runtime.GOOS != "windows" && (err != nil || target != s.Program) {
				t.Error(target, err)
			}
		})
	}
}

func TestTheProgramIsNotReplacedByALinkToItself(t *testing.T) {
	dir := t.TempDir()
	s := Shims{program(t, dir, exe("az")), dir, []string{"az"}}
	if _, err := s.Install(); err == nil || !strings.Contains(err.Error(), "the program itself") {
		t.Error(err)
	}
}

func TestFindTellsWhatRuns(t *testing.T) {
	dir := t.TempDir()
	s := Shims{program(t, dir, exe("azure-token-helper")), filepath.Join(dir, "bin"), []string{"az"}}
	if _, err := s.Install(); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	_ = os.Mkdir(other, 0o755)
	write(t, filepath.Join(other, exe("az")), "#!", 0o755)
	list := func(dirs ...string) string { return strings.Join(dirs, string(filepath.ListSeparator)) }
	for _, tt := range []struct {
		path, first string
		ours        bool
	}{
		{list(filepath.Join(dir, "gone"), s.Dir, other), filepath.Join(s.Dir, exe("az")), true},
		{list(other, s.Dir), filepath.Join(other, exe("az")), false},
		{list(filepath.Join(dir, "gone")), "", false},
		{"", "", false},
	} {
		if f := s.Find(tt.path)[0]; f.First != tt.first || f.Ours != tt.ours {
			t.Errorf("%s: %+v", tt.path, f)
		}
	}
}
