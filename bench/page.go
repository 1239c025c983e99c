package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What is measured stands between these in docs/performance.md; the rest is written by hand.
const (
	pageBegins = "<!-- measured -->\n"
	pageEnds   = "<!-- /measured -->\n"
)

// writePage writes the tables into docs/performance.md, the plot beside it, and the ratios that later runs are held to.
func (r report) writePage() error {
	out, err := exec.Command("go", "list", "-f", "{{.Module.Dir}}", module+"/bench").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	root := strings.TrimSpace(string(out))
	page := filepath.Join(root, "docs", "performance.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), pageBegins)
	_, after, ends := strings.Cut(rest, pageEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for what is measured", page)
	}
	plot, err := r.plot()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(page, []byte(before+pageBegins+r.markdown()+pageEnds+after), 0o644),
		os.WriteFile(filepath.Join(root, "docs", "performance.svg"), plot, 0o644),
		r.writeBaseline(filepath.Join(root, "bench", "baseline.json")),
	)
}

func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", r.heading())
	for _, t := range r.tables() {
		fmt.Fprintf(&b, "\n### %s\n\n", t.title)
		line := func(cells []string) { fmt.Fprintln(&b, "| "+strings.Join(cells, " | ")+" |") }
		line(t.head)
		line(strings.Split(strings.Repeat("---,", len(t.head)-1)+"---", ","))
		for _, cells := range t.cells {
			line(cells)
		}
	}
	return b.String() + "\n"
}
