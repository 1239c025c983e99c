package catalogue

import (
	"strings"
	"testing"
	"unicode"

	"github.com/idferry/idferry/internal/token"
)

// A claim is whatever its issuer wrote: in a command that is there to be pasted it is one word of just these characters.
func FuzzForShell(f *testing.F) {
	for _, value := range []string{"", "plain", "it's", `it's "so"`, "$(reboot)", "`x`", `a\`, "'", "''", "\x1b[2J\u202e", "a\nb", "-x", "{issuer}", "!!", "~", "*", "#x", "a=b;c", "\xff", strings.Repeat("x", 10_000)} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		entry := Entry{Cause: "c", Mend: "see {issuer}", Run: []string{"az x --issuer {issuer} --y"}}
		a := entry.Advice(Values{"issuer": value})
		want := token.Line(value)
		if want == "" {
			want = "ISSUER"
		}
		words, ok := shellWords(a.Run[0])
		if !ok || len(words) != 5 || words[0] != "az" || words[3] != want || words[4] != "--y" {
			t.Errorf("%q is read as %q", a.Run[0], words)
		}
		for _, text := range []string{a.Line(), a.Run[0], a.Mend} {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("a terminal obeys %q", text)
			}
		}
	})
}

// shellWords splits a line as a POSIX shell does (XCU section 2.2), or reports false where it would do more than split.
func shellWords(line string) (words []string, plain bool) {
	var word strings.Builder
	within := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ':
			if within {
				words = append(words, word.String())
				word.Reset()
				within = false
			}
			continue
		case '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return words, false
			}
			word.WriteString(line[i+1 : i+1+end])
			i += 1 + end
		case '"':
			end := strings.IndexByte(line[i+1:], '"')
			if end < 0 || strings.ContainsAny(line[i+1:i+1+end], "$`\\!") {
				return words, false
			}
			word.WriteString(line[i+1 : i+1+end])
			i += 1 + end
		case '\\':
			if i++; i >= len(line) {
				return words, false
			}
			word.WriteByte(line[i])
		default:
			if strings.IndexByte("$`;&|<>()*?[]#~!{}\n\t", c) >= 0 {
				return words, false
			}
			word.WriteByte(c)
		}
		within = true
	}
	if within {
		words = append(words, word.String())
	}
	return words, true
}
