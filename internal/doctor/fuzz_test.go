package doctor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// Whatever a person pastes, what is recognised in it is of the catalogue and stands in the text.
func FuzzPastedError(f *testing.F) {
	known := append(entra.Catalogue(), sts.Catalogue()...)
	for _, e := range known {
		f.Add(e.Code + ": " + strings.Join(e.Says, " … "))
	}
	for _, text := range []string{"", "AADSTS", "AADSTS70021", "AADSTS700213", "invalid_grantinvalid_grant1", "\x1b[2J\xff", strings.Repeat("AADSTS700213", 2000), `{"error":"invalid_grant"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start := fuzzing.Spent()
		found := Recognize(text, known)
		if took := fuzzing.Spent() - start; took > 5*time.Second {
			t.Errorf("%s for %d bytes", took, len(text))
		}
		for _, e := range found {
			if !strings.Contains(text, e.Code) {
				t.Errorf("%s is not in %q", e.Code, text)
			}
			for _, phrase := range e.Says {
				if !strings.Contains(strings.ToLower(text), strings.ToLower(phrase)) {
					t.Errorf("%s: %q is not in %q", e.Code, phrase, text)
				}
			}
		}
		if more := Recognize(text+"\nand more", known); len(found) > 0 && len(more) == 0 {
			t.Errorf("%q is not recognised in more text", text)
		}
	})
}

// Whatever was found, presented and answered on the way, the report is lines that a terminal shows as they are, in which no colour is
// but ours, and one document for programs; no token is in either.
func FuzzReport(f *testing.F) {
	f.Add("iss", "https://accounts.google.com", "AADSTS700213", "refused", "said", "az ad app", `{"iss":"x","sub":"\u001b[2J","aud":["a"],"exp":1}`, 80, true)
	f.Add("\x1b[2J", "\u202e", "code", "m\nm", strings.Repeat("long ", 3000), "echo '\x1b[0m'", "[]", 0, false)
	f.Add("", fuzzing.Token, "", fuzzing.Token, "\xff", strings.Repeat("x", 10_000), "", -1, true)
	f.Fuzz(func(t *testing.T, name, value, code, message, said, command, claims string, width int, colour bool) {
		now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
		p := problem.New(code, "%s", message).WithAdvice(catalogue.Entry{Cause: value, Mend: "do {what}", Run: []string{"run {what}"}}.Advice(catalogue.Values{"what": command}))
		p.Said = said
		h := &Hop{Name: "exchange", Status: Failed, Took: time.Second, Summary: value, Problem: p, Notes: []string{said}, Fields: []Field{{"x", value}}, Differences: []Difference{{"subject", value, command, Why(value, command)}}}
		h.Claims(token.Token{Value: token.NewSecret("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + fuzzing.Canary), ExpiresOn: now}, now)
		if d := Compare("subject", value, command, said); d != nil {
			h.Differences = append(h.Differences, *d)
		}
		r := &Report{Program: "p", Version: "v", Settings: []Setting{{"name", value, name}}, Hops: []*Hop{h, {Name: "next", Status: Unknown, Summary: message}}}
		width = max(width, -width-1) % 300
		text := show(r, Screen{Width: width, Colour: colour, Unicode: true})
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			for _, ours := range []string{"31", "32", "33", "1", "2", "0"} {
				line = strings.ReplaceAll(line, "\x1b["+ours+"m", "")
			}
			if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Fatalf("a terminal obeys %q", line)
			}
		}
		if !colour && strings.Contains(text, "\x1b") {
			t.Errorf("colours where there are none: %q", text)
		}
		var out bytes.Buffer
		if err := r.JSON(&out); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(out.Bytes()) {
			t.Errorf("no JSON: %s", out.String())
		}
		for _, secret := range []string{fuzzing.Token, fuzzing.Canary} {
			if strings.Contains(text, secret) || strings.Contains(out.String(), secret) {
				t.Errorf("a token is shown: %s", text)
			}
		}
	})
}

// Whatever Date an endpoint gives, the clock is compared with it or that is left.
func FuzzDate(f *testing.F) {
	for _, date := range []string{"", "Mon, 23 Nov 2026 07:00:00 GMT", "Monday, 23-Nov-26 07:00:00 GMT", "Mon Nov 23 07:00:00 2026", "Mon, 23 Nov 9999 07:00:00 GMT", "Mon, 01 Jan 0000 00:00:00 GMT", "\x1b[2J"} {
		f.Add(date)
	}
	f.Fuzz(func(t *testing.T, date string) {
		now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
		w := NewWay("https://login.microsoftonline.com/", func(string) (string, bool) { return "", false }, func() time.Time { return now })
		w.Client = fuzzing.Client(func(*http.Request) fuzzing.Answer {
			return fuzzing.Answer{Status: 200, Header: map[string]string{"Date": date}}
		})
		x := Begin(t.Context(), func() time.Time { return now }, Report{}, nil)
		there := x.Hop("way", w.Examine)
		clock := x.Hop("clock", w.Clock, there)
		at, err := http.ParseTime(date)
		switch off := now.Sub(at).Abs(); {
		case there.Status != OK:
			t.Errorf("%+v", there.Problem)
		case err != nil && clock.Status != Skipped, err == nil && off > 2*time.Minute && clock.Status != Failed, err == nil && off < 5*time.Second && clock.Status != OK:
			t.Errorf("%q: %s %s", date, clock.Status, clock.Summary)
		}
	})
}
