package kubeconfig

import (
	"fmt"
	"slices"
	"strings"
)

// around is the number of unchanged lines that a diff shows before and after a change.
const around = 3

// Diff returns what would change, as a unified diff. Secrets are not shown.
func (p *Plan) Diff() string {
	var b strings.Builder
	for _, f := range p.Files {
		if !f.changed() {
			continue
		}
		secrets := f.doc.secrets()
		fmt.Fprintf(&b, "--- %s\n+++ %s\n", f.Path, f.Path)
		for _, h := range hunks(f.compare()) {
			b.WriteString(h.head())
			for _, l := range h.lines {
				b.WriteByte(l.sign)
				b.WriteString(hide(strings.TrimRight(l.text, "\r\n"), secrets))
				b.WriteByte('\n')
				if !strings.HasSuffix(l.text, "\n") {
					b.WriteString("\\ No newline at end of file\n")
				}
			}
		}
	}
	return b.String()
}

func lines(s string) []string { return slices.Collect(strings.Lines(s)) }

type diffLine struct {
	sign byte // ' ', '-' or '+'
	text string
}

// compare returns all lines of both texts. Where they differ is known from the edits.
func (f *File) compare() []diffLine {
	src := f.doc.src
	var all []diffLine
	at := 0
	for n := 0; n < len(f.edits); {
		first := 1 + strings.LastIndexByte(src[:f.edits[n].start], '\n')
		all = appendLines(all, ' ', lines(src[at:first])...)
		// Edits that touch one line are one to a reader.
		var here []edit
		at = first
		for ; n < len(f.edits) && (f.edits[n].start < at || at == first || at == len(src)); n++ {
			e := f.edits[n]
			at = max(at, lineEnd(src, e.start, e.end))
			here = append(here, edit{e.start - first, e.end - first, e.text})
		}
		all = append(all, differences(lines(src[first:at]), lines(apply(src[first:at], here)))...)
	}
	return appendLines(all, ' ', lines(src[at:])...)
}

// lineEnd returns the end of the last line that an edit touches, with its break.
func lineEnd(src string, start, end int) int {
	if end > start && src[end-1] == '\n' {
		return end
	}
	if i := strings.IndexByte(src[end:], '\n'); i >= 0 {
		return end + i + 1
	}
	return len(src)
}

func appendLines(all []diffLine, sign byte, lines ...string) []diffLine {
	for _, l := range lines {
		all = append(all, diffLine{sign, l})
	}
	return all
}

// differences finds the longest common subsequence of two short texts in the plain quadratic way.
func differences(x, y []string) []diffLine {
	common := make([][]int, len(x)+1)
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var all []diffLine
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			all = appendLines(all, ' ', x[i])
			i, j = i+1, j+1
		case i < len(x) && (j == len(y) || common[i+1][j] >= common[i][j+1]):
			all = appendLines(all, '-', x[i])
			i++
		default:
			all = appendLines(all, '+', y[j])
			j++
		}
	}
	return all
}

type hunk struct {
	// from and to are the numbers of the first line in either text.
	from, to int
	lines    []diffLine
}

// hunks cuts what is far from any change out of a comparison.
func hunks(all []diffLine) []hunk {
	near := make([]bool, len(all))
	for n, l := range all {
		if l.sign != ' ' {
			for m := max(0, n-around); m <= min(len(all)-1, n+around); m++ {
				near[m] = true
			}
		}
	}
	var found []hunk
	from, to := 1, 1
	for n, l := range all {
		if near[n] {
			if n == 0 || !near[n-1] {
				found = append(found, hunk{from: from, to: to})
			}
			h := &found[len(found)-1]
			h.lines = append(h.lines, l)
		}
		if l.sign != '+' {
			from++
		}
		if l.sign != '-' {
			to++
		}
	}
	return found
}

func (h hunk) head() string {
	count := func(other byte) int {
		n := 0
		for _, l := range h.lines {
			if l.sign != other {
				n++
			}
		}
		return n
	}
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@\n", h.from, count('+'), h.to, count('-'))
}
