package federation

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

const storage = "https://storage.azure.com/.default"

func newAzure(t testing.TB, s *fakecloud.Sandbox, o AzureCredentialOptions) *AzureCredential {
	t.Helper()
	o.HTTPClient = s.CA.Client()
	c, err := NewAzureCredential(&o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnAzureClientOnAGoogleMachine(t *testing.T) {
	s := sandbox(t)
	client, err := azblob.NewClient(s.Blob.URL, newAzure(t, s, AzureCredentialOptions{}), &azblob.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: s.CA.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for range 2 {
		names = nil
		for pager := client.NewListBlobsFlatPager(fakecloud.SandboxContainer, nil); pager.More(); {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, blob := range page.Segment.BlobItems {
				names = append(names, *blob.Name)
			}
		}
	}
	if want := []string{"2026/10/report.csv", "2026/11/report.csv"}; !slices.Equal(names, want) {
		t.Error(names)
	}
	if n := asked(s.Entra.Server, "/token"); n != 1 {
		t.Errorf("Entra ID was asked for %d tokens", n)
	}
}

func TestEveryGoogleIdentity(t *testing.T) {
	s := sandbox(t)
	key, err := s.Google.NewKeyFile(fakecloud.SandboxAccount)
	if err != nil {
		t.Fatal(err)
	}
	projected, err := s.ProjectedToken(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, tokenFile := filepath.Join(dir, "key.json"), filepath.Join(dir, "token")
	for path, content := range map[string][]byte{keyFile: key, tokenFile: []byte(projected)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range map[string]AzureCredentialOptions{
		"the machine's":             {GoogleSource: "metadata"},
		"that of a key file":        {CredentialsFile: keyFile},
		"a token file's":            {TokenFile: tokenFile},
		"an account acted as":       {GoogleSource: "impersonation", ServiceAccount: fakecloud.SandboxAccount},
		"an application by options": {TenantID: fakecloud.SandboxTenant, ClientID: fakecloud.SandboxApp},
	} {
		t.Run(name, func(t *testing.T) {
			if o.ServiceAccount != "" {
				t.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", s.Google.IAM.URL)
			}
			got, err := newAzure(t, s, o).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}})
			if err != nil {
				t.Fatal(err)
			}
			claims, err := token.ReadClaims(got.Token)
			if err != nil || claims.ObjectID != fakecloud.SandboxAppOID || !claims.Expiry.Equal(got.ExpiresOn.Truncate(time.Second)) && got.ExpiresOn.Sub(claims.Expiry).Abs() > time.Second*2 {
				t.Errorf("%+v, expires %s: %v", claims, got.ExpiresOn, err)
			}
		})
	}
}

func TestTenantsThatACallerMayAskFor(t *testing.T) {
	s := sandbox(t)
	ask := func(c *AzureCredential, tenant string) (string, error) {
		got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}, TenantID: tenant})
		if err != nil {
			return "", err
		}
		claims, err := token.ReadClaims(got.Token)
		return claims.TenantID, err
	}
	for name, c := range map[string]*AzureCredential{
		"one":   newAzure(t, s, AzureCredentialOptions{AdditionallyAllowedTenants: []string{strings.ToUpper(fakecloud.SandboxOtherTenant)}}),
		"every": newAzure(t, s, AzureCredentialOptions{AdditionallyAllowedTenants: []string{"*"}}),
	} {
		for _, tenant := range []string{"", fakecloud.SandboxTenant, fakecloud.SandboxOtherTenant} {
			want := tenant
			if want == "" {
				want = fakecloud.SandboxTenant
			}
			if got, err := ask(c, tenant); got != want {
				t.Errorf("%s allowed, %q asked for: %q %v", name, tenant, got, err)
			}
		}
	}
	before := len(s.Entra.Requests())
	_, err := ask(newAzure(t, s, AzureCredentialOptions{}), fakecloud.SandboxOtherTenant)
	if e := failure(t, err); e.Code != "bad_input" || !strings.Contains(e.Error(), "AdditionallyAllowedTenants") || len(s.Entra.Requests()) != before {
		t.Error(err)
	}
}

func TestAClaimsChallengeReplacesTheToken(t *testing.T) {
	s := sandbox(t)
	c := newAzure(t, s, AzureCredentialOptions{})
	ask := func(o policy.TokenRequestOptions) azcore.AccessToken {
		t.Helper()
		o.Scopes = []string{storage}
		got, err := c.GetToken(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first, long := ask(policy.TokenRequestOptions{}), ask(policy.TokenRequestOptions{EnableCAE: true})
	if first.Token == long.Token || time.Until(long.ExpiresOn) < 20*time.Hour || time.Until(first.ExpiresOn) > 2*time.Hour {
		t.Errorf("one until %s, one that can be revoked until %s", first.ExpiresOn, long.ExpiresOn)
	}
	// https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
	const challenge = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`
	answer := ask(policy.TokenRequestOptions{EnableCAE: true, Claims: challenge})
	if answer.Token == long.Token {
		t.Error("the refused token was given again")
	}
	if again := ask(policy.TokenRequestOptions{EnableCAE: true}); again.Token != answer.Token {
		t.Error("what answered the challenge was not remembered")
	}
	if again := ask(policy.TokenRequestOptions{}); again.Token != first.Token {
		t.Error("the other token was forgotten")
	}
}

func TestAThousandAtOnceMakeOneExchange(t *testing.T) {
	s := sandbox(t)
	s.Entra.Slow("/token", 200*time.Millisecond)
	c := newAzure(t, s, AzureCredentialOptions{})
	var start, all sync.WaitGroup
	start.Add(1)
	tokens := make([]string, 1000)
	for i := range tokens {
		all.Go(func() {
			start.Wait()
			got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}})
			if err != nil {
				t.Error(err)
			}
			tokens[i] = got.Token
		})
	}
	start.Done()
	all.Wait()
	if one := slices.Compact(tokens); len(one) != 1 || one[0] == "" {
		t.Error("not all have the same token")
	}
	if entra, metadata := asked(s.Entra.Server, "/token"), asked(s.Google.Metadata, "/identity"); entra != 1 || metadata != 1 {
		t.Errorf("Entra ID was asked for %d tokens, Google for %d", entra, metadata)
	}
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	s := sandbox(t)
	c := newAzure(t, s, AzureCredentialOptions{AssertionAudience: "api://another"})
	_, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}})
	e := failure(t, err)
	if e.Code != "AADSTS700212" || e.Cause == "" || len(e.Commands) == 0 || !strings.Contains(strings.Join(e.Commands, "\n"), fakecloud.SandboxApp) {
		t.Errorf("%#v", e)
	}
	for _, part := range []string{e.Code, e.Message, e.Cause, e.Commands[0]} {
		if !strings.Contains(e.Error(), part) {
			t.Errorf("%q is not in %s", part, e)
		}
	}
	before := asked(s.Entra.Server, "/token")
	if _, again := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}}); again.Error() != err.Error() || asked(s.Entra.Server, "/token") != before {
		t.Errorf("a moment later: %v; asked %d times more", again, asked(s.Entra.Server, "/token")-before)
	}
	client, err := azblob.NewClient(s.Blob.URL, c, &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: s.CA.Client()}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.NewListBlobsFlatPager(fakecloud.SandboxContainer, nil).NextPage(t.Context())
	if e := failure(t, err); e.Code != "AADSTS700212" {
		t.Errorf("through a client: %v", err)
	}
}

// A program that also runs on a laptop has a chain, and the first of it has nothing to say there.
func TestWithoutAGoogleIdentityAChainGoesOn(t *testing.T) {
	s := sandbox(t)
	s.Google.Metadata.Answer(http.NotFoundHandler())
	secret, err := azidentity.NewClientSecretCredential(fakecloud.SandboxTenant, fakecloud.SandboxApp, fakecloud.SandboxSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: s.CA.Client()}, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	first := newAzure(t, s, AzureCredentialOptions{})
	chain, err := azidentity.NewChainedTokenCredential([]azcore.TokenCredential{first, secret}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := chain.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}}); err != nil || got.Token == "" {
		t.Error(err)
	}
	_, err = first.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{storage}})
	if e := failure(t, err); e.Code != "no_identity" {
		t.Errorf("%#v", e)
	}
}

func TestWhatCannotBeUsedIsSaidInGo(t *testing.T) {
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_FEDERATED_TOKEN_FILE", "IDFERRY_GOOGLE_SOURCE"} {
		t.Setenv(name, "")
	}
	t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
	whole := AzureCredentialOptions{TenantID: fakecloud.SandboxTenant, ClientID: fakecloud.SandboxApp}
	with := func(change func(*AzureCredentialOptions)) AzureCredentialOptions {
		o := whole
		change(&o)
		return o
	}
	for field, o := range map[string]AzureCredentialOptions{
		"TenantID":       with(func(o *AzureCredentialOptions) { o.TenantID = "" }),
		"ClientID":       with(func(o *AzureCredentialOptions) { o.ClientID = "my-app" }),
		"GoogleSource":   with(func(o *AzureCredentialOptions) { o.GoogleSource = "laptop" }),
		"ServiceAccount": with(func(o *AzureCredentialOptions) { o.ServiceAccount = "me" }),
		"TokenFile":      with(func(o *AzureCredentialOptions) { o.GoogleSource = "token-file" }),
		"Cloud":          with(func(o *AzureCredentialOptions) { o.Cloud.ActiveDirectoryAuthorityHost = "http://insecure" }),
	} {
		_, err := NewAzureCredential(&o)
		e := failure(t, err)
		if words := flags(e.Error()); e.Code != "bad_input" || !strings.Contains(e.Error(), field) || len(words) > 0 {
			t.Errorf("%s: %v: %s", field, words, e)
		}
	}
	c, err := NewAzureCredential(&whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, scopes := range [][]string{nil, {"storage"}} {
		_, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: scopes})
		if e := failure(t, err); e.Code != "bad_input" || !strings.Contains(e.Message, "Scopes") {
			t.Error(e)
		}
	}
}

func TestACallerThatGivesUpLeavesTheTokenToTheOthers(t *testing.T) {
	s := sandbox(t)
	held, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	identity := s.Google.Metadata
	identity.Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(held) })
		<-release
		raw, err := s.Google.IDToken(fakecloud.SandboxAccount, fakecloud.AssertionAudience)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Metadata-Flavor", "Google")
		_, _ = w.Write([]byte(raw))
	}))
	c := newAzure(t, s, AzureCredentialOptions{})
	ask := func(ctx context.Context) error {
		_, err := c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{storage}})
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- ask(ctx) }()
	<-held
	go func() { second <- ask(t.Context()) }()
	cancel()
	if e := failure(t, <-first); e.Code != "canceled" || !errors.Is(e, context.Canceled) {
		t.Errorf("%#v", e)
	}
	close(release)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if n := asked(s.Entra.Server, "/token"); n != 1 {
		t.Errorf("Entra ID was asked for %d tokens", n)
	}
}
