package externalaccount

import (
	"regexp"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Audience is the resource name of a provider of a workload or workforce identity pool.
type Audience struct {
	// Project is the number of the project that has the workload identity pool; empty for a workforce pool.
	Project string
	// Pool and Provider are their ids.
	Pool, Provider string
}

// resourceHost begins every audience, in every universe.
const resourceHost = "//iam.googleapis.com/"

// Ids of pools and providers: https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create
// and, longer, https://cloud.google.com/iam/docs/reference/rest/v1/locations.workforcePools/create
func workloadID() *regexp.Regexp  { return regexp.MustCompile(`^[a-z0-9-]{4,32}$`) }
func workforceID() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9-]{4,61}[a-z0-9]$`) }
func number() *regexp.Regexp      { return regexp.MustCompile(`^[0-9]+$`) }

// Workforce reports whether the pool is one of people, which belongs to an organization.
func (a Audience) Workforce() bool { return a.Project == "" }

// Name is the resource name without a host, as gcloud and Terraform print it.
func (a Audience) Name() string {
	if a.Workforce() {
		return "locations/global/workforcePools/" + a.Pool + "/providers/" + a.Provider
	}
	return "projects/" + a.Project + "/locations/global/workloadIdentityPools/" + a.Pool + "/providers/" + a.Provider
}

// String is the "audience" of the file.
func (a Audience) String() string { return resourceHost + a.Name() }

// Resource is what the token is made for when nobody says otherwise: the provider's own default audience.
func (a Audience) Resource() string { return "https:" + a.String() }

// Check returns an error for ids that no pool can have. field says where they come from.
func (a Audience) Check(field string) error {
	id, rule := workloadID(), "4 to 32 small letters, digits and hyphens"
	if a.Workforce() {
		id, rule = workforceID(), "6 to 63 small letters, digits and hyphens, a letter first"
	} else if !number().MatchString(a.Project) {
		return problem.Input(field, "%q is a project id, and the audience is made of the project number", a.Project).
			WithHint("gcloud projects describe %s --format='value(projectNumber)'", a.Project)
	}
	switch {
	case !id.MatchString(a.Pool):
		return problem.Input(field, "%q cannot be the id of a pool, which is %s", a.Pool, rule).WithHint("%s", a.list("", a.Project))
	// Providers of workforce pools follow the rule of workload identity.
	case !workloadID().MatchString(a.Provider):
		return problem.Input(field, "%q cannot be the id of a provider, which is 4 to 32 small letters, digits and hyphens", a.Provider).
			WithHint("%s", a.list(a.Pool, a.Project))
	}
	return nil
}

func (a Audience) list(pool, project string) string {
	kind, of, where := "workforce-pools", "--workforce-pool", ""
	if !a.Workforce() {
		kind, of, where = "workload-identity-pools", "--workload-identity-pool", " --project="+project
	}
	if pool == "" {
		if a.Workforce() {
			where = " --organization=ORGANIZATION"
		}
		return "gcloud iam " + kind + " list --location=global" + where
	}
	return "gcloud iam " + kind + " providers list " + of + "=" + pool + " --location=global" + where
}

// ParseAudience reads a provider's name as people have it at hand: from the file, from gcloud and Terraform (without
// host), and from the console (with https:). field names the flag or file for errors.
func ParseAudience(field, text string) (Audience, error) {
	name := strings.TrimSpace(text)
	for _, prefix := range []string{"https:" + resourceHost, resourceHost} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	if strings.Contains(name, "iam.googleapis.com") {
		_, last, _ := strings.Cut(name[strings.LastIndex(name, "iam.googleapis.com"):], "/")
		return Audience{}, problem.Input(field, "%q has its prefix twice", text).WithHint("leave one: %s%s", resourceHost, last)
	}
	parts := strings.Split(strings.TrimPrefix(name, "/"), "/")
	var a Audience
	switch {
	case len(parts) == 8 && parts[0] == "projects" && parts[2] == "locations" && parts[4] == "workloadIdentityPools" && parts[6] == "providers":
		a = Audience{Project: parts[1], Pool: parts[5], Provider: parts[7]}
		if a.Project == "" {
			return Audience{}, problem.Input(field, "%q has no project number", text)
		}
		parts = parts[2:]
	case len(parts) == 6 && parts[0] == "locations" && parts[2] == "workforcePools" && parts[4] == "providers":
		a = Audience{Pool: parts[3], Provider: parts[5]}
	default:
		return Audience{}, problem.Input(field, "%q is not the name of a provider", text).
			WithHint("it has the form %sprojects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER", resourceHost)
	}
	if parts[1] != "global" {
		return Audience{}, problem.Input(field, "%q is in the location %q, and pools are in \"global\"", text, parts[1])
	}
	return a, a.Check(field)
}
