package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

// written is what config wrote, with the fake's own addresses in place of Google's.
type written struct {
	t      *testing.T
	path   string
	fields map[string]any
}

func writeConfig(t *testing.T, clouds *fakecloud.Sandbox, flags ...string) *written {
	t.Helper()
	w := &written{t: t, path: filepath.Join(t.TempDir(), "google.json")}
	flags = append([]string{"config", "--audience", fakecloud.SandboxProvider, "--credential", "managed-identity", "--resource", fakecloud.SandboxResource}, append(flags, w.path)...)
	if out, err := exec.Command(binary("gcp-executable-source"), flags...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &w.fields); err != nil {
		t.Fatal(err)
	}
	w.fields["token_url"] = clouds.Google.STSURL()
	if _, ok := w.fields["service_account_impersonation_url"]; ok {
		w.fields["service_account_impersonation_url"] = clouds.Google.ImpersonationURL(fakecloud.SandboxAccount)
	}
	return w
}

func (w *written) executable() map[string]any {
	return w.fields["credential_source"].(map[string]any)["executable"].(map[string]any)
}

func (w *written) save() []byte {
	w.t.Helper()
	data, err := json.Marshal(w.fields)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.path, data, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return data
}

// worksForGo is what config --check says of Go's libraries.
func (w *written) worksForGo() bool {
	w.t.Helper()
	out, err := exec.Command(binary("gcp-executable-source"), "config", "--check", "--json", w.path).Output()
	var report struct {
		Clients []struct {
			Client string `json:"client"`
			Works  bool   `json:"works"`
		} `json:"clients"`
	}
	if json.Unmarshal(out, &report) != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range report.Clients {
		if strings.HasPrefix(c.Client, "Go") {
			return c.Works
		}
	}
	w.t.Fatalf("nothing about Go: %s", out)
	return false
}

// What --check says is what happens: each file is given to both libraries.
func TestCheckSaysWhatGoClientsDo(t *testing.T) {
	set := func(key string, value any) func(*written) { return func(w *written) { w.fields[key] = value } }
	run := func(key string, value any) func(*written) { return func(w *written) { w.executable()[key] = value } }
	tail := func(text string) func(*written) {
		return func(w *written) { w.executable()["command"] = w.executable()["command"].(string) + text }
	}
	output := func(content string) func(*written) {
		return func(w *written) {
			path := filepath.Join(filepath.Dir(w.path), "out.json")
			w.executable()["output_file"] = path
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, change := range map[string]func(*written){
		"as written":             func(*written) {},
		"project id":             set("audience", strings.Replace(fakecloud.SandboxProvider, "123456789", "sandbox-project", 1)),
		"doubled prefix":         set("audience", "//iam.googleapis.com/"+fakecloud.SandboxProvider),
		"without prefix":         set("audience", strings.TrimPrefix(fakecloud.SandboxProvider, "//iam.googleapis.com/")),
		"SAML":                   set("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
		"no token type":          set("subject_token_type", nil),
		"no account":             func(w *written) { delete(w.fields, "service_account_impersonation_url") },
		"account without method": set("service_account_impersonation_url", "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b"),
		"billing a workload":     set("workforce_pool_user_project", "456"),
		"no source":              set("credential_source", map[string]any{}),
		"no command":             run("command", ""),
		"a program that is gone": run("command", "/nowhere/gcp-executable-source"),
		"an unknown flag":        tail(" --bogus"),
		"quotes":                 tail(` --resource "` + fakecloud.SandboxResource + `"`),
		"two spaces":             tail("  --cache  off"),
		"a second":               run("timeout_millis", 1000),
		"four minutes":           run("timeout_millis", 240_000),
		"timeout as text":        run("timeout_millis", "30000"),
		"an empty output file":   output(""),
		"a torn output file":     output(`{"version": 1, "succ`),
		"white space":            output(" \n"),
		"a failure's":            output(`{"version":1,"success":false,"code":"x","message":"y"}`),
		"no version":             output(`{"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x","expiration_time":1}`),
		"no expiry":              output(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x"}`),
		"expired":                output(`{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"x","expiration_time":1}`),
		"output file nowhere":    run("output_file", "/nowhere/at/all/out.json"),
		"relative output file":   run("output_file", "out.json"),
	} {
		t.Run(name, func(t *testing.T) {
			clouds := machine(t)
			w := writeConfig(t, clouds, "--service-account", fakecloud.SandboxAccount)
			change(w)
			file := w.save()
			says := w.worksForGo()
			for library, token := range googleClients() {
				if _, err := token(t.Context(), clouds.CA.Client(), file); (err == nil) != says {
					t.Errorf("--check says works: %v; %s: %v", says, library, err)
				}
			}
		})
	}
}
