// Package catalogue is how a known failure of a cloud is written down: by what it is recognised, what it means, what
// mends it and how long that takes to work. The clouds' rooms hold the entries; errors, doctor and docs/troubleshooting.md
// all speak with their words.
package catalogue

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Entry is a failure that people meet. In Mend and Run, {name} stands for a value that is known only when it happens.
type Entry struct {
	// Code is the upstream's own, word for word: AADSTS700213, invalid_grant.
	Code string
	// Says are phrases of the upstream's text, of which each must be there: one code may stand for several failures. They
	// are compared without regard to case.
	Says []string
	// Cause says what it means: lower case, one sentence, no full stop at its end.
	Cause string
	// Mend says what to do, in the same form. It may end where the first command of Run goes on.
	Mend string
	// Run are the commands that do it, each ready to paste; all but the first are alternatives to it.
	Run []string
	// Wait says how long it takes to work, or is "" where it works at once.
	Wait string
	// See is a page of the upstream's about it.
	See string
}

// Values are what fills the places of an entry. A place without a value shows its own name in capitals.
type Values map[string]string

// Find returns the entry for an upstream's code and text. The one that asks most of the text wins.
func Find(entries []Entry, code, text string) (Entry, bool) {
	text = strings.ToLower(text)
	matches := slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return e.Code != code || slices.ContainsFunc(e.Says, func(phrase string) bool { return !strings.Contains(text, strings.ToLower(phrase)) })
	})
	if len(matches) == 0 {
		return Entry{}, false
	}
	return slices.MaxFunc(matches, func(a, b Entry) int { return cmp.Compare(len(a.Says), len(b.Says)) }), true
}

// Advice returns what the entry says with its places filled.
func (e Entry) Advice(v Values) *problem.Advice {
	a := &problem.Advice{Cause: e.Cause, Mend: v.fill(e.Mend, func(s string) string { return s }), Wait: e.Wait, See: e.See}
	for _, command := range e.Run {
		a.Run = append(a.Run, v.fill(command, ForShell))
	}
	return a
}

// fill replaces each place by its value, as quote writes it, or by its name in capitals.
func (v Values) fill(text string, quote func(string) string) string {
	return regexp.MustCompile(`\{[a-z-]+\}`).ReplaceAllStringFunc(text, func(place string) string {
		name := place[1 : len(place)-1]
		if value := token.Line(v[name]); value != "" {
			return quote(value)
		}
		return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	})
}

// ForShell writes a value so that a POSIX shell takes it as one word of just these characters. Claims are whatever their
// issuer wrote; within single quotes only the quote itself means something, and double ones are easier to read where they
// are as safe.
func ForShell(value string) string {
	if value != "" && strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,=") == "" {
		return value
	}
	if strings.Contains(value, "'") && !strings.ContainsAny(value, "\"$`\\!") {
		return `"` + value + `"`
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
