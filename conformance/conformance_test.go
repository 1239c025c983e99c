// Package conformance lets the real client libraries of both clouds drive the built binaries against the fake clouds. It is a
// module of its own, so that what it needs never reaches the binaries' go.mod.
package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// binaries is where TestMain built both programs, with az and azd beside them.
func binaries() string { return os.Getenv("IDFERRY_CONFORMANCE_BIN") }

func binary(name string) string { return binaryIn(binaries(), name) }

func binaryIn(dir, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "idferry-conformance-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-o", dir+string(filepath.Separator), "./cmd/...")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if out, err := exec.Command("go", "build", "-o", binaryIn(dir, "standin"), "./cmd/standin").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Setenv("IDFERRY_CONFORMANCE_BIN", dir); err != nil {
		return 0, err
	}
	for _, name := range []string{"az", "azd"} {
		if err := os.Link(binary("azure-token-helper"), binary(name)); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// machine starts both clouds and sets the environment of a machine that has an identity in each of them.
func machine(t *testing.T) *fakecloud.Sandbox {
	t.Helper()
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clouds.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, clouds.CA.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"PATH":          binaries() + string(os.PathListSeparator) + os.Getenv("PATH"),
		"SSL_CERT_FILE": ca, "SSL_CERT_DIR": dir + "/none", "HOME": dir,
		"IDFERRY_CACHE": "file", "IDFERRY_CACHE_DIR": filepath.Join(dir, "cache"), "IDFERRY_LOG": filepath.Join(dir, "log"),
		"AZURE_POD_IDENTITY_AUTHORITY_HOST":         clouds.IMDS.URL,
		"GCE_METADATA_HOST":                         clouds.Google.MetadataHost(),
		"AZURE_AUTHORITY_HOST":                      clouds.Entra.URL + "/",
		"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1",
		"GOOGLE_APPLICATION_CREDENTIALS":            "",
		"CLOUDSDK_CONFIG":                           filepath.Join(dir, "gcloud"),
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if log, err := os.ReadFile(filepath.Join(dir, "log")); err == nil {
			t.Logf("the helpers' log:\n%s", log)
		}
	})
	return clouds
}

// googleMachine is a machine whose Google identity stands for an Entra application.
func googleMachine(t *testing.T) *fakecloud.Sandbox {
	t.Helper()
	clouds := machine(t)
	t.Setenv("AZURE_TENANT_ID", fakecloud.SandboxTenant)
	t.Setenv("AZURE_CLIENT_ID", fakecloud.SandboxApp)
	t.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", clouds.Google.IAM.URL+"/")
	return clouds
}

// mustNotLeak fails when an error shows any part of a JWT.
func mustNotLeak(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "eyJ") {
		t.Errorf("a token is visible in: %v", err)
	}
}
