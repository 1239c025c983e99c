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
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Claims{}, fmt.Errorf("%w: its payload is not base64url", ErrNotJWT)
	}
	var raw struct {
		Iss   string      `json:"iss"`
		Sub   string      `json:"sub"`
		Aud   audience    `json:"aud"`
		Exp   json.Number `json:"exp"`
		Iat   json.Number `json:"iat"`
		Nbf   json.Number `json:"nbf"`
		Tid   string      `json:"tid"`
		Oid   string      `json:"oid"`
		Appid string      `json:"appid"`
		Azp   string      `json:"azp"`
		Email string      `json:"email"`
		Ver   string      `json:"ver"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		return Claims{}, fmt.Errorf("%w: its payload is not a JSON object of claims", ErrNotJWT)
	}
	appID := raw.Appid
	if appID == "" {
		appID = raw.Azp
	}
	return Claims{
		Issuer: raw.Iss, Subject: raw.Sub, Audience: raw.Aud,
		Expiry: instant(raw.Exp), IssuedAt: instant(raw.Iat), NotBefore: instant(raw.Nbf),
		TenantID: raw.Tid, ObjectID: raw.Oid, AppID: appID, Email: raw.Email, Version: raw.Ver,
	}, nil
}

// Claims reads the claims of a token that is a JWT; see ReadClaims.
func (s Secret) Claims() (Claims, error) { return ReadClaims(s.Reveal()) }

// audience is the aud claim: one string or an array of them (RFC 7519 section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// instant turns a NumericDate (RFC 7519 section 2, fractions allowed) into a time in UTC.
func instant(n json.Number) time.Time {
	seconds, err := n.Float64()
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}
