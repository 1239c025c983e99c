package azure

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
)

func environmentOf(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// jwt is an unsigned token with a subject.
func jwt(sub string) string {
	return map[string]string{
		"a": "e30.eyJpc3MiOiJodHRwczovL2kiLCJzdWIiOiJhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.c2ln",
		"b": "e30.eyJpc3MiOiJodHRwczovL2kiLCJzdWIiOiJiIiwiZXhwIjo0MTAyNDQ0ODAwfQ.c2ln",
	}[sub]
}

// Whatever selects an identity must change the cache's key.
func TestEveryInputChangesTheKey(t *testing.T) {
	home := t.TempDir()
	file := func(name, text string) string { return write(t, filepath.Join(home, name), text) }
	profile := func(user string) string {
		dir := filepath.Join(home, "az-"+user)
		write(t, filepath.Join(dir, "azureProfile.json"), "\xef\xbb\xbf"+`{"subscriptions":[{"id":"s","tenantId":"t","isDefault":true,"user":{"name":"`+user+`","type":"user"}}]}`)
		return dir
	}
	type inputs struct {
		settings Settings
		vars     map[string]string
	}
	const guid, other = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
	principal := map[string]string{"AZURE_TENANT_ID": guid, "AZURE_CLIENT_ID": guid, "AZURE_CLIENT_SECRET": "one-secret"}
	with := func(vars map[string]string, name, value string) map[string]string {
		changed := map[string]string{name: value}
		for k, v := range vars {
			if k != name {
				changed[k] = v
			}
		}
		return changed
	}
	pod := map[string]string{"AZURE_TENANT_ID": guid, "AZURE_CLIENT_ID": guid, "AZURE_FEDERATED_TOKEN_FILE": file("a.jwt", jwt("a"))}
	job := map[string]string{"AZURE_TENANT_ID": guid, "AZURE_CLIENT_ID": guid, "ACTIONS_ID_TOKEN_REQUEST_URL": "https://h/1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t1"}
	none := map[string]string{"HOME": home}
	for name, pair := range map[string][2]inputs{
		"credential":         {{Settings{Credential: "managed-identity"}, none}, {Settings{Credential: "device-code"}, none}},
		"client id":          {{Settings{Credential: "managed-identity"}, none}, {Settings{Credential: "managed-identity", ClientID: guid}, none}},
		"client or object":   {{Settings{Credential: "managed-identity", ObjectID: guid}, none}, {Settings{Credential: "managed-identity", ClientID: guid}, none}},
		"resource id":        {{Settings{Credential: "managed-identity", ResourceID: "/a"}, none}, {Settings{Credential: "managed-identity", ResourceID: "/b"}, none}},
		"endpoint":           {{Settings{Credential: "managed-identity"}, none}, {Settings{Credential: "managed-identity"}, with(none, "AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://h")}},
		"site's header":      {{Settings{Credential: "managed-identity"}, with(none, "IDENTITY_HEADER", "a")}, {Settings{Credential: "managed-identity"}, with(none, "IDENTITY_HEADER", "b")}},
		"revision":           {{Settings{Credential: "managed-identity"}, with(none, "CONTAINER_APP_REVISION", "a")}, {Settings{Credential: "managed-identity"}, with(none, "CONTAINER_APP_REVISION", "b")}},
		"secret":             {{Settings{Credential: "environment"}, principal}, {Settings{Credential: "environment"}, with(principal, "AZURE_CLIENT_SECRET", "two")}},
		"tenant variable":    {{Settings{Credential: "environment"}, principal}, {Settings{Credential: "environment"}, with(principal, "AZURE_TENANT_ID", other)}},
		"client variable":    {{Settings{Credential: "environment"}, principal}, {Settings{Credential: "environment"}, with(principal, "AZURE_CLIENT_ID", other)}},
		"pod's subject":      {{Settings{Credential: "workload-identity"}, pod}, {Settings{Credential: "workload-identity"}, with(pod, "AZURE_FEDERATED_TOKEN_FILE", file("b.jwt", jwt("b")))}},
		"job":                {{Settings{Credential: "github-actions"}, job}, {Settings{Credential: "github-actions"}, with(job, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t2")}},
		"az user":            {{Settings{Credential: "azure-cli"}, with(none, "AZURE_CONFIG_DIR", profile("one"))}, {Settings{Credential: "azure-cli"}, with(none, "AZURE_CONFIG_DIR", profile("two"))}},
		"tenant of az":       {{Settings{Credential: "azure-cli", TenantID: guid}, none}, {Settings{Credential: "azure-cli", TenantID: other}, none}},
		"chain: its part":    {{Settings{Credential: "dev"}, none}, {Settings{}, none}},
		"chain: token file":  {{Settings{TokenFile: filepath.Join(home, "a.jwt")}, pod}, {Settings{TokenFile: filepath.Join(home, "b.jwt")}, pod}},
		"chain: az user":     {{Settings{}, with(none, "AZURE_CONFIG_DIR", profile("one"))}, {Settings{}, with(none, "AZURE_CONFIG_DIR", profile("two"))}},
		"chain: secret":      {{Settings{}, with(none, "AZURE_CLIENT_SECRET", "a")}, {Settings{}, with(none, "AZURE_CLIENT_SECRET", "b")}},
		"chain: pod subject": {{Settings{}, pod}, {Settings{}, with(pod, "AZURE_FEDERATED_TOKEN_FILE", filepath.Join(home, "b.jwt"))}},
	} {
		var keys [2][]string
		for i, in := range pair {
			in.settings.Lookup = environmentOf(in.vars)
			for range 2 {
				identity, err := New(in.settings)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				keys[i] = append(keys[i], fmt.Sprint(identity.Inputs()))
			}
			if keys[i][0] != keys[i][1] {
				t.Errorf("%s: two calls of one identity differ: %v", name, keys[i])
			}
			if strings.Contains(keys[i][0], "one-secret") {
				t.Errorf("%s: a secret is in the clear", name)
			}
		}
		if keys[0][0] == keys[1][0] {
			t.Errorf("%s does not change the key: %s", name, keys[0][0])
		}
	}
}

// Without knowing who is signed in, a cached token could be somebody else's.
func TestUnknownAccountIsNotCached(t *testing.T) {
	for _, credential := range []string{"azure-cli", "azd", "azure-powershell"} {
		identity, err := New(Settings{Credential: credential, Lookup: environmentOf(map[string]string{"HOME": t.TempDir()})})
		if err != nil {
			t.Fatal(err)
		}
		if _, unknown := identity.Inputs(); unknown == "" {
			t.Errorf("%s would be remembered", credential)
		}
	}
}

func TestNamesAreTheOnesOfAzureTokenCredentials(t *testing.T) {
	lookup := environmentOf(map[string]string{"HOME": t.TempDir()})
	for _, name := range []string{"ManagedIdentityCredential", "managedidentitycredential", "AzureCliCredential", "AzureCLICredential", "AzureDeveloperCliCredential", "DefaultAzureCredential", "AzurePowerShellCredential", ""} {
		if _, err := New(Settings{Credential: name, Lookup: lookup}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(Settings{Credential: "nonsense", Lookup: lookup})
	e := problem.From(err)
	if e == nil || !e.Misuse || !slices.ContainsFunc(Names(), func(n string) bool { return strings.Contains(e.Hint, n) }) {
		t.Errorf("%v", err)
	}
}

// On Google's machines the same address is Google's metadata server: azidentity alone retries its 404 for 100 seconds.
// https://github.com/Azure/azure-sdk-for-go/issues/25996
func TestGoogleAnswersInAzuresPlace(t *testing.T) {
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server", "Metadata Server for VM")
		http.Error(w, "<html>404</html>", http.StatusNotFound)
	}))
	defer google.Close()
	for _, credential := range []string{"managed-identity", "default"} {
		identity, err := New(Settings{Credential: credential, Lookup: environmentOf(map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": google.URL, "HOME": t.TempDir()})})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", t.TempDir())
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		start := time.Now()
		_, err = identity.Token(ctx, "api://app/.default")
		cancel()
		if e := problem.From(err); e == nil || e.Code != problem.NoIdentity || !strings.Contains(e.Message, "Google's metadata server") || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %v after %s", credential, err, time.Since(start))
		}
	}
}

// az and azd as they are found on PATH: what they print, what they are asked, and what their failures become.
func TestToolsThatAreSignedIn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins are shell scripts")
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	script := func(name, body string) {
		write(t, filepath.Join(bin, name), "#!/bin/sh\necho \"$@\" >> "+bin+"/asked\n"+body+"\n")
	}
	ask := func(credential, tenant string) (string, *problem.Error) {
		identity, err := New(Settings{Credential: credential, TenantID: tenant, Lookup: os.LookupEnv})
		if err != nil {
			t.Fatal(err)
		}
		got, err := identity.Token(t.Context(), "api://app/.default")
		if err == nil && got.ExpiresOn.Unix() != 4102444800 {
			t.Errorf("%s: expires %s", credential, got.ExpiresOn)
		}
		return got.Value.Reveal(), problem.From(err)
	}
	script("az", `echo '{"accessToken":"from-az","expiresOn":"2000-01-01 00:00:00.000000","expires_on":4102444800,"tokenType":"Bearer"}'; echo 'WARNING: a new version' >&2`)
	script("azd", `echo '{"token":"from-azd","expiresOn":"2100-01-01T00:00:00Z"}'`)
	if got, err := ask("azure-cli", "contoso.com"); err != nil || got != "from-az" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := ask("azd", "contoso.com"); err != nil || got != "from-azd" {
		t.Errorf("%q %v", got, err)
	}
	asked, _ := os.ReadFile(filepath.Join(bin, "asked"))
	if want := "account get-access-token --output json --resource api://app --tenant contoso.com\nauth token --output json --no-prompt --scope api://app/.default --tenant-id contoso.com\n"; string(asked) != want {
		t.Errorf("asked %s", asked)
	}
	script("az", `echo "ERROR: AADSTS700082: The refresh token has expired due to inactivity. Trace ID: x
Run the command below to authenticate interactively:
az logout
az login" >&2; exit 1`)
	if _, err := ask("azure-cli", ""); err == nil || err.Code != "AADSTS700082" || !strings.Contains(err.Hint, "az login") || strings.Contains(err.Message, "Trace ID") {
		t.Errorf("%v", err)
	}
	script("azd", `echo '{"error":"not logged in, run azd auth login to login"}' >&2; exit 1`)
	if _, err := ask("azd", ""); err == nil || err.Code != problem.NoIdentity || err.Hint != "azd auth login" {
		t.Errorf("%v", err)
	}
	script("az", `echo 'not JSON eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln'`)
	if _, err := ask("azure-cli", ""); err == nil || err.Code != problem.BadAnswer || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("%v", err)
	}
	if err := os.Remove(filepath.Join(bin, "az")); err != nil {
		t.Fatal(err)
	}
	if _, err := ask("azure-cli", ""); err == nil || err.Code != problem.NoIdentity || !strings.Contains(err.Message, "not found on PATH") {
		t.Errorf("%v", err)
	}
	if _, err := New(Settings{Credential: "azure-cli", TenantID: "x & calc", Lookup: os.LookupEnv}); problem.From(err) == nil || !problem.From(err).Misuse {
		t.Errorf("a tenant that a batch file could run: %v", err)
	}
}

// Throttling passes by; the wait that the endpoint asks for is kept.
func TestThrottledEndpointIsAskedAgain(t *testing.T) {
	clouds, err := fakecloud.StartSandbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer clouds.Close()
	// MSAL remembers managed identities' tokens for the whole process, so this run asks for a resource of its own.
	resource := "api://throttled-" + rand.Text()
	clouds.Entra.AddApplication(fakecloud.Application{TenantID: fakecloud.SandboxTenant, ClientID: resource, ObjectID: resource, AppIDURI: resource})
	asked := 0
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"error":"too_many_requests"}`, http.StatusTooManyRequests)
			return
		}
		r2, _ := http.NewRequestWithContext(r.Context(), r.Method, clouds.IMDS.URL+r.URL.String(), nil)
		r2.Header = r.Header
		resp, err := http.DefaultClient.Do(r2)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer front.Close()
	identity, err := New(Settings{Credential: "managed-identity", Lookup: environmentOf(map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": front.URL})})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := identity.Token(t.Context(), resource+"/.default"); err != nil {
		t.Error(err)
	}
	if asked != 2 || time.Since(start) < time.Second {
		t.Errorf("asked %d times in %s", asked, time.Since(start))
	}
}
