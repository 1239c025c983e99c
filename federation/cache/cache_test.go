package cache

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/idferry/idferry/federation"
	"github.com/idferry/idferry/internal/fakecloud"
)

// machine is one of both clouds', with a cache directory.
func machine(t *testing.T) (s *fakecloud.Sandbox, dir string) {
	t.Helper()
	s, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	dir = filepath.Join(t.TempDir(), "cache")
	for name, value := range map[string]string{
		"AZURE_TENANT_ID": fakecloud.SandboxTenant, "AZURE_CLIENT_ID": fakecloud.SandboxApp, "AZURE_AUTHORITY_HOST": s.Entra.URL + "/",
		"GCE_METADATA_HOST": s.Google.MetadataHost(), "AZURE_POD_IDENTITY_AUTHORITY_HOST": s.IMDS.URL, "CLOUDSDK_CONFIG": filepath.Join(t.TempDir(), "gcloud"),
		"GOOGLE_APPLICATION_CREDENTIALS": "", "AZURE_FEDERATED_TOKEN_FILE": "", "AZURE_CLIENT_SECRET": "", "AZURE_TOKEN_CREDENTIALS": "", "IDENTITY_ENDPOINT": "",
		"IDFERRY_CACHE": "file", "IDFERRY_CACHE_DIR": dir, "IDFERRY_GOOGLE_SOURCE": "", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT": "",
	} {
		t.Setenv(name, value)
	}
	return s, dir
}

// ask is one process of a program that uses the sealed cache.
func ask(t *testing.T, client *http.Client) string {
	t.Helper()
	kept, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := federation.NewAzureCredential(&federation.AzureCredentialOptions{ClientOptions: federation.ClientOptions{Cache: kept, HTTPClient: client}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	return got.Token
}

func TestTheNextProcessAsksNobody(t *testing.T) {
	s, dir := machine(t)
	first := ask(t, s.CA.Client())
	before := len(s.Entra.Requests()) + len(s.Google.Metadata.Requests())
	if again := ask(t, s.CA.Client()); again != first || len(s.Entra.Requests())+len(s.Google.Metadata.Requests()) != before {
		t.Errorf("another token: %v; %v", again != first, s.Entra.Requests())
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), first[:40]) {
			t.Errorf("%s has the token in clear", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheProgramAndTheLibraryShareWhatIsKept(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux lets a program be told of another authority, by SSL_CERT_FILE")
	}
	s, _ := machine(t)
	ca, helper := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "azure-token-helper")
	if err := os.WriteFile(ca, s.CA.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", helper, "../../cmd/azure-token-helper").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := ask(t, s.CA.Client())
	before := len(s.Entra.Requests())
	cmd := exec.Command(helper, "get-token", "-o", "raw", "--scope", "https://storage.azure.com/.default")
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+ca)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != first || len(s.Entra.Requests()) != before {
		t.Errorf("%v; the same token: %v; %d more requests", err, strings.TrimSpace(string(out)) == first, len(s.Entra.Requests())-before)
	}
}

// What a credential of the program's own gives is known to nobody else.
func TestWhoseTokensAreNotKnownIsNotKept(t *testing.T) {
	_, dir := machine(t)
	kept, err := Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := federation.NewSubjectTokens(&federation.SubjectTokensOptions{
		ClientOptions: federation.ClientOptions{Cache: kept}, Credential: ownCredential{}, Resource: "api://app"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tokens.SubjectToken(t.Context(), externalaccount.SupplierOptions{}); got != "a token" || err != nil {
		t.Error(got, err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 {
		t.Error(names)
	}
}

func TestAModeThatThereIsNot(t *testing.T) {
	t.Setenv("IDFERRY_CACHE", "")
	_, err := Open(&Options{Mode: "vault"})
	var e *federation.Error
	if !errors.As(err, &e) || e.Code != "bad_input" || !strings.Contains(e.Error(), "kernel") {
		t.Error(err)
	}
}

type ownCredential struct{}

func (ownCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "a token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
