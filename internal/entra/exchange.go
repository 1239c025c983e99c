package entra

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// Exchange turns a federated token into an Entra token of the application that trusts it: client credentials with the
// token as client assertion.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential
type Exchange struct {
	Cloud Cloud
	// TenantID is the tenant's GUID or one of its domains; ClientID is the application's GUID.
	TenantID, ClientID string
	// Assertion gives a fresh federated token. It is asked once for each exchange.
	Assertion token.Source
	// HTTP makes the requests; nil means a client of package upstream.
	HTTP *http.Client
	// Now is the clock that errors about validity show; nil means time.Now.
	Now func() time.Time
	// Log receives debug lines; it may be nil.
	Log *slog.Logger
	// Possession, when set, is the key that the token is bound to: the token is then no bearer token.
	Possession *Possession
	// ClientCapabilities are announced to Entra. CP1 says that claims challenges are understood, and makes tokens for
	// resources with continuous access evaluation live longer.
	ClientCapabilities []string
}

// Check says which of tenant and client cannot be used.
func (e Exchange) Check() error {
	switch {
	case e.TenantID == "":
		return problem.Input("--tenant-id", "no Entra tenant is set").
			WithHint("give --tenant-id TENANT or AZURE_TENANT_ID; az account show --query tenantId -o tsv")
	case !isGUID(e.TenantID) && !isDomain(e.TenantID):
		return problem.Input("--tenant-id", "%q (--tenant-id or AZURE_TENANT_ID) is neither a GUID nor a domain", e.TenantID).
			WithHint("az account show --query tenantId -o tsv")
	case e.ClientID == "":
		return problem.Input("--client-id", "no Entra application is set").
			WithHint("give --client-id APPLICATION or AZURE_CLIENT_ID; az ad app list --display-name NAME --query '[].appId' -o tsv")
	case !isGUID(e.ClientID):
		return problem.Input("--client-id", "%q (--client-id or AZURE_CLIENT_ID) is not a GUID", e.ClientID).
			WithHint("it is the application (client) id, not a name: az ad app list --display-name NAME --query '[].appId' -o tsv")
	}
	return nil
}

// Token exchanges a fresh assertion for a token for scopes. claims is a claims challenge in JSON, or "". An error of the
// assertion's source is returned as it is; every other one is explained (see Explain).
func (e Exchange) Token(ctx context.Context, scopes []string, claims string) (token.Token, error) {
	if err := e.Check(); err != nil {
		return token.Token{}, err
	}
	if claims != "" && !json.Valid([]byte(claims)) {
		return token.Token{}, problem.Input("claims", "the claims challenge is not JSON").WithHint("decode it from base64 first")
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	ctx, cancel := context.WithCancel(ctx)
	assertion := fetch(ctx, cancel, e.Assertion)
	// The source may run a program, which must not outlive the call.
	defer func() { cancel(); <-assertion.done }()
	early, err := e.dial(ctx)
	if err != nil {
		return token.Token{}, err
	}
	defer early.Close()

	client, err := confidential.New(e.Cloud.Authority+e.TenantID, e.ClientID, confidential.NewCredFromAssertionCallback(assertion.wait),
		// Known clouds need none, and a private authority must not be asked for at login.microsoftonline.com.
		confidential.WithInstanceDiscovery(false),
		// Regional endpoints refuse federated credentials (AADSTS100007), whatever MSAL_FORCE_REGION says.
		confidential.WithAzureRegion("DisableMsalForceRegion"),
		confidential.WithClientCapabilities(e.ClientCapabilities),
		confidential.WithHTTPClient(e.undiscovered(upstream.NewRepeater(ctx, early.Client))))
	if err != nil {
		return token.Token{}, problem.Input("authority", "%s is unusable: %w", e.Cloud.Authority+e.TenantID, err)
	}
	var options []confidential.AcquireByCredentialOption
	if claims != "" {
		options = append(options, confidential.WithClaims(claims))
	}
	if e.Possession != nil {
		options = append(options, confidential.WithAuthenticationScheme(bound{e.Possession}))
	}
	result, err := client.AcquireTokenByCredential(ctx, scopes, options...)
	if err != nil {
		cancel()
		<-assertion.done
		if assertion.err != nil {
			return token.Token{}, assertion.err
		}
		return token.Token{}, e.explain(err, assertion.token, scopes)
	}
	return token.Token{
		Value: token.NewSecret(result.AccessToken), ExpiresOn: result.ExpiresOn.UTC(), RefreshOn: utc(result.Metadata.RefreshOn),
	}, nil
}

// prefetched is an assertion on its way.
type prefetched struct {
	done chan struct{}
	// token and err are set once done is closed.
	token token.Token
	err   error
}

// fetch asks for the assertion while MSAL asks for the endpoints: MSAL itself would do one after the other. A failure
// ends the exchange at once.
func fetch(ctx context.Context, cancel context.CancelFunc, source token.Source) *prefetched {
	p := &prefetched{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.token, p.err = source.Token(ctx)
		if p.err == nil && p.token.Value.Empty() {
			p.err = problem.New(problem.BadAnswer, "the assertion to exchange is empty")
		}
		switch {
		case p.err == nil:
		case errors.Is(ctx.Err(), context.Canceled):
			// The exchange failed first and ended this; that is no failure of the source.
			p.err = nil
		default:
			cancel()
		}
	}()
	return p
}

// wait is MSAL's assertion callback.
func (p *prefetched) wait(ctx context.Context, _ confidential.AssertionRequestOptions) (string, error) {
	select {
	case <-p.done:
		return p.token.Value.Reveal(), p.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// dial starts to connect to the token endpoint, whose certificate is looked at while the assertion is on its way.
func (e Exchange) dial(ctx context.Context) (*upstream.Early, error) {
	to, err := url.Parse(e.Cloud.Authority)
	if err != nil {
		return nil, problem.Input("authority", "%s is unusable: %w", e.Cloud.Authority, err)
	}
	return upstream.Dial(ctx, e.client(), to), nil
}

func (e Exchange) client() *http.Client {
	if e.HTTP != nil {
		return e.HTTP
	}
	return upstream.NewClient(upstream.Options{RequireJSON: true, Log: e.Log})
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func isGUID(s string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(s) != len(form) {
		return false
	}
	for i, c := range []byte(s) {
		if (form[i] == '-') != (c == '-') || c != '-' && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return false
		}
	}
	return true
}

// isDomain reports whether s can be a DNS name of at least two labels.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return len(labels) > 1 && len(s) < 254
}
