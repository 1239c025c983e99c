package trust

import (
	"fmt"
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
)

// grant is where the pool's principal itself is given a role.
type grant struct {
	// command is gcloud's, to which role and member are added.
	command string
	// resource is Terraform's, and arguments are those that say where, by name and value.
	resource  string
	arguments [][2]string
}

// grant reads where the role is given: on the project, or on what needs be reached alone.
// https://cloud.google.com/storage/docs/access-control/using-iam-permissions
// https://cloud.google.com/secret-manager/docs/manage-access-to-secrets
// https://cloud.google.com/pubsub/docs/access-control
func (g Google) grant() (grant, error) {
	quote := catalogue.ForShell
	if g.On == "" || g.On == "project" {
		// A project's policy often has conditions already, and then gcloud asks which is meant here.
		return grant{"gcloud projects add-iam-policy-binding " + quote(g.Project) + " --condition=None", "google_project_iam_member", [][2]string{{"project", g.Project}}}, nil
	}
	if bucket, found := strings.CutPrefix(g.On, "gs://"); found && bucket != "" && !strings.Contains(bucket, "/") {
		return grant{"gcloud storage buckets add-iam-policy-binding " + quote(g.On), "google_storage_bucket_iam_member", [][2]string{{"bucket", bucket}}}, nil
	}
	kinds := map[string]struct{ command, resource, argument string }{
		"secrets":       {"gcloud secrets add-iam-policy-binding", "google_secret_manager_secret_iam_member", "secret_id"},
		"topics":        {"gcloud pubsub topics add-iam-policy-binding", "google_pubsub_topic_iam_member", "topic"},
		"subscriptions": {"gcloud pubsub subscriptions add-iam-policy-binding", "google_pubsub_subscription_iam_member", "subscription"},
	}
	parts := strings.Split(g.On, "/")
	if len(parts) == 4 && parts[0] == "projects" && parts[1] != "" && parts[3] != "" {
		if k, known := kinds[parts[2]]; known {
			return grant{k.command + " " + quote(parts[3]) + " --project=" + quote(parts[1]), k.resource, [][2]string{{"project", parts[1]}, {k.argument, parts[3]}}}, nil
		}
	}
	return grant{}, problem.Input("--on", "%q is not known: project, gs://BUCKET, projects/PROJECT/secrets/SECRET, projects/PROJECT/topics/TOPIC or projects/PROJECT/subscriptions/SUBSCRIPTION", g.On).
		WithHint("for other resources leave --role and --on out, and give the role to the principal that --format json names")
}

// terraform writes the resource as terraform fmt would, which aligns what stands together.
func (r grant) terraform(name, role, member string) []string {
	arguments := [][2]string{}
	for _, a := range r.arguments {
		arguments = append(arguments, [2]string{a[0], hcl(a[1])})
	}
	arguments = append(arguments, [2]string{"role", hcl(role)}, [2]string{"member", member})
	width := 0
	for _, a := range arguments {
		width = max(width, len(a[0]))
	}
	lines := []string{"resource " + hcl(r.resource) + " " + hcl(name) + " {"}
	for _, a := range arguments {
		lines = append(lines, fmt.Sprintf("  %-*s = %s", width, a[0], a[1]))
	}
	return append(lines, "}")
}
