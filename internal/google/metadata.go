package google

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/compute/metadata"

	"github.com/idferry/idferry/internal/machine"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

const (
	metadataHostVariable = "GCE_METADATA_HOST"
	metadataDialTimeout  = 2 * time.Second
)

// metadataServer asks the metadata server of Compute Engine, GKE, Cloud Run, Cloud Functions, App Engine or Cloud Build.
// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
type metadataServer struct {
	settings Settings
	client   *metadata.Client
	// account is "default" or the e-mail address of an account of the machine.
	account string
	// lastResort marks that nobody asked for the metadata server: silence means that there is no identity.
	lastResort bool
	endpoint   string
	http       *http.Client
}

func (s Settings) metadata(chain chain) (*metadataServer, error) {
	if len(chain.delegates) > 0 {
		return nil, problem.Input("--impersonate-service-account", "the metadata server takes one account, not a chain").
			WithHint("use --google-source impersonation to act as %s", chain.target)
	}
	endpoint, err := s.iamEndpoint("")
	if err != nil {
		return nil, err
	}
	asked := s.client(upstream.Options{DialTimeout: metadataDialTimeout})
	transport := asked.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	m := &metadataServer{
		settings: s, account: "default", endpoint: endpoint, http: s.patientClient(upstream.Options{RequireJSON: true}),
		client: metadata.NewClient(&http.Client{Transport: flavored{transport}, CheckRedirect: asked.CheckRedirect, Timeout: 5 * time.Second}),
	}
	if chain.target != "" {
		m.account = chain.target
	}
	return m, nil
}

func (m *metadataServer) inputs() []token.Input {
	host, _ := m.settings.Lookup(metadataHostVariable)
	return append(machine.Inputs(m.settings.Lookup), token.Input{Name: "metadata-host", Value: host}, token.Input{Name: "metadata-account", Value: m.account})
}

func (m *metadataServer) idToken(ctx context.Context) (token.Secret, error) {
	value, err := m.identity(ctx, m.account)
	if undefined(err) {
		return m.withoutIdentity(ctx)
	}
	if err != nil {
		return token.Secret{}, m.explain(ctx, err)
	}
	return value, nil
}

func (m *metadataServer) identity(ctx context.Context, account string) (token.Secret, error) {
	query := url.Values{"audience": {m.settings.Audience}, "format": {"full"}}
	value, err := m.get(ctx, account, "identity?"+query.Encode())
	return token.NewSecret(value), err
}

func (m *metadataServer) get(ctx context.Context, account, what string) (string, error) {
	value, err := m.client.GetWithContext(ctx, "instance/service-accounts/"+url.PathEscape(account)+"/"+what)
	return strings.TrimSpace(value), err
}

// withoutIdentity asks IAM Credentials where the identity endpoint is missing, as on Cloud Build
// (https://github.com/GoogleCloudPlatform/cloud-builders/issues/80): the machine's account for itself.
func (m *metadataServer) withoutIdentity(ctx context.Context) (token.Secret, error) {
	email, err := m.get(ctx, m.account, "email")
	switch {
	case undefined(err) && m.account == "default":
		return token.Secret{}, problem.New(problem.NoIdentity, "the metadata server knows no service account: none is attached to this machine").
			WithHint("attach one: gcloud compute instances set-service-account INSTANCE --service-account=EMAIL --scopes=cloud-platform")
	case undefined(err):
		return token.Secret{}, problem.New(problem.NoIdentity, "the metadata server knows no account %s on this machine", m.account).
			WithHint("to act as it from the machine's own account: --google-source impersonation --impersonate-service-account %s", m.account)
	case err != nil:
		return token.Secret{}, m.explain(ctx, err)
	case !strings.Contains(email, "@"):
		// GKE calls a Kubernetes account without a Google one by the pool's name, PROJECT.svc.id.goog.
		return token.Secret{}, problem.New(problem.NoIdentity, "the metadata server gives no ID token: this pod's Kubernetes service account is not linked to a Google one (it is %s)", sts.Quote(email)).
			WithHint("kubectl annotate serviceaccount NAME iam.gke.io/gcp-service-account=EMAIL, or name the account to act as with --impersonate-service-account EMAIL")
	}
	if !accountName(email) {
		return token.Secret{}, problem.New(problem.BadAnswer, "asking the metadata server for the account's e-mail address: it answers %.100q", email)
	}
	self := &impersonated{base: m, chain: chain{target: email}, audience: m.settings.Audience, endpoint: m.endpoint, http: m.http}
	caller, err := m.accessToken(ctx)
	if err != nil {
		return token.Secret{}, err
	}
	// Known by now; no need to ask again for an error's sake.
	caller.member = func(context.Context) string { return "serviceAccount:" + email }
	return self.generate(ctx, caller)
}

// accessToken makes the machine's own account a base of impersonation.
func (m *metadataServer) accessToken(ctx context.Context) (bearer, error) {
	answer, err := m.get(ctx, m.account, "token")
	if undefined(err) {
		return bearer{}, problem.New(problem.NoIdentity, "the metadata server gives no access token of account %s", m.account).
			WithHint("see what it has: curl -sS -H Metadata-Flavor:Google 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/?recursive=true'")
	}
	if err != nil {
		return bearer{}, m.explain(ctx, err)
	}
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	if json.Unmarshal([]byte(answer), &granted) != nil || granted.AccessToken == "" {
		return bearer{}, problem.New(problem.BadAnswer, "asking the metadata server for an access token: the answer holds none")
	}
	b := bearer{value: token.NewSecret(granted.AccessToken), universe: defaultUniverse, member: m.member}
	if m.endpoint == "" {
		universe, err := m.client.GetWithContext(ctx, "universe/universe-domain")
		if err != nil && !undefined(err) {
			return bearer{}, m.explain(ctx, err)
		}
		if universe = strings.TrimSpace(universe); universe != "" {
			b.universe = universe
		}
	}
	return b, nil
}

func (m *metadataServer) member(ctx context.Context) string {
	email, err := m.get(ctx, m.account, "email")
	if err != nil {
		return "serviceAccount:EMAIL_OF_THIS_MACHINE"
	}
	if strings.Contains(email, "@") {
		return "serviceAccount:" + email
	}
	number, err := m.client.NumericProjectIDWithContext(ctx)
	if err != nil {
		number = "PROJECT_NUMBER"
	}
	return "principal://iam.googleapis.com/projects/" + number + "/locations/global/workloadIdentityPools/" + email + "/subject/ns/NAMESPACE/sa/NAME"
}

func undefined(err error) bool {
	var missing metadata.NotDefinedError
	return errors.As(err, &missing)
}

// explain says what asking the metadata server came to.
func (m *metadataServer) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return problem.New(problem.DeadlineExceeded, "asking the metadata server: %w", ctx.Err())
	}
	var refused *metadata.Error
	if errors.As(err, &refused) {
		said := ""
		if text := sts.Quote(refused.Message); text != "" && !strings.HasPrefix(text, "<") {
			said = ": " + text
		}
		return problem.New(problem.Refused, "asking the metadata server for account %s: answered %d%s", m.account, refused.Code, said)
	}
	host, _ := m.settings.Lookup(metadataHostVariable)
	if host == "" {
		host = "metadata.google.internal"
	}
	why := problem.From(unanswered(err))
	if !m.lastResort {
		e := *why
		e.Hint = "it answers on Compute Engine, GKE, Cloud Run, Cloud Functions and Cloud Build; elsewhere choose another --google-source"
		return &e
	}
	file := "no home directory is known"
	if path := m.settings.wellKnownFile(); path != "" {
		file = "there is no " + path
	}
	return problem.New(problem.NoIdentity, "no Google identity was found: %s is not set, %s, and no metadata server answers at %s", credentialsVariable, file, host).
		WithHint("gcloud auth application-default login together with --impersonate-service-account EMAIL, or name a file with --google-credentials or --federated-token-file")
}

// flavored refuses an answer without Google's mark: on other clouds somebody else answers at the same address.
// https://cloud.google.com/compute/docs/metadata/querying-metadata#parts-of-a-request
type flavored struct{ next http.RoundTripper }

func (f flavored) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(r)
	var connect *net.OpError
	switch {
	case errors.As(err, &connect) && connect.Op == "dial" && connect.Timeout():
		// compute/metadata would repeat a connect that timed out five times.
		return nil, problem.New(problem.Unreachable, "asking the metadata server at %s: no answer within %s", r.URL.Host, metadataDialTimeout)
	case err != nil:
		return nil, err
	case resp.Header.Get("Metadata-Flavor") != "Google":
		_ = resp.Body.Close()
		return nil, problem.New(problem.BadAnswer, "what answers at %s is not Google's metadata server (status %d, no Metadata-Flavor: Google)", r.URL.Host, resp.StatusCode)
	}
	return resp, nil
}

// metadataImpersonation acts as another account from the machine's own.
type metadataImpersonation struct {
	server *metadataServer
	impersonated
}

func (s Settings) impersonateFromMetadata(chained chain, lastResort bool) (source, error) {
	server, err := s.metadata(chain{})
	if err != nil {
		return nil, err
	}
	server.lastResort = lastResort
	return &metadataImpersonation{server, impersonated{base: server, chain: chained, audience: s.Audience, endpoint: server.endpoint, http: server.http}}, nil
}

// idToken takes the machine's own answer when the target is the machine's account: nobody needs a role for that.
func (m *metadataImpersonation) idToken(ctx context.Context) (token.Secret, error) {
	if len(m.chain.delegates) > 0 {
		return m.impersonated.idToken(ctx)
	}
	value, err := m.server.identity(ctx, m.chain.target)
	if undefined(err) {
		return m.impersonated.idToken(ctx)
	}
	if err != nil {
		return token.Secret{}, m.server.explain(ctx, err)
	}
	return value, nil
}
