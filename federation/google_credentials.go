package federation

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/externalaccount"

	"github.com/idferry/idferry/internal/catalogue"
	file "github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// GoogleCredentialsOptions are what [NewGoogleCredentials] can be told. The zero value starts from the Azure identity that
// the environment selects, and gives the tokens of the pool's own principal.
type GoogleCredentialsOptions struct {
	SubjectTokensOptions

	// ServiceAccount is the e-mail of a service account to act as. Without it the roles are those of the pool's principal.
	ServiceAccount string
	// TokenLifetime is how long the service account's tokens live, from 10 minutes to 12 hours in whole seconds. The default is
	// an hour.
	TokenLifetime time.Duration
	// Scopes are those of the access token. The default is https://www.googleapis.com/auth/cloud-platform.
	Scopes []string
	// QuotaProject is the project that calls are charged to, where that is not the resource's own.
	QuotaProject string
	// WorkforcePoolUserProject is the number of the project that is billed where the audience is that of a workforce pool.
	WorkforcePoolUserProject string
	// UniverseDomain is Google's, or that of a sovereign cloud. The default is googleapis.com.
	UniverseDomain string
	// TokenURL and ServiceAccountImpersonationURL are the endpoints, as an external_account file names them, where they are not
	// the universe's own, such as those of Private Service Connect. The identity's tokens are sent there.
	TokenURL, ServiceAccountImpersonationURL string
}

// NewGoogleCredentials returns credentials for Google's clients: for the provider that audience names, by its full resource name
// (//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER), as the service account of
// options or as the pool's principal. options may be nil. It makes no request and starts no program.
//
// Clients take them with option.WithAuthCredentials; those of golang.org/x/oauth2 through
// cloud.google.com/go/auth/oauth2adapt. They are safe for concurrent use. Errors, also those of the calls of Google's clients, are of
// the type [*Error].
func NewGoogleCredentials(audience string, options *GoogleCredentialsOptions) (*auth.Credentials, error) {
	if options == nil {
		options = &GoogleCredentialsOptions{}
	}
	provider, err := file.ParseAudience("audience", audience)
	if err != nil {
		return nil, asError(err)
	}
	x, err := file.Options{
		Audience: provider, UniverseDomain: options.UniverseDomain, ServiceAccount: options.ServiceAccount, TokenLifetime: options.TokenLifetime,
		UserProject: options.WorkforcePoolUserProject,
	}.Exchange()
	if err != nil {
		return nil, asError(err)
	}
	if options.TokenURL != "" {
		x.TokenURL = options.TokenURL
	}
	if options.ServiceAccountImpersonationURL != "" {
		x.ImpersonationURL = options.ServiceAccountImpersonationURL
	}
	for field, address := range map[string]string{"TokenURL": x.TokenURL, "ServiceAccountImpersonationURL": x.ImpersonationURL} {
		if address != "" && !strings.HasPrefix(address, "https://") {
			return nil, asError(problem.Input(field, "%q is not an https URL", address))
		}
	}
	tokens, err := NewSubjectTokens(&options.SubjectTokensOptions)
	if err != nil {
		return nil, err
	}
	scopes := options.Scopes
	if len(scopes) == 0 {
		scopes = []string{sts.CloudPlatform}
	}
	e := &exchange{tokens: tokens, audience: provider.String(), account: options.ServiceAccount, tokenURL: x.TokenURL}
	next, err := externalaccount.NewCredentials(&externalaccount.Options{
		Audience: provider.String(), SubjectTokenType: x.SubjectTokenType, TokenURL: x.TokenURL,
		ServiceAccountImpersonationURL: x.ImpersonationURL, ServiceAccountImpersonationLifetimeSeconds: x.LifetimeSeconds,
		QuotaProjectID: options.QuotaProject, Scopes: scopes, WorkforcePoolUserProject: options.WorkforcePoolUserProject,
		UniverseDomain: x.UniverseDomain, SubjectTokenProvider: e, Client: e.client(options.ClientOptions),
		// Its debug lines have requests and answers, tokens included.
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, asError(problem.Input("audience", "%w", err))
	}
	return auth.NewCredentials(&auth.CredentialsOptions{
		TokenProvider: explained{next}, QuotaProjectIDProvider: auth.CredentialsPropertyFunc(next.QuotaProjectID), UniverseDomainProvider: auth.CredentialsPropertyFunc(next.UniverseDomain),
	}), nil
}

// explained has every error be an *Error.
type explained struct{ next auth.TokenProvider }

func (e explained) Token(ctx context.Context) (*auth.Token, error) {
	t, err := e.next.Token(ctx)
	if err != nil {
		return nil, asError(err)
	}
	return t, nil
}

// exchange watches what Google's library does with a subject token: of a refusal it would show the bare text.
type exchange struct {
	tokens                      *SubjectTokens
	audience, account, tokenURL string
	// presented has the claims of the last subject token.
	presented atomic.Pointer[token.Claims]
}

func (e *exchange) SubjectToken(ctx context.Context, _ *externalaccount.RequestOptions) (string, error) {
	t, err := e.tokens.token(ctx, e.audience)
	if err != nil {
		return "", err
	}
	claims, _ := t.Value.Claims()
	e.presented.Store(&claims)
	return t.Value.Reveal(), nil
}

func (e *exchange) client(o ClientOptions) *http.Client {
	client := o.HTTPClient
	if client == nil {
		client = upstream.NewClient(upstream.Options{RequireJSON: true, Log: o.Logger})
	}
	return &http.Client{
		Transport:     watched{e, client},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type watched struct {
	exchange *exchange
	client   *http.Client
}

// RoundTrip repeats what is worth it, as Google's library does not, and makes a refusal an error that explains it.
func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := upstream.NewRepeater(r.Context(), w.client).Do(r)
	if err != nil {
		if e := upstream.Unreachable(err); e != nil {
			return nil, e
		}
		return nil, err
	}
	if resp.StatusCode < http.StatusBadRequest {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	return nil, w.exchange.explain(r, sts.ReadRefusal(resp.StatusCode, resp.Header.Get("Content-Type"), body))
}

func (e *exchange) explain(r *http.Request, refusal sts.Refusal) error {
	var claims token.Claims
	if p := e.presented.Load(); p != nil {
		claims = *p
	}
	var values catalogue.Values
	what := "exchanging the token at " + r.URL.Host
	if r.URL.String() == e.tokenURL {
		values = sts.Presented(e.audience, claims)
	} else {
		what = "acting as " + e.account
		values = sts.ActingAs(e.account, sts.Principal(e.audience, claims, sts.ByObjectID(claims)))
	}
	return refusal.Problem(what, values)
}
