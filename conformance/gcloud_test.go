package conformance

import (
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
