package fakecloud

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// confirmation is what a token request says of the key that the token is to be bound to.
// https://learn.microsoft.com/entra/msal/dotnet/advanced/proof-of-possession-tokens
func confirmation(form url.Values) (tokenType string, claims map[string]any, refused *refusal) {
	switch form.Get("token_type") {
	case "", "Bearer":
		return "Bearer", nil, nil
	case "pop":
	default:
		no := badRequest("invalid_request", 900144, "The request body contains an unknown token_type '%s'.", form.Get("token_type"))
		return "", nil, &no
	}
	text, err := base64.RawURLEncoding.DecodeString(form.Get("req_cnf"))
	key := map[string]string{}
	if err != nil || json.Unmarshal(text, &key) != nil || key["kid"] == "" {
		no := badRequest("invalid_request", 900144, "The request body must contain the following parameter: 'req_cnf'.")
		return "", nil, &no
	}
	return "pop", map[string]any{"cnf": key}, nil
}

// guardLife is how long kubeguard/guard takes a proof from its ts on (azure.pop-token-validity-duration).
const guardLife = 15 * time.Minute

// provenToken checks a proof of possession as kubeguard/guard does on clusters connected to Azure Arc, and returns the
// access token in it, whose signature it leaves to the caller.
func provenToken(proof, host string, now time.Time) (string, error) {
	parsed, err := jose.ParseSignedCompact(proof, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Signatures) != 1 {
		return "", fmt.Errorf("no proof of possession: %v", err)
	}
	header := parsed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(typ, "pop") || header.KeyID == "" {
		return "", fmt.Errorf("a proof of type %q with key id %q", typ, header.KeyID)
	}
	var claims struct {
		AccessToken string `json:"at"`
		Time        int64  `json:"ts"`
		Host        string `json:"u"`
		Nonce       string `json:"nonce"`
		Key         struct {
			JWK jose.JSONWebKey `json:"jwk"`
		} `json:"cnf"`
	}
	if err := json.Unmarshal(parsed.UnsafePayloadWithoutVerification(), &claims); err != nil {
		return "", err
	}
	if _, err := parsed.Verify(claims.Key.JWK); err != nil {
		return "", fmt.Errorf("not signed by its key: %w", err)
	}
	if signed := time.Unix(claims.Time, 0); now.After(signed.Add(guardLife)) {
		return "", fmt.Errorf("signed at %s", signed)
	}
	if !strings.EqualFold(claims.Host, host) || claims.Nonce == "" {
		return "", fmt.Errorf("made for %q, with nonce %q", claims.Host, claims.Nonce)
	}
	sum, err := claims.Key.JWK.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	access, err := jwt.ParseSigned(claims.AccessToken, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", err
	}
	var bound struct {
		Confirmation struct {
			KeyID string `json:"kid"`
		} `json:"cnf"`
	}
	if err := access.UnsafeClaimsWithoutVerification(&bound); err != nil || bound.Confirmation.KeyID != base64.RawURLEncoding.EncodeToString(sum) {
		return "", fmt.Errorf("the access token is bound to another key (%q)", bound.Confirmation.KeyID)
	}
	return claims.AccessToken, nil
}
