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

// sandboxProjectNumber is the number of SandboxProject.
const sandboxProjectNumber = "123456789"

// gcloudCommands are the commands of gcloud. https://cloud.google.com/sdk/gcloud/reference
func (s *Sandbox) gcloudCommands() []adminCommand {
	words := strings.Fields
	const pools = "gcloud iam workload-identity-pools"
	provider := words("workload-identity-pool location project")
	oidc := words("issuer-uri allowed-audiences attribute-mapping attribute-condition jwk-json-path display-name description")
	return []adminCommand{
		{verb: words(pools + " create"), positional: words("pool"), required: words("location project"), optional: words("display-name description"), run: func(a arguments) (string, error) { return "", s.inProject(a) }},
		{verb: words(pools + " providers create-oidc"), positional: words("provider"), required: append(words("issuer-uri attribute-mapping"), provider...), optional: oidc, run: s.createProvider},
		{verb: words(pools + " providers update-oidc"), positional: words("provider"), required: provider, optional: oidc, switches: words("no-disabled"), run: s.updateProvider},
		{verb: words(pools + " providers undelete"), positional: words("provider"), required: provider, run: s.undeleteProvider},
		{verb: words("gcloud iam service-accounts add-iam-policy-binding"), positional: words("account"), required: words("member role"), optional: words("project condition"), run: s.bindAccount},
		{verb: words("gcloud iam service-accounts describe"), positional: words("account"), optional: words("format project"), run: s.describeAccount},
		{verb: words("gcloud services enable"), positional: words("service…"), required: words("project"), run: func(a arguments) (string, error) {
			s.Google.mu.Lock()
			defer s.Google.mu.Unlock()
			for _, service := range words(a["service…"]) {
				delete(s.Google.disabled, service)
			}
			return "", s.inProject(a)
		}},
		{verb: words("gcloud projects describe"), positional: words("project"), optional: words("format"), run: func(a arguments) (string, error) {
			if a["format"] != "value(projectNumber)" {
				return "", fmt.Errorf("--format=%s is not known here", a["format"])
			}
			return sandboxProjectNumber + "\n", s.inProject(a)
		}},
		{verb: words("gcloud compute instances set-service-account"), positional: words("instance"), required: words("scopes"), run: s.setScopes},
		{verb: words("gcloud resource-manager org-policies allow"), positional: words("constraint value"), required: words("project"), run: s.allowByPolicy},
	}
}

func (s *Sandbox) inProject(a arguments) error {
	if p := a["project"]; p != SandboxProject && p != sandboxProjectNumber {
		return fmt.Errorf("project %s is not known", p)
	}
	if location, given := a["location"]; given && location != "global" {
		return fmt.Errorf("location %s: pools are in global", location)
	}
	return nil
}

func providerOf(a arguments) string {
	return "//iam.googleapis.com/projects/" + sandboxProjectNumber + "/locations/global/workloadIdentityPools/" + a["workload-identity-pool"] + "/providers/" + a["provider"]
}

func (s *Sandbox) createProvider(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	s.Google.mu.Lock()
	issuers := s.Google.issuers
	s.Google.mu.Unlock()
	if issuers != nil && !slices.Contains(issuers, a["issuer-uri"]) {
		return "", fmt.Errorf("FAILED_PRECONDITION: Org Policy violated for value: '%s'. Constraint: constraints/iam.workloadIdentityPoolProviders", a["issuer-uri"])
	}
	p := OIDCProvider{Audience: providerOf(a), JWKSURL: s.Entra.JWKSURL()}
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
		p.JWKSURL = s.Entra.JWKSURL()
	}
	if err := a.provider(&p); err != nil {
		return "", err
	}
	return "", s.Google.AddProvider(p)
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
			for _, pair := range strings.Split(value, ",") {
				if name, from, _ := strings.Cut(pair, "="); name == "google.subject" {
					p.Subject = from
				}
			}
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

// parseCondition reads comparisons of claims with texts, joined by &&, of the Common Expression Language.
// https://cloud.google.com/iam/docs/workload-identity-federation#conditions
func parseCondition(text string) (func(map[string]any) bool, error) {
	comparison := regexp.MustCompile(`^\s*assertion\.(\w+)\s*==\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(&&|$)`)
	wanted := map[string]string{}
	for rest := text; rest != ""; {
		m := comparison.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("--attribute-condition: %q is not understood here", rest)
		}
		literal := strings.NewReplacer(`\\`, `\`, `\'`, "'", `\"`, `"`, `\n`, "\n", `\r`, "\r").Replace(m[2][1 : len(m[2])-1])
		wanted[m[1]] = literal
		rest = rest[len(m[0]):]
	}
	return func(claims map[string]any) bool {
		for name, value := range wanted {
			if claims[name] != value {
				return false
			}
		}
		return true
	}, nil
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
	return "", nil
}

func (s *Sandbox) bindAccount(a arguments) (string, error) {
	if _, ok := s.Google.account(a["account"]); !ok {
		return "", fmt.Errorf("NOT_FOUND: Unknown service account %s", a["account"])
	}
	member := a["member"]
	if !regexp.MustCompile(`^(principal|principalSet)://iam\.googleapis\.com/|^(serviceAccount|user|group):[^:]+@`).MatchString(member) {
		return "", fmt.Errorf("INVALID_ARGUMENT: The member %s is of an unknown type", member)
	}
	s.Google.Bind(member, a["role"], a["account"])
	return "", nil
}

func (s *Sandbox) describeAccount(a arguments) (string, error) {
	account, ok := s.Google.account(a["account"])
	if !ok {
		return "", fmt.Errorf("NOT_FOUND: Unknown service account %s", a["account"])
	}
	switch a["format"] {
	case "value(uniqueId)":
		return account.UniqueID + "\n", nil
	case "":
		return "email: " + account.Email + "\nuniqueId: '" + account.UniqueID + "'\n", nil
	}
	return "", fmt.Errorf("--format=%s is not known here", a["format"])
}

func (s *Sandbox) setScopes(a arguments) (string, error) {
	if a["scopes"] != "cloud-platform" {
		return "", fmt.Errorf("--scopes=%s is not known here", a["scopes"])
	}
	s.Google.mu.Lock()
	i := s.Google.instance
	s.Google.mu.Unlock()
	i.Scopes = []string{cloudPlatformScope}
	s.Google.SetInstance(i)
	return "", nil
}

func (s *Sandbox) allowByPolicy(a arguments) (string, error) {
	if err := s.inProject(a); err != nil {
		return "", err
	}
	switch a["constraint"] {
	case "constraints/iam.allowServiceAccountCredentialLifetimeExtension":
		account, ok := s.Google.account(a["value"])
		if !ok {
			return "", fmt.Errorf("unknown service account %s", a["value"])
		}
		account.ExtendedLifetime = true
		s.Google.AddServiceAccount(account)
		return "", nil
	case "constraints/iam.workloadIdentityPoolProviders":
		s.Google.mu.Lock()
		defer s.Google.mu.Unlock()
		s.Google.issuers = append(s.Google.issuers, a["value"])
		return "", nil
	}
	return "", fmt.Errorf("constraint %s is not known here", a["constraint"])
}

// RestrictProviders is a policy of the organization that allows providers of these issuers only.
func (g *Google) RestrictProviders(issuers ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.issuers = append([]string{}, issuers...)
}
