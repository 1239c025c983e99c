package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The index leads to every example, and each place that it or a comment names is there.
func TestExamplesIndex(t *testing.T) {
	data, err := os.ReadFile("../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	index, linked := string(data), map[string]bool{}
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(index, -1) {
		if _, err := os.Stat(filepath.Join("../examples", link[1])); err != nil {
			t.Error(err)
		}
		linked[link[1]], linked[filepath.Dir(link[1])] = true, true
	}
	err = filepath.WalkDir("../examples", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../examples/")
		if !linked[name] && (!linked[filepath.Dir(name)] || filepath.Dir(name) == "kubernetes") && name != "README.md" {
			t.Errorf("the index does not lead to %s", name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, named := range regexp.MustCompile(`README\.md, "([^"]+)"(?: and "([^"]+)")?`).FindAllStringSubmatch(strings.ReplaceAll(string(text), "\n# ", " "), -1) {
			for _, heading := range named[1:] {
				if heading != "" && !strings.Contains(index, "\n### "+heading+"\n") {
					t.Errorf("%s: the index has no %q", name, heading)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
