package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const (
	begin = "<!-- go run ./bench/imports -write -->"
	end   = "<!-- until here -->"
	// others is the row of what has none of its own.
	others = "the others"
)

func kilo(n float64) string { return fmt.Sprintf("%.1f", n/1000) }

func writeTable(w io.Writer, programs []program, how string) {
	fmt.Fprintln(w, how)
	for _, p := range programs {
		fmt.Fprintf(w, "\n%s\n%8s %14s %14s  module\n", p.Name, "µs", "kB allocated", "kB in the file")
		modules := slices.SortedFunc(maps.Keys(p.Costs), func(a, b string) int {
			return cmp.Or(cmp.Compare(p.Costs[b].Micros, p.Costs[a].Micros), cmp.Compare(p.Costs[b].Bytes, p.Costs[a].Bytes), cmp.Compare(a, b))
		})
		for _, m := range modules {
			c := p.Costs[m]
			fmt.Fprintf(w, "%8.0f %14s %14s  %s\n", c.Micros, kilo(c.Allocated), kilo(c.Bytes), m)
		}
	}
}

// rewrite puts the figures into the page's table, row by row, and leaves its words alone:
//
//	| `module` | who links it | words | µs | kB allocated | kB in the file | words |
func rewrite(page string, programs []program, how string) (string, error) {
	before, rest, ok := strings.Cut(page, begin+"\n")
	between, after, ok2 := strings.Cut(rest, end+"\n")
	if !ok || !ok2 {
		return "", fmt.Errorf("the page has no part from %s to %s", begin, end)
	}
	lines := strings.Split(between, "\n")
	var own []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(line, "|")
		if len(cells) != 9 {
			return "", fmt.Errorf("a row has %d cells, not seven: %s", len(cells)-2, line)
		}
		own = append(own, name(cells[1]))
	}
	for i, line := range lines {
		if strings.HasPrefix(line, "Measured: ") {
			lines[i] = "Measured: " + how + "."
		}
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(cells[1], "---") || strings.TrimSpace(cells[1]) == "module" {
			continue
		}
		which := func(m string) bool { return m == name(cells[1]) }
		if name(cells[1]) == others {
			which = func(m string) bool { return !slices.Contains(own, m) }
		}
		letters, c := largest(programs, which)
		if letters == "" {
			return "", fmt.Errorf("the page has a row for %s, which nothing links", name(cells[1]))
		}
		cells[2] = " " + letters + " "
		cells[4], cells[5], cells[6] = fmt.Sprintf(" %.0f ", c.Micros), " "+kilo(c.Allocated)+" ", fmt.Sprintf(" %.0f ", c.Bytes/1000)
		lines[i] = strings.Join(cells, "|")
	}
	return before + begin + "\n" + strings.Join(lines, "\n") + end + "\n" + after, nil
}

// name is a first cell's, which has a module in backquotes.
func name(cell string) string {
	if cell = strings.Trim(strings.TrimSpace(cell), "`"); cell == "idferry" {
		return ours
	}
	return cell
}

// largest is the cost of those modules in whichever program it is the most, and the letters of all that link one.
func largest(programs []program, which func(module string) bool) (letters string, most cost) {
	for _, p := range programs {
		var sum cost
		links := false
		for m, c := range p.Costs {
			if which(m) {
				links = true
				sum.Micros, sum.Allocated, sum.Bytes = sum.Micros+c.Micros, sum.Allocated+c.Allocated, sum.Bytes+c.Bytes
			}
		}
		if links {
			letters = strings.TrimSpace(letters + " " + p.Letter)
		}
		most = cost{max(most.Micros, sum.Micros), max(most.Allocated, sum.Allocated), max(most.Bytes, sum.Bytes)}
	}
	return letters, most
}
