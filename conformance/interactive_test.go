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

const (
	googleAuth     = "google-auth==2.62.2"
	peopleProvider = "//iam.googleapis.com/locations/global/workforcePools/people-pool/providers/entra"
)

// personsClient does what gcloud does for the people of a workforce pool: google-auth lends its terminal to the executable
// and reads the answer from the output file.
const personsClient = `
import json, sys
from google.auth import pluggable
from google.auth.transport.requests import Request
verb, path = sys.argv[1:]
credentials = pluggable.Credentials.from_file(path, interactive=verb != "refresh", scopes=["https://www.googleapis.com/auth/cloud-platform"])
answer = {}
try:
    if verb == "revoke":
        credentials.revoke(Request())
    else:
        credentials.refresh(Request())
        answer["token"] = credentials.token
except Exception as e:
    answer["error"] = f"{type(e).__name__}: {e}"
print("\n" + json.dumps(answer))
`

// googleAuthPython installs google-auth where IDFERRY_TEST_GOOGLE_AUTH=1 asks for it; it may name a virtual environment that has it.
func googleAuthPython(t *testing.T) string {
	t.Helper()
	venv := os.Getenv("IDFERRY_TEST_GOOGLE_AUTH")
	switch venv {
	case "":
		t.Skip("IDFERRY_TEST_GOOGLE_AUTH=1 installs " + googleAuth + " and signs in with it")
	case "1":
		venv = t.TempDir()
		for _, command := range [][]string{{"python3", "-m", "venv", venv}, {filepath.Join(venv, "bin", "python"), "-m", "pip", "install", "--quiet", googleAuth, "requests"}} {
			if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%q: %v\n%s", command, err, out)
			}
		}
	}
	return filepath.Join(venv, "bin", "python")
}

func TestPersonOfAWorkforcePoolSignsInOnce(t *testing.T) {
	python := googleAuthPython(t)
	clouds := machine(t)
	if err := clouds.Google.AddProvider(fakecloud.OIDCProvider{
		Audience: peopleProvider, Issuer: fakecloud.IssuerV1(fakecloud.SandboxTenant), JWKSURL: clouds.Entra.JWKSURL(), AllowedAudiences: []string{fakecloud.SandboxResource},
	}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REQUESTS_CA_BUNDLE", os.Getenv("SSL_CERT_FILE"))
	dir := t.TempDir()
	output, path := filepath.Join(dir, "out.json"), filepath.Join(dir, "google.json")
	if out, err := exec.Command(binary("gcp-executable-source"), "config", "--workforce-pool", "people-pool", "--provider", "entra", "--workforce-pool-user-project", "123456789",
		"--credential", "device-code", "--client-id", fakecloud.SandboxApp, "--tenant-id", fakecloud.SandboxTenant, "--resource", fakecloud.SandboxResource,
		"--output-file", output, "--interactive-timeout-millis", "60000", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(file), "https://sts.googleapis.com/v1/token", clouds.Google.STSURL(), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(verb string) (terminal, token, failure string) {
		t.Helper()
		out, err := exec.Command(python, "-c", personsClient, verb, path).CombinedOutput()
		text := strings.TrimSpace(string(out))
		at := strings.LastIndex(text, "\n") + 1
		var answer struct{ Token, Error string }
		if err != nil || json.Unmarshal([]byte(text[at:]), &answer) != nil {
			t.Fatalf("%s: %v\n%s", verb, err, out)
		}
		if strings.Contains(text[:at], "eyJ") {
			t.Errorf("%s: a token on the terminal: %s", verb, text[:at])
		}
		return text[:at], answer.Token, answer.Error
	}

	terminal, token, failure := do("sign-in")
	if !strings.HasPrefix(token, "ya29.") || !strings.Contains(terminal, "enter the code") {
		t.Fatalf("%s %s", terminal, failure)
	}
	// Programs come after the person: out of the file, and without it out of the cache.
	if _, token, failure := do("refresh"); !strings.HasPrefix(token, "ya29.") {
		t.Error(failure)
	}
	if err := os.Remove(output); err != nil {
		t.Fatal(err)
	}
	if _, token, failure := do("refresh"); !strings.HasPrefix(token, "ya29.") {
		t.Error(failure)
	}
	if terminal, token, failure := do("sign-in"); !strings.HasPrefix(token, "ya29.") || strings.Contains(terminal, "code") {
		t.Errorf("asked again: %s %s", terminal, failure)
	}
	if _, err := os.Stat(output); err != nil {
		t.Error(err)
	}

	// Revoking forgets both.
	if _, _, failure := do("revoke"); failure != "" {
		t.Error(failure)
	}
	if _, err := os.Stat(output); !os.IsNotExist(err) {
		t.Errorf("the output file is still there: %v", err)
	}
	if _, _, failure := do("refresh"); !strings.Contains(failure, "interaction_required") {
		t.Errorf("after revoking: %s", failure)
	}
}
