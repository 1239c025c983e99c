package fakecloud

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// signingKey signs RS256 tokens and publishes its public half as a JWKS.
type signingKey struct {
	key *rsa.PrivateKey
	kid string
}

func newSigningKey() (*signingKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(key.N.Bytes())
	return &signingKey{key, base64.RawURLEncoding.EncodeToString(sum[:20])}, nil
}

// sign returns claims as a compact RS256 JWT. Any claim may be a Go value that encodes to JSON.
func (k *signingKey) sign(claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: k.key, KeyID: k.kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func (k *signingKey) jwks() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &k.key.PublicKey, KeyID: k.kid, Algorithm: "RS256", Use: "sig"}}}
}

// Reasons for which a token is refused before its claims are looked at.
var (
	errMalformed = errors.New("not a signed JWT")
	errSignature = errors.New("signature not made by the published key of this name")
	// errUnknownKey is an errSignature too.
	errUnknownKey = fmt.Errorf("%w: there is none", errSignature)
	errKeys       = errors.New("the issuer's keys cannot be read")
)

// verify checks an RS256 token against the key set published at jwksURL, fetched as the real services fetch it, and
// returns its claims. It checks the signature only; validity and names are for the caller, whose errors differ.
func verify(client *http.Client, jwksURL, raw string) (map[string]any, error) {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errMalformed, err)
	}
	resp, err := client.Get(jwksURL)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errKeys, err)
	}
	defer resp.Body.Close()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answered %d", errKeys, jwksURL, resp.StatusCode)
	}
	reason := errUnknownKey
	for _, header := range parsed.Headers {
		for _, key := range set.Key(header.KeyID) {
			reason = errSignature
			claims := map[string]any{}
			if parsed.Claims(key.Key, &claims) == nil {
				return claims, nil
			}
		}
	}
	return nil, reason
}

// seconds reads a NumericDate claim; ok is false when it is absent or not a number.
func seconds(claims map[string]any, name string) (time.Time, bool) {
	n, ok := claims[name].(float64)
	return time.Unix(int64(n), 0), ok
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
