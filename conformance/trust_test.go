package conformance

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/sts"
)

// trustForms are the goldens of what trust prints, by their names.
func trustForms(t *testing.T, ending string) map[string]string {
	t.Helper()
	forms := map[string]string{}
	paths, err := filepath.Glob(filepath.Join("..", "internal", "trust", "testdata", "*"+ending))
	if err != nil || len(paths) == 0 {
		t.Fatal("no forms", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		forms[filepath.Base(path)] = string(data)
	}
	return forms
}

// commandsOf returns every command of a program in what the project prints: by trust, and to mend what a cloud refuses.
func commandsOf(t *testing.T, program string) [][]string {
	t.Helper()
	var lines []string
	for _, text := range trustForms(t, ".sh") {
		// What is only an example is a command all the same.
		text = strings.ReplaceAll(text, "\\\n", " ")
		for line := range strings.Lines(text) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "# ")
			if _, command, found := strings.Cut(line, `APP_ID="$(`); found {
				line = strings.TrimSuffix(command, `)"`)
			}
			lines = append(lines, line)
		}
	}
	for _, e := range slices.Concat(entra.Catalogue(), sts.Catalogue()) {
		for _, command := range e.Advice(entra.Places()).Run {
			_, after, joined := strings.Cut(command, " && gcloud ")
			if joined {
				command = "gcloud " + after
			}
			lines = append(lines, command)
		}
	}
	var all [][]string
	// A command within another is one of its own.
	var add func(line string)
	add = func(line string) {
		words, err := fakecloud.Words(line, func(inner string) (string, error) {
			if !strings.HasPrefix(inner, "$") {
				add(inner)
			}
			return "VALUE", nil
		})
		if err == nil && len(words) > 1 && words[0] == program {
			all = append(all, words[1:])
		}
	}
	for _, line := range lines {
		add(line)
	}
	if len(all) < 10 {
		t.Fatalf("%d commands of %s are too few to be all", len(all), program)
	}
	return all
}

// gcloudParser lets gcloud's own parser read commands: it runs none of them and needs no network.
const gcloudParser = `
import json, os, sys
root = sys.argv[1]
sys.path[0:0] = [os.path.join(root, 'lib'), os.path.join(root, 'lib', 'third_party')]
from googlecloudsdk import gcloud_main
parser = gcloud_main.CreateCLI([])._CLI__parser
for line in sys.stdin:
    try:
        parser.parse_args(json.loads(line))
        print('ok')
    except SystemExit:
        print('refused')
    except Exception as e:
        print('refused: ' + ' '.join(str(e).split()))
`

func TestGcloudReadsTheCommandsThatArePrinted(t *testing.T) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed")
	}
	if gcloud, err = filepath.EvalSymlinks(gcloud); err != nil {
		t.Fatal(err)
	}
	commands := commandsOf(t, "gcloud")
	// The check can fail.
	commands = append(commands, strings.Fields("iam workload-identity-pools create azure --location=global --projct=p"))
	places := strings.NewReplacer("VALUE", "123456789", "--project=PROJECT", "--project=my-project", "--project=SERVICE", "--project=my-project", "ACCOUNT", "reader@my-project.iam.gserviceaccount.com")
	var in bytes.Buffer
	for _, words := range commands {
		// gcloud sees to the form of some values before it asks anybody.
		for i := range words {
			words[i] = places.Replace(words[i])
		}
		_ = json.NewEncoder(&in).Encode(words)
	}
	cmd := exec.Command("python3", "-c", gcloudParser, filepath.Dir(filepath.Dir(gcloud)))
	cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	cmd.Stdin = &in
	// It reads the files that a command names.
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "jwks.json"), []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this python3 does not run gcloud's parser: %v", err)
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(commands) {
		t.Fatalf("%d answers to %d commands", len(answers), len(commands))
	}
	for i, answer := range answers {
		if wrong := i == len(commands)-1; (answer == "ok") == wrong {
			t.Errorf("%s: gcloud %s", answer, strings.Join(commands[i], " "))
		}
	}
}

func TestAzKnowsTheCommandsThatArePrinted(t *testing.T) {
	venv := azEnvironment(t)
	home := t.TempDir()
	help := map[string]string{}
	for _, words := range commandsOf(t, "az") {
		verb := words
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") }); i >= 0 {
			verb = words[:i]
		}
		name := strings.Join(verb, " ")
		if help[name] == "" {
			cmd := exec.Command(filepath.Join(venv, "bin", "python"), append([]string{"-m", "azure.cli"}, append(slices.Clone(verb), "--help")...)...)
			cmd.Env = append(os.Environ(), "AZURE_CONFIG_DIR="+home, "AZURE_CORE_COLLECT_TELEMETRY=false")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("az %s --help: %v: %s", name, err, out)
				continue
			}
			help[name] = string(out)
		}
		for _, wrong := range misfits(help[name], words[len(verb):]) {
			t.Errorf("az %s: %s", name, wrong)
		}
	}
	// The check can fail.
	const create = "identity federated-credential create"
	if wrong := misfits(help[create], []string{"--name=google", "--identity-name", "x", "--issuer", "https://x", "--subjct", "y"}); len(wrong) != 2 {
		t.Errorf("a misspelt flag and a missing one of az %s are %q", create, wrong)
	}
}

// misfits are flags that a command's help does not have, and those that it requires and are not given.
func misfits(help string, words []string) []string {
	var all []string
	for _, w := range words {
		flag, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(flag, "-") && !regexp.MustCompile(`(^|\s)`+regexp.QuoteMeta(flag)+`(\s|$)`).MatchString(help) {
			all = append(all, "there is no "+flag)
		}
	}
	for _, required := range regexp.MustCompile(`(?m)^\s+(--[a-z-]+)(?: [^:\n]*)?\[Required\]`).FindAllStringSubmatch(help, -1) {
		if !slices.ContainsFunc(words, func(w string) bool { return w == required[1] || strings.HasPrefix(w, required[1]+"=") }) {
			all = append(all, "it needs "+required[1])
		}
	}
	return all
}

// Terraform's own parser reads the forms, and each resource has only what its provider documents, and all that it needs.
func TestTerraformReadsTheFormsThatArePrinted(t *testing.T) {
	for name, text := range trustForms(t, ".tf") {
		file, problems := hclparse.NewParser().ParseHCL([]byte(text), name)
		if problems.HasErrors() {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			if block.Type != "resource" && block.Type != "data" {
				continue
			}
			schema := providerSchema(t, block.Type, block.Labels[0])
			var given []string
			for attribute := range block.Body.Attributes {
				given = append(given, attribute)
			}
			for _, inner := range block.Body.Blocks {
				given = append(given, inner.Type)
			}
			for _, g := range given {
				if _, known := schema[g]; !known {
					t.Errorf("%s: %s has no %s", name, block.Labels[0], g)
				}
			}
			for argument, required := range schema {
				if required && !slices.Contains(given, argument) {
					t.Errorf("%s: %s needs %s", name, block.Labels[0], argument)
				}
			}
		}
	}
	if terraform, err := exec.LookPath("terraform"); err == nil {
		for name, text := range trustForms(t, ".tf") {
			cmd := exec.Command(terraform, "fmt", "-check", "-diff", "-")
			cmd.Stdin = strings.NewReader(text)
			cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+os.DevNull)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("terraform fmt of %s: %v\n%s", name, err, out)
			}
		}
	}
}

// A claim that is a template to Terraform stays the text that it is.
func TestTerraformReadsHostileClaimsAsText(t *testing.T) {
	const hostile = "${file(\"/etc/passwd\")} %{ if true }\"\\'"
	claims := filepath.Join(t.TempDir(), "claims.json")
	data, err := json.Marshal(map[string]any{"iss": "https://issuer.example/" + hostile, "sub": hostile, "aud": "api://AzureADTokenExchange"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(claims, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary("azure-token-helper"), "trust", "--token-claims", claims, "--format", "terraform").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, problems := hclparse.NewParser().ParseHCL(out, "trust.tf")
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if subject := block.Body.Attributes["subject"]; subject != nil {
			value, problems := subject.Expr.Value(&hcl.EvalContext{})
			if problems.HasErrors() || value.AsString() != hostile {
				t.Errorf("%v: %v", value, problems)
			}
			return
		}
	}
	t.Error("no subject")
}

// Pulumi's packages are made from the schemas of Terraform's providers and keep their names: for each argument of a
// resource, whether it is required. The providers themselves can be had from Terraform's registry alone.
func providerSchema(t *testing.T, kind, resource string) map[string]bool {
	t.Helper()
	wheels := os.Getenv("IDFERRY_TEST_SCHEMAS")
	if wheels == "" {
		t.Skip("IDFERRY_TEST_SCHEMAS=DIR keeps the schemas of the providers there (22 MB from PyPI), and compares with them")
	}
	if kind == "data" {
		kind = "data "
	} else {
		kind = ""
	}
	module, ok := map[string][3]string{
		"google_iam_workload_identity_pool":                 {"pulumi_gcp", "10.2.0", "iam/workload_identity_pool.py"},
		"google_iam_workload_identity_pool_provider":        {"pulumi_gcp", "10.2.0", "iam/workload_identity_pool_provider.py"},
		"google_service_account_iam_member":                 {"pulumi_gcp", "10.2.0", "serviceaccount/iam_member.py"},
		"google_project_iam_member":                         {"pulumi_gcp", "10.2.0", "projects/iam_member.py"},
		"google_storage_bucket_iam_member":                  {"pulumi_gcp", "10.2.0", "storage/bucket_iam_member.py"},
		"google_secret_manager_secret_iam_member":           {"pulumi_gcp", "10.2.0", "secretmanager/secret_iam_member.py"},
		"google_pubsub_topic_iam_member":                    {"pulumi_gcp", "10.2.0", "pubsub/topic_iam_member.py"},
		"google_pubsub_subscription_iam_member":             {"pulumi_gcp", "10.2.0", "pubsub/subscription_iam_member.py"},
		"azuread_application":                               {"pulumi_azuread", "6.11.1", "application.py"},
		"data azuread_application":                          {"pulumi_azuread", "6.11.1", "get_application.py"},
		"azuread_service_principal":                         {"pulumi_azuread", "6.11.1", "service_principal.py"},
		"data azuread_service_principal":                    {"pulumi_azuread", "6.11.1", "get_service_principal.py"},
		"azuread_application_federated_identity_credential": {"pulumi_azuread", "6.11.1", "application_federated_identity_credential.py"},
		"azurerm_user_assigned_identity":                    {"pulumi_azure", "6.40.1", "authorization/user_assigned_identity.py"},
		"azurerm_federated_identity_credential":             {"pulumi_azure", "6.40.1", "armmsi/federated_identity_credential.py"},
		"azurerm_role_assignment":                           {"pulumi_azure", "6.40.1", "authorization/assignment.py"},
		"data azurerm_resource_group":                       {"pulumi_azure", "6.40.1", "core/get_resource_group.py"},
		"data azurerm_role_definition":                      {"pulumi_azure", "6.40.1", "authorization/get_role_definition.py"},
	}[kind+resource]
	if !ok {
		t.Fatalf("no schema is known of %s%s", kind, resource)
	}
	source := fromWheel(t, wheels, module[0], module[1], module[2])
	// A resource's arguments are those of the class that it is made with; a data source's, of its function.
	head := regexp.MustCompile(`(?ms)^(?:class \w+Args:\n    def __init__\(__self__, \*,|def get_\w+\()(.*?)\)(?: ->[^\n]*)?:\n`).FindStringSubmatch(source)
	if head == nil {
		t.Fatalf("%s has no arguments", module[2])
	}
	arguments := map[string]bool{}
	for line := range strings.Lines(head[1]) {
		name, rest, found := strings.Cut(strings.TrimSpace(line), ":")
		if found && name != "opts" {
			arguments[name] = !strings.Contains(rest, "= None")
		}
	}
	if len(arguments) == 0 {
		t.Fatalf("%s has no arguments", module[2])
	}
	return arguments
}

// fromWheel returns a file of a package of PyPI's, which it keeps in dir.
func fromWheel(t *testing.T, dir, name, version, path string) string {
	t.Helper()
	wheel := filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", name, version))
	if _, err := os.Stat(wheel); err != nil {
		cmd := exec.Command("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", dir, name+"=="+version)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	f, err := archive.Open(name + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// bicepParser reads files with Bicep's grammar and names where one cannot be read. The compiler itself is published where
// no package manager of this project reaches.
const bicepParser = `
import sys
import tree_sitter, tree_sitter_bicep
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
bad = 0
def walk(node, path):
    global bad
    if node.type == 'ERROR' or node.is_missing:
        print(path, node.start_point, node.type)
        bad = 1
    for child in node.children:
        walk(child, path)
for path in sys.argv[1:]:
    walk(parser.parse(open(path, 'rb').read()).root_node, path)
sys.exit(bad)
`

func TestBicepsGrammarReadsTheFormsThatArePrinted(t *testing.T) {
	wheels := os.Getenv("IDFERRY_TEST_SCHEMAS")
	if wheels == "" {
		t.Skip("IDFERRY_TEST_SCHEMAS=DIR keeps Bicep's grammar there (1 MB from PyPI), and reads with it")
	}
	target := filepath.Join(wheels, "bicep")
	if _, err := os.Stat(filepath.Join(target, "tree_sitter_bicep")); err != nil {
		cmd := exec.Command("python3", "-m", "pip", "install", "--quiet", "--target", target, "tree-sitter==0.26.1", "tree-sitter-bicep==1.1.0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	read := func(text string) (string, error) {
		path := filepath.Join(t.TempDir(), "form.bicep")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("python3", "-c", bicepParser, path)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+target)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for name, text := range trustForms(t, ".bicep") {
		// The grammar is older than extensions that are named without a scheme.
		text = strings.Replace(text, "extension microsoftGraphV1\n", "", 1)
		if out, err := read(text); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	if _, err := read("resource identity 'x@1' = {\n  name: 'it's'\n"); err == nil {
		t.Error("the check cannot fail")
	}
}
