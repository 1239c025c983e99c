package conformance

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/api/cloudbuild/v1"
	"sigs.k8s.io/yaml"

	"github.com/idferry/idferry/internal/fakecloud"
)

// build runs the steps of a cloudbuild.yaml as Cloud Build does, on this machine instead of in the steps' images, and
// returns what they print.
func (p *place) build(t *testing.T, example string) string {
	t.Helper()
	workspace := p.checkout(t, example)
	data := string(readExample(t, filepath.Join(example, "cloudbuild.yaml")))
	var build cloudbuild.Build
	if err := yaml.UnmarshalStrict([]byte(data), &build); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(build.ServiceAccount, "/serviceAccounts/"+fakecloud.SandboxAccount) || build.Options.Logging != "CLOUD_LOGGING_ONLY" {
		t.Errorf("whose build is it, and where are its logs? %q %q", build.ServiceAccount, build.Options.Logging)
	}
	// The build's metadata server has no identity endpoint.
	if err := p.clouds.WithoutIdentityEndpoint(); err != nil {
		t.Fatal(err)
	}
	p.environment["GCE_METADATA_HOST"] = p.clouds.Google.MetadataHost()
	here := func(s string) string {
		if strings.Contains(s, "$") {
			t.Errorf("%q: Cloud Build would replace what follows the $", s)
		}
		return strings.ReplaceAll(s, "/workspace/", workspace+"/")
	}
	out := ""
	for _, step := range build.Steps {
		environment := map[string]string{}
		for _, setting := range append(build.Options.Env, step.Env...) {
			name, value, ok := strings.Cut(here(setting), "=")
			if !ok {
				t.Errorf("%q sets nothing", setting)
			}
			environment[name] = value
		}
		var argv []string
		switch {
		case step.Script != "" && step.Entrypoint == "" && step.Args == nil:
			argv = []string{p.script(t, here(step.Script))}
		case step.Entrypoint != "":
			argv = []string{here(step.Entrypoint)}
		// Go's and Python's images run their arguments; Terraform's has an entrypoint of its own.
		case !strings.HasPrefix(step.Name, "golang:"):
			t.Errorf("what does %s do with its arguments?", step.Name)
		}
		for _, word := range step.Args {
			argv = append(argv, here(word))
		}
		out += p.runs(t, workspace, environment, argv...)
	}
	p.leavesNothing(t, p.path("tmp"))
	return out
}

func TestCloudBuildUploads(t *testing.T) {
	p := newPlace(t)
	mustPrint(t, p.build(t, "cloud-build"), "uploaded cloudbuild.yaml")
	if sent := p.clouds.Blob.Content("reports", "cloudbuild.yaml"); !strings.Contains(string(sent), "azure-token-helper exec") {
		t.Errorf("the container has %q", sent)
	}
	if asked := len(p.clouds.Google.IAM.Requests()); asked == 0 {
		t.Error("the account did not ask for its own ID token")
	}
}

func TestTerraformInCloudBuild(t *testing.T) {
	p := newPlace(t)
	mustPrint(t, p.build(t, "terraform/azurerm-from-cloud-build"), "blob tfstate/example.tfstate", "provider configured")
}

// The stand-ins get nowhere with what the system and the example set, so what lets them in is exec's.
func TestStandInsNeedExec(t *testing.T) {
	p := newPlace(t)
	variables := map[string]string{
		"AZURE_CLIENT_ID": fakecloud.SandboxApp, "AZURE_TENANT_ID": fakecloud.SandboxTenant, "AZURE_SUBSCRIPTION_ID": fakecloud.SandboxTenant,
		"ARM_CLIENT_ID": fakecloud.SandboxApp, "ARM_TENANT_ID": fakecloud.SandboxTenant, "GOOGLE_CLOUD_PROJECT": fakecloud.SandboxProject,
		"STORAGE_ACCOUNT": "mystorageaccount", "CONTAINER": "reports",
		// Otherwise the Azure SDK asks Azure's metadata service, which is elsewhere.
		"AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
		// And Google's asks Google's, which lets everybody in here.
		"GCE_METADATA_HOST": "127.0.0.1:9", "CLOUDSDK_CORE_PROJECT": fakecloud.SandboxProject,
	}
	for example, argv := range map[string][]string{
		"cloud-build":                           {"python3", "upload.py", "cloudbuild.yaml"},
		"terraform/azurerm-from-cloud-build":    {"terraform", "init", "-input=false"},
		"terraform/google-from-azure-pipelines": {"terraform", "init", "-input=false"},
		"azure-pipelines":                       {"bq", "query", "--use_legacy_sql=false", "SELECT CURRENT_DATE()"},
		"kubernetes":                            {"server-on-gke"},
		"github-actions":                        {"server-on-aks"},
	} {
		t.Run(argv[0], func(t *testing.T) {
			t.Parallel() // Google's library asks the metadata server for seconds
			dir := checkout(t, t.TempDir(), example)
			out, err := p.run(t, dir, variables, argv...)
			if err == nil || !strings.Contains(out, "(stand-in):") || strings.Contains(out, "nothing is known") {
				t.Errorf("%q: %v\n%s", argv, err, out)
			}
		})
	}
}
