package fakecloud

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2/google/externalaccount"
)

// trusting starts a Google that trusts an issuer shaped like Entra as Google's own page for Azure sets it up.
func trusting(t *testing.T) (googleTest, *entraShaped) {
	t.Helper()
	g := startGoogle(t)
	e := startEntraShaped(t, g.ca)
	if err := g.AddProvider(provider(e)); err != nil {
		t.Fatal(err)
	}
	return g, e
}

func provider(e *entraShaped) OIDCProvider {
	// Without the slash at the end of the tokens' iss, as the page shows it.
	return OIDCProvider{Audience: resource, Issuer: strings.TrimSuffix(entraIssuer, "/"), JWKSURL: e.server.URL, AllowedAudiences: []string{"api://idferry"}}
}

// external is a file-sourced external_account in Google's own library.
func (g googleTest) external(t *testing.T, subjectToken string) externalaccount.Config {
	t.Helper()
	return externalaccount.Config{
		Audience: resource, SubjectTokenType: "urn:ietf:params:oauth:token-type:jwt", TokenURL: g.STSURL(),
		Scopes:           []string{cloudPlatformScope},
		CredentialSource: &externalaccount.CredentialSource{File: writeFile(t, subjectToken)},
	}
}

func (g googleTest) exchanged(t *testing.T, config externalaccount.Config) (string, error) {
	t.Helper()
	source, err := externalaccount.NewTokenSource(g.ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	token, err := source.Token()
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

func TestAnEntraTokenIsExchangedByGooglesOwnLibrary(t *testing.T) {
	g, e := trusting(t)
	token, err := g.exchanged(t, g.external(t, signed(t, e.key, e.claims(g.clock.now()))))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(token, "ya29.d.") {
		t.Errorf("token does not look federated: %.10s", token)
	}
	got := g.form(t, g.STS.URL+"/v1/introspect", url.Values{"token": {token}, "token_type_hint": {"urn:ietf:params:oauth:token-type:access_token"}})
	if !strings.Contains(got.body, `"active":true`) || got.at(t, "username") != federated {
		t.Errorf("introspection = %s", got.body)
	}
	g.clock.advance(time.Hour)
	got = g.form(t, g.STS.URL+"/v1/introspect", url.Values{"token": {token}})
	if got.body != "{\"active\":false}\n" {
		t.Errorf("introspection of an expired token = %s", got.body)
	}
}

func TestSTSRefusesAsTheRealOneDoes(t *testing.T) {
	type bent struct {
		provider *OIDCProvider
		claims   map[string]any
		config   *externalaccount.Config
		key      **signingKey
		entra    *entraShaped
		google   googleTest
	}
	const grant = `"error":"invalid_grant"`
	g := startGoogle(t)
	e := startEntraShaped(t, g.ca)
	for name, c := range map[string]struct {
		bend  func(bent)
		texts []string
	}{
		"an audience nobody allowed": {func(b bent) { b.claims["aud"] = "33333333-3333-3333-3333-333333333333" },
			[]string{grant, "The audience in ID Token [33333333-3333-3333-3333-333333333333] does not match the expected audience."}},
		"no audience": {func(b bent) { delete(b.claims, "aud") },
			[]string{grant, "The audience in ID Token [] does not match the expected audience."}},
		"the default audience once others are set": {func(b bent) { b.claims["aud"] = "https:" + resource },
			[]string{grant, "The audience in ID Token [https:" + resource + "] does not match"}},
		"another audience than the default": {func(b bent) { b.provider.AllowedAudiences = nil },
			[]string{grant, "The audience in ID Token [api://idferry] does not match"}},
		"the issuer of v2 tokens": {func(b bent) { b.claims["iss"] = "https://login.microsoftonline.com/1/v2.0" },
			[]string{grant, "The issuer in ID Token https://login.microsoftonline.com/1/v2.0 does not match the expected ones: https://sts.windows.net/"}},
		"no issuer": {func(b bent) { delete(b.claims, "iss") },
			[]string{grant, "The issuer in ID Token null does not match"}},
		"audience and issuer wrong: the audience is told first": {func(b bent) { b.claims["iss"], b.claims["aud"] = "x", "y" },
			[]string{grant, "The audience in ID Token [y]"}},
		"a token that ended two minutes ago": {func(b bent) {
			b.claims["iat"], b.claims["exp"] = int64(1700000000), b.google.clock.now().Add(-2*time.Minute).Unix()
		}, []string{grant, "ID Token issued at 1700000000 is stale to sign-in."}},
		"a token from the future": {func(b bent) { b.claims["iat"] = b.google.clock.now().Add(2 * time.Minute).Unix() },
			[]string{grant, "is stale to sign-in."}},
		"a token without an end": {func(b bent) { delete(b.claims, "exp") },
			[]string{grant, "is stale to sign-in."}},
		"a forged token": {func(b bent) { *b.key = &signingKey{b.entra.other.key, b.entra.key.kid} },
			[]string{grant, "Unable to verify the ID Token signature."}},
		"a key that is not published": {func(b bent) { *b.key = b.entra.other },
			[]string{grant, "Error connecting to the given credential's issuer."}},
		"an issuer out of reach": {func(b bent) { b.entra.server.Answer(http.NotFoundHandler()) },
			[]string{grant, "Error connecting to the given credential's issuer."}},
		"the attribute condition": {func(b bent) {
			b.provider.Condition = func(claims map[string]any) bool { return claims["oid"] == "someone else" }
		}, []string{`"error":"unauthorized_client"`, "The given credential is rejected by the attribute condition."}},
		"a subject of 128 bytes": {func(b bent) { b.claims["sub"] = strings.Repeat("s", 128) },
			[]string{`"error":"invalid_request"`, "The size of mapped attribute google.subject exceeds the 127 bytes limit."}},
		"a mapped claim that is absent": {func(b bent) { b.provider.Subject = "assertion.oid"; delete(b.claims, "oid") },
			[]string{`"error":"invalid_request"`, "Could not obtain a value for google.subject from the given credential."}},
		"a disabled provider": {func(b bent) { b.provider.Disabled = true },
			[]string{`"error":"invalid_target"`, "The target service indicated by the \\\"audience\\\" parameters is invalid."}},
		"the project's id for its number": {func(b bent) { b.config.Audience = strings.Replace(resource, "123456", "acme", 1) },
			[]string{`"error":"invalid_target"`}},
		"an audience with https": {func(b bent) { b.config.Audience = "https:" + resource },
			[]string{`"error":"invalid_request"`, "Invalid value for \\\"audience\\\". This value should be the full resource name of the Identity Provider."}},
		"an audience doubled by gcloud": {func(b bent) { b.config.Audience = "//iam.googleapis.com/" + resource },
			[]string{`"error":"invalid_request"`, "This value should be the full resource name"}},
		"a SAML type for an OIDC provider": {func(b bent) { b.config.SubjectTokenType = "urn:ietf:params:oauth:token-type:saml2" },
			[]string{`"error":"invalid_request"`, "subject_token_type"}},
		"an OAuth client that does not exist": {func(b bent) { b.config.ClientID, b.config.ClientSecret = "nobody", "word" },
			[]string{"status code 401", `"error":"invalid_client"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { e.server.Answer(nil) })
			p, claims, config, key := provider(e), e.claims(g.clock.now()), g.external(t, ""), e.key
			c.bend(bent{&p, claims, &config, &key, e, g})
			if err := g.AddProvider(p); err != nil {
				t.Fatal(err)
			}
			config.CredentialSource.File = writeFile(t, signed(t, key, claims))
			_, err := g.exchanged(t, config)
			wantError(t, err, c.texts...)
			if !strings.Contains(err.Error(), "status code 40") {
				t.Errorf("not the library's form: %v", err)
			}
		})
	}
}

func TestSTSTakesWhatTheRealOneTakes(t *testing.T) {
	g := startGoogle(t)
	e := startEntraShaped(t, g.ca)
	now := func(g googleTest) int64 { return g.clock.now().Unix() }
	for name, c := range map[string]struct {
		bend      func(googleTest, *OIDCProvider, map[string]any)
		tokenType string
		expiresIn string
	}{
		"an hour at most":               {func(googleTest, *OIDCProvider, map[string]any) {}, "jwt", "3600"},
		"an ID token":                   {func(googleTest, *OIDCProvider, map[string]any) {}, "id_token", "3600"},
		"never longer than the token":   {func(g googleTest, _ *OIDCProvider, c map[string]any) { c["exp"] = now(g) + 600 }, "jwt", "600"},
		"an old token that still lives": {func(g googleTest, _ *OIDCProvider, c map[string]any) { c["iat"] = now(g) - 86400 }, "jwt", "3600"},
		"a clock half a minute apart":   {func(g googleTest, _ *OIDCProvider, c map[string]any) { c["iat"] = now(g) + 30 }, "jwt", "3600"},
		"an end half a minute ago":      {func(g googleTest, _ *OIDCProvider, c map[string]any) { c["exp"] = now(g) - 30 }, "jwt", "1"},
		"one of several audiences":      {func(_ googleTest, _ *OIDCProvider, c map[string]any) { c["aud"] = []string{"x", "api://idferry"} }, "jwt", "3600"},
		"the default audience": {func(_ googleTest, p *OIDCProvider, c map[string]any) {
			p.AllowedAudiences = nil
			c["aud"] = "https:" + resource
		}, "jwt", "3600"},
		"a subject of 127 bytes": {func(_ googleTest, _ *OIDCProvider, c map[string]any) { c["sub"] = strings.Repeat("s", 127) }, "jwt", "3600"},
		"a long sub when oid is mapped": {func(_ googleTest, p *OIDCProvider, c map[string]any) {
			p.Subject = "assertion.oid"
			c["sub"] = strings.Repeat("s", 128)
		}, "jwt", "3600"},
		"a condition that holds for it": {func(_ googleTest, p *OIDCProvider, _ map[string]any) {
			p.Condition = func(c map[string]any) bool { return c["oid"] == entraSub }
		}, "jwt", "3600"},
		"a slash in the provider's issuer": {func(_ googleTest, p *OIDCProvider, _ map[string]any) { p.Issuer += "/" }, "jwt", "3600"},
	} {
		t.Run(name, func(t *testing.T) {
			p, claims := provider(e), e.claims(g.clock.now())
			c.bend(g, &p, claims)
			if err := g.AddProvider(p); err != nil {
				t.Fatal(err)
			}
			form := exchangeForm(signed(t, e.key, claims))
			form.Set("subject_token_type", "urn:ietf:params:oauth:token-type:"+c.tokenType)
			got := g.form(t, g.STSURL(), form)
			if got.status != http.StatusOK || !strings.Contains(got.body, fmt.Sprintf(`"expires_in":%s,`, c.expiresIn)) ||
				got.at(t, "token_type") != "Bearer" || got.at(t, "issued_token_type") != "urn:ietf:params:oauth:token-type:access_token" {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func exchangeForm(subjectToken string) url.Values {
	return url.Values{
		"grant_type":           {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"audience":             {resource},
		"scope":                {cloudPlatformScope},
		"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"subject_token":        {subjectToken},
		"subject_token_type":   {"urn:ietf:params:oauth:token-type:jwt"},
	}
}

func TestEveryParameterOfAnExchangeIsNeeded(t *testing.T) {
	g, e := trusting(t)
	token := signed(t, e.key, e.claims(g.clock.now()))
	for name, code := range map[string]string{
		"grant_type": "unsupported_grant_type", "audience": "invalid_request", "scope": "invalid_scope",
		"requested_token_type": "invalid_request", "subject_token": "invalid_request", "subject_token_type": "invalid_request",
	} {
		form := exchangeForm(token)
		form.Del(name)
		if got := g.form(t, g.STSURL(), form); got.status != http.StatusBadRequest || got.at(t, "error") != code {
			t.Errorf("without %s: %d %s", name, got.status, got.body)
		}
	}
	form := exchangeForm("EwBoA8l6BAAU-an-opaque-token")
	if got := g.form(t, g.STSURL(), form); got.status != http.StatusBadRequest || got.at(t, "error") != "invalid_grant" {
		t.Errorf("opaque token: %d %s", got.status, got.body)
	}
	if got := g.do(t, http.MethodPost, g.STSURL(), "application/json", "{}"); got.status != http.StatusBadRequest {
		t.Errorf("JSON: %d %s", got.status, got.body)
	}
}

func TestATokenOutlivesItsProvider(t *testing.T) {
	g, e := trusting(t)
	g.GrantBigQuery(federated, "acme")
	token, err := g.exchanged(t, g.external(t, signed(t, e.key, e.claims(g.clock.now()))))
	if err != nil {
		t.Fatal(err)
	}
	disabled := provider(e)
	disabled.Disabled = true
	if err := g.AddProvider(disabled); err != nil {
		t.Fatal(err)
	}
	if got := g.query(t, token, "SELECT CURRENT_DATE()"); got.status != http.StatusOK {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
