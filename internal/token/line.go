package token

import (
	"strconv"
	"strings"
	"unicode"
)

// maxLine bounds a line that is shown, in bytes: nobody reads on, and what it repeats may be a file.
const maxLine = 8 << 10

// Line makes text fit to be shown on a terminal and in a log: on one line of a bounded length, white space folded. What a
// terminal would obey, or would turn the order of what is read by, is written out (\x1b), since half of what is shown in
// an error was written by somebody else.
func Line(text string) string {
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "\ufffd")
	if strings.ContainsFunc(text, unseen) {
		var b strings.Builder
		for _, r := range text {
			if unseen(r) {
				b.WriteString(strings.Trim(strconv.QuoteRuneToGraphic(r), "'"))
			} else {
				b.WriteRune(r)
			}
		}
		text = b.String()
	}
	return cut(text, maxLine)
}

func unseen(r rune) bool { return !unicode.IsGraphic(r) }

// cut shortens text to at most `most` bytes, with a mark behind them.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
