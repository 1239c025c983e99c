package entra

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/idferry/idferry/internal/token"
)

func TestAProofIsSignedByTheKeyThatWasKept(t *testing.T) {
	p, err := NewPossession()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := p.Keep(token.NewSecret("access"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	nonces := map[any]bool{}
	for range 2 {
		proof, err := Prove(kept, "/subscriptions/s", now)
		if err != nil {
			t.Fatal(err)
		}
		claims := jwt.MapClaims{}
		parsed, err := jwt.ParseWithClaims(proof.Reveal(), claims, func(*jwt.Token) (any, error) { return &p.key.PublicKey, nil })
		if err != nil || parsed.Header["typ"] != "pop" || parsed.Header["kid"] != (bound{p}).KeyID() ||
			claims["at"] != "access" || claims["u"] != "/subscriptions/s" || claims["ts"] != float64(now.Unix()) {
			t.Errorf("%v %v %v", parsed.Header, claims, err)
		}
		nonces[claims["nonce"]] = true
	}
	if len(nonces) != 2 {
		t.Error("a nonce was used twice")
	}
	if params := (bound{p}).TokenRequestParams(); params["token_type"] != "pop" || params["req_cnf"] == "" {
		t.Error(params)
	}
}

func TestWhatIsNoBoundTokenIsRefused(t *testing.T) {
	p, err := NewPossession()
	if err != nil {
		t.Fatal(err)
	}
	empty, err := p.Keep(token.NewSecret(""))
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]token.Secret{
		"a bearer token": token.NewSecret("eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), "nothing": {}, "no key": token.NewSecret(`{"at":"canary"}`),
		"another key": token.NewSecret(`{"at":"canary","key":"MC4CAQAwBQYDK2VwBCIEIO8a"}`), "no access token": empty,
	} {
		if proof, err := Prove(secret, "u", time.Now()); err == nil || !proof.Empty() || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
		if err := BoundBelongs("", "")(secret); err == nil {
			t.Errorf("%s would be given out of the cache", name)
		}
	}
}
