package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

func TestGoogleClientsCompleteAnExchange(t *testing.T) {
	for name, token := range googleClients() {
		for _, impersonate := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				clouds := machine(t)
				output := filepath.Join(t.TempDir(), "response.json")
				file := externalAccount(t, clouds, managedIdentity, output, impersonate)
				value, err := token(t.Context(), clouds.CA.Client(), file)
				if err != nil || !strings.HasPrefix(value, "ya29.") {
					t.Fatalf("%v", err)
				}
				// The second program finds the response in the output file and runs nothing.
				if _, err := token(t.Context(), clouds.CA.Client(), file); err != nil {
					t.Fatal(err)
				}
				// The third has no output file and gets its answer from the helper's cache.
				if _, err := token(t.Context(), clouds.CA.Client(), externalAccount(t, clouds, managedIdentity, "", impersonate)); err != nil {
					t.Fatal(err)
				}
				if asked := len(clouds.IMDS.Requests()); asked != 1 {
					t.Errorf("the managed identity endpoint was asked %d times", asked)
				}
			})
		}
	}
}

func TestGoogleClientsShowCodeAndSentence(t *testing.T) {
	for name, token := range googleClients() {
		for what, c := range map[string]struct{ flags, code, sentence string }{
			"no identity":        {"--credential managed-identity --resource api://x --cache off", "no_identity", "managed identity: nothing answered"},
			"unknown credential": {"--credential nonsense --resource api://x", "bad_input", "--credential"},
			"wrong audience":     {"--credential managed-identity --resource api://nobody", "AADSTS500011", "api://nobody"},
			"our own deadline":   {"--credential managed-identity --resource api://x --timeout 300ms --cache off", "deadline_exceeded", "within 300ms"},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				clouds := machine(t)
				switch what {
				case "no identity":
					t.Setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
				case "our own deadline":
					clouds.IMDS.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
				}
				_, err := token(t.Context(), clouds.CA.Client(), externalAccount(t, clouds, c.flags, "", true))
				if err == nil || !strings.Contains(err.Error(), c.code) || !strings.Contains(err.Error(), c.sentence) {
					t.Errorf("want %s and %q in: %v", c.code, c.sentence, err)
				}
				mustNotLeak(t, err)
			})
		}
	}
}

// What Google's own service refuses is its to say; the library shows it.
func TestGoogleClientsShowWhatSTSRefuses(t *testing.T) {
	for name, token := range googleClients() {
		t.Run(name, func(t *testing.T) {
			clouds := machine(t)
			_, err := token(t.Context(), clouds.CA.Client(), externalAccount(t, clouds, "--credential managed-identity --resource https://storage.azure.com", "", true))
			if err == nil || !strings.Contains(err.Error(), "does not match the expected audience") {
				t.Error(err)
			}
			mustNotLeak(t, err)
		})
	}
}

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
