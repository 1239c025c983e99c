// Package azure is the Azure identities that a call can start from, one file each, over azidentity. A credential that is
// named is used itself and nothing is probed; only "default" walks azidentity's chain.
package azure

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Settings choose an identity.
type Settings struct {
	// Credential is one of Names, or azidentity's name for it (as in AZURE_TOKEN_CREDENTIALS); empty means default.
	Credential string
	// TenantID and ClientID name the application, or by ClientID a user-assigned managed identity.
	TenantID, ClientID string
	// ObjectID and ResourceID name a user-assigned managed identity.
	ObjectID, ResourceID string
	// TokenFile holds the federated token of workload identity.
	TokenFile string
	Cloud     entra.Cloud
	// Lookup reads the environment. MSAL (managed identity endpoints), azidentity's chain and its command-line tools read
	// the process's own environment besides.
	Lookup func(string) (string, bool)
	// HTTP makes the requests to Entra ID; nil means a client of package upstream.
	HTTP *http.Client
	// Log receives debug lines; it may be nil.
	Log *slog.Logger
	// Prompt is where a person reads what to do; nil when nobody is at a terminal.
	Prompt io.Writer
}

// Identity is an Azure identity that gives Entra tokens.
type Identity struct {
	name       string
	credential azcore.TokenCredential
	inputs     []token.Input
	// unknown says why the resolved identity cannot be known without asking for a token.
	unknown string
	explain func(error) error
}

// kind is a credential by its names: ours first, then azidentity's and other short forms.
type kind struct {
	names []string
	open  func(Settings) (*Identity, error)
}

func kinds() []kind {
	return []kind{
		{[]string{"default", "DefaultAzureCredential", "dev", "prod"}, openDefault},
		{[]string{"environment", "EnvironmentCredential"}, openEnvironment},
		{[]string{"workload-identity", "WorkloadIdentityCredential"}, openWorkloadIdentity},
		{[]string{"managed-identity", "ManagedIdentityCredential"}, openManagedIdentity},
		{[]string{"azure-cli", "AzureCLICredential", "az"}, openAzureCLI},
		{[]string{"azd", "AzureDeveloperCLICredential"}, openAzureDeveloperCLI},
		{[]string{"azure-powershell", "AzurePowerShellCredential"}, openAzurePowerShell},
		{[]string{"azure-pipelines", "AzurePipelinesCredential"}, openAzurePipelines},
		{[]string{"github-actions"}, openGitHubActions},
		{[]string{"device-code", "DeviceCodeCredential"}, openDeviceCode},
		{[]string{"browser", "InteractiveBrowserCredential"}, openBrowser},
	}
}

// Names returns the values of Settings.Credential to offer.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.names[0])
	}
	return names
}

// New finds the identity and checks its settings. It reads files and makes no request.
func New(s Settings) (*Identity, error) {
	if s.Lookup == nil {
		s.Lookup = func(string) (string, bool) { return "", false }
	}
	wanted := s.Credential
	if wanted == "" {
		wanted = "default"
	}
	for _, k := range kinds() {
		for _, name := range k.names {
			if !strings.EqualFold(name, wanted) {
				continue
			}
			i, err := k.open(s)
			if err != nil {
				return nil, err
			}
			i.name = k.names[0]
			i.inputs = append([]token.Input{
				{Name: "credential", Value: i.name}, {Name: "authority", Value: s.Cloud.Authority},
				{Name: "tenant", Value: strings.ToLower(s.TenantID)}, {Name: "client", Value: strings.ToLower(s.ClientID)},
			}, i.inputs...)
			return i, nil
		}
	}
	return nil, problem.Input("--credential", "%q is not known", s.Credential).WithHint("use one of %s", strings.Join(Names(), ", "))
}

// Name is the credential's name, as in Names.
func (i *Identity) Name() string { return i.name }

// Inputs returns everything that selects the identity, the resolved one included.
func (i *Identity) Inputs() []token.Input { return i.inputs }

// Cacheable reports whether Inputs name the resolved identity; if not, why.
func (i *Identity) Cacheable() (bool, string) { return i.unknown == "", i.unknown }

// Token asks for a token for scope (a resource with /.default behind it, or another scope where a person signs in). An
// error is a *problem.Error.
func (i *Identity) Token(ctx context.Context, scope string) (token.Token, error) {
	t, err := i.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return token.Token{}, err
		}
		return token.Token{}, i.explain(err)
	}
	var refresh time.Time
	if t.RefreshOn.Unix() > 0 {
		refresh = t.RefreshOn.UTC()
	}
	return token.Token{Value: token.NewSecret(t.Token), ExpiresOn: t.ExpiresOn.UTC(), RefreshOn: refresh}, nil
}

// explainEntra is for identities that ask Entra ID themselves.
func explainEntra(err error) error {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		return entra.ExplainAnswer(failed.RawResponse, err)
	}
	return entra.Explain(err)
}

// getenv returns a variable's value, or "".
func (s Settings) getenv(name string) string {
	v, _ := s.Lookup(name)
	return v
}

// missing names what a credential cannot do without.
func missing(credential string, names ...string) *problem.Error {
	return problem.Input(strings.Join(names, ", "), "not set, and --credential %s needs it", credential)
}
