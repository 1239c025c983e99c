// Package google gets OpenID Connect ID tokens for an audience from Google: from the metadata server, with a
// service-account key, by impersonation through IAM Credentials, from a file, or from gcloud.
//
// One file per source. x/oauth2 and compute/metadata are used rather than the idtoken packages, which assume an hour
// of life, drop delegates and refuse user credentials.
package google

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// Settings chooses an identity.
type Settings struct {
	// Source is one of Names; empty means auto.
	Source string
	// Audience is the audience the ID token is for, for example api://AzureADTokenExchange.
	Audience string
	// ServiceAccount is the account whose ID token is asked for: an e-mail address or unique id, after its delegates and
	// separated from them by commas, as gcloud's --impersonate-service-account takes it. The source token-file has no
	// use for it.
	ServiceAccount string
	// KeyFile is a credentials file of any type that Application Default Credentials know; it goes before
	// GOOGLE_APPLICATION_CREDENTIALS.
	KeyFile string
	// TokenFile is a file that holds an ID token.
	TokenFile string
	// Lookup reads the environment. compute/metadata (GCE_METADATA_HOST), x/oauth2 (executable and AWS sources) and
	// gcloud read the process's own environment besides.
	Lookup func(string) (string, bool)
	// HTTP is used for every request; nil means clients of package upstream.
	HTTP *http.Client
	// Now is the clock; nil means time.Now. x/oauth2 dates its own assertions by the system's clock.
	Now func() time.Time
	// Log receives debug lines; it may be nil.
	Log *slog.Logger
}

// Identity is a Google identity that gives ID tokens. It is safe for concurrent use.
type Identity struct {
	name string
	// why says how auto came to it, or is "".
	why      string
	settings Settings
	source   source
}

// source is one way to an ID token.
type source interface {
	idToken(context.Context) (token.Secret, error)
	// inputs are what selects the identity, beyond the settings.
	inputs() []token.Input
}

// Names returns the values of Settings.Source.
func Names() []string {
	return []string{"auto", "metadata", "key-file", "impersonation", "token-file", "gcloud"}
}

// New checks the settings and reads the files they name. It makes no request and starts no program.
func New(s Settings) (*Identity, error) {
	if s.Lookup == nil {
		s.Lookup = func(string) (string, bool) { return "", false }
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Audience == "" {
		return nil, problem.Input("audience of the Google ID token", "it is empty").WithHint("leave --assertion-audience out for api://AzureADTokenExchange")
	}
	chain, err := parseChain(s.ServiceAccount)
	if err != nil {
		return nil, err
	}
	i := &Identity{settings: s}
	switch s.Source {
	case "", "auto":
		i.name, i.why, i.source, err = s.auto(chain)
	case "metadata":
		i.name = s.Source
		i.source, err = s.metadata(chain)
	case "key-file":
		i.name, i.source, err = s.keyFile(chain)
	case "impersonation":
		i.name, i.source, err = s.impersonation(chain)
	case "token-file":
		i.name = s.Source
		i.source, err = s.tokenFile()
	case "gcloud":
		i.name, i.source = s.Source, s.gcloud(chain)
	default:
		err = problem.Input("--google-source", "%q is not known", s.Source).WithHint("one of %s", strings.Join(Names(), ", "))
	}
	if err != nil {
		return nil, err
	}
	if s.Log != nil {
		s.Log.Debug("google identity", "source", i.name, "audience", s.Audience)
	}
	return i, nil
}

// auto takes the first identity that is set, in the order of Application Default Credentials
// (https://cloud.google.com/docs/authentication/application-default-credentials), after a token file.
func (s Settings) auto(chain chain) (name, why string, _ source, _ error) {
	if s.TokenFile != "" {
		if chain.target != "" {
			return "", "", nil, problem.Input("--impersonate-service-account", "a token file (%s) is set too, and it cannot act as a service account", s.TokenFile).
				WithHint("choose one with --google-source impersonation or --google-source token-file")
		}
		src, err := s.tokenFile()
		return "token-file", "a token file is named", src, err
	}
	file, err := s.findCredentials()
	if err != nil {
		return "", "", nil, err
	}
	if file != nil {
		name, src, err := s.fromFile(file, chain)
		return name, "the credentials are those of " + file.origin, src, err
	}
	const noFile = "no token file and no credentials file is there"
	if chain.target != "" {
		src, err := s.impersonateFromMetadata(chain, true)
		return "impersonation", noFile, src, err
	}
	server, err := s.metadata(chain)
	if err != nil {
		return "", "", nil, err
	}
	server.lastResort = true
	return "metadata", noFile, server, nil
}

// Token asks for an ID token. Its expiry is the token's own exp claim: the metadata server hands out tokens that
// already have part of their hour behind them.
func (i *Identity) Token(ctx context.Context) (token.Token, error) {
	value, err := i.source.idToken(ctx)
	if err != nil {
		return token.Token{}, problem.From(err)
	}
	claims, err := value.Claims()
	if err != nil {
		return token.Token{}, problem.New(problem.BadAnswer, "asking for a Google ID token (%s): the answer is %w", i.name, err)
	}
	if claims.Expiry.IsZero() {
		return token.Token{}, problem.New(problem.BadAnswer, "asking for a Google ID token (%s): the token says no expiry (exp)", i.name)
	}
	return token.Token{Value: value, ExpiresOn: claims.Expiry}, nil
}

// Name says which source was taken.
func (i *Identity) Name() string { return i.name }

// Why says how auto came to the source, or is "" where it was named.
func (i *Identity) Why() string { return i.why }

// Inputs returns everything that selects the identity, what was resolved from files included.
func (i *Identity) Inputs() []token.Input {
	s := i.settings
	inputs := []token.Input{
		{Name: "google-source", Value: i.name}, {Name: "google-audience", Value: s.Audience}, {Name: "google-service-account", Value: s.ServiceAccount},
	}
	if endpoint, _ := s.Lookup(iamEndpointVariable); endpoint != "" {
		inputs = append(inputs, token.Input{Name: "iam-endpoint", Value: endpoint})
	}
	return append(inputs, i.source.inputs()...)
}

// client returns the client for one kind of endpoint.
func (s Settings) client(o upstream.Options) *http.Client {
	if s.HTTP != nil {
		return s.HTTP
	}
	o.Log = s.Log
	return upstream.NewClient(o)
}

// patientClient is a client that repeats what is worth it. Neither Google's library for tokens nor IAM Credentials' caller here
// does so by itself.
func (s Settings) patientClient(o upstream.Options) *http.Client {
	client := s.client(o)
	return &http.Client{Transport: patient{client}, CheckRedirect: client.CheckRedirect}
}

type patient struct{ client *http.Client }

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := upstream.NewRepeater(r.Context(), p.client).Do(r)
	var u *url.Error
	if errors.As(err, &u) {
		// The client around this one says again what was asked.
		err = u.Err
	}
	return resp, err
}

// chain is a service account to act as, and those to go through on the way, first to last.
type chain struct {
	target    string
	delegates []string
}

// parseChain reads gcloud's form: "delegate1,delegate2,target".
// https://cloud.google.com/sdk/gcloud/reference#--impersonate-service-account
func parseChain(list string) (chain, error) {
	if strings.TrimSpace(list) == "" {
		return chain{}, nil
	}
	accounts := strings.Split(list, ",")
	for i, a := range accounts {
		accounts[i] = strings.TrimSpace(a)
		if !accountName(accounts[i]) {
			return chain{}, problem.Input("--impersonate-service-account", "%q is not a service account", accounts[i]).
				WithHint("give its e-mail address, as in: gcloud iam service-accounts list --format='value(email)'")
		}
	}
	last := len(accounts) - 1
	return chain{accounts[last], accounts[:last]}, nil
}

// maxName is the longest e-mail address (RFC 5321 section 4.5.3.1).
const maxName = 320

// accountName reports whether name can be an e-mail address or a unique id. It becomes part of a URL's path.
func accountName(name string) bool {
	digits := strings.Trim(name, "0123456789") == ""
	return name != "" && len(name) <= maxName && (digits || strings.Contains(name, "@")) && !strings.ContainsAny(name, " /?#%:\\\"'") &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// checkHTTPS refuses what a credential must not be sent to.
func checkHTTPS(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return problem.Input(field, "%q is not an https URL", raw)
	}
	return nil
}

// readable says why a file cannot be read, without the operation's name.
func readable(err error) string {
	if p, ok := err.(*os.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}
