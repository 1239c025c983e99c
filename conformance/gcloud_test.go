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

// gcloud is Python's google-auth, which joins the helper's stderr with its stdout: one stray line there would break it.
func TestGcloudAuthenticates(t *testing.T) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed")
	}
	clouds := machine(t)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, clouds.CA.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(config string, args ...string) (string, error) {
		cmd := exec.Command(gcloud, args...)
		cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+filepath.Join(dir, config), "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE="+ca, "REQUESTS_CA_BUNDLE="+ca,
			"CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	file := func(name, flags string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, externalAccount(t, clouds, flags, "", true), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if out, err := run("good", "auth", "login", "--cred-file="+file("good.json", managedIdentity)); err != nil || !strings.Contains(out, fakecloud.SandboxAccount) {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := run("good", "auth", "print-access-token"); err != nil || !strings.HasPrefix(out, "ya29.") {
		t.Fatalf("%v: %s", err, out)
	}
	// With impersonation gcloud runs the helper at the first use, and shows code and message as they are.
	_, _ = run("broken", "auth", "login", "--cred-file="+file("broken.json", "--credential managed-identity --resource api://nobody"))
	if out, err := run("broken", "auth", "print-access-token", "--account="+fakecloud.SandboxAccount); err == nil || !strings.Contains(out, "code: AADSTS500011, message: ") || strings.Contains(out, "eyJ") {
		t.Errorf("%v: %s", err, out)
	}
}

// For the same settings both write the same bytes, the final newline aside. gcloud needs no network for it.
func TestConfigWritesWhatGcloudWrites(t *testing.T) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		t.Skip("gcloud is not installed")
	}
	provider := strings.TrimPrefix(fakecloud.SandboxProvider, "//iam.googleapis.com/")
	for name, flags := range map[string]struct{ ours, theirs []string }{
		"direct":       {nil, nil},
		"impersonated": {[]string{"--service-account", fakecloud.SandboxAccount, "--token-lifetime", "30m"}, []string{"--service-account=" + fakecloud.SandboxAccount, "--service-account-token-lifetime-seconds=1800"}},
		"output file":  {[]string{"--output-file", "/tmp/out.json"}, []string{"--executable-output-file=/tmp/out.json"}},
		"another wait": {[]string{"--timeout-millis", "60000"}, []string{"--executable-timeout-millis=60000"}},
		"universe":     {[]string{"--universe-domain", "apis.example.com"}, []string{"--universe-domain=apis.example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ours, theirs := filepath.Join(dir, "ours.json"), filepath.Join(dir, "theirs.json")
			args := append([]string{"config", "--audience", provider, "--resource", fakecloud.SandboxResource}, flags.ours...)
			if out, err := exec.Command(binary("gcp-executable-source"), append(args, ours)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			written, err := os.ReadFile(ours)
			if err != nil {
				t.Fatal(err)
			}
			var file struct {
				Source struct{ Executable struct{ Command string } } `json:"credential_source"`
			}
			if err := json.Unmarshal(written, &file); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(gcloud, append([]string{"iam", "workload-identity-pools", "create-cred-config", provider,
				"--executable-command=" + file.Source.Executable.Command, "--output-file=" + theirs}, flags.theirs...)...)
			cmd.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+filepath.Join(dir, "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want, err := os.ReadFile(theirs)
			if err != nil || string(written) != string(want)+"\n" {
				t.Errorf("%v\nours\n%s\ngcloud's\n%s", err, written, want)
			}
		})
	}
}
