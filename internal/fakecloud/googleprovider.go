package fakecloud

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// OIDCProvider is an OIDC provider of a workload identity pool.
type OIDCProvider struct {
	// Audience is //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER.
	Audience string
	// Issuer is the issuer-uri; one slash at its end makes no difference.
	Issuer string
	// JWKSURL is where the issuer's keys are, asked at every exchange.
	JWKSURL string
	// AllowedAudiences replaces the default audience, https: and Audience.
	AllowedAudiences []string
	// Subject is the mapping of google.subject: assertion.CLAIM; empty means assertion.sub.
	Subject string
	// Condition is the attribute condition; nil accepts every credential.
	Condition func(claims map[string]any) bool
	// ConditionText is the condition as it was written, where an administrator wrote it.
	ConditionText string
	Disabled      bool
	// UploadedKeys are the keys that a provider has in place of its issuer's, as a key set in JSON, or "".
	UploadedKeys string
}

// maxSubject is the longest google.subject in bytes.
const maxSubject = 127

// AddProvider registers a provider and its pool, or replaces the one of the same audience.
func (g *Google) AddProvider(p OIDCProvider) error {
	if !providerName(p.Audience) {
		return fmt.Errorf("provider audience %q is not a full resource name", p.Audience)
	}
	p.Subject = cmp.Or(p.Subject, "assertion.sub")
	if !regexp.MustCompile(`^assertion\.\w+$`).MatchString(p.Subject) {
		return fmt.Errorf("mapping google.subject=%s is not supported here", p.Subject)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.providers[p.Audience], g.pools[poolOf(p.Audience)] = p, true
	return nil
}

// ChangeProvider changes a provider. It panics where there is none, since a test then means another one.
func (g *Google) ChangeProvider(audience string, change func(*OIDCProvider)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p, ok := g.providers[audience]
	if !ok {
		panic("no provider " + audience)
	}
	change(&p)
	g.providers[audience] = p
}

// RemoveProvider takes a provider away, as somebody does who deletes it; it can be brought back.
func (g *Google) RemoveProvider(audience string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deleted[audience] = g.providers[audience]
	delete(g.providers, audience)
}

func providerName(audience string) bool {
	return regexp.MustCompile(`^//iam\.googleapis\.com/(projects/[^/]+/locations/global/workloadIdentityPools|locations/global/workforcePools)/[^/]+/providers/[^/]+$`).MatchString(audience)
}

// check verifies a subject token. The order is known from reports: whoever mends the audience alone is told of the
// issuer next.
func (p OIDCProvider) check(client *http.Client, raw string, now time.Time) (map[string]any, *oauthError) {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	claims := map[string]any{}
	if err != nil || parsed.UnsafeClaimsWithoutVerification(&claims) != nil {
		return nil, invalidGrant("Unable to parse the ID Token.")
	}
	allowed := p.AllowedAudiences
	if len(allowed) == 0 {
		allowed = []string{"https:" + p.Audience}
	}
	audiences := claimStrings(claims["aud"])
	if !slices.ContainsFunc(audiences, func(a string) bool { return slices.Contains(allowed, a) }) {
		return nil, invalidGrant(fmt.Sprintf("The audience in ID Token [%s] does not match the expected audience.", strings.Join(audiences, ", ")))
	}
	issuer, present := claims["iss"].(string)
	if !present {
		issuer = "null"
	}
	if strings.TrimSuffix(issuer, "/") != strings.TrimSuffix(p.Issuer, "/") {
		return nil, invalidGrant(fmt.Sprintf("The issuer in ID Token %s does not match the expected ones: %s", issuer, p.Issuer))
	}
	keys, err := p.keys(client)
	matching := keys.Key(parsed.Headers[0].KeyID)
	if err == nil && p.UploadedKeys != "" && len(matching) == 0 {
		return nil, invalidGrant("Unable to verify the ID Token signature.")
	}
	if err != nil || len(matching) == 0 {
		// An unknown kid reads the same as keys that cannot be fetched.
		return nil, invalidGrant("Error connecting to the given credential's issuer.")
	}
	if !slices.ContainsFunc(matching, func(k jose.JSONWebKey) bool { return parsed.Claims(k.Key) == nil }) {
		return nil, invalidGrant("Unable to verify the ID Token signature.")
	}
	const skew = time.Minute
	iat, hasIat := seconds(claims, "iat")
	exp, hasExp := seconds(claims, "exp")
	if !hasIat || !hasExp || iat.After(now.Add(skew)) || exp.Before(now.Add(-skew)) {
		issued := "null"
		if hasIat {
			issued = fmt.Sprint(iat.Unix())
		}
		return nil, invalidGrant("ID Token issued at " + issued + " is stale to sign-in.")
	}
	return claims, nil
}

// subject maps google.subject and applies the attribute condition.
func (p OIDCProvider) subject(claims map[string]any) (string, *oauthError) {
	subject, _ := claims[strings.TrimPrefix(p.Subject, "assertion.")].(string)
	switch {
	case subject == "":
		return "", invalidRequest("Could not obtain a value for google.subject from the given credential. Either modify your attribute " +
			"mapping or the incoming assertion to produce a mapped google.subject.")
	case len(subject) > maxSubject:
		return "", invalidRequest("The size of mapped attribute google.subject exceeds the 127 bytes limit. Either modify your attribute " +
			"mapping or the incoming assertion to produce a mapped attribute that is less than 127 bytes.")
	case p.Condition != nil && !p.Condition(claims):
		return "", &oauthError{http.StatusBadRequest, "unauthorized_client", "The given credential is rejected by the attribute condition."}
	}
	return subject, nil
}

func (p OIDCProvider) keys(client *http.Client) (set jose.JSONWebKeySet, err error) {
	if p.UploadedKeys != "" {
		return set, json.Unmarshal([]byte(p.UploadedKeys), &set)
	}
	return fetchKeys(client, p.JWKSURL)
}

func fetchKeys(client *http.Client, url string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	resp, err := client.Get(url)
	if err != nil {
		return set, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return set, errors.New(resp.Status)
	}
	return set, json.NewDecoder(resp.Body).Decode(&set)
}

// claimStrings reads a claim that is one string or an array of them.
func claimStrings(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}
