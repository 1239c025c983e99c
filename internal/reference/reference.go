// Package reference holds a program's help texts and manual pages to its commands: testdata/help.golden is what --help
// prints, verb by verb, and man/ has a page for each. Only tests import it, so that what renders pages is not linked into
// the programs.
//
//	IDFERRY_TEST_RECORD=1 go test -run TestReference ./cmd/...
package reference

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Program is a program as its user meets it.
type Program struct {
	// Command returns the commands as a command line finds them.
	Command func(args ...string) *cobra.Command
	// ExitStatus is that section of the first page, in Markdown.
	ExitStatus string
	// Environment has what the first page says of variables that stand in for no flag.
	Environment []Variable
	// Record has the files written in place of compared.
	Record bool
}

// Variable is a variable of the environment, and what it does.
type Variable struct{ Name, Does string }

// Hold fails the test where a verb lacks an example, or where what is recorded is not what the commands say.
func Hold(t *testing.T, p Program) {
	recorded := map[string]string{filepath.Join("testdata", "help.golden"): help(t, p)}
	for name, page := range pages(t, p) {
		recorded[filepath.Join("..", "..", "man", name)] = page
	}
	for path, want := range recorded {
		if p.Record {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not what the commands say (%v): IDFERRY_TEST_RECORD=1 go test -run TestReference ./cmd/...", path, err)
		}
	}
	root := p.Command("--help")
	stale, err := filepath.Glob(filepath.Join("..", "..", "man", root.Name()+"*.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stale {
		if _, ok := recorded[path]; !ok {
			t.Errorf("%s: there is no such verb", path)
		}
	}
}

// help is what --help prints for the program and each of its verbs.
func help(t *testing.T, p Program) string {
	var all strings.Builder
	each(p.Command("--help"), func(c *cobra.Command) {
		words := append(strings.Fields(c.CommandPath())[1:], "--help")
		var out bytes.Buffer
		root := p.Command(words...)
		root.SetArgs(words)
		root.SetOut(&out)
		root.SetErr(&out)
		if err := root.Execute(); err != nil {
			t.Errorf("%s --help: %v", c.CommandPath(), err)
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		all.WriteString("$ " + root.Name() + " " + strings.Join(words, " ") + "\n" + out.String() + "\n")
	})
	return all.String()
}

// each visits a command and those below it that a person is shown.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	below := c.Commands()
	slices.SortFunc(below, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	for _, b := range below {
		if b.IsAvailableCommand() && b.Name() != "help" && b.Name() != "completion" {
			each(b, visit)
		}
	}
}
