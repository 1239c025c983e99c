package conformance

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/idferry/idferry/internal/fakecloud"
)

// installed takes the stand-in for a program away, for the program itself.
func (p *place) installed(t *testing.T, name string) {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	// bq needs Python itself.
	for _, standIn := range []string{name, "python3"} {
		if err := os.Remove(p.path("bin", standIn)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(file, p.path("bin", name)); err != nil {
		t.Fatal(err)
	}
	p.environment["PATH"] += ":" + os.Getenv("PATH")
}

// The example as it is, with bq itself.
func TestAzurePipelinesQueryWithBQ(t *testing.T) {
	p := newPlace(t)
	p.installed(t, "bq")
	maps.Copy(p.environment, map[string]string{
		// Python's libraries have variables of their own for the authorities, and ask a proxy for loopback too.
		"REQUESTS_CA_BUNDLE": p.environment["SSL_CERT_FILE"], "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": p.environment["SSL_CERT_FILE"], "NO_PROXY": "127.0.0.1",
		"CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1", "NO_GCE_CHECK": "true",
	})
	mustPrint(t, p.pipeline(t, "azure-pipelines"), "| 20")
	mustServe(t, p)
}

const terraformState = `{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"7a2a1d5e-0000-4000-8000-000000000001",
"outputs":{"who":{"value":"state of the sandbox","type":"string"}},"resources":[],"check_results":null}`

// stateOnly leaves of main.tf what Terraform brings itself: the providers come from a registry.
func stateOnly(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "main.tf")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, diagnostics := hclwrite.ParseConfig(data, file, hcl.InitialPos)
	if diagnostics.HasErrors() {
		t.Fatal(diagnostics)
	}
	for _, block := range parsed.Body().Blocks() {
		if block.Type() != "terraform" {
			parsed.Body().RemoveBlock(block)
			continue
		}
		block.Body().RemoveBlock(block.Body().FirstMatchingBlock("required_providers", nil))
	}
	if err := os.WriteFile(file, parsed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Terraform itself opens the state that the backend of each main.tf names.
func TestTerraformOpensTheState(t *testing.T) {
	for example, c := range map[string]struct {
		helper      string
		environment func(p *place) map[string]string
	}{
		"terraform/azurerm-from-cloud-build": {"azure-token-helper", func(p *place) map[string]string {
			return map[string]string{"GCE_METADATA_HOST": p.clouds.Google.MetadataHost(), "AZURE_CLIENT_ID": fakecloud.SandboxApp, "AZURE_TENANT_ID": fakecloud.SandboxTenant}
		}},
		"terraform/google-from-azure-pipelines": {"gcp-executable-source", func(p *place) map[string]string {
			return map[string]string{
				"AZURE_POD_IDENTITY_AUTHORITY_HOST": p.clouds.IMDS.URL, "IDFERRY_CREDENTIAL": "managed-identity", "IDFERRY_RESOURCE": fakecloud.SandboxResource,
				"GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE": fakecloud.SandboxProvider, "IDFERRY_SERVICE_ACCOUNT": fakecloud.SandboxAccount,
			}
		}},
	} {
		t.Run(example, func(t *testing.T) {
			p := newPlace(t)
			p.installed(t, "terraform")
			p.clouds.Blob.Put("tfstate", "example.tfstate", []byte(terraformState))
			p.clouds.Google.PutObject("my-project-tfstate", "example/default.tfstate", []byte(terraformState))
			dir := p.checkout(t, example)
			stateOnly(t, dir)
			environment := c.environment(p)
			environment["CHECKPOINT_DISABLE"] = "1" // it would look for a newer Terraform
			for _, words := range []string{"init -input=false", "output"} {
				out := p.runs(t, dir, environment, append([]string{binary(c.helper), "exec", "--", "terraform"}, strings.Fields(words)...)...)
				if words == "output" {
					mustPrint(t, out, `who = "state of the sandbox"`)
				}
			}
		})
	}
}
