package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"cloud.google.com/go/auth/credentials"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/idferry/idferry/internal/fakecloud"
)

const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// externalAccount is the file that a Google client is given.
func externalAccount(t *testing.T, clouds *fakecloud.Sandbox, flags string, outputFile string, impersonate bool) []byte {
	t.Helper()
	executable := map[string]any{"command": filepath.ToSlash(binary("gcp-executable-source")) + " " + flags, "timeout_millis": 30000}
	if outputFile != "" {
		executable["output_file"] = outputFile
	}
	file := map[string]any{
		"universe_domain": "googleapis.com", "type": "external_account", "audience": fakecloud.SandboxProvider,
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": clouds.Google.STSURL(),
		"credential_source": map[string]any{"executable": executable},
	}
	if impersonate {
		file["service_account_impersonation_url"] = clouds.Google.ImpersonationURL(fakecloud.SandboxAccount)
	}
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// googleClients are the two Go libraries that every Google client in Go is built on.
func googleClients() map[string]func(context.Context, *http.Client, []byte) (string, error) {
	return map[string]func(context.Context, *http.Client, []byte) (string, error){
		"golang.org/x/oauth2": func(ctx context.Context, client *http.Client, file []byte) (string, error) {
			ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
			c, err := google.CredentialsFromJSONWithType(ctx, file, google.ExternalAccount, cloudPlatform)
			if err != nil {
				return "", err
			}
			t, err := c.TokenSource.Token()
			if err != nil {
				return "", err
			}
			return t.AccessToken, nil
		},
		"cloud.google.com/go/auth": func(ctx context.Context, client *http.Client, file []byte) (string, error) {
			c, err := credentials.NewCredentialsFromJSON(credentials.ExternalAccount, file, &credentials.DetectOptions{Scopes: []string{cloudPlatform}, Client: client})
			if err != nil {
				return "", err
			}
			t, err := c.Token(ctx)
			if err != nil {
				return "", err
			}
			return t.Value, nil
		},
	}
}

const managedIdentity = "--credential managed-identity --resource " + fakecloud.SandboxResource

// One library reads what the run of another left, and nobody else does; all else is the google suite's.
func TestOutputFileIsOneThatClientsRead(t *testing.T) {
	clouds := machine(t)
	output := filepath.Join(t.TempDir(), "response.json")
	file := externalAccount(t, clouds, managedIdentity, output, false)
	for name, token := range googleClients() {
		if _, err := token(t.Context(), clouds.CA.Client(), file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	info, err := os.Stat(output)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}
