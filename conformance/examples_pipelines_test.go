package conformance

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/idferry/idferry/internal/fakecloud"
)

// pipeline is as much of azure-pipelines.yml as the examples use.
// https://learn.microsoft.com/azure/devops/pipelines/yaml-schema
type pipeline struct {
	Trigger []string `json:"trigger"`
	Pool    struct {
		Image string `json:"vmImage"`
	} `json:"pool"`
	Variables map[string]string `json:"variables"`
	Steps     []struct {
		Task        string            `json:"task"`
		Script      string            `json:"script"`
		DisplayName string            `json:"displayName"`
		Inputs      map[string]string `json:"inputs"`
		Env         map[string]string `json:"env"`
	} `json:"steps"`
}

// pipeline runs the steps of an azure-pipelines.yml as an agent does, and returns what they print.
func (p *place) pipeline(t *testing.T, example string) string {
	t.Helper()
	p.checkout(t, example)
	var job pipeline
	if err := yaml.UnmarshalStrict(readExample(t, filepath.Join(example, "azure-pipelines.yml")), &job); err != nil {
		t.Fatal(err)
	}
	p.environment["SYSTEM_OIDCREQUESTURI"] = p.clouds.Pipelines.RequestURI()
	for name, value := range job.Variables {
		p.environment[strings.ToUpper(name)] = value
	}
	out := ""
	for _, step := range job.Steps {
		environment, script, dir := map[string]string{}, step.Script, p.path("work")
		for name, value := range step.Env {
			if value == "$(System.AccessToken)" {
				value = fakecloud.SandboxJobToken
			}
			environment[name] = value
		}
		switch step.Task {
		case "":
		case "TerraformInstaller@1":
			mustHave(t, step.Inputs, "terraformVersion")
			continue
		case "AzureCLI@2":
			mustHave(t, step.Inputs, "azureSubscription", "scriptType", "scriptLocation", "inlineScript", "workingDirectory?")
			if step.Inputs["scriptType"] != "bash" || step.Inputs["scriptLocation"] != "inlineScript" || step.Inputs["azureSubscription"] != "my-connection" {
				t.Errorf("%q", step.Inputs)
			}
			script, dir = step.Inputs["inlineScript"], filepath.Join(dir, step.Inputs["workingDirectory"])
			maps.Copy(environment, map[string]string{
				"AZURESUBSCRIPTION_CLIENT_ID": fakecloud.SandboxApp, "AZURESUBSCRIPTION_TENANT_ID": fakecloud.SandboxTenant,
				"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": fakecloud.SandboxConnection,
			})
		default:
			t.Fatalf("what is the task %s?", step.Task)
		}
		if strings.Contains(script, "$(") {
			t.Errorf("Azure Pipelines would replace what follows $( in: %s", script)
		}
		printed := p.runs(t, dir, environment, p.script(t, "#!/usr/bin/env bash\n"+script))
		for line := range strings.Lines(printed) {
			if before, ok := strings.CutPrefix(strings.TrimSpace(line), "##vso[task.prependpath]"); ok {
				p.environment["PATH"] = before + ":" + p.environment["PATH"]
			}
		}
		out += printed
	}
	p.leavesNothing(t, p.path("tmp"))
	return out
}

// mustHave fails unless inputs has these names and no others; a ? marks those that may be missing.
func mustHave(t *testing.T, inputs map[string]string, names ...string) {
	t.Helper()
	rest := maps.Clone(inputs)
	for _, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		if inputs[name] == "" && !optional {
			t.Errorf("%s is missing", name)
		}
		delete(rest, name)
	}
	if len(rest) > 0 {
		t.Errorf("not known: %q", rest)
	}
}

func TestAzurePipelinesQuery(t *testing.T) {
	p := newPlace(t)
	mustPrint(t, p.pipeline(t, "azure-pipelines"), "row 20")
	mustServe(t, p)
}

func TestTerraformInAzurePipelines(t *testing.T) {
	mustPrint(t, newPlace(t).pipeline(t, "terraform/google-from-azure-pipelines"), "bucket my-project-tfstate\nbucket my-project-tfstate")
}

// mustServe fails unless BigQuery answered the service account, once.
func mustServe(t *testing.T, p *place) {
	t.Helper()
	if served := p.clouds.Google.Served(); len(served) != 1 || served[0] != "serviceAccount:"+fakecloud.SandboxAccount {
		t.Errorf("BigQuery answered %q", served)
	}
}
