// Package azure gets Entra access tokens for the Azure identity that a machine, a pod, a pipeline or a person already has.
//
// One file per identity. Each is azidentity's, and always the chosen one itself, so that nothing is probed; the default,
// a chain of them, is the exception. Where azidentity only passes a federated token on (workload identity, pipelines, GitHub), the exchange is
// package entra's: it shows what was presented beside the refusal, and no regional endpoint of the environment gets in
// its way. Where azidentity runs a program (az, azd), it is run here: azidentity ends the shell it starts, not the Python
// below it.
package azure

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// Settings chooses an identity.
type Settings struct {
	// Credential is one of Names, or azidentity's name for it; empty means default. Case does not matter.
	Credential string
	// TenantID, ClientID and TokenFile go before the variables that each identity has for them.
	TenantID, ClientID string
	// ClientID, ObjectID or ResourceID picks a user-assigned managed identity; at most one of them.
	ObjectID, ResourceID string
	// TokenFile holds the federated token of workload identity.
	TokenFile string
	// Cloud is where tokens are asked for; the zero value is the public cloud.
	Cloud entra.Cloud
	// Lookup reads the environment. MSAL (IDENTITY_ENDPOINT, MSI_ENDPOINT and so on) and the token proxy of AKS
	// read the process's own environment besides, and az and azd inherit it.
	Lookup func(string) (string, bool)
	// HTTP makes the requests; nil means a client of package upstream.
	HTTP *http.Client
	// Log receives debug lines; it may be nil.
	Log *slog.Logger
	// Prompt is where a person reads what to do; nil when nobody is there.
	Prompt io.Writer
}

// Identity is an Azure identity that gives access tokens. It is safe for concurrent use.
type Identity struct {
	kind     kind
	settings Settings
	source   source
}

// source is one way to a token.
type source interface {
	token(ctx context.Context, scope string) (token.Token, error)
	// inputs are what selects the identity, beyond the settings. reason says why they do not, or is "".
	inputs() (inputs []token.Input, reason string)
}

// kind is one kind of identity.
type kind struct {
	name    string   // short name
	azure   string   // azidentity's name
	aliases []string // lower case, beside the other two
	open    func(Settings) (source, error)
}

func kinds() []kind {
	return []kind{
		{"default", "DefaultAzureCredential", []string{"dev", "prod"}, openDefault},
		{"environment", "EnvironmentCredential", []string{"env", "clientsecretcredential", "clientcertificatecredential"}, openEnvironment},
		{"workload-identity", "WorkloadIdentityCredential", []string{"workloadidentity"}, openWorkloadIdentity},
		{"managed-identity", "ManagedIdentityCredential", []string{"managedidentity", "msi"}, openManagedIdentity},
		{"azure-cli", "AzureCLICredential", []string{"az", "azurecli"}, openAzureCLI},
		{"azd", "AzureDeveloperCLICredential", []string{"azure-developer-cli"}, openAzd},
		{"azure-powershell", "AzurePowerShellCredential", []string{"azurepowershell"}, openPowerShell},
		{"azure-pipelines", "AzurePipelinesCredential", []string{"azurepipelines"}, openPipelines},
		{"github-actions", "GitHubActionsCredential", []string{"github"}, openGitHub},
		{"device-code", "DeviceCodeCredential", []string{"devicecode"}, openDeviceCode},
		{"browser", "InteractiveBrowserCredential", []string{"interactive-browser"}, openBrowser},
	}
}

// is reports whether name, in lower case, is the kind's.
func (k kind) is(name string) bool {
	return name == k.name || name == strings.ToLower(k.azure) || slices.Contains(k.aliases, name)
}

// Names returns the values of Settings.Credential that are shown to people.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// New checks the settings and reads the files they name. It makes no request and starts no program.
func New(s Settings) (*Identity, error) {
	if s.Lookup == nil {
		s.Lookup = func(string) (string, bool) { return "", false }
	}
	if s.Cloud.Authority == "" {
		public, err := entra.FindCloud("", "")
		if err != nil {
			return nil, err
		}
		s.Cloud = public
	}
	k, err := s.kind()
	if err != nil {
		return nil, err
	}
	src, err := k.open(s)
	if err != nil {
		return nil, err
	}
	if s.Log != nil {
		s.Log.Debug("azure identity", "credential", k.azure, "authority", s.Cloud.Authority)
	}
	return &Identity{k, s, src}, nil
}

// Check returns an error where New would for the settings alone, wherever they are to be used.
func (s Settings) Check() error {
	_, err := s.kind()
	return err
}

func (s Settings) kind() (kind, error) {
	name := strings.ToLower(strings.TrimSpace(s.Credential))
	if name == "" {
		name = "default"
	}
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.is(name) })
	if i < 0 {
		return kind{}, problem.Input("--credential", "%q is not known", s.Credential).WithHint("one of %s", strings.Join(Names(), ", "))
	}
	if err := s.checkIDs(all[i].name); err != nil {
		return kind{}, err
	}
	return all[i], nil
}

// checkIDs refuses an id that the identity would pass over in silence: the caller means another identity than the one
// that would answer. AZURE_CLIENT_ID is different, it is set for all programs at once.
func (s Settings) checkIDs(name string) error {
	const managed = "managed-identity"
	for _, id := range []struct{ flag, value string }{{"--object-id", s.ObjectID}, {"--resource-id", s.ResourceID}} {
		if id.value != "" && name != managed {
			return problem.Input(id.flag, "it picks a managed identity, and --credential is %s", name).WithHint("use --credential %s", managed)
		}
	}
	if s.ClientID != "" && s.ClientID != s.env("AZURE_CLIENT_ID") && slices.Contains([]string{"default", "azure-cli", "azd"}, name) {
		return problem.Input("--client-id", "the identity %s takes none", name).
			WithHint("choose the identity it belongs to: --credential managed-identity, workload-identity or environment")
	}
	return nil
}

// env is the value of a variable, or "".
func (s Settings) env(name string) string {
	value, _ := s.Lookup(name)
	return value
}

// or returns value, or else that of the first variable that has one.
func (s Settings) or(value string, variables ...string) string {
	for _, name := range variables {
		if value == "" {
			value = s.env(name)
		}
	}
	return value
}

// Name is azidentity's name of the identity; GitHub's own has none there.
func (i *Identity) Name() string { return i.kind.azure }

// Inputs returns everything that selects the identity, the resolved one included where it can be known without asking.
// unknown is "", or says why they do not tell it from every other one, so that nothing can be remembered for it. They
// are read anew at each call, since a pod's token file or az's profile may change.
func (i *Identity) Inputs() (inputs []token.Input, unknown string) {
	s := i.settings
	inputs = []token.Input{
		{Name: "credential", Value: i.kind.azure}, {Name: "authority", Value: s.Cloud.Authority},
		{Name: "tenant", Value: s.TenantID}, {Name: "client", Value: s.ClientID}, {Name: "object", Value: s.ObjectID}, {Name: "resource-id", Value: s.ResourceID},
	}
	more, unknown := i.source.inputs()
	return append(inputs, more...), unknown
}

// NeedsPerson reports whether somebody at a terminal has to sign in for a token.
func (i *Identity) NeedsPerson() bool {
	_, ok := i.source.(*person)
	return ok
}

// Token asks for an access token. Every error is a *problem.Error.
func (i *Identity) Token(ctx context.Context, scope string) (token.Token, error) {
	if err := entra.CheckScope("--scope", scope); err != nil {
		return token.Token{}, err
	}
	start := time.Now()
	t, err := i.source.token(ctx, scope)
	if err == nil && t.Value.Empty() {
		err = problem.New(problem.BadAnswer, "asking for a token with %s: the answer holds no token", i.kind.azure)
	}
	// Later ones cannot be written in RFC 3339, as kubectl and the Azure SDKs read them.
	if err == nil && t.ExpiresOn.Year() > 9999 {
		err = problem.New(problem.BadAnswer, "asking for a token with %s: the answer says that it ends in the year %d", i.kind.azure, t.ExpiresOn.Year())
	}
	if s := i.settings; s.Log != nil {
		s.Log.Debug("azure token", "credential", i.kind.azure, "scope", scope, "took", time.Since(start), "ok", err == nil)
	}
	if err != nil {
		return token.Token{}, problem.From(err)
	}
	return t, nil
}

// fromAzidentity turns what azidentity gives into a Token.
func fromAzidentity(t azcore.AccessToken) token.Token {
	return token.Token{Value: token.NewSecret(t.Token), ExpiresOn: t.ExpiresOn, RefreshOn: t.RefreshOn}
}

// clientOptions are azidentity's, for requests to the token service.
func (s Settings) clientOptions() azcore.ClientOptions {
	client := s.HTTP
	if client == nil {
		client = upstream.NewClient(upstream.Options{RequireJSON: true, Log: s.Log})
	}
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: s.Cloud.Authority},
		Telemetry: policy.TelemetryOptions{Disabled: true},
		Transport: witnessed(client, watched{}),
	}
}

// missing is the error for a variable that an identity cannot do without.
func missing(variable, who, hint string, args ...any) error {
	e := problem.Input(variable, "it is not set, and the identity %s needs it", who).WithHint(hint, args...)
	e.Err = unset{}
	return e
}

// unset tells an identity that nobody has configured from one that is configured wrongly.
type unset struct{}

func (unset) Error() string { return "not set" }
