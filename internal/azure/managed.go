package azure

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/machine"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// imdsAddress is where Azure's and Google's metadata services both answer.
const imdsAddress = "169.254.169.254"

// openManagedIdentity is the identity of a virtual machine, site, function or container app. MSAL chooses the endpoint by
// the environment: App Service, Functions and Container Apps (IDENTITY_ENDPOINT), Arc, Service Fabric, Azure ML, Cloud
// Shell, else the instance metadata service.
func openManagedIdentity(s Settings) (*Identity, error) {
	id, chosen, err := s.userAssigned()
	if err != nil {
		return nil, err
	}
	options, err := s.managedClient()
	if err != nil {
		return nil, err
	}
	c, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options, ID: id})
	if err != nil {
		return nil, problem.Input("--credential managed-identity", "%w", err)
	}
	return &Identity{credential: c, inputs: append(s.managedInputs(), chosen...), explain: func(err error) error {
		kept, _ := options.Transport.(*keeper)
		return explainManaged(err, kept)
	}}, nil
}

// userAssigned returns the identity asked for by any of its three ids, or nil for the system-assigned one.
func (s Settings) userAssigned() (azidentity.ManagedIDKind, []token.Input, error) {
	var id azidentity.ManagedIDKind
	var given []string
	if s.ClientID != "" {
		id, given = azidentity.ClientID(s.ClientID), append(given, "--client-id")
	}
	if s.ObjectID != "" {
		id, given = azidentity.ObjectID(s.ObjectID), append(given, "--object-id")
	}
	if s.ResourceID != "" {
		id, given = azidentity.ResourceID(s.ResourceID), append(given, "--resource-id")
	}
	if len(given) > 1 {
		return nil, nil, problem.Input(given[len(given)-1], "%s are set, and one identity is named by one id", strings.Join(given, " and ")).
			WithHint("the variables AZURE_CLIENT_ID, IDFERRY_OBJECT_ID and IDFERRY_RESOURCE_ID count too")
	}
	return id, []token.Input{input("object", strings.ToLower(s.ObjectID)), input("resource id", strings.ToLower(s.ResourceID))}, nil
}

// managedInputs tell machines and the endpoints of sites apart.
func (s Settings) managedInputs() []token.Input {
	inputs := machine.Inputs(s.Lookup)
	for _, name := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST"} {
		inputs = append(inputs, input(name, s.getenv(name)))
	}
	for _, name := range []string{"IDENTITY_HEADER", "MSI_SECRET", "IDENTITY_SERVER_THUMBPRINT"} {
		inputs = append(inputs, input(name, token.Fingerprint(s.getenv(name))))
	}
	return inputs
}

// managedClient answers or fails within seconds: azidentity's own settings retry for more than a minute where nothing,
// or something else, answers.
func (s Settings) managedClient() (azcore.ClientOptions, error) {
	// https://learn.microsoft.com/python/api/azure-identity/azure.identity.managedidentitycredential reads it; MSAL for Go
	// does not.
	rewrite, err := replaced(s.getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST"))
	if err != nil {
		return azcore.ClientOptions{}, err
	}
	options := azcore.ClientOptions{
		Retry: policy.RetryOptions{MaxRetries: 5, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 6 * time.Second, ShouldRetry: worthAskingAgain},
	}
	if s.getenv("IDENTITY_SERVER_THUMBPRINT") == "" {
		options.Transport = &keeper{client: upstream.NewClient(upstream.Options{DialTimeout: 2 * time.Second, RequireJSON: true, Rewrite: rewrite, Log: s.Log})}
	} // else Service Fabric, where MSAL pins the certificate and must make the transport itself
	return options, nil
}

// worthAskingAgain follows the documentation of the instance metadata service (404, 410, 429 and 5xx pass by), but for
// answers that are not Azure's and addresses where nobody listens.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
func worthAskingAgain(resp *http.Response, err error) bool {
	if err != nil || resp == nil || isGoogle(resp.Header) {
		return false
	}
	switch resp.StatusCode {
	case http.StatusNotFound, http.StatusGone, http.StatusTooManyRequests:
		return true
	}
	return resp.StatusCode >= 500
}

func isGoogle(h http.Header) bool {
	return h.Get("Metadata-Flavor") == "Google" || strings.Contains(h.Get("Server"), "Metadata Server for VM") || strings.Contains(h.Get("Server"), "GKE Metadata Server")
}

func explainManaged(err error, kept *keeper) error {
	const none = "no managed identity was found: "
	var status int
	var header http.Header
	if kept != nil {
		failure := kept.failure()
		if unanswered := upstream.Unreachable(failure); unanswered != nil && !errors.Is(failure, context.DeadlineExceeded) {
			if unanswered.Code != problem.Unreachable {
				return unanswered
			}
			return problem.New(problem.NoIdentity, "%snothing answers at the identity endpoint (%w)", none, unanswered.Err).
				WithHint("this is no Azure machine, or it has no network to the endpoint; choose another with --credential %s", strings.Join(Names(), ", "))
		}
		status, header = kept.answered()
	}
	if isGoogle(header) || strings.Contains(err.Error(), "GKE Metadata Server") {
		return problem.New(problem.NoIdentity, "%sGoogle's metadata server answers at %s", none, imdsAddress).
			WithHint("this is a Google machine, which has a Google identity already; to use Azure from it, see azure-token-helper --help")
	}
	e := problem.From(explainEntra(err))
	switch {
	case strings.HasPrefix(e.Code, "AADSTS"):
		return e
	case status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "identity"):
		e.Code, e.Hint = problem.NoIdentity, "assign one: az vm identity assign (or az webapp identity assign, …); for a user-assigned one check --client-id, --object-id or --resource-id"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Hint = "the endpoint refused its own header: IDENTITY_HEADER must be the one of this start of the site"
	}
	e.Message = "managed identity: " + e.Message
	return e
}
