package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNotJWT says that a value is not a JSON Web Token in compact form. Entra and Google both issue opaque tokens
// for some audiences, so it is no fault by itself.
var ErrNotJWT = errors.New("not a JSON Web Token")

// Claims are the claims of a JWT read without verifying its signature: good for choosing, comparing and
// explaining, never for trusting. Names follow RFC 7519 and Entra's access-token reference.
type Claims struct {
	Issuer   string
	Subject  string
	Audience []string
	// Expiry, IssuedAt and NotBefore are zero when the claim is absent.
	Expiry, IssuedAt, NotBefore time.Time
	TenantID                    string // tid
	ObjectID                    string // oid
	AppID                       string // appid (v1 tokens) or azp (v2 tokens)
	Email                       string
	Version                     string // ver
}

// ReadClaims reads the claims of a JWT. It returns ErrNotJWT (wrapped) for anything else.
func ReadClaims(jwt string) (Claims, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return Claims{}, ErrNotJWT
	}
	for i := range len(jwt) {
		// A line break is none of a token's characters (RFC 7515 section 7.1), though base64's reader passes over it.
		if c := jwt[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != '=' {
			return Claims{}, fmt.Errorf("%w: it has a character that none has", ErrNotJWT)
		}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Claims{}, fmt.Errorf("%w: its payload is not base64url", ErrNotJWT)
	}
	// No struct: every hit reads its token's claims, and what encoding/json prepares for a dozen fields takes longer than
	// the reading. Nor does a map take TID for tid, as a struct does (RFC 7519 section 4).
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(payload, &raw); err != nil || raw == nil {
		return Claims{}, fmt.Errorf("%w: its payload is not a JSON object of claims", ErrNotJWT)
	}
	var c Claims
	var azp string
	for _, claim := range []struct {
		name string
		into any
	}{
		{"iss", &c.Issuer}, {"sub", &c.Subject}, {"aud", (*audience)(&c.Audience)}, {"exp", (*instant)(&c.Expiry)}, {"iat", (*instant)(&c.IssuedAt)}, {"nbf", (*instant)(&c.NotBefore)},
		{"tid", &c.TenantID}, {"oid", &c.ObjectID}, {"appid", &c.AppID}, {"azp", &azp}, {"email", &c.Email}, {"ver", &c.Version},
	} {
		if value := raw[claim.name]; value != nil {
			if err := json.Unmarshal(value, claim.into); err != nil {
				return Claims{}, fmt.Errorf("%w: its payload is not a JSON object of claims", ErrNotJWT)
			}
		}
	}
	if c.AppID == "" {
		c.AppID = azp
	}
	return c, nil
}

// Claims reads the claims of a token that is a JWT; see ReadClaims.
func (s Secret) Claims() (Claims, error) { return ReadClaims(s.Reveal()) }

// audience is the aud claim: one string or an array of them (RFC 7519 section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// instant is a NumericDate (RFC 7519 section 2, fractions allowed), as a time in UTC.
type instant time.Time

func (i *instant) UnmarshalJSON(data []byte) error {
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	seconds, err := number.Float64()
	if err == nil && seconds > 0 && seconds <= 1<<40 {
		*i = instant(time.Unix(int64(seconds), 0).UTC())
	}
	return nil
}
