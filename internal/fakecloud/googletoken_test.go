package fakecloud

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"
)

func (g googleTest) keyConfig(t *testing.T, scopes ...string) *jwt.Config {
	t.Helper()
	file, err := g.NewKeyFile(robot)
	if err != nil {
		t.Fatal(err)
	}
	config, err := google.JWTConfigFromJSON(file, scopes...)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestAKeyFileGivesAnIDTokenForAnyAudience(t *testing.T) {
	g := startGoogle(t, time.Now())
	config := g.keyConfig(t)
	config.UseIDToken, config.PrivateClaims = true, map[string]any{"target_audience": entraAud}
	token, err := config.TokenSource(g.ctx).Token()
	if err != nil {
		t.Fatal(err)
	}
	claims, err := verify(g.ca.Client(), g.JWKSURL, token.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if claims["aud"] != entraAud || claims["sub"] != robotID || claims["email"] != robot {
		t.Errorf("claims = %v", claims)
	}
	if want := g.clock.now().Add(time.Hour).Unix(); token.Expiry.Unix() != want {
		t.Errorf("expiry = %d, want %d", token.Expiry.Unix(), want)
	}
}

func TestAKeyFileGivesAnAccessToken(t *testing.T) {
	g := startGoogle(t, time.Now())
	token, err := g.keyConfig(t, cloudPlatformScope).TokenSource(g.ctx).Token()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := g.granted(token.AccessToken); !ok || got.principal != "serviceAccount:"+robot || !got.has(cloudPlatformScope) {
		t.Errorf("granted %+v, %v", got, ok)
	}
}

func TestTheTokenEndpointRefusesAnAssertionAsTheRealOneDoes(t *testing.T) {
	const grant = `"error":"invalid_grant"`
	for name, c := range map[string]struct {
		bend  func(*testing.T, googleTest, *jwt.Config)
		texts []string
	}{
		"a deleted key": {func(_ *testing.T, g googleTest, _ *jwt.Config) { g.DeleteKeys(robot) },
			[]string{grant, `"Invalid JWT Signature."`}},
		"another account's key": {func(t *testing.T, g googleTest, c *jwt.Config) { c.Email = target },
			[]string{grant, `"Invalid JWT Signature."`}},
		"another key under this one's name": {func(t *testing.T, g googleTest, c *jwt.Config) { c.PrivateKey = g.keyConfig(t).PrivateKey },
			[]string{grant, `"Invalid JWT Signature."`}},
		"an account that is gone": {func(_ *testing.T, _ googleTest, c *jwt.Config) { c.Email = "gone@acme.iam.gserviceaccount.com" },
			[]string{grant, `"Invalid grant: account not found"`}},
		"another audience": {func(_ *testing.T, _ googleTest, c *jwt.Config) { c.Audience = "https://example.com/token" },
			[]string{grant, "Invalid JWT: Failed audience check."}},
		"an assertion of two hours": {func(_ *testing.T, _ googleTest, c *jwt.Config) { c.Expires = 2 * time.Hour },
			[]string{grant, "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}},
		"a clock ahead": {func(_ *testing.T, g googleTest, _ *jwt.Config) { g.clock.advance(-10 * time.Minute) },
			[]string{grant, "Invalid JWT: Token must be a short-lived token (60 minutes)"}},
		"a clock behind": {func(_ *testing.T, g googleTest, _ *jwt.Config) { g.clock.advance(2 * time.Hour) },
			[]string{grant, "Invalid JWT: Token must be a short-lived token (60 minutes)"}},
		"another user's mailbox": {func(_ *testing.T, _ googleTest, c *jwt.Config) { c.Subject = "person@acme.example" },
			[]string{`"error":"unauthorized_client"`, "Client is unauthorized to retrieve access tokens using this method"}},
		"neither scope nor audience": {func(_ *testing.T, _ googleTest, c *jwt.Config) { c.Scopes = nil },
			[]string{`"error":"invalid_scope"`, "Invalid OAuth scope or ID token audience provided."}},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGoogle(t, time.Now())
			config := g.keyConfig(t, cloudPlatformScope)
			c.bend(t, g, config)
			_, err := config.TokenSource(g.ctx).Token()
			wantError(t, err, c.texts...)
		})
	}
}

func TestPythonsFixedAudienceIsTaken(t *testing.T) {
	g := startGoogle(t, time.Now())
	config := g.keyConfig(t, cloudPlatformScope)
	config.Audience = "https://oauth2.googleapis.com/token"
	if _, err := config.TokenSource(g.ctx).Token(); err != nil {
		t.Error(err)
	}
}

func TestAPersonsRefreshTokenGivesAnAccessTokenUntilRevoked(t *testing.T) {
	g := startGoogle(t)
	person := GoogleUser{"person@acme.example", "100000000000000000001", "client.apps.googleusercontent.com", "client-word", "1//refresh"}
	file, err := g.AddUser(person)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := google.CredentialsFromJSONWithType(g.ctx, file, google.AuthorizedUser, cloudPlatformScope)
	if err != nil {
		t.Fatal(err)
	}
	token, err := credentials.TokenSource.Token()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := g.granted(token.AccessToken); !ok || got.principal != "user:person@acme.example" {
		t.Errorf("granted %+v, %v", got, ok)
	}
	g.RevokeUser(person.RefreshToken)
	again, err := google.CredentialsFromJSONWithType(g.ctx, file, google.AuthorizedUser, cloudPlatformScope)
	if err != nil {
		t.Fatal(err)
	}
	_, err = again.TokenSource.Token()
	wantError(t, err, "invalid_grant", "Token has been expired or revoked.")
}

func TestTheTokenEndpointRefusesAnUnknownClient(t *testing.T) {
	g := startGoogle(t)
	if _, err := g.AddUser(GoogleUser{"person@acme.example", "1", "known", "word", "1//refresh"}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.AddUser(GoogleUser{"other@acme.example", "2", "second", "word", "1//other"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		form        url.Values
		status      int
		code, texts string
	}{
		"no grant":        {url.Values{}, 400, "unsupported_grant_type", "Invalid grant_type: "},
		"no client":       {url.Values{"grant_type": {"refresh_token"}}, 400, "invalid_request", "Could not determine client ID from request."},
		"unknown client":  {url.Values{"grant_type": {"refresh_token"}, "client_id": {"x"}}, 401, "invalid_client", "The OAuth client was not found."},
		"wrong secret":    {url.Values{"grant_type": {"refresh_token"}, "client_id": {"known"}, "client_secret": {"x"}, "refresh_token": {"1//refresh"}}, 401, "invalid_client", "Unauthorized"},
		"another's token": {url.Values{"grant_type": {"refresh_token"}, "client_id": {"known"}, "client_secret": {"word"}, "refresh_token": {"1//other"}}, 401, "unauthorized_client", "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			got := g.form(t, g.TokenURL(), c.form)
			if got.status != c.status || got.at(t, "error") != c.code || got.at(t, "error_description") != c.texts {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	if got := g.do(t, http.MethodGet, g.TokenURL(), "", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET answered %d", got.status)
	}
}

func TestAKeyFileHasEveryFieldOfARealOne(t *testing.T) {
	g := startGoogle(t)
	file, err := g.NewKeyFile(robot)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]string
	if err := json.Unmarshal(file, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"type", "project_id", "private_key_id", "private_key", "client_email", "client_id", "auth_uri",
		"token_uri", "auth_provider_x509_cert_url", "client_x509_cert_url", "universe_domain"} {
		if fields[name] == "" {
			t.Errorf("no %s", name)
		}
	}
}
