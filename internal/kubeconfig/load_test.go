package kubeconfig

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestSeveralFilesAsKubectlMergesThem(t *testing.T) {
	dir := t.TempDir()
	first := put(t, dir, "first", "several.yaml")
	second := put(t, dir, "second", "several.yaml")
	third := put(t, dir, "third", "kubelogin-msi.yaml")
	files, err := Open([]string{filepath.Join(dir, "absent"), first, second, third}, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(files, optionsOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, f := range p.Files {
		if f.changed() {
			changed = append(changed, filepath.Base(f.Path))
		}
	}
	if !slices.Equal(changed, []string{"first", "third"}) {
		t.Error(changed)
	}
	if !strings.Contains(p.Summary(true), "left user \"kind-kind\" in "+second+" alone: kubectl takes the user of this name from "+first) {
		t.Error(p.Summary(true))
	}
	// A context of one file may name the user of another.
	o := optionsOf(t, []string{"--context", "aks-sample"})
	if p, err = NewPlan(files, o); err != nil {
		t.Fatal(err)
	}
	if got := p.Summary(true); strings.Count(got, "would rewrite") != 1 || !strings.Contains(got, `would rewrite user "demouser" in `+third) {
		t.Error(got)
	}
	if _, err := Open([]string{filepath.Join(dir, "absent")}, true); err == nil || !strings.Contains(err.Error(), "absent: no such file") && runtime.GOOS != "windows" {
		t.Error(err)
	}
	if _, err := Open([]string{dir}, false); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

func TestWhereKubectlLooks(t *testing.T) {
	list := strings.Join([]string{"a", "", "b", "a"}, string(filepath.ListSeparator))
	home := filepath.Join("home", "jane")
	for _, c := range []struct {
		flag, variable string
		want           []string
	}{
		{"", "", []string{filepath.Join(home, ".kube", "config")}},
		{"", list, []string{"a", "b"}},
		{"c", list, []string{"c"}},
	} {
		got := Paths(c.flag, func(name string) (string, bool) {
			return map[string]string{"KUBECONFIG": c.variable, "HOME": home}[name], true
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%q %q: %q", c.flag, c.variable, got)
		}
	}
}
