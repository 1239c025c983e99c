package trust

import "strings"

// Terraform is the trust for Terraform's and OpenTofu's google provider.
// https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/iam_workload_identity_pool_provider
func (g Google) Terraform() string {
	var t text
	claim, subject := g.subject()
	pool, provider := identifier(g.Pool), identifier(g.Provider)
	t.comment("#", g.about()...)
	for _, w := range g.Warnings() {
		t.comment("# NOTE:", w)
	}
	t.lines("",
		"terraform {",
		"  required_providers {",
		"    google = {",
		`      source = "hashicorp/google"`,
		"    }",
		"  }",
		"}",
		"",
		"# A pool for identities of Azure.",
		`resource "google_iam_workload_identity_pool" `+hcl(pool)+" {",
		"  project                   = "+hcl(g.Project),
		"  workload_identity_pool_id = "+hcl(g.Pool),
		"}",
		"",
		"# A provider that takes tokens of this issuer, made for this audience.")
	t.comment("#", g.whyCondition()...)
	t.lines(
		`resource "google_iam_workload_identity_pool_provider" `+hcl(provider)+" {",
		"  project                            = "+hcl(g.Project),
		"  workload_identity_pool_id          = google_iam_workload_identity_pool."+pool+".workload_identity_pool_id",
		"  workload_identity_pool_provider_id = "+hcl(g.Provider),
		"  attribute_condition                = "+hcl(g.condition()),
		"  attribute_mapping = {",
		`    "google.subject" = `+hcl("assertion."+claim),
		"  }",
		"  oidc {",
		"    issuer_uri        = "+hcl(g.Claims.Issuer),
		"    allowed_audiences = ["+hcl(g.Claims.Audience[0])+"]",
		"  }",
		"}")
	// The pool's name is projects/NUMBER/…, so that the number need not be known.
	member := `"principal://iam.googleapis.com/${google_iam_workload_identity_pool.` + pool + `.name}/subject/` + strings.TrimPrefix(hcl(subject), `"`)
	switch {
	case g.ServiceAccount != "":
		t.lines("",
			"# The identity may act as the service account, and so do what the account may.",
			`resource "google_service_account_iam_member" `+hcl(pool)+" {",
			"  service_account_id = "+hcl("projects/"+g.accountProject()+"/serviceAccounts/"+g.ServiceAccount),
			`  role               = "roles/iam.workloadIdentityUser"`,
			"  member             = "+member,
			"}")
	case g.Role != "":
		where, _ := g.grant() // Check has seen it
		t.lines("", "# The identity itself is given the role, here and nowhere else.")
		t.lines(where.terraform(pool, g.Role, member)...)
	default:
		t.lines("",
			"# What can be given roles, as few as it needs and as near to what it needs as can be.",
			`output "principal" {`,
			"  value = "+member,
			"}")
	}
	t.lines("",
		"# The provider's whole name, for gcp-executable-source config --audience.",
		`output "audience" {`,
		`  value = "//iam.googleapis.com/${google_iam_workload_identity_pool_provider.`+provider+`.name}"`,
		"}")
	return t.String()
}

// accountProject is the project that the service account's address names, or else the pool's.
func (g Google) accountProject() string {
	_, domain, _ := strings.Cut(g.ServiceAccount, "@")
	if project, found := strings.CutSuffix(domain, ".iam.gserviceaccount.com"); found {
		return project
	}
	return g.Project
}
