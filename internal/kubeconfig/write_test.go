package kubeconfig

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samplesDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// put writes a sample to dir/name and returns the path.
func put(t *testing.T, dir, name, sampleName string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, sample(t, sampleName), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, paths ...string) ([]Written, error) {
	t.Helper()
	files, err := Open(paths, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(files, optionsOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	return p.Write(ctx)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatTheFileWasIsKeptAndNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "config", "aks-user.yaml")
	done, err := write(t, path)
	if err != nil || len(done) != 1 || done[0].Backup != path+".before-idferry" {
		t.Fatalf("%+v %v", done, err)
	}
	if !bytes.Equal(contentOf(t, done[0].Backup), sample(t, "aks-user.yaml")) || bytes.Contains(contentOf(t, path), []byte("command: kubelogin")) {
		t.Error("the copy is not what the file was, or the file still is")
	}
	for _, again := range []string{".1", ".2"} {
		put(t, dir, "config", "aks-legacy-aad.yaml")
		if done, err = write(t, path); err != nil || done[0].Backup != path+".before-idferry"+again {
			t.Fatalf("%+v %v", done, err)
		}
	}
	if !bytes.Equal(contentOf(t, path+".before-idferry"), sample(t, "aks-user.yaml")) {
		t.Error("the first copy is gone")
	}
	if done, err = write(t, path); err != nil || done != nil {
		t.Errorf("the last time there was nothing to do: %+v %v", done, err)
	}
	if got := names(t, dir); got != "config config.before-idferry config.before-idferry.1 config.before-idferry.2" {
		t.Error(got)
	}
}

func TestModeAndLinkStay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and links are Unix's here")
	}
	dir, dotfiles := t.TempDir(), t.TempDir()
	target := put(t, dotfiles, "kube", "aks-user.yaml")
	if err := os.Chmod(target, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "config")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("%v %v", info, err)
	}
	for _, path := range []string{target, link + ".before-idferry"} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o640 {
			t.Errorf("%s: %v %v", path, info, err)
		}
	}
	if !bytes.Contains(contentOf(t, target), []byte(sampleCommand)) {
		t.Error("the file behind the link is as before")
	}
	if got := names(t, dir) + " | " + names(t, dotfiles); got != "config config.before-idferry | kube" {
		t.Error(got)
	}
}

// Nothing is written unless everything can be.
func TestAFailureLeavesEveryFileAsItWas(t *testing.T) {
	for name, c := range map[string]struct {
		second  string
		prepare func(t *testing.T, path string)
		want    string
	}{
		"read-only": {"second", func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o400); err != nil {
				t.Fatal(err)
			}
		}, "is read-only; nothing was written"},
		"no room for the copy's name": {strings.Repeat("x", 250), func(*testing.T, string) {}, "no kubeconfig was changed"},
		"locked by kubectl": {"second", func(t *testing.T, path string) {
			if err := os.WriteFile(path+".lock", nil, 0); err != nil {
				t.Fatal(err)
			}
		}, "second.lock exists: kubectl is writing"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, second := put(t, dir, "first", "aks-user.yaml"), put(t, dir, c.second, "kubelogin-msi.yaml")
			c.prepare(t, second)
			before := names(t, dir)
			done, err := write(t, first, second)
			e := problem.From(err)
			if e == nil || done != nil || !strings.Contains(e.Message, c.want) || e.Hint == "" {
				t.Errorf("%+v %+v", done, e)
			}
			if !bytes.Equal(contentOf(t, first), sample(t, "aks-user.yaml")) || !bytes.Equal(contentOf(t, second), sample(t, "kubelogin-msi.yaml")) {
				t.Error("a file was changed")
			}
			if after := names(t, dir); after != before {
				t.Errorf("before: %s, after: %s", before, after)
			}
		})
	}
}

func TestAFileThatChangedMeanwhileIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "config", "aks-user.yaml")
	files, err := Open([]string{path}, true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(files, optionsOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "config", "several.yaml")
	if _, err := p.Write(context.Background()); err == nil || !strings.Contains(err.Error(), "was changed by somebody else") {
		t.Error(err)
	}
	if !bytes.Equal(contentOf(t, path), sample(t, "several.yaml")) || names(t, dir) != "config" {
		t.Error(names(t, dir))
	}
}

func TestALockOfKubectlIsWaitedFor(t *testing.T) {
	path := put(t, t.TempDir(), "config", "aks-user.yaml")
	if err := os.WriteFile(path+".lock", nil, 0); err != nil {
		t.Fatal(err)
	}
	released := make(chan error, 1)
	time.AfterFunc(20*time.Millisecond, func() { released <- os.Remove(path + ".lock") })
	files, err := Open([]string{path}, true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(files, optionsOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
}
