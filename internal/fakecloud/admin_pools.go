package fakecloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// poolOf names the pool that a provider is in.
func poolOf(audience string) string {
	pool, _, _ := strings.Cut(audience, "/providers/")
	return pool
}

func (s *Sandbox) createPool(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	name := poolOf(providerOf(arguments{"workload-identity-pool": a["pool"]}))
	s.Google.mu.Lock()
	defer s.Google.mu.Unlock()
	if s.Google.pools[name] {
		return "", errors.New("ALREADY_EXISTS: Requested entity already exists")
	}
	s.Google.pools[name] = true
	return "", nil
}

// jwksOf says where the keys of an issuer are, or nowhere: the real service asks the issuer's discovery document.
func (s *Sandbox) jwksOf(issuer string) string {
	s.Entra.mu.Lock()
	defer s.Entra.mu.Unlock()
	for _, app := range s.Entra.apps {
		if bare := strings.TrimSuffix(issuer, "/"); bare+"/" == IssuerV1(app.TenantID) || bare == IssuerV2(app.TenantID) {
			return s.Entra.JWKSURL()
		}
	}
	return s.Entra.issuers[issuer]
}

func providerOf(a arguments) string {
	return "//iam.googleapis.com/projects/" + sandboxProjectNumber + "/locations/global/workloadIdentityPools/" + a["workload-identity-pool"] + "/providers/" + a["provider"]
}

func (s *Sandbox) createProvider(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	s.Google.mu.Lock()
	issuers, known := s.Google.issuers, s.Google.pools[poolOf(providerOf(a))]
	_, active := s.Google.providers[providerOf(a)]
	_, deleted := s.Google.deleted[providerOf(a)]
	s.Google.mu.Unlock()
	switch {
	case !known:
		return "", errors.New("NOT_FOUND: Requested entity was not found")
	case active || deleted:
		// The name of a deleted one is taken until it is purged, 30 days later.
		return "", errors.New("ALREADY_EXISTS: Requested entity already exists")
	}
	if issuers != nil && !slices.Contains(issuers, a["issuer-uri"]) {
		return "", fmt.Errorf("FAILED_PRECONDITION: Org Policy violated for value: '%s'. Constraint: constraints/iam.workloadIdentityPoolProviders", a["issuer-uri"])
	}
	p := OIDCProvider{Audience: providerOf(a), JWKSURL: s.jwksOf(a["issuer-uri"])}
	if err := a.provider(&p); err != nil {
		return "", err
	}
	return "", s.Google.AddProvider(p)
}

func (s *Sandbox) updateProvider(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	s.Google.mu.Lock()
	p, ok := s.Google.providers[providerOf(a)]
	s.Google.mu.Unlock()
	if !ok {
		return "", errors.New("NOT_FOUND: Requested entity was not found")
	}
	if a.given("issuer-uri") {
		// Its keys are looked for anew.
		p.JWKSURL = s.jwksOf(a["issuer-uri"])
	}
	if err := a.provider(&p); err != nil {
		return "", err
	}
	return "", s.Google.AddProvider(p)
}

func (s *Sandbox) undeleteProvider(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	s.Google.mu.Lock()
	defer s.Google.mu.Unlock()
	p, ok := s.Google.deleted[providerOf(a)]
	if !ok {
		return "", errors.New("NOT_FOUND: Requested entity was not found")
	}
	s.Google.providers[p.Audience] = p
	delete(s.Google.deleted, p.Audience)
	return "", nil
}

// describeProvider prints what `doctor --trust` reads, or one field of it.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers
func (s *Sandbox) describeProvider(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	s.Google.mu.Lock()
	p, ok := s.Google.providers[providerOf(a)]
	state := "ACTIVE"
	if !ok {
		p, ok = s.Google.deleted[providerOf(a)]
		state = "DELETED"
	}
	s.Google.mu.Unlock()
	if !ok {
		return "", errors.New("NOT_FOUND: Requested entity was not found")
	}
	switch a["format"] {
	case "json":
		oidc := map[string]any{"issuerUri": p.Issuer}
		if len(p.AllowedAudiences) > 0 {
			oidc["allowedAudiences"] = p.AllowedAudiences
		}
		if p.UploadedKeys != "" {
			oidc["jwksJson"] = p.UploadedKeys
		}
		document := map[string]any{"name": strings.TrimPrefix(p.Audience, "//iam.googleapis.com/"), "state": state, "oidc": oidc, "attributeMapping": map[string]string{"google.subject": p.Subject}}
		if p.ConditionText != "" {
			document["attributeCondition"] = p.ConditionText
		}
		if p.Disabled {
			document["disabled"] = true
		}
		data, err := json.MarshalIndent(document, "", "  ")
		return string(data) + "\n", err
	case "value(oidc.issuerUri)":
		return p.Issuer + "\n", nil
	case "value(oidc.allowedAudiences)":
		return strings.Join(p.AllowedAudiences, ";") + "\n", nil
	case "value(attributeCondition)":
		return p.ConditionText + "\n", nil
	}
	return "", fmt.Errorf("--format=%s is not known here", a["format"])
}

// provider writes what the flags say into p.
func (a arguments) provider(p *OIDCProvider) error {
	for flag, value := range a {
		switch flag {
		case "issuer-uri":
			p.Issuer = value
		case "allowed-audiences":
			p.AllowedAudiences = strings.Split(value, ",")
		case "attribute-mapping":
			subject, err := parseMapping(value)
			if err != nil {
				return err
			}
			p.Subject = subject
		case "attribute-condition":
			condition, err := parseCondition(value)
			if err != nil {
				return err
			}
			p.Condition, p.ConditionText = condition, value
		case "jwk-json-path":
			data, err := os.ReadFile(value)
			if err != nil {
				return err
			}
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(data, &set); err != nil || len(set.Keys) == 0 {
				return fmt.Errorf("--jwk-json-path: %s holds no keys", value)
			}
			p.UploadedKeys = string(data)
		case "no-disabled":
			p.Disabled = false
		}
	}
	return nil
}

// parseMapping reads attributes that are claims, and returns what google.subject is mapped from. The others make no difference
// here. https://cloud.google.com/iam/docs/workload-identity-federation#mapping
func parseMapping(text string) (string, error) {
	attribute := regexp.MustCompile(`^(google\.subject|google\.groups|attribute\.[a-z0-9_]+)=(assertion\.\w+)$`)
	subject := ""
	for pair := range strings.SplitSeq(text, ",") {
		m := attribute.FindStringSubmatch(pair)
		if m == nil {
			return "", fmt.Errorf("--attribute-mapping: %q is not understood here", pair)
		}
		if m[1] == "google.subject" {
			subject = m[2]
		}
	}
	if subject == "" {
		return "", errors.New("INVALID_ARGUMENT: attribute mapping must contain google.subject")
	}
	return subject, nil
}

// parseCondition reads comparisons of claims with texts, joined by &&, of the Common Expression Language.
// https://cloud.google.com/iam/docs/workload-identity-federation#conditions
func parseCondition(text string) (func(map[string]any) bool, error) {
	comparison := regexp.MustCompile(`^\s*assertion\.(\w+)\s*==\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(&&|$)`)
	type claim struct{ name, value string }
	var wanted []claim
	for rest, more := text, true; more; {
		m := comparison.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("--attribute-condition: %q is not understood here", rest)
		}
		literal := strings.NewReplacer(`\\`, `\`, `\'`, "'", `\"`, `"`, `\n`, "\n", `\r`, "\r").Replace(m[2][1 : len(m[2])-1])
		wanted = append(wanted, claim{m[1], literal})
		rest, more = rest[len(m[0]):], m[3] == "&&"
	}
	return func(claims map[string]any) bool {
		for _, w := range wanted {
			if claims[w.name] != w.value {
				return false
			}
		}
		return true
	}, nil
}
