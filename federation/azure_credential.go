package federation

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/google"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/toazure"
	"github.com/idferry/idferry/internal/token"
)

// AzureCredentialOptions are what [NewAzureCredential] can be told. A field that is empty is taken from the environment,
// from the variables that azure-token-helper reads.
type AzureCredentialOptions struct {
	ClientOptions

	// TenantID is the Entra tenant of the application, a GUID or a domain (AZURE_TENANT_ID).
	TenantID string
	// ClientID is the application (client) id (AZURE_CLIENT_ID).
	ClientID string
	// AdditionallyAllowedTenants are other tenants that callers may ask for tokens of; "*" is every tenant. The application
	// has to be known there.
	AdditionallyAllowedTenants []string

	// GoogleSource is where the Google ID token comes from: "metadata", "key-file", "impersonation", "token-file" or
	// "gcloud" (IDFERRY_GOOGLE_SOURCE). The default, "auto", follows the order of Application Default Credentials.
	GoogleSource string
	// ServiceAccount is the e-mail of a service account to act as (IDFERRY_IMPERSONATE_SERVICE_ACCOUNT), after its delegates
	// and separated from them by commas.
	ServiceAccount string
	// CredentialsFile is a credentials file of Google's, of any type (IDFERRY_GOOGLE_CREDENTIALS), in place of
	// GOOGLE_APPLICATION_CREDENTIALS.
	CredentialsFile string
	// TokenFile is a file with an ID token of Google or of a cluster (AZURE_FEDERATED_TOKEN_FILE). It is read for each exchange.
	TokenFile string
	// AssertionAudience is the audience of the Google ID token (IDFERRY_ASSERTION_AUDIENCE). The default is
	// api://AzureADTokenExchange, or the national cloud's own.
	AssertionAudience string
}

// AzureCredential gets Entra tokens for the Entra application that trusts a Google identity. It implements
// azcore.TokenCredential and is safe for concurrent use.
type AzureCredential struct {
	way     toazure.Way
	allowed []string
	memory  *memory
}

// NewAzureCredential returns a credential for the Google identity that options, or else the environment, select. options may be
// nil. It makes no request and starts no program; a setting that cannot be used is an [*Error] with the code bad_input.
func NewAzureCredential(options *AzureCredentialOptions) (*AzureCredential, error) {
	if options == nil {
		options = &AzureCredentialOptions{}
	}
	way, err := options.way()
	if err != nil {
		return nil, asError(err)
	}
	return &AzureCredential{way: way, allowed: slices.Clone(options.AdditionallyAllowedTenants), memory: options.memory()}, nil
}

func (o AzureCredentialOptions) way() (toazure.Way, error) {
	cloud, err := o.cloud()
	if err != nil {
		return toazure.Way{}, err
	}
	audience := or(o.AssertionAudience, "IDFERRY_ASSERTION_AUDIENCE")
	if audience == "" {
		audience = cloud.AssertionAudience
	}
	identity, err := google.New(google.Settings{
		Source: or(o.GoogleSource, "IDFERRY_GOOGLE_SOURCE"), Audience: audience,
		ServiceAccount: or(o.ServiceAccount, "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"),
		KeyFile:        or(o.CredentialsFile, "IDFERRY_GOOGLE_CREDENTIALS"), TokenFile: or(o.TokenFile, "AZURE_FEDERATED_TOKEN_FILE"),
		Lookup: os.LookupEnv, HTTP: o.HTTPClient, Now: o.clock(), Log: o.Logger,
	})
	if err != nil {
		return toazure.Way{}, err
	}
	way := toazure.Way{
		Google: identity, Cloud: cloud, HTTP: o.HTTPClient, Now: o.clock(), Log: o.Logger,
		TenantID: or(o.TenantID, "AZURE_TENANT_ID"), ClientID: or(o.ClientID, "AZURE_CLIENT_ID"),
	}
	return way, way.Check()
}

// GetToken returns an Entra token for the scopes of o. It is what clients of the Azure SDK call.
//
// A token of another tenant than the application's is given if AdditionallyAllowedTenants has it. Claims, the answer to
// a claims challenge, has a new token fetched in place of the remembered one, as the resource refused that; EnableCAE says that
// the caller takes up such challenges, for which Entra ID's tokens may live for a day. Errors are of the type [*Error], and where
// the machine has no Google identity they also tell azidentity.ChainedTokenCredential to try the next credential.
func (c *AzureCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	tenant := c.way.TenantID
	if o.TenantID != "" && !strings.EqualFold(o.TenantID, tenant) {
		if tenant = o.TenantID; !slices.Contains(c.allowed, "*") && !slices.ContainsFunc(c.allowed, func(a string) bool { return strings.EqualFold(a, tenant) }) {
			return azcore.AccessToken{}, asError(problem.Input("TenantID", "a token of the tenant %q is asked for, which the credential is not allowed to give", tenant).
				WithHint("add it to AdditionallyAllowedTenants"))
		}
	}
	if len(o.Scopes) == 0 {
		return azcore.AccessToken{}, asError(problem.Input("Scopes", "it is empty: what is the token for?").WithHint("for example https://storage.azure.com/.default"))
	}
	var space [256]byte
	key := space[:0]
	if o.EnableCAE {
		key = append(key, "cae"...)
	}
	key = append(append(key, 0), tenant...)
	for _, scope := range o.Scopes {
		key = append(append(key, 0), scope...)
	}
	t, ok := token.Token{}, false
	if o.Claims == "" {
		t, ok = c.memory.fresh(key)
	}
	if !ok {
		var err error
		if t, err = c.exchange(ctx, string(key), tenant, o); err != nil {
			return azcore.AccessToken{}, asError(err)
		}
	}
	return azcore.AccessToken{Token: t.Value.Reveal(), ExpiresOn: t.ExpiresOn, RefreshOn: t.RefreshOn}, nil
}

func (c *AzureCredential) exchange(ctx context.Context, key, tenant string, o policy.TokenRequestOptions) (token.Token, error) {
	for _, scope := range o.Scopes {
		if err := entra.CheckScope("Scopes", scope); err != nil {
			return token.Token{}, err
		}
	}
	way := c.way
	way.TenantID = tenant
	wanted, err := way.Wanted(toazure.Wish{Scopes: o.Scopes, Claims: o.Claims, CAE: o.EnableCAE})
	if err != nil {
		return token.Token{}, err
	}
	return c.memory.get(ctx, key, o.Claims, wanted)
}
