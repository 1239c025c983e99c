package fakecloud

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const inEntra = " entra --workload-identity-pool=azure --location=global --project=sandbox-project"

func (s *Sandbox) provider(audience string) (OIDCProvider, bool) {
	s.Google.mu.Lock()
	defer s.Google.mu.Unlock()
	p, ok := s.Google.providers[audience]
	return p, ok
}

func TestGcloudCommandsChangeTheProject(t *testing.T) {
	s, _ := sandbox(t)
	const fresh = "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/fresh/providers/aks"
	const member = "principal://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/fresh/subject/somebody"
	is := func(want func(OIDCProvider) bool) func(*Sandbox) bool {
		return func(s *Sandbox) bool { p, ok := s.provider(SandboxProvider); return ok && want(p) }
	}
	change := func(change func(*OIDCProvider)) func(*Sandbox) {
		return func(s *Sandbox) { s.Google.ChangeProvider(SandboxProvider, change) }
	}
	update := "gcloud iam workload-identity-pools providers update-oidc" + inEntra
	for _, c := range []typed{
		{
			command: "gcloud iam workload-identity-pools create fresh --location=global --project=123456789 --display-name='A pool'",
			changed: func(s *Sandbox) bool {
				s.Google.mu.Lock()
				defer s.Google.mu.Unlock()
				return s.Google.pools[poolOf(fresh)]
			},
		},
		{
			command: `gcloud iam workload-identity-pools providers create-oidc aks --workload-identity-pool fresh --location global --project sandbox-project --issuer-uri=https://issuer.example --allowed-audiences=api://one,api://two --attribute-mapping=google.subject=assertion.oid,attribute.tid=assertion.tid --attribute-condition="assertion.tid == 't' && assertion.oid == 'o'"`,
			changed: func(s *Sandbox) bool {
				p, ok := s.provider(fresh)
				return ok && p.Issuer == "https://issuer.example" && slices.Equal(p.AllowedAudiences, []string{"api://one", "api://two"}) && p.Subject == "assertion.oid" &&
					p.Condition(map[string]any{"tid": "t", "oid": "o"}) && !p.Condition(map[string]any{"tid": "t"})
			},
		},
		{before: change(func(p *OIDCProvider) { p.Disabled = true }), command: update + " --no-disabled", changed: is(func(p OIDCProvider) bool { return !p.Disabled })},
		{command: update + " --attribute-mapping=google.subject=assertion.oid", changed: is(func(p OIDCProvider) bool { return p.Subject == "assertion.oid" && p.Issuer == IssuerV1(SandboxTenant) })},
		{command: update + " --allowed-audiences=api://another", changed: is(func(p OIDCProvider) bool { return slices.Equal(p.AllowedAudiences, []string{"api://another"}) })},
		{command: update + " --issuer-uri=https://issuer.example/", changed: is(func(p OIDCProvider) bool { return p.Issuer == "https://issuer.example/" })},
		{command: "gcloud iam workload-identity-pools providers describe" + inEntra + " --format='value(oidc.issuerUri)'", prints: "https://issuer.example/\n"},
		{
			before:  func(s *Sandbox) { s.Google.RemoveProvider(SandboxProvider) },
			command: "gcloud iam workload-identity-pools providers undelete" + inEntra,
			changed: is(func(OIDCProvider) bool { return true }),
		},
		{
			command: "gcloud iam service-accounts add-iam-policy-binding " + SandboxAccount + " --role=roles/iam.workloadIdentityUser --member=" + member,
			changed: func(s *Sandbox) bool {
				return s.Google.may("principal:"+strings.TrimPrefix(member, "principal:"), "iam.serviceAccounts.getAccessToken", SandboxAccount)
			},
		},
		{
			before: func(s *Sandbox) {
				s.Google.DisableAPI("iamcredentials.googleapis.com")
				s.Google.DisableAPI("sts.googleapis.com")
			},
			command: "gcloud services enable iamcredentials.googleapis.com sts.googleapis.com --project=sandbox-project",
			changed: func(s *Sandbox) bool {
				return s.Google.serviceDisabled("iamcredentials.googleapis.com", "") == nil && s.Google.serviceDisabled("sts.googleapis.com", "") == nil
			},
		},
		{
			before:  func(s *Sandbox) { s.Google.RestrictProviders("https://issuer.example") },
			command: "gcloud resource-manager org-policies allow constraints/iam.workloadIdentityPoolProviders " + IssuerV1(SandboxTenant) + " --project=sandbox-project",
			changed: func(s *Sandbox) bool {
				s.Google.mu.Lock()
				defer s.Google.mu.Unlock()
				return slices.Contains(s.Google.issuers, IssuerV1(SandboxTenant))
			},
		},
		{
			command: "gcloud resource-manager org-policies allow constraints/iam.allowServiceAccountCredentialLifetimeExtension " + SandboxAccount + " --project=sandbox-project",
			changed: func(s *Sandbox) bool { a, _ := s.Google.account(SandboxAccount); return a.ExtendedLifetime },
		},
		{command: "gcloud iam service-accounts describe " + SandboxAccount + " --format='value(uniqueId)'", prints: SandboxAccountID + "\n"},
		{command: "gcloud projects describe sandbox-project --format='value(projectNumber)'", prints: "123456789\n"},
		{command: "gcloud projects describe 123456789 --format='value(projectNumber)'", prints: "123456789\n"},
	} {
		c.check(t, s)
	}
}

// The description has the fields of the REST resource, under their names.
func TestAProviderIsDescribedAsItIs(t *testing.T) {
	s, _ := sandbox(t)
	describe := "gcloud iam workload-identity-pools providers describe" + inEntra + " --format=json"
	read := func() map[string]any {
		t.Helper()
		out, err := s.Run(describe)
		if err != nil {
			t.Fatal(err)
		}
		document := map[string]any{}
		if err := json.Unmarshal([]byte(out), &document); err != nil {
			t.Fatal(err)
		}
		return document
	}
	if _, err := s.Run("gcloud iam workload-identity-pools providers update-oidc" + inEntra + ` --attribute-condition="assertion.oid == 'o'"`); err != nil {
		t.Fatal(err)
	}
	d := read()
	oidc, _ := d["oidc"].(map[string]any)
	mapping, _ := d["attributeMapping"].(map[string]any)
	audiences, _ := oidc["allowedAudiences"].([]any)
	if d["state"] != "ACTIVE" || d["attributeCondition"] != "assertion.oid == 'o'" || oidc["issuerUri"] != IssuerV1(SandboxTenant) || len(audiences) != 1 || audiences[0] != SandboxResource || mapping["google.subject"] != "assertion.sub" || d["disabled"] != nil {
		t.Error(d)
	}
	s.Google.ChangeProvider(SandboxProvider, func(p *OIDCProvider) { p.Disabled = true })
	if d := read(); d["disabled"] != true {
		t.Error(d)
	}
	s.Google.RemoveProvider(SandboxProvider)
	if d := read(); d["state"] != "DELETED" {
		t.Error(d)
	}
}

func TestUploadedKeysReplaceTheIssuers(t *testing.T) {
	s, _ := sandbox(t)
	file := filepath.Join(t.TempDir(), "jwks.json")
	update := "gcloud iam workload-identity-pools providers update-oidc" + inEntra + " --jwk-json-path=" + file
	refusedCommands(t, s, map[string]string{update: file})
	for content, ok := range map[string]bool{`{"keys":[]}`: false, "no JSON": false, `{"keys":[{"kty":"oct","kid":"k","k":"AAAA"}]}`: true} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Run(update)
		if p, _ := s.provider(SandboxProvider); (err == nil) != ok || ok && p.UploadedKeys != content {
			t.Errorf("%s: %v", content, err)
		}
	}
}

func TestGcloudRefusesWhatTheRealOneRefuses(t *testing.T) {
	s, _ := sandbox(t)
	const create = "gcloud iam workload-identity-pools providers create-oidc "
	const update = "gcloud iam workload-identity-pools providers update-oidc" + inEntra
	const bind = "gcloud iam service-accounts add-iam-policy-binding "
	oidc := " --issuer-uri=https://issuer.example --attribute-mapping=google.subject=assertion.sub"
	refusedCommands(t, s, map[string]string{
		"gcloud iam workload-identity-pools create azure --location=global --project=sandbox-project":                      "ALREADY_EXISTS",
		"gcloud iam workload-identity-pools create fresh --project=sandbox-project":                                        "--location: must be specified",
		"gcloud iam workload-identity-pools create fresh --location=europe-west1 --project=sandbox-project":                "europe-west1",
		"gcloud iam workload-identity-pools create fresh --location=global --project=other":                                "project other",
		"gcloud iam workload-identity-pools create --location=global --project=sandbox-project":                            "pool",
		create + "entra --workload-identity-pool=azure --location=global --project=sandbox-project" + oidc:                 "ALREADY_EXISTS",
		create + "entra --workload-identity-pool=gone --location=global --project=sandbox-project" + oidc:                  "NOT_FOUND",
		create + "new --location=global --project=sandbox-project" + oidc:                                                  "--workload-identity-pool: must be specified",
		create + "new --workload-identity-pool=azure --location=global --project=sandbox-project --issuer-uri=https://i":   "--attribute-mapping: must be specified",
		create + "new --workload-identity-pool=azure --location=global --project=sandbox-project" + oidc + " --audience=x": "unrecognized argument --audience",
		update + " --attribute-mapping=attribute.tid=assertion.tid":                                                        "google.subject",
		update + " --attribute-mapping=google.subject=assertion.sub.extract('x')":                                          "means something to a shell",
		update + ` --attribute-mapping="google.subject=assertion.sub.extract('{x}')"`:                                      "is not understood",
		update + ` --attribute-condition=""`:                                                                               "is not understood",
		update + ` --attribute-condition="assertion.tid == 't' &&"`:                                                        "is not understood",
		update + ` --attribute-condition="assertion.tid == 't' || assertion.oid == 'o'"`:                                   "is not understood",
		update + ` --attribute-condition="attribute.tid == 't'"`:                                                           "is not understood",
		update + ` --attribute-condition="assertion.tid = 't'"`:                                                            "is not understood",
		update + " --no-disabled=true":                                                                  "unrecognized argument --no-disabled",
		strings.Replace(update, " entra ", " gone ", 1) + " --no-disabled":                              "NOT_FOUND",
		strings.Replace(update, "update-oidc", "describe", 1):                                           "--format= is not known",
		strings.Replace(update, "update-oidc entra", "describe gone", 1) + " --format=json":             "NOT_FOUND",
		strings.Replace(update, "update-oidc", "undelete", 1):                                           "NOT_FOUND",
		bind + "gone@x.iam.gserviceaccount.com --role=roles/iam.workloadIdentityUser --member=user:a@b": "gone@x.iam.gserviceaccount.com",
		bind + SandboxAccount + " --role=iam.workloadIdentityUser --member=user:a@b":                    "iam.workloadIdentityUser",
		bind + SandboxAccount + " --role=roles/iam.workloadIdentityUser --member=somebody":              "somebody",
		bind + SandboxAccount + " --role=roles/iam.workloadIdentityUser":                                "--member: must be specified",
		bind + SandboxAccount + " --role=roles/x --member=user:a@b --condition=expression=true":         "--condition",
		"gcloud iam service-accounts describe gone@x.iam.gserviceaccount.com":                           "gone@x.iam.gserviceaccount.com",
		"gcloud iam service-accounts describe " + SandboxAccount + " --format=yaml":                     "--format=yaml",
		"gcloud services enable iamcredentials --project=sandbox-project":                               "service iamcredentials",
		"gcloud services enable iamcredentials.googleapis.com --project=other":                          "project other",
		"gcloud projects describe other --format='value(projectNumber)'":                                "project other",
		"gcloud resource-manager org-policies allow constraints/x y --project=sandbox-project":          "constraints/x",
	})
	s.Google.RestrictProviders("https://other.example")
	refusedCommands(t, s, map[string]string{
		create + "new --workload-identity-pool=azure --location=global --project=sandbox-project" + oidc: "Org Policy violated for value: 'https://issuer.example'",
	})
}

// Each comparison of a condition counts, also one of the same claim.
func TestEveryComparisonOfAConditionCounts(t *testing.T) {
	for text, admitted := range map[string]bool{
		`assertion.a == 'x'`:                            true,
		`assertion.a=='x'&&assertion.b=="it's"`:         true,
		`assertion.b == 'it\'s'`:                        true,
		`assertion.a == 'y'`:                            false,
		`assertion.a == 'y' && assertion.a == 'x'`:      false,
		`assertion.a == 'x' && assertion.a == 'y'`:      false,
		`assertion.missing == ''`:                       false,
		`assertion.list == 'x'`:                         false,
		`assertion.a == 'x' && assertion.number == '1'`: false,
	} {
		condition, err := parseCondition(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := condition(map[string]any{"a": "x", "b": "it's", "list": []any{"x"}, "number": 1.0}); got != admitted {
			t.Errorf("%s: %v", text, got)
		}
	}
}
