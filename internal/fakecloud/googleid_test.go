package fakecloud

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestAnIDTokenVerifiesWithWhatTheIssuerPublishes(t *testing.T) {
	g := startGoogle(t)
	discovery := g.do(t, http.MethodGet, g.Issuer.URL+"/.well-known/openid-configuration", "", "")
	if issuer := discovery.at(t, "issuer"); issuer != "https://accounts.google.com" {
		t.Errorf("issuer = %q", issuer)
	}
	if uri := discovery.at(t, "jwks_uri"); uri != g.JWKSURL {
		t.Errorf("jwks_uri = %q, want %q", uri, g.JWKSURL)
	}
	token, err := g.IDToken(robot, entraAud)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := verify(g.ca.Client(), g.JWKSURL, token)
	if err != nil {
		t.Fatal(err)
	}
	now := float64(g.clock.now().Unix())
	for name, want := range map[string]any{
		"iss": "https://accounts.google.com", "aud": entraAud, "sub": robotID, "azp": robotID,
		"email": robot, "email_verified": true, "iat": now, "exp": now + 3600,
	} {
		if claims[name] != want {
			t.Errorf("%s = %v, want %v", name, claims[name], want)
		}
	}
}

func TestATestCanBendAnIDToken(t *testing.T) {
	g := startGoogle(t)
	forged, err := g.IDToken(robot, entraAud, IDTokenForged())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(g.ca.Client(), g.JWKSURL, forged); !errors.Is(err, errSignature) {
		t.Errorf("forged token: %v, want %v", err, errSignature)
	}
	issued := g.clock.now().Add(-2 * time.Hour)
	bent, err := g.IDToken(robot, entraAud, IDTokenClaim("iss", "https://example.com"), IDTokenClaim("email", nil), IDTokenIssued(issued, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	claims, err := verify(g.ca.Client(), g.JWKSURL, bent)
	if err != nil {
		t.Fatal(err)
	}
	if _, present := claims["email"]; present || claims["iss"] != "https://example.com" || claims["exp"] != float64(issued.Add(time.Hour).Unix()) {
		t.Errorf("claims = %v", claims)
	}
	if _, err := g.IDToken("nobody@acme.iam.gserviceaccount.com", entraAud); err == nil {
		t.Error("minted for an account that is not registered")
	}
}
