package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/idferry/idferry/internal/fakecloud"
)

const (
	storage       = "https://storage.azure.com"
	unknownTenant = "99999999-9999-9999-9999-999999999999"
)

// credentialNames are a library's words for its credentials. chain is empty where the library has none.
type credentialNames struct{ az, azd, chain string }

// credentialAsks is what every Azure SDK is asked.
func credentialAsks(names credentialNames) []ask {
	utc := map[string]string{"TZ": "UTC"}
	// AzureDeveloperCliCredential of Python reads azd's UTC time as local time: its row has no offset, and the others show that ours is right.
	asks := asksOf(names.az, names.az, nil)
	asks = append(asks, asksOf(names.azd, names.azd, utc)...)
	if names.chain != "" {
		asks = append(asks, asksOf(names.chain, names.chain+" with AzureCliCredential", map[string]string{"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"})...)
		asks = append(asks, ask{verb: names.chain + " with AzureDeveloperCliCredential", args: []string{names.chain, storage + "/.default"},
			env: map[string]string{"TZ": "UTC", "AZURE_TOKEN_CREDENTIALS": "AzureDeveloperCliCredential"}, check: issued(fakecloud.SandboxTenant, storage)})
	}
	return append(asks, ask{
		verb: names.az + ", no HOME", args: []string{names.az, storage + "/.default"},
		env: map[string]string{"HOME": "", "IDFERRY_CACHE_DIR": "", "IDFERRY_CACHE": "", "IDFERRY_LOG": ""}, check: issued(fakecloud.SandboxTenant, storage),
	})
}

// asksOf is what one credential is asked: two tenants, one that does not exist, a trust that does not match, and an
// Entra ID that hangs.
func asksOf(credential, verb string, env map[string]string) []ask {
	scope := storage + "/.default"
	with := func(name, value string) map[string]string {
		changed := map[string]string{name: value}
		for n, v := range env {
			changed[n] = v
		}
		return changed
	}
	return []ask{
		{verb: verb, args: []string{credential, scope}, env: env, check: issued(fakecloud.SandboxTenant, storage)},
		{verb: verb + ", another tenant", args: []string{credential, scope, fakecloud.SandboxOtherTenant}, env: env, check: issued(fakecloud.SandboxOtherTenant, storage)},
		{verb: verb + ", unknown tenant", args: []string{credential, scope, unknownTenant}, env: env, check: refused("AADSTS90002", unknownTenant)},
		{verb: verb + ", untrusted audience", args: []string{credential, scope}, env: with("IDFERRY_ASSERTION_AUDIENCE", "api://Other"), check: refused("AADSTS700212", "audience api://Other")},
		{verb: verb + ", Entra hangs", args: []string{credential, scope}, env: env, hangs: true, check: inTime},
	}
}

// issued wants a token that the fake Entra ID signed for our application in tenant, for audience, with the expiry that
// the library believes.
func issued(tenant, audience string) func(*machine, answer) error {
	return func(m *machine, a answer) error {
		if !a.OK {
			return fmt.Errorf("no token: %s", a.Error)
		}
		claims, err := m.verify(a.Token)
		if err != nil {
			return err
		}
		for name, want := range map[string]any{"tid": tenant, "appid": fakecloud.SandboxApp, "aud": audience} {
			if claims[name] != want {
				err = errors.Join(err, fmt.Errorf("%s of the token is %v, not %v", name, claims[name], want))
			}
		}
		exp, _ := claims["exp"].(float64)
		if time.Until(time.Unix(int64(exp), 0)) < time.Minute {
			err = errors.Join(err, fmt.Errorf("the token expired at %s", time.Unix(int64(exp), 0)))
		}
		// A life is told in whole seconds from when the answer arrives (expires_in, RFC 6749 section 5.1), which may be in the
		// second after that in which it began.
		if late := a.ExpiresOn - int64(exp); late < 0 || late > 1 {
			err = errors.Join(err, fmt.Errorf("the library takes %s for the token's expiry, which is %s", time.Unix(a.ExpiresOn, 0), time.Unix(int64(exp), 0)))
		}
		return err
	}
}

// refused wants the library to show the code of Entra ID and our sentence to its user.
func refused(code, sentence string) func(*machine, answer) error {
	return func(_ *machine, a answer) error {
		if a.OK {
			return errors.New("a token, where it was to be refused")
		}
		return saysAll(a.Error, code, sentence)
	}
}

func saysAll(text string, parts ...string) (err error) {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			err = errors.Join(err, fmt.Errorf("%q is not in the error that its user sees:\n%s", part, text))
		}
	}
	return err
}

// inTime wants our own error, which a caller only sees where it came before its limit, 10 s in most libraries. The time
// of the call holds the start of a JVM too; the rows of the binary have the limit itself.
func inTime(_ *machine, a answer) error {
	if a.OK {
		return errors.New("a token, where nobody answers")
	}
	if a.MS > 15000 {
		return fmt.Errorf("its error took %d ms", a.MS)
	}
	return saysAll(a.Error, "deadline_exceeded", "within 8.7s")
}

// verify checks the signature with the keys that the fake Entra ID publishes.
func (m *machine) verify(raw string) (map[string]any, error) {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, fmt.Errorf("what the library returned is no JWT: %w", err)
	}
	client := m.clouds.CA.Client()
	resp, err := client.Get(m.clouds.Entra.JWKSURL())
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(resp.Body).Decode(&keys); err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys: %s, %w", resp.Status, err)
	}
	claims := map[string]any{}
	if err := parsed.Claims(&keys, &claims); err != nil {
		return nil, fmt.Errorf("the token's signature: %w", err)
	}
	return claims, nil
}
