package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/machine"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// imds is the address of the instance metadata service. It is Google's metadata server's too.
const imds = "169.254.169.254"

// managedIdentity is an identity that Azure assigned to the machine, site or container. Which of its endpoints is there
// is MSAL's to see, in the process's own environment: App Service, Functions, Container Apps, Arc, Azure ML, Cloud Shell,
// Service Fabric, else the instance metadata service.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
type managedIdentity struct {
	settings   Settings
	where      managedidentity.Source
	picked     azidentity.ManagedIDKind
	credential azcore.TokenCredential
}

func openManagedIdentity(s Settings) (source, error) {
	m := &managedIdentity{settings: s}
	var err error
	if m.picked, err = s.pick(); err != nil {
		return nil, err
	}
	if m.where, err = managedidentity.GetSource(); err != nil {
		return nil, problem.New(problem.NoIdentity, "managed identity: %w", err)
	}
	rewrite, err := s.podIdentity()
	if err != nil {
		return nil, err
	}
	m.credential = makeLater(func() (azcore.TokenCredential, error) {
		options := &azidentity.ManagedIdentityCredentialOptions{ID: m.picked}
		options.Telemetry = policy.TelemetryOptions{Disabled: true}
		// Service Fabric pins its certificate on a client of its own making.
		if m.where != managedidentity.ServiceFabric {
			options.Transport = s.machineClient(rewrite)
		}
		credential, err := azidentity.NewManagedIdentityCredential(options)
		if err != nil {
			return nil, problem.Input("--client-id, --object-id or --resource-id", "%w", err).WithHint("leave it out to use the identity that is assigned here")
		}
		return credential, nil
	})
	return m, nil
}

// pick returns the user-assigned identity that is asked for, or nil.
func (s Settings) pick() (azidentity.ManagedIDKind, error) {
	client := s.or(s.ClientID, "AZURE_CLIENT_ID")
	switch {
	case s.ObjectID != "" && s.ResourceID != "":
		return nil, problem.Input("--object-id", "it excludes --resource-id; one of the two picks the identity")
	case s.ObjectID+s.ResourceID != "" && client != "" && client != s.env("AZURE_CLIENT_ID"):
		return nil, problem.Input("--client-id", "it excludes --object-id and --resource-id; one of them picks the identity")
	case s.ObjectID != "":
		return azidentity.ObjectID(s.ObjectID), nil
	case s.ResourceID != "":
		return azidentity.ResourceID(s.ResourceID), nil
	case client != "":
		return azidentity.ClientID(client), nil
	}
	return nil, nil
}

// machineClient makes requests to a machine's own endpoints. They answer at once or not at all, and somebody else may
// answer in their place.
func (s Settings) machineClient(rewrite func(*url.URL)) *http.Client {
	client := s.HTTP
	if client == nil {
		client = upstream.NewClient(upstream.Options{DialTimeout: 2 * time.Second, RequireJSON: true, Log: s.Log})
	}
	return witnessed(client, watched{rewrite: rewrite, look: googleAnswered})
}

// podIdentity sends requests for the instance metadata service to AZURE_POD_IDENTITY_AUTHORITY_HOST, as azidentity for
// Python and JavaScript do; the Go one knows the variable and does not use it.
func (s Settings) podIdentity() (func(*url.URL), error) {
	const variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST"
	host := s.env(variable)
	if host == "" {
		return nil, nil
	}
	base, err := url.Parse(strings.TrimRight(host, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, problem.Input(variable, "%q is not the URL of a server", host).WithHint("for example export %s=http://127.0.0.1:2579", variable)
	}
	return func(u *url.URL) {
		if u.Hostname() == imds {
			u.Scheme, u.Host, u.Path = base.Scheme, base.Host, base.Path+u.Path
		}
	}, nil
}

// googleAnswered is the error for an answer of Google's metadata server, which has the same address. Repeating the request
// changes nothing, and DefaultAzureCredential's probe takes any answer for Azure's
// (https://github.com/Azure/azure-sdk-for-go/issues/25996).
func googleAnswered(resp *http.Response, body []byte) error {
	if resp.Header.Get("Metadata-Flavor") != "Google" && !strings.HasPrefix(resp.Header.Get("Server"), "Metadata Server for") &&
		!strings.HasPrefix(resp.Header.Get("Server"), "GKE Metadata Server") && !bytes.HasPrefix(body, []byte("GKE Metadata Server")) {
		return nil
	}
	return problem.New(problem.NoIdentity, "managed identity: Google's metadata server answered %d at %s; this is a machine of Google Cloud, without a managed identity", resp.StatusCode, imds).
		WithHint("choose another --credential; from a Google identity to Azure it is azure-token-helper that helps")
}

// patience repeats what the documentation says to repeat.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
func (m *managedIdentity) patience() patience {
	p := patience{failures: 1, statuses: entraPatience().statuses}
	p.statuses = append(p.statuses, http.StatusNotFound, http.StatusGone)
	for status := 501; status <= 511; status++ {
		p.statuses = append(p.statuses, status)
	}
	return p
}

func (m *managedIdentity) token(ctx context.Context, scope string) (token.Token, error) {
	t, w, err := ask(ctx, unremembered{m.credential}, scope, m.patience())
	if err != nil {
		return t, m.explain(ctx, w, err)
	}
	return t, nil
}

// unremembered asks the endpoint at each call. MSAL remembers the tokens of managed identities for as long as the process
// lives and gives them out until five minutes are left, which is too late for a program that renews earlier. Given claims
// it asks; the endpoint is told of none (apps/managedidentity, AcquireToken).
type unremembered struct{ azcore.TokenCredential }

func (u unremembered) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	options.Claims = "{}"
	return u.TokenCredential.GetToken(ctx, options)
}

func (m *managedIdentity) explain(ctx context.Context, w *witness, err error) error {
	answer, failure := w.last()
	switch {
	case failure != nil:
		return m.unanswered(ctx, failure)
	case answer != nil:
		return m.refused(answer, err)
	default:
		return entra.Explain(err)
	}
}

// unanswered says why nobody answered.
func (m *managedIdentity) unanswered(ctx context.Context, failure error) error {
	var known *problem.Error
	if errors.As(failure, &known) {
		return known
	}
	var u *url.Error
	place, cause := imds, failure
	if errors.As(failure, &u) {
		cause = u.Err
		if at, err := url.Parse(u.URL); err == nil {
			place = at.Host
		}
	}
	if ctx.Err() != nil {
		return problem.New(problem.DeadlineExceeded, "managed identity: %s did not answer in time: %w", place, ctx.Err()).
			WithHint("choose another --credential if this is no Azure machine")
	}
	e := problem.New(problem.NoIdentity, "managed identity: nothing answered at %s: %w", place, cause)
	if place == imds {
		e.Message += "; this is no Azure machine, or its network blocks that address"
		return e.WithHint("choose another --credential; on an Azure machine try: curl -sS -H Metadata:true 'http://%s/metadata/instance?api-version=2021-02-01'", imds)
	}
	return e.WithHint("IDENTITY_ENDPOINT, MSI_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST names that address; unset it where it does not belong")
}

// refused explains an answer that is a refusal.
func (m *managedIdentity) refused(answer *http.Response, err error) error {
	body, _ := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	e := *problem.From(entra.Explain(msal.CallErr{Resp: answer, Err: err}))
	if strings.HasPrefix(e.Code, "AADSTS") {
		return &e
	}
	e.Message = "managed identity: " + e.Message
	notJSON := !json.Valid(body)
	switch {
	case answer.StatusCode == http.StatusTooManyRequests:
	case answer.StatusCode == http.StatusBadRequest && m.picked != nil:
		e.Hint = "is that identity assigned here? az vm identity show --ids VM (or az webapp identity show, az containerapp identity show); assign it: az vm identity assign --ids VM --identities IDENTITY"
	case answer.StatusCode == http.StatusBadRequest:
		e.Hint = "no system-assigned identity is here; pick a user-assigned one with --client-id, or: az vm identity assign --ids VM"
	case notJSON && m.where == managedidentity.DefaultToIMDS:
		e.Hint = "something else answers at " + imds + "; choose another --credential if this is no Azure machine"
	case answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden:
		e.Hint = "IDENTITY_HEADER or MSI_SECRET does not belong to this process's endpoint; take both from the same environment"
	default:
		e.Hint = "the endpoint may be starting or under repair: try again in a minute"
	}
	return &e
}

func (m *managedIdentity) inputs() ([]token.Input, string) {
	picked := ""
	if m.picked != nil {
		picked = m.picked.String()
	}
	return append([]token.Input{{Name: "managed-identity", Value: picked}, {Name: "endpoint", Value: string(m.where)}}, m.settings.machineInputs()...), ""
}

// machineInputs tell a machine and its endpoints from others: the identity is the machine's.
func (s Settings) machineInputs() []token.Input {
	inputs := machine.Inputs(s.Lookup)
	for _, name := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT", "DEFAULT_IDENTITY_CLIENT_ID", "AZURE_POD_IDENTITY_AUTHORITY_HOST"} {
		inputs = append(inputs, token.Input{Name: name, Value: s.env(name)})
	}
	for _, name := range []string{"IDENTITY_HEADER", "MSI_SECRET"} {
		inputs = append(inputs, token.Input{Name: name, Value: token.Fingerprint(s.env(name))})
	}
	return inputs
}
