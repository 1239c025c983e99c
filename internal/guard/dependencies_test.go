package guard

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/dependencies.md has a row for each module that is linked, with who links it, or the module among "the others" below
// the table. What it says of start-up and size comes from go run ./bench/imports -write, and is not held here: it varies.
func TestEachModuleThatIsLinkedHasItsReason(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "<!-- go run ./bench/imports -write -->\n")
	part, _, ends := strings.Cut(part, "<!-- until here -->\n")
	table, others, more := strings.Cut(part, "\nThe others come with those: ")
	if !found || !ends || !more {
		t.Fatal("the page has no table, or no others below it")
	}
	quoted := regexp.MustCompile("`([a-z0-9.]+\\.[a-z]+/[^` ]+)`")
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([agl ]*) \\|").FindAllStringSubmatch(table, -1) {
		rows[m[1]] = m[2]
	}
	var below []string
	for _, m := range quoted.FindAllStringSubmatch(others, -1) {
		below = append(below, m[1])
	}

	letters := map[string]string{}
	for _, p := range []struct{ letter, pattern string }{{"a", "./cmd/azure-token-helper"}, {"g", "./cmd/gcp-executable-source"}, {"l", "./federation/..."}} {
		for _, m := range linkedAnywhere(t, p.pattern) {
			letters[m] = strings.TrimSpace(letters[m] + " " + p.letter)
		}
	}
	for m, who := range letters {
		switch row, own := rows[m]; {
		case own == slices.Contains(below, m):
			t.Errorf("%s is linked (%s): docs/dependencies.md wants one line for it, with the reason, and then go run ./bench/imports -write", m, who)
		case own && row != who:
			t.Errorf("%s is linked into %q, and docs/dependencies.md says %q: go run ./bench/imports -write", m, who, row)
		}
	}
	for _, m := range slices.Concat(slices.Collect(maps.Keys(rows)), below) {
		if letters[m] == "" {
			t.Errorf("docs/dependencies.md has a reason for %s, which nothing links", m)
		}
	}
}

// linkedAnywhere lists the modules of a package and of what it needs, on every system that is released for.
func linkedAnywhere(t *testing.T, pattern string) []string {
	t.Helper()
	var modules []string
	for _, system := range []string{"linux", "darwin", "windows", "freebsd"} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", pattern)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, strings.Fields(string(out))...)
	}
	slices.Sort(modules)
	return slices.DeleteFunc(slices.Compact(modules), func(m string) bool { return m+"/" == module })
}
