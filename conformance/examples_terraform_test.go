package conformance

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
)

// terraformFile is a main.tf of the examples, with all that it may hold.
type terraformFile struct {
	Terraform struct {
		RequiredVersion string `hcl:"required_version"`
		Providers       struct {
			Named hcl.Attributes `hcl:",remain"`
		} `hcl:"required_providers,block"`
		Backend struct {
			Kind     string         `hcl:"kind,label"`
			Settings hcl.Attributes `hcl:",remain"`
		} `hcl:"backend,block"`
	} `hcl:"terraform,block"`
	Provider struct {
		Name string `hcl:"name,label"`
		// Registrations and Features are azurerm's.
		Registrations *string    `hcl:"resource_provider_registrations"`
		Features      []struct{} `hcl:"features,block"`
	} `hcl:"provider,block"`
	Data []struct {
		Kind string `hcl:"kind,label"`
		Name string `hcl:"name,label"`
	} `hcl:"data,block"`
	Outputs []struct {
		Name  string         `hcl:"name,label"`
		Value hcl.Expression `hcl:"value"`
	} `hcl:"output,block"`
}

// Nothing in the files says who Terraform is, and each reads what it declares.
func TestTerraformFiles(t *testing.T) {
	for name, want := range map[string]struct {
		provider, backend string
		settings          []string
	}{
		"azurerm-from-cloud-build":    {"azurerm", "azurerm", []string{"container_name", "key", "storage_account_name", "use_azuread_auth"}},
		"google-from-azure-pipelines": {"google", "gcs", []string{"bucket", "prefix"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := checkout(t, t.TempDir(), filepath.Join("terraform", name))
			file, diagnostics := hclparse.NewParser().ParseHCLFile(filepath.Join(dir, "main.tf"))
			if diagnostics.HasErrors() {
				t.Fatal(diagnostics)
			}
			var f terraformFile
			if diagnostics := gohcl.DecodeBody(file.Body, nil, &f); diagnostics.HasErrors() {
				t.Fatal(diagnostics)
			}
			var settings []string
			for setting := range f.Terraform.Backend.Settings {
				settings = append(settings, setting)
			}
			slices.Sort(settings)
			if f.Terraform.Backend.Kind != want.backend || !slices.Equal(settings, want.settings) {
				t.Errorf("backend %s with %q", f.Terraform.Backend.Kind, settings)
			}
			if _, declared := f.Terraform.Providers.Named[want.provider]; !declared || f.Provider.Name != want.provider || (want.provider == "azurerm") != (len(f.Provider.Features) == 1) {
				t.Errorf("provider %s, declared %v", f.Provider.Name, f.Terraform.Providers.Named)
			}
			for _, output := range f.Outputs {
				read := output.Value.Variables()
				if len(read) != 1 || !readsData(read[0], f.Data[0].Kind, f.Data[0].Name) {
					t.Errorf("output %s reads %v", output.Name, read)
				}
			}
			if terraform, err := exec.LookPath("terraform"); err != nil {
				t.Log("terraform is not installed, and its own eye for style is missing")
			} else if out, err := exec.Command(terraform, "fmt", "-check", "-diff", dir).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// readsData reports whether an expression is data.KIND.NAME.….
func readsData(e hcl.Traversal, kind, name string) bool {
	if len(e) < 4 || e.RootName() != "data" {
		return false
	}
	k, isKind := e[1].(hcl.TraverseAttr)
	n, isName := e[2].(hcl.TraverseAttr)
	return isKind && isName && k.Name == kind && n.Name == name
}
