package federation

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// sandbox starts both clouds and makes this process one that runs on a virtual machine of Google's and one of Azure's.
func sandbox(t testing.TB) *fakecloud.Sandbox {
	t.Helper()
	s, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"AZURE_TENANT_ID": fakecloud.SandboxTenant, "AZURE_CLIENT_ID": fakecloud.SandboxApp, "AZURE_AUTHORITY_HOST": s.Entra.URL + "/",
		"GCE_METADATA_HOST": s.Google.MetadataHost(), "AZURE_POD_IDENTITY_AUTHORITY_HOST": s.IMDS.URL, "CLOUDSDK_CONFIG": filepath.Join(t.TempDir(), "gcloud"),
		"GOOGLE_APPLICATION_CREDENTIALS": "", "AZURE_FEDERATED_TOKEN_FILE": "", "AZURE_CLIENT_SECRET": "", "AZURE_CLIENT_CERTIFICATE_PATH": "",
		"AZURE_TOKEN_CREDENTIALS": "", "IDENTITY_ENDPOINT": "", "MSI_ENDPOINT": "", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT": "",
		"IDFERRY_GOOGLE_SOURCE": "", "IDFERRY_CREDENTIAL": "", "IDFERRY_RESOURCE": "", "HTTPS_PROXY": "", "https_proxy": "",
	} {
		t.Setenv(name, value)
	}
	return s
}

// asked counts the requests whose path has this ending.
func asked(s *fakecloud.Server, ending string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, ending) {
			n++
		}
	}
	return n
}

// failure returns err as what the package promises it to be.
func failure(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return e
}

// clock stands still until it is told otherwise.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func noon() *clock { return &clock{at: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// flags returns the flags of a command line that a message names outside of commands.
func flags(message string) []string {
	return regexp.MustCompile(flag).FindAllString(regexp.MustCompile(foreign).ReplaceAllString(message, ""), -1)
}
