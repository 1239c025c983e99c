package conformance

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

const storageScope = "https://storage.azure.com/.default"

// azureCredentials are azidentity's credentials that run a tool of the name we stand in for.
func azureCredentials(t *testing.T) map[string]azcore.TokenCredential {
	t.Helper()
	az, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{AdditionallyAllowedTenants: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	azd, err := azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{AdditionallyAllowedTenants: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "AzureCLICredential")
	chain, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{AdditionallyAllowedTenants: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]azcore.TokenCredential{"AzureCLICredential": az, "AzureDeveloperCLICredential": azd, "DefaultAzureCredential": chain}
}

func ask(ctx context.Context, c azcore.TokenCredential, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return c.GetToken(ctx, options)
}

func TestAzureCredentialsTakeAToken(t *testing.T) {
	clouds := googleMachine(t)
	for name, c := range azureCredentials(t) {
		t.Run(name, func(t *testing.T) {
			got, err := ask(t.Context(), c, policy.TokenRequestOptions{Scopes: []string{storageScope}})
			if err != nil {
				t.Fatal(err)
			}
			claims, err := token.ReadClaims(got.Token)
			if err != nil || claims.AppID != fakecloud.SandboxApp || claims.TenantID != fakecloud.SandboxTenant || !claims.Expiry.Equal(got.ExpiresOn.Truncate(time.Second)) {
				t.Errorf("%+v, expires %s, %v", claims, got.ExpiresOn, err)
			}
			other, err := ask(t.Context(), c, policy.TokenRequestOptions{Scopes: []string{storageScope}, TenantID: fakecloud.SandboxOtherTenant})
			if err != nil {
				t.Fatal(err)
			}
			if claims, err := token.ReadClaims(other.Token); err != nil || claims.TenantID != fakecloud.SandboxOtherTenant {
				t.Errorf("the tenant that was asked for is not the token's: %+v %v", claims, err)
			}
		})
	}
	if asked := len(clouds.Google.Metadata.Requests()); asked != 2 {
		t.Errorf("the metadata server was asked %d times by all of them for two tenants", asked)
	}
}

func TestClaimsChallengeIsAnsweredByANewToken(t *testing.T) {
	clouds := googleMachine(t)
	azd := azureCredentials(t)["AzureDeveloperCLICredential"]
	for _, claims := range []string{"", "", `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`} {
		if _, err := ask(t.Context(), azd, policy.TokenRequestOptions{Scopes: []string{storageScope}, Claims: claims}); err != nil {
			t.Fatal(err)
		}
	}
	if asked := len(clouds.Google.Metadata.Requests()); asked != 2 {
		t.Errorf("%d exchanges, want one for the first call and one for the challenge", asked)
	}
}

func TestAzureCredentialsShowCodeAndSentence(t *testing.T) {
	for what, c := range map[string]struct {
		breakIt        func(*testing.T, *fakecloud.Sandbox)
		code, sentence string
	}{
		"wrong audience": {func(t *testing.T, _ *fakecloud.Sandbox) { t.Setenv("IDFERRY_ASSERTION_AUDIENCE", "api://Other") }, "AADSTS700212", "audience api://Other"},
		"wrong subject": {func(t *testing.T, _ *fakecloud.Sandbox) {
			t.Setenv("IDFERRY_IMPERSONATE_SERVICE_ACCOUNT", fakecloud.SandboxOtherAccount)
		}, "AADSTS700213", "subject " + fakecloud.SandboxOtherAccountID},
		"no identity": {func(t *testing.T, _ *fakecloud.Sandbox) { t.Setenv("GCE_METADATA_HOST", "127.0.0.1:9") }, "no_identity", "GOOGLE_APPLICATION_CREDENTIALS"},
		"expired":     {expiredToken, "expired_token", "this machine's clock shows"},
		"our own deadline": {func(t *testing.T, clouds *fakecloud.Sandbox) {
			t.Setenv("IDFERRY_TIMEOUT", "300ms")
			clouds.Entra.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		}, "deadline_exceeded", "within 300ms"},
	} {
		t.Run(what, func(t *testing.T) {
			clouds := googleMachine(t)
			c.breakIt(t, clouds)
			for name, credential := range azureCredentials(t) {
				_, err := ask(t.Context(), credential, policy.TokenRequestOptions{Scopes: []string{storageScope}})
				if err == nil || !strings.Contains(err.Error(), c.code) || !strings.Contains(err.Error(), c.sentence) {
					t.Errorf("%s: want %s and %q in: %v", name, c.code, c.sentence, err)
				}
				mustNotLeak(t, err)
			}
		})
	}
}

func expiredToken(t *testing.T, clouds *fakecloud.Sandbox) {
	old, err := clouds.Cluster.Token("prod", "app", fakecloud.AssertionAudience, -time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/token.jwt"
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AZURE_FEDERATED_TOKEN_FILE", path)
}
