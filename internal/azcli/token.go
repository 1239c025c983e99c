// Package azcli prints tokens as Azure's own command-line tools do, for the programs that run those tools: every
// Azure SDK's AzureCliCredential and AzureDeveloperCliCredential, Terraform, and scripts.
//
// The az form is that of azure-cli 2.91.0, measured; the azd form is that of `azd auth token --output json`.
package azcli

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// AccessToken is what `az account get-access-token` prints, its keys sorted as az sorts them.
type AccessToken struct {
	AccessToken string `json:"accessToken"`
	// ExpiresOn is local time with six digits of a second and no zone, as az has it. Python's SDK refuses it without
	// the fraction; go-azure-sdk (Terraform) reads only this one.
	ExpiresOn string `json:"expiresOn"`
	// ExpiresOnUnix is seconds since the epoch, a JSON integer: Go and .NET refuse a string.
	ExpiresOnUnix int64  `json:"expires_on"`
	Subscription  string `json:"subscription,omitempty"`
	Tenant        string `json:"tenant"`
	TokenType     string `json:"tokenType"`
}

// NewAccessToken describes t. subscription is left out of the answer when it is empty, as az does with --tenant.
// zone is the local time zone of the caller's machine.
func NewAccessToken(t token.Token, tenant, subscription string, zone *time.Location) AccessToken {
	// az computes the expiry in whole seconds; the fraction is always zeros.
	expires := t.ExpiresOn.Truncate(time.Second)
	return AccessToken{
		AccessToken: t.Value.Reveal(), Tenant: tenant, Subscription: subscription, TokenType: "Bearer",
		ExpiresOn:     expires.In(zone).Format("2006-01-02 15:04:05.000000"),
		ExpiresOnUnix: expires.Unix(),
	}
}

// Document is the answer as queries see it, in the order in which az makes it.
func (a AccessToken) Document() *Object {
	members := []Member{{"tokenType", a.TokenType}, {"accessToken", a.AccessToken}, {"expires_on", a.ExpiresOnUnix}, {"expiresOn", a.ExpiresOn}, {"tenant", a.Tenant}}
	if a.Subscription != "" {
		members = append(members, Member{"subscription", a.Subscription})
	}
	return &Object{Members: members}
}

// JSON returns the document with az's indentation: Python's SDK redacts it in errors by its `": "`.
func (a AccessToken) JSON() []byte { return document(a) }

// DeveloperToken returns what `azd auth token --output json` prints. Whole seconds and a Z are the one form of
// expiresOn that every SDK reads.
func DeveloperToken(t token.Token) []byte {
	return document(struct {
		Token     string `json:"token"`
		ExpiresOn string `json:"expiresOn"`
	}{t.Value.Reveal(), t.ExpiresOn.UTC().Format("2006-01-02T15:04:05Z")})
}

func document(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // strings and numbers always encode
	return b.Bytes()
}
