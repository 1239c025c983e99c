package fakecloud

import (
	"fmt"
	"regexp"
	"strings"
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
		{verb: words(pools + " create"), positional: words("pool"), required: words("location project"), optional: words("display-name description"), run: s.createPool},
		{verb: words(pools + " providers create-oidc"), positional: words("provider"), required: append(words("issuer-uri attribute-mapping"), provider...), optional: oidc, run: s.createProvider},
		{verb: words(pools + " providers update-oidc"), positional: words("provider"), required: provider, optional: oidc, switches: words("no-disabled"), run: s.updateProvider},
		{verb: words(pools + " providers describe"), positional: words("provider"), required: provider, optional: words("format"), run: s.describeProvider},
		{verb: words(pools + " providers undelete"), positional: words("provider"), required: provider, run: s.undeleteProvider},
		{verb: words("gcloud iam service-accounts add-iam-policy-binding"), positional: words("account"), required: words("member role"), optional: words("project condition"), run: s.bindAccount},
		{verb: words("gcloud iam service-accounts describe"), positional: words("account"), optional: words("format project"), run: s.describeAccount},
		{verb: words("gcloud services enable"), positional: words("service…"), required: words("project"), run: func(a arguments) (string, error) {
			if err := s.inProject(a); err != nil {
				return "", err
			}
			s.Google.mu.Lock()
			defer s.Google.mu.Unlock()
			for _, service := range words(a["service…"]) {
				if !strings.HasSuffix(service, ".googleapis.com") {
					return "", fmt.Errorf("service %s is not known", service)
				}
				delete(s.Google.disabled, service)
			}
			return "", nil
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

func (s *Sandbox) bindAccount(a arguments) (string, error) {
	if _, ok := s.Google.account(a["account"]); !ok {
		return "", fmt.Errorf("NOT_FOUND: Unknown service account %s", a["account"])
	}
	member := a["member"]
	if !regexp.MustCompile(`^(principal|principalSet)://iam\.googleapis\.com/|^(serviceAccount|user|group):[^:]+@`).MatchString(member) {
		return "", fmt.Errorf("INVALID_ARGUMENT: The member %s is of an unknown type", member)
	}
	switch role := a["role"]; {
	case !strings.HasPrefix(role, "roles/") && !strings.HasPrefix(role, "projects/") && !strings.HasPrefix(role, "organizations/"):
		return "", fmt.Errorf("INVALID_ARGUMENT: Role %s is not supported for this resource", role)
	case a.given("condition") && a["condition"] != "None":
		return "", fmt.Errorf("--condition=%s is not known here", a["condition"])
	case a.given("project"):
		if err := s.inProject(a); err != nil {
			return "", err
		}
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
