package trust

import "github.com/idferry/idferry/internal/catalogue"

// Gcloud is the trust as commands for a POSIX shell. https://cloud.google.com/sdk/gcloud/reference/iam/workload-identity-pools
func (g Google) Gcloud() string {
	var t text
	quote := catalogue.ForShell
	project := " --project=" + quote(g.Project)
	claim, subject := g.subject()
	t.comment("#", g.about()...)
	for _, w := range g.Warnings() {
		t.comment("# NOTE:", w)
	}
	t.lines("", "# The services that the exchange is made with.", "gcloud services enable iam.googleapis.com sts.googleapis.com iamcredentials.googleapis.com"+project)
	t.lines("", "# A pool for identities of Azure.", "gcloud iam workload-identity-pools create "+quote(g.Pool)+" --location=global"+project)
	t.lines("", "# A provider that takes tokens of this issuer, made for this audience.")
	t.comment("#", g.whyCondition()...)
	t.lines(
		"gcloud iam workload-identity-pools providers create-oidc "+quote(g.Provider)+" \\",
		"  --workload-identity-pool="+quote(g.Pool)+" --location=global"+project+" \\",
		"  --issuer-uri="+quote(g.Claims.Issuer)+" \\",
		"  --allowed-audiences="+quote(g.Claims.Audience[0])+" \\",
		"  --attribute-mapping=google.subject=assertion."+claim+" \\",
		"  --attribute-condition="+quote(g.condition()),
	)
	member := g.principal(g.shellNumber(), quote(g.Pool), quote(subject))
	switch {
	case g.ServiceAccount != "":
		t.lines("", "# The identity may act as the service account, and so do what the account may.",
			"gcloud iam service-accounts add-iam-policy-binding "+quote(g.ServiceAccount)+" --role=roles/iam.workloadIdentityUser --member="+member)
	case g.Role != "":
		where, _ := g.grant() // Check has seen it
		t.lines("", "# The identity itself is given the role, here and nowhere else.", where.command+" --role="+quote(g.Role)+" --member="+member)
	default:
		t.lines("", "# The identity itself can be given roles, as few as it needs and as near to what it needs as can be, for example:",
			"# gcloud storage buckets add-iam-policy-binding gs://BUCKET --role=roles/storage.objectViewer --member="+member)
	}
	t.lines("", "# What to type on the Azure side: the file for Google's libraries, and a look at the whole way.", "echo "+g.config(), "echo gcp-executable-source doctor google.json")
	return t.String()
}

// shellNumber is the project's number, or what asks for it.
func (g Google) shellNumber() string {
	if n := g.number(); n != "" {
		return n
	}
	return `"$(gcloud projects describe ` + catalogue.ForShell(g.Project) + ` --format='value(projectNumber)')"`
}

// config is the command that writes the file for Google's libraries, quoted once more: it is typed elsewhere.
func (g Google) config() string {
	flags := " --pool=" + catalogue.ForShell(g.Pool) + " --provider=" + catalogue.ForShell(g.Provider)
	for _, flag := range g.Identity {
		flags += " " + catalogue.ForShell(flag)
	}
	if g.ServiceAccount != "" {
		flags += " --service-account=" + catalogue.ForShell(g.ServiceAccount)
	}
	return catalogue.ForShell("gcp-executable-source config --project-number=") + g.shellNumber() + catalogue.ForShell(flags+" google.json")
}
