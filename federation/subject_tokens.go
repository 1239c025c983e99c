package federation

import (
	"context"
	"os"

	"cloud.google.com/go/auth/credentials/externalaccount"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	oauth2account "golang.org/x/oauth2/google/externalaccount"

	"github.com/idferry/idferry/internal/azure"
	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/togoogle"
	"github.com/idferry/idferry/internal/token"
)

// SubjectTokensOptions are what [NewSubjectTokens] can be told. A field that is empty is taken from the environment, from
// the variables that gcp-executable-source reads.
type SubjectTokensOptions struct {
	ClientOptions

	// Resource is the App ID URI or client id of the Entra application whose token Google trusts (IDFERRY_RESOURCE). The
	// default is the provider's own: "https:" and the audience.
	Resource string

	// Credential is an Azure identity that the program has already, of azidentity or any other. Its tokens are remembered in
	// the process only. Where it is set, the fields below are not looked at.
	Credential azcore.TokenCredential

	// Identity is the Azure identity to start from (IDFERRY_CREDENTIAL, AZURE_TOKEN_CREDENTIALS), by the name that azidentity or
	// gcp-executable-source has for it: "managed-identity", "workload-identity", "azure-cli" and so on. The default is the
	// chain of DefaultAzureCredential.
	Identity string
	// TenantID is the Entra tenant (AZURE_TENANT_ID).
	TenantID string
	// ClientID is the application, or the user-assigned managed identity by client id (AZURE_CLIENT_ID).
	ClientID string
	// ObjectID and ResourceID are other ways to name a user-assigned managed identity (IDFERRY_OBJECT_ID,
	// IDFERRY_RESOURCE_ID).
	ObjectID, ResourceID string
	// TokenFile has the token of workload identity (AZURE_FEDERATED_TOKEN_FILE). It is read for each exchange.
	TokenFile string
}

// SubjectTokens gets Entra tokens of an Azure identity for Google's Security Token Service. It implements SubjectTokenSupplier of
// golang.org/x/oauth2/google/externalaccount and is safe for concurrent use.
type SubjectTokens struct {
	options  SubjectTokensOptions
	identity *azure.Identity
	memory   *memory
}

var _ oauth2account.SubjectTokenSupplier = (*SubjectTokens)(nil)

// NewSubjectTokens returns the subject tokens of the Azure identity that options, or else the environment, select. options may
// be nil. It makes no request and starts no program; a setting that cannot be used is an [*Error] with the code bad_input.
func NewSubjectTokens(options *SubjectTokensOptions) (*SubjectTokens, error) {
	if options == nil {
		options = &SubjectTokensOptions{}
	}
	s := &SubjectTokens{options: *options, memory: options.memory()}
	s.options.Resource = or(options.Resource, "IDFERRY_RESOURCE")
	if r := s.options.Resource; r != "" {
		if err := entra.CheckResource("Resource", r); err != nil {
			return nil, asError(err)
		}
	}
	if options.Credential != nil {
		return s, nil
	}
	cloud, err := options.cloud()
	if err != nil {
		return nil, asError(err)
	}
	s.identity, err = azure.New(azure.Settings{
		Credential: or(options.Identity, "IDFERRY_CREDENTIAL", "AZURE_TOKEN_CREDENTIALS"), TenantID: or(options.TenantID, "AZURE_TENANT_ID"),
		ClientID: or(options.ClientID, "AZURE_CLIENT_ID"), ObjectID: or(options.ObjectID, "IDFERRY_OBJECT_ID"), ResourceID: or(options.ResourceID, "IDFERRY_RESOURCE_ID"),
		TokenFile: or(options.TokenFile, "AZURE_FEDERATED_TOKEN_FILE"), Cloud: cloud, Lookup: os.LookupEnv, HTTP: options.HTTPClient, Log: options.Logger,
	})
	if err != nil {
		return nil, asError(err)
	}
	return s, nil
}

// SubjectToken returns a token for the provider that o.Audience names. It is what golang.org/x/oauth2 calls. Errors are of
// the type [*Error].
func (s *SubjectTokens) SubjectToken(ctx context.Context, o oauth2account.SupplierOptions) (string, error) {
	t, err := s.token(ctx, o.Audience)
	if err != nil {
		return "", asError(err)
	}
	return t.Value.Reveal(), nil
}

// Provider returns the same tokens as SubjectTokenProvider of cloud.google.com/go/auth/credentials/externalaccount.
func (s *SubjectTokens) Provider() externalaccount.SubjectTokenProvider { return provider{s} }

type provider struct{ tokens *SubjectTokens }

func (p provider) SubjectToken(ctx context.Context, o *externalaccount.RequestOptions) (string, error) {
	if o == nil {
		o = &externalaccount.RequestOptions{}
	}
	return p.tokens.SubjectToken(ctx, oauth2account.SupplierOptions{Audience: o.Audience, SubjectTokenType: o.SubjectTokenType})
}

func (s *SubjectTokens) token(ctx context.Context, audience string) (token.Token, error) {
	scope, err := togoogle.Scope("", s.options.Resource, audience)
	if err != nil {
		return token.Token{}, err
	}
	if t, ok := s.memory.fresh([]byte(scope)); ok {
		return t, nil
	}
	return s.memory.get(ctx, scope, "", s.wanted(scope))
}

func (s *SubjectTokens) wanted(scope string) token.Wanted {
	if given := s.options.Credential; given != nil {
		return token.Wanted{
			Request: token.Request{Purpose: "azure", Unknown: "whose tokens the program's own credential gives is not known"},
			What:    "asking the program's own credential for a token for " + scope,
			Mint: func(ctx context.Context) (token.Token, error) {
				t, err := given.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
				return token.Token{Value: token.NewSecret(t.Token), ExpiresOn: t.ExpiresOn, RefreshOn: t.RefreshOn}, err
			},
		}
	}
	return togoogle.SubjectToken(s.identity, scope, s.memory.now, catalogue.Values{
		entra.Application: or(s.options.ClientID, "AZURE_CLIENT_ID"), entra.Tenant: or(s.options.TenantID, "AZURE_TENANT_ID"),
		entra.Resource: entra.ResourceOf(scope), entra.Certificate: os.Getenv("AZURE_CLIENT_CERTIFICATE_PATH"),
	})
}
