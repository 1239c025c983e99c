package kubeconfig

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// text is a file's content with its lines counted as the YAML parser counts them, so that a node's position becomes a
// place in the file.
type text struct {
	src string
	// starts holds the offset of each line, and after them the length of src.
	starts []int
}

func newText(src string) *text {
	t := &text{src: src, starts: []int{0}}
	for i := 0; i < len(src); {
		n := lineBreak(src[i:])
		if n == 0 {
			i++
			continue
		}
		i += n
		t.starts = append(t.starts, i)
	}
	if t.starts[len(t.starts)-1] != len(src) {
		t.starts = append(t.starts, len(src))
	}
	return t
}

// breaks are the characters of line breaks in YAML 1.1.
const breaks = "\r\n\u0085\u2028\u2029"

// lineBreak returns the length of the line break that s begins with, 0 for none.
func lineBreak(s string) int {
	if strings.HasPrefix(s, "\r\n") {
		return 2
	}
	if r, size := utf8.DecodeRuneInString(s); size > 0 && strings.ContainsRune(breaks, r) {
		return size
	}
	return 0
}

// upTo returns how much of s there is before one of the characters.
func upTo(s, characters string) int {
	if i := strings.IndexAny(s, characters); i >= 0 {
		return i
	}
	return len(s)
}

// count returns the number of lines. Lines are numbered from 1.
func (t *text) count() int { return len(t.starts) - 1 }

func (t *text) start(line int) int { return t.starts[min(line-1, t.count())] }

// end returns the offset of the line's break, or of the file's end.
func (t *text) end(line int) int {
	return t.start(line) + len(strings.TrimRight(t.whole(line), breaks))
}

func (t *text) whole(line int) string { return t.src[t.start(line):t.start(line+1)] }

// line returns the line without its break.
func (t *text) line(line int) string { return t.src[t.start(line):t.end(line)] }

// offset returns the place of a column, which the parser counts in characters from 1.
func (t *text) offset(line, column int) int {
	at := t.start(line)
	for range column - 1 {
		_, n := utf8.DecodeRuneInString(t.src[at:])
		at += n
	}
	return at
}

// lineOf returns the line that an offset is in.
func (t *text) lineOf(offset int) int {
	line, found := slices.BinarySearch(t.starts, offset)
	if found {
		line++
	}
	return line
}

// newline returns the line break in use around a line. Those that are YAML's alone are in somebody's text.
func (t *text) newline(line int) string {
	for _, near := range []int{line, line - 1, 1} {
		if near < 1 || near > t.count() {
			continue
		}
		switch b := t.src[t.end(near):t.start(near+1)]; b {
		case "\n", "\r\n", "\r":
			return b
		}
	}
	return "\n"
}

// indentOf returns the number of spaces that a line begins with.
func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

func spaces(n int) string { return strings.Repeat(" ", n) }

// edit replaces a part of a text.
type edit struct {
	start, end int
	text       string
}

// apply makes the edits, which do not overlap.
func apply(src string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(src[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(src[at:])
	return b.String()
}
