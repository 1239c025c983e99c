package azcli

import (
	"fmt"
	"strings"
)

// analysis is which styles of YAML a string can be written in.
type analysis struct{ plain, single, lines bool }

// analyse follows analyze_scalar of PyYAML's emitter for text outside of {} and [].
func analyse(s string) analysis {
	runes := []rune(s)
	if len(runes) == 0 {
		return analysis{plain: true, single: true}
	}
	a := analysis{plain: true, single: true}
	blank := func(i int) bool {
		return i < 0 || i >= len(runes) || strings.ContainsRune("\x00 \t\r\n\u0085\u2028\u2029", runes[i])
	}
	isBreak := func(i int) bool { return i >= 0 && i < len(runes) && isLineBreak(runes[i]) }
	last := len(runes) - 1
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") || runes[0] == ' ' || isBreak(0) || runes[last] == ' ' || isBreak(last) {
		a.plain = false
	}
	for i, r := range runes {
		switch {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r),
			i == 0 && strings.ContainsRune("?-", r) && blank(1),
			r == ':' && blank(i+1),
			r == '#' && i > 0 && blank(i-1):
			a.plain = false
		}
		switch {
		case isBreak(i):
			a.plain, a.lines = false, true
			if i > 0 && runes[i-1] == ' ' {
				a.single = false
			}
		case r == ' ' && isBreak(i-1):
			a.single = false
		}
		if r != '\n' && (r < ' ' || r > '~') && !printable(r) {
			a.plain, a.single = false, false
		}
	}
	return a
}

func isLineBreak(r rune) bool { return strings.ContainsRune("\n\u0085\u2028\u2029", r) }

func printable(r rune) bool {
	return r != '\ufeff' && (r == '\u0085' || r >= '\u00a0' && r <= '\ud7ff' || r >= '\ue000' && r <= '\ufffd' || r >= 0x10000 && r < 0x10ffff)
}

// doubleQuoted is the style that takes everything.
func doubleQuoted(s string) string {
	short := map[rune]string{0: "0", 7: "a", 8: "b", '\t': "t", '\n': "n", '\v': "v", '\f': "f", '\r': "r", 0x1b: "e",
		'"': `"`, '\\': `\`, '\u0085': "N", '\u00a0': "_", '\u2028': "L", '\u2029': "P"}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		c, known := short[r]
		switch {
		case r == '\u00a0':
			b.WriteRune(r)
		case known:
			b.WriteString(`\` + c)
		case r >= ' ' && r <= '~', r > '\u00a0' && r <= '\ud7ff', r >= '\ue000' && r <= '\ufffd' && r != '\ufeff':
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02X`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
