package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

func report() *Report {
	refused := problem.New("AADSTS700213", "entra id refused: AADSTS700213: No matching federated identity record found for presented assertion subject '115000000000000000001'")
	refused.WithAdvice(&problem.Advice{
		Cause: "the issuer is trusted, and no federated credential has this subject", Mend: "if that is the identity to trust, make the application trust it",
		Run: []string{`az ad app federated-credential create --id 33333333-3333-3333-3333-333333333333 --parameters '{"name":"x"}'`, "az identity federated-credential create"}, Wait: "it takes some minutes", See: "https://example.com",
	})
	return &Report{
		Program: "azure-token-helper", Version: "1.2.3",
		Settings: []Setting{{"tenant-id", "11111111-1111-1111-1111-111111111111", "$AZURE_TENANT_ID"}, {"google-source", "auto", "default"}},
		Hops: []*Hop{
			{Name: "settings", Status: OK, Summary: "application 33333333-3333-3333-3333-333333333333 in tenant 11111111-1111-1111-1111-111111111111, AzurePublicCloud"},
			{Name: "clock", Status: Warning, Summary: "30 seconds ahead", Notes: []string{"it is worth setting"}},
			{Name: "Google identity", Status: OK, Took: 38 * time.Millisecond, Summary: "metadata", Fields: []Field{{"iss", "https://accounts.google.com"}, {"sub", "115000000000000000001"}}},
			{Name: "exchange at Entra ID", Status: Failed, Took: 1200 * time.Millisecond, Problem: refused, Differences: []Difference{{"subject", "115000000000000000001", "reader@p.iam.gserviceaccount.com", "an account's numeric id where its e-mail address is expected"}}},
			{Name: "call to Azure", Status: Skipped, Summary: "not tried: exchange at Entra ID first"},
			{Name: "another call", Status: Unknown, Problem: problem.New(problem.Unreachable, "nobody answers")},
		},
	}
}

func show(r *Report, s Screen) string {
	var out bytes.Buffer
	p := NewPrinter(&out, s)
	p.Head(r)
	for _, h := range r.Hops {
		p.Hop(h)
	}
	p.Foot(r)
	return out.String()
}

// What a person sees is kept for each kind of screen.
func TestAReportOnEveryScreen(t *testing.T) {
	for name, screen := range map[string]Screen{
		"pipe.txt": {Unicode: true}, "80.txt": {Width: 80, Unicode: true}, "120.txt": {Width: 120, Unicode: true}, "ascii.txt": {Width: 80},
	} {
		got := show(report(), screen)
		path := filepath.Join("testdata", name)
		if os.Getenv("IDFERRY_TEST_RECORD") != "" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
		for line := range strings.Lines(got) {
			line = strings.TrimSuffix(line, "\n")
			command := strings.HasPrefix(line, "    run ") || strings.HasPrefix(line, "    or ")
			if screen.Width > 0 && utf8.RuneCountInString(line) > screen.Width && !command {
				t.Errorf("%s: %q is wider than the screen", name, line)
			}
			if strings.HasSuffix(line, " ") {
				t.Errorf("%s: %q ends with a space", name, line)
			}
		}
	}
}

// Colour says nothing by itself: without it the same text is there.
func TestColourOnlyRepeats(t *testing.T) {
	for _, width := range []int{0, 80, 120} {
		coloured, without := show(report(), Screen{Width: width, Colour: true, Unicode: true}), show(report(), Screen{Width: width, Unicode: true})
		if plain(coloured) != without {
			t.Errorf("width %d:\n%s\n%s", width, plain(coloured), without)
		}
		if !strings.Contains(coloured, "\x1b[31m✗\x1b[0m") {
			t.Error("no colour at all")
		}
	}
}

func TestNoTokenIsShown(t *testing.T) {
	const canary = "eyJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.Y2FuYXJ5"
	r := report()
	r.Hops = append(r.Hops, &Hop{
		Name: "leak", Status: Failed, Fields: []Field{{"field", canary}},
		Problem: problem.New("x", "it said %s", canary).WithAdvice(&problem.Advice{Cause: canary, Mend: canary, Run: []string{canary}}),
	})
	var document bytes.Buffer
	if err := r.JSON(&document); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"text": show(r, Screen{Width: 80}), "JSON": document.String()} {
		if strings.Contains(text, "eyJ") {
			t.Errorf("%s shows a token:\n%s", name, text)
		}
	}
}

// Claims, settings and answers are somebody else's words, and so is what fills a command; colours are ours alone.
func TestATerminalObeysNobodyElse(t *testing.T) {
	const evil = "\x1b[2J\u202e"
	r := &Report{Settings: []Setting{{"name", evil, evil}}, Hops: []*Hop{{
		Name: "hop", Status: Failed, Summary: evil, Fields: []Field{{"sub", evil}}, Notes: []string{evil}, Differences: []Difference{{"subject", evil, evil, evil}},
		Problem: (&problem.Error{Code: evil, Message: evil, Said: evil}).WithAdvice(&problem.Advice{Cause: evil, Mend: evil, Run: []string{evil}, Wait: evil, See: evil}),
	}}}
	for _, screen := range []Screen{{}, {Width: 80, Colour: true, Unicode: true}} {
		if text := show(r, screen); strings.Contains(text, "\x1b[2J") || strings.Contains(text, "\u202e") || strings.Count(text, `\x1b[2J\u202e`) < 12 {
			t.Errorf("%q", text)
		}
	}
}

// What nobody knows is shown whole, however long it is.
func TestAnUnknownErrorIsShownWhole(t *testing.T) {
	said := "AADSTS999999: " + strings.Repeat("something new ", 100) + "Trace ID: 0a"
	r := &Report{Hops: []*Hop{{Name: "exchange", Status: Failed, Problem: &problem.Error{Code: "AADSTS999999", Message: "entra id refused: AADSTS999999: something new…", Said: said}}}}
	var document bytes.Buffer
	if err := r.JSON(&document); err != nil {
		t.Fatal(err)
	}
	text := oneLine(show(r, Screen{Width: 80}))
	if !strings.Contains(document.String(), said) || strings.Count(text, "something new") != 101 || !strings.Contains(text, "Trace ID: 0a") {
		t.Errorf("%s\n%s", document.String(), text)
	}
}

func TestTheDocumentSaysWhatTheTextSays(t *testing.T) {
	var out bytes.Buffer
	if err := report().JSON(&out); err != nil {
		t.Fatal(err)
	}
	var document struct {
		Status string
		Hops   []struct {
			Name, Status   string
			DurationMillis int
			Error          *struct{ Code, Cause, Mend, Wait, See string }
		}
	}
	dec := json.NewDecoder(&out)
	if err := dec.Decode(&document); err != nil || dec.More() {
		t.Fatal(err)
	}
	if h := document.Hops[3]; document.Status != "failed" || h.Status != "failed" || h.DurationMillis != 1200 || h.Error.Code != "AADSTS700213" || h.Error.Wait == "" {
		t.Errorf("%+v", document)
	}
}

func TestExitCodes(t *testing.T) {
	for want, hops := range map[int][]Status{ExitWell: {OK, Warning, Skipped}, ExitUnknown: {OK, Unknown, Skipped}, ExitMend: {Unknown, Failed}} {
		r := &Report{}
		for _, s := range hops {
			r.Hops = append(r.Hops, &Hop{Status: s})
		}
		if got := r.ExitCode(); got != want {
			t.Errorf("%v: %d", hops, got)
		}
	}
}

func TestAHopNeedsWhatItNeeds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x := Begin(ctx, time.Now, Report{}, nil)
	broken := x.Hop("first", func(context.Context, *Hop) error { return errors.New("it broke") })
	second := x.Hop("second", func(context.Context, *Hop) error { t.Error("it ran"); return nil }, broken)
	third := x.Hop("third", func(context.Context, *Hop) error { return Uncheckable(errors.New("no way")) })
	fourth := x.Hop("fourth", func(_ context.Context, h *Hop) error { h.Warn("old"); return nil })
	fifth := x.Hop("fifth", func(context.Context, *Hop) error { panic("a canary") }, fourth)
	sixth := x.Hop("sixth", func(context.Context, *Hop) error { return Skip("nothing to do") })
	seventh := x.Hop("seventh", func(ctx context.Context, h *Hop) error { cancel(); <-ctx.Done(); h.Summary = "left"; return ctx.Err() })
	eighth := x.Hop("eighth", func(context.Context, *Hop) error { t.Error("the time was over"); return nil })
	got := fmt.Sprint(broken.Status, second.Status, third.Status, fourth.Status, fifth.Status, sixth.Status, seventh.Status, eighth.Status)
	if got != fmt.Sprint(Failed, Skipped, Unknown, Warning, Failed, Skipped, Failed, Unknown) {
		t.Error(got)
	}
	if second.Summary != "not tried: first first" || strings.Contains(fifth.Problem.Error(), "canary") {
		t.Error(second.Summary, fifth.Problem)
	}
	if x.First() != broken {
		t.Error("the first that failed is the cause")
	}
}

func TestALibraryThatIsDeafIsLeftBehind(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	h := Begin(ctx, time.Now, Report{}, nil).Hop("deaf", func(_ context.Context, h *Hop) error { h.Summary = "begun"; <-hold; return nil })
	if h.Status != Failed || h.Problem.Code != problem.DeadlineExceeded {
		t.Errorf("%+v", h)
	}
}

func TestTimesInWords(t *testing.T) {
	now := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		time.Second: "in 1 second (2026-11-01 10:00:01 UTC)", 59 * time.Minute: "in 59 minutes (2026-11-01 10:59:00 UTC)", 74 * time.Minute: "in 1 hour 14 minutes (2026-11-01 11:14:00 UTC)",
		2 * time.Hour: "in 2 hours (2026-11-01 12:00:00 UTC)", 73 * time.Hour: "in 3 days (2026-11-04 11:00:00 UTC)", -5 * time.Minute: "5 minutes ago (2026-11-01 09:55:00 UTC)",
	} {
		if got := In(now.Add(d), now); got != want {
			t.Errorf("%s: %q", d, got)
		}
	}
	if In(time.Time{}, now) != "" {
		t.Error("no time is no text")
	}
}

func TestClaimsAreShownAndNoSignature(t *testing.T) {
	h := &Hop{}
	// {"iss":"https://i","aud":["a","b"],"azp":"p"}
	if _, ok := h.Claims(token.Token{Value: token.NewSecret("e30.eyJpc3MiOiJodHRwczovL2kiLCJhdWQiOlsiYSIsImIiXSwiYXpwIjoicCJ9.c2lnbmF0dXJl")}, time.Now()); !ok {
		t.Fatal("it is a JWT")
	}
	if got := fmt.Sprint(h.Fields); got != "[{iss https://i} {aud a, b} {azp p}]" {
		t.Error(got)
	}
	if _, ok := h.Claims(token.Token{Value: token.NewSecret("opaque")}, time.Now()); ok {
		t.Error("it is none")
	}
}
