package oidcrequest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

const audience = "api://AzureADTokenExchange"

// ask sends one request as a client does, changed by change.
func ask(t *testing.T, e *Endpoint, change func(*http.Request)) (status int, value, message string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+e.Token.Reveal())
	change(r)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Value, Message string }
	if err := json.Unmarshal(body, &answer); err != nil || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s %v", err, body, resp.Header)
	}
	return resp.StatusCode, answer.Value, answer.Message
}

func start(t *testing.T, assertion func(context.Context) (token.Token, error)) *Endpoint {
	t.Helper()
	e, err := Start(audience, assertion)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestOnlyWhoeverKnowsTheTokenIsAnswered(t *testing.T) {
	asked := 0
	e := start(t, func(context.Context) (token.Token, error) {
		asked++
		return token.Token{Value: token.NewSecret("assertion")}, nil
	})
	if status, value, _ := ask(t, e, func(*http.Request) {}); status != 200 || value != "assertion" {
		t.Fatal(status, value)
	}
	for name, c := range map[string]struct {
		status int
		change func(*http.Request)
	}{
		"no token":              {401, func(r *http.Request) { r.Header.Del("Authorization") }},
		"another token":         {401, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("A", 52)) }},
		"its beginning":         {401, func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")[:40]) }},
		"the token in the URL":  {401, func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery += "&token=" + e.Token.Reveal() }},
		"a name for this place": {401, func(r *http.Request) { r.Host = "attacker.example" }},
		"another path":          {404, func(r *http.Request) { r.URL.Path = "/" }},
		"another method":        {405, func(r *http.Request) { r.Method = http.MethodPost }},
		"another audience":      {400, func(r *http.Request) { r.URL.RawQuery = "audience=https://vault.example" }},
		"one more audience":     {400, func(r *http.Request) { r.URL.RawQuery += "&audience=https://vault.example" }},
	} {
		if status, value, message := ask(t, e, c.change); status != c.status || value != "" || message == "" {
			t.Errorf("%s: %d %q %q", name, status, value, message)
		}
	}
	if asked != 1 {
		t.Errorf("Google was asked %d times", asked)
	}
	e.Close()
	if _, err := http.Get(e.URL); err == nil {
		t.Error("it answers after its end")
	}
}

func TestARefusalSaysWhyAndShowsNoToken(t *testing.T) {
	e := start(t, func(context.Context) (token.Token, error) {
		return token.Token{}, problem.New(problem.Unreachable, "asking the metadata server: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln").WithHint("wait")
	})
	status, value, message := ask(t, e, func(*http.Request) {})
	if status != 502 || value != "" || !strings.Contains(message, "unreachable: asking the metadata server") || !strings.HasSuffix(message, "; wait") || strings.Contains(message, "eyJ") {
		t.Error(status, value, message)
	}
}
