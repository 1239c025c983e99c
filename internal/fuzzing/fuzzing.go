// Package fuzzing is what the fuzz targets of all rooms hold a refusal to. `.ci/fuzz` runs them.
package fuzzing

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Canary is a secret that targets put where secrets are: into the fields that hold one. It has no form by which a filter
// would know it, and stands in no seed, so that fuzzing does not copy it elsewhere.
const Canary = "4Tq9-canary-Zw7x"

// Token is a secret in the form of a token, for seeds: it may stand anywhere, and is shown nowhere.
const Token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.c2lnbmVkLWJ5LW5vYm9keQ"

// mostShown bounds what people are shown of an error, mostQuoted what a room repeats of an answer from a network, and
// mostFilled a command that is filled with what was presented.
const mostShown, mostQuoted, mostFilled = 8<<10 + len("…"), 4 << 10, 32 << 10

// Judge says whether an error may be shown.
type Judge struct{ redactor *token.Redactor }

// NewJudge returns the Judge for a target, which makes it once.
func NewJudge() Judge {
	return Judge{token.NewRedactor()}
}

// Refused fails the test unless err is a refusal as users know it: a code to search for, one sentence, no secret in it, and
// nothing that a terminal obeys.
func (j Judge) Refused(t testing.TB, err error) {
	t.Helper()
	var e *problem.Error
	if !errors.As(err, &e) {
		t.Fatalf("no problem.Error: %T %q", err, err)
	}
	if !problem.IsCode(e.Code) {
		t.Errorf("code %.200q", e.Code)
	}
	if strings.TrimSpace(e.Message) == "" {
		t.Error("no message")
	}
	for _, text := range []string{e.Message, e.Hint, e.Coded(), e.Sentence(), e.Said} {
		j.Shown(t, text)
	}
}

// Answered is Refused for an error about an answer from a network, of which a little is repeated and no more.
func (j Judge) Answered(t testing.TB, err error) {
	t.Helper()
	j.Refused(t, err)
	e := problem.From(err)
	if len(e.Message) > mostQuoted || len(e.Hint) > mostFilled {
		t.Errorf("%d and %d bytes of message and hint: %.200q", len(e.Message), len(e.Hint), e.Message)
	}
	for _, text := range []string{e.Message, e.Hint} {
		j.clean(t, text)
	}
}

// Quoted fails the test unless text is what a room may repeat of somebody else's: a little, without a token or anything that a
// terminal obeys, whatever the exits do about that.
func (j Judge) Quoted(t testing.TB, text string) {
	t.Helper()
	if len(text) > mostQuoted {
		t.Errorf("%d bytes are repeated", len(text))
	}
	j.clean(t, text)
}

func (j Judge) clean(t testing.TB, text string) {
	t.Helper()
	if strings.ContainsFunc(text, unicode.IsControl) || strings.Contains(text, Token) || strings.Contains(text, Canary) {
		t.Errorf("repeated as it was: %q", text)
	}
}

// Shown fails the test unless text, as every exit shows it, is one line of bounded length without a secret, of which a
// terminal obeys nothing.
func (j Judge) Shown(t testing.TB, text string) {
	t.Helper()
	line := token.Line(j.redactor.Clean(text))
	switch {
	case len(line) > mostShown:
		t.Errorf("%d bytes are shown", len(line))
	case !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }):
		t.Errorf("unfit for a terminal: %q", line)
	}
	for _, secret := range []string{Canary, Token} {
		if strings.Contains(line, secret) {
			t.Errorf("a secret is shown: %q", line)
		}
	}
}

// Document fails the test unless raw is one JSON document and nothing more, and reads it into v.
func Document(t testing.TB, raw []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v: %q", err, raw)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("something follows the document: %q", raw)
	}
	if !bytes.HasSuffix(raw, []byte("\n")) {
		t.Fatalf("no line break at the end: %q", raw)
	}
}
