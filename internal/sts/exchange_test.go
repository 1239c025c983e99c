package sts

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// clouds are the sandbox, and a subject token of its system-assigned identity.
func clouds(t *testing.T) (*fakecloud.Sandbox, token.Secret) {
	t.Helper()
	s, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	subject, err := s.SubjectToken()
	if err != nil {
		t.Fatal(err)
	}
	return s, token.NewSecret(subject)
}

func exchange(s *fakecloud.Sandbox) Exchange {
	return Exchange{URL: s.Google.STSURL(), Audience: fakecloud.SandboxProvider, SubjectTokenType: "urn:ietf:params:oauth:token-type:jwt", HTTP: s.CA.Client(), Now: time.Now}
}

func TestTheWayOfGooglesLibraries(t *testing.T) {
	s, subject := clouds(t)
	federated, err := exchange(s).Token(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	who, err := Introspect(t.Context(), s.CA.Client(), nil, s.Google.STS.URL+"/v1/introspect", federated.Value)
	if err != nil || !strings.HasSuffix(who.Who, "/subject/"+fakecloud.SandboxSystemOID) || time.Until(who.Expiry) < 50*time.Minute {
		t.Errorf("%+v %v", who, err)
	}
	i := Impersonation{URL: s.Google.ImpersonationURL(fakecloud.SandboxAccount), Account: fakecloud.SandboxAccount, Lifetime: 20 * time.Minute, HTTP: s.CA.Client()}
	access, err := i.Token(t.Context(), federated.Value)
	if left := time.Until(access.ExpiresOn); err != nil || left < 19*time.Minute || left > 20*time.Minute {
		t.Errorf("%s %v", left, err)
	}
	who, err = TokenInfo(t.Context(), s.CA.Client(), nil, s.Google.TokenInfoURL(), access.Value)
	if err != nil || who.Who != fakecloud.SandboxAccount || !who.Expiry.Equal(access.ExpiresOn) {
		t.Errorf("%+v %v", who, err)
	}
	// Neither endpoint knows the other's tokens.
	if _, err := TokenInfo(t.Context(), s.CA.Client(), nil, s.Google.TokenInfoURL(), federated.Value); problem.From(err) == nil || problem.From(err).Code != "invalid_token" {
		t.Error(err)
	}
	if _, err := Introspect(t.Context(), s.CA.Client(), nil, s.Google.STS.URL+"/v1/introspect", access.Value); problem.From(err) == nil || problem.From(err).Code != problem.Refused {
		t.Error(err)
	}
}

func TestRefusalsHaveTheValuesOfTheCall(t *testing.T) {
	s, subject := clouds(t)
	e := exchange(s)
	s.Google.ChangeProvider(fakecloud.SandboxProvider, func(p *fakecloud.OIDCProvider) { p.AllowedAudiences = []string{"api://other"} })
	_, err := e.Token(t.Context(), subject)
	p := problem.From(err)
	if p == nil || p.Code != "invalid_grant" || p.Advice == nil || !strings.HasSuffix(p.Advice.Run[0], "--project=123456789 --allowed-audiences="+fakecloud.SandboxResource) {
		t.Fatalf("%+v", p)
	}
	if strings.Contains(p.Error(), "eyJ") {
		t.Error("a token is shown")
	}
	// A pool of people has a command of its own.
	v := Target("//iam.googleapis.com/locations/global/workforcePools/people/providers/entra")
	v[Audience] = "app"
	p = Refusal{Status: 400, Code: "invalid_grant", Message: "The audience in ID Token [app] does not match the expected audience."}.Problem("x", v)
	if p.Advice.Run[0] != "gcloud iam workforce-pools providers update-oidc entra --workforce-pool=people --location=global --client-id=app" {
		t.Error(p.Advice.Run)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	s, subject := clouds(t)
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   string
	}{
		"a sign-in page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) }, problem.BadAnswer},
		"no token":       {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"expires_in":3600}`)) }, problem.BadAnswer},
		"a refusal of no form": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte("<html>"))
		}, problem.Refused},
		"an unknown refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_thing","error_description":"a thing that nobody knows"}`))
		}, "invalid_thing"},
	} {
		s.Google.STS.Answer(c.answer)
		_, err := exchange(s).Token(t.Context(), subject)
		p := problem.From(err)
		if p == nil || p.Code != c.code || strings.Contains(p.Error(), "<html>") || (c.code == "invalid_thing") != (p.Said == "a thing that nobody knows") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := exchange(s).Token(ctx, subject); err == nil {
		t.Error("it answered")
	}
}

// What an upstream calls its error is a word to search for, or only a part of what it says.
func TestWhatIsNoCodeIsSaidInstead(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"error":"invalid_grant","error_description":"d"}`:         {"invalid_grant", "x: answered 400 invalid_grant: d"},
		`{"error":"\u001b[2J two words","error_description":"d"}`:   {problem.Refused, `x: answered 400, \x1b[2J two words: d`},
		`{"error":{"status":"` + strings.Repeat("S", 101) + `"}}`:   {problem.Refused, "x: answered 400, " + strings.Repeat("S", 101)},
		`{"error":{"status":"NOT_FOUND","message":"\u202eline\n"}}`: {"NOT_FOUND", `x: answered 400 NOT_FOUND: \u202eline`},
		"<html>": {problem.Refused, "x: answered 400, with text/html; charset=utf-8, not JSON"},
	} {
		e := ReadRefusal(400, "\x1b[2J", []byte(body)).Problem("x", nil)
		if e.Code != want[0] || e.Message != want[1] {
			t.Errorf("%s: %s %q", body, e.Code, e.Message)
		}
	}
}

func TestAConditionIsWrittenForItsLanguage(t *testing.T) {
	if got := Admits(token.Claims{TenantID: `a'b\c`, ObjectID: "o"}); got != `assertion.tid == 'a\'b\\c' && assertion.oid == 'o'` {
		t.Error(got)
	}
	if got := Admits(token.Claims{ObjectID: "o"}); got != "assertion.oid == 'o'" {
		t.Error(got)
	}
}
