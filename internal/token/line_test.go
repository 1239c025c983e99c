package token

import (
	"strings"
	"testing"
)

// What a terminal obeys or turns round is written out; letters of every language, and what is joined of several, stay.
func TestALineIsWhatATerminalShows(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                            "plain",
		"two\r\n  lines\tand\u0085more":    "two lines and more",
		"\x1b[2J\x1b]0;title\a":            `\x1b[2J\x1b]0;title\a`,
		"subject \u202e'evil'\u2066":       `subject \u202e'evil'\u2066`,
		"zero\u200bwidth, bom \ufeff":      `zero\u200bwidth, bom \ufeff`,
		"quotes \" ' and \\ stay":          "quotes \" ' and \\ stay",
		"größe 大きさ 😀":                      "größe 大きさ 😀",
		"not \xff UTF-8":                   "not \ufffd UTF-8",
		strings.Repeat("ä", maxLine):       strings.Repeat("ä", maxLine/2) + "…",
		strings.Repeat("x", maxLine) + ".": strings.Repeat("x", maxLine) + "…",
	} {
		if got := Line(text); got != want {
			t.Errorf("%.60q\n got %.200q\nwant %.200q", text, got, want)
		}
	}
	if got := Quote("\x1b[1mno such tenant.", 500); got != `\x1b[1mno such tenant` {
		t.Errorf("%q", got)
	}
}
