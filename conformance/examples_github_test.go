package conformance

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/idferry/idferry/internal/fakecloud"
)

// workflow is as much of a workflow of GitHub Actions as the example uses.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
type workflow struct {
	Name string `json:"name"`
	// In YAML 1.1, which is what reads it here, "on" is a boolean; GitHub reads YAML 1.2.
	On          map[string]any    `json:"true"`
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]struct {
		RunsOn string `json:"runs-on"`
		Steps  []struct {
			Name string            `json:"name"`
			Env  map[string]string `json:"env"`
			Run  string            `json:"run"`
		} `json:"steps"`
	} `json:"jobs"`
}

func TestGitHubActionsQuery(t *testing.T) {
	p := newPlace(t)
	var w workflow
	if err := yaml.UnmarshalStrict(readExample(t, "github-actions/bigquery.yml"), &w); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.On["workflow_dispatch"]; !ok || len(w.Jobs) != 1 {
		t.Errorf("%v %v", w.On, w.Jobs)
	}
	if w.Permissions["id-token"] == "write" {
		p.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = p.clouds.GitHub.RequestURL()
		p.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = fakecloud.SandboxJobToken
	}
	added := p.path("github-path")
	p.environment["GITHUB_PATH"] = added
	out := ""
	for _, step := range w.Jobs["query"].Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("GitHub would replace what is in: %s", step.Run)
		}
		out += p.runs(t, p.path("work"), step.Env, "bash", "-e", p.script(t, step.Run))
		if directories, err := os.ReadFile(added); err == nil {
			p.environment["PATH"] = strings.TrimSpace(string(directories)) + ":" + p.environment["PATH"]
		}
	}
	mustPrint(t, out, "row 20")
	mustServe(t, p)
	p.leavesNothing(t, p.path("tmp"))
}
