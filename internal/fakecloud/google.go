package fakecloud

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// GoogleIssuer is the issuer of every ID token that Google gives a service account. All of Google's customers share
// it; only the subject tells accounts apart.
const GoogleIssuer = "https://accounts.google.com"

// Scopes that the fakes ask for, as the real services do.
const (
	cloudPlatformScope = "https://www.googleapis.com/auth/cloud-platform"
	iamScope           = "https://www.googleapis.com/auth/iam"
	bigQueryScope      = "https://www.googleapis.com/auth/bigquery"
	userinfoEmailScope = "https://www.googleapis.com/auth/userinfo.email"
)

// ServiceAccount is a Google service account.
type ServiceAccount struct {
	Email string
	// UniqueID is the account's 21-digit numeric id, the subject of its ID tokens.
	UniqueID  string
	ProjectID string
	// ExtendedLifetime stands for the organisation policy constraints/iam.allowServiceAccountCredentialLifetimeExtension:
	// access tokens of up to 12 hours instead of one.
	ExtendedLifetime bool
}

// Google is Google's token services, one loopback server each, sharing one set of accounts, keys and grants. A
// member is named as in an IAM policy: serviceAccount:EMAIL, user:EMAIL, principal://… or principalSet://…/*.
type Google struct {
	// Issuer publishes the ID tokens' keys in place of accounts.google.com and www.googleapis.com.
	Issuer *Server
	// JWKSURL is where Issuer publishes them.
	JWKSURL string
	// Metadata is the metadata server, over plain HTTP. GCE_METADATA_HOST wants MetadataHost.
	Metadata *Server
	// Token stands for oauth2.googleapis.com; its endpoint is /token.
	Token *Server
	// STS stands for sts.googleapis.com; its endpoints are /v1/token and /v1/introspect.
	STS *Server
	// IAM stands for iamcredentials.googleapis.com.
	IAM *Server
	// BigQuery stands for bigquery.googleapis.com.
	BigQuery *Server
	// Storage stands for storage.googleapis.com.
	Storage *Server

	now    func() time.Time
	client *http.Client
	key    *signingKey
	// forger makes a key when a test first forges something: RSA keys are slow to make.
	forger func() (*signingKey, error)

	mu        sync.Mutex
	accounts  map[string]ServiceAccount
	keys      map[string]accountKey
	users     map[string]GoogleUser
	clients   map[string]string
	tokens    map[string]googleGrant
	bindings  []iamBinding
	queriers  []iamBinding
	providers map[string]OIDCProvider
	instance  GoogleInstance
	minted    map[string]mintedToken
	idLife    time.Duration
	served    []string
	buckets   map[string]*bucket
	jobs      map[string]queryJob
	exchanges []Exchange
	// deleted are providers that can be brought back.
	deleted map[string]OIDCProvider
	// pools are workload identity pools, by what names of their providers begin with.
	pools map[string]bool
	// throttled are how many exchanges are refused for their number; disabled are APIs that a project has not enabled.
	throttled int
	disabled  map[string]bool
	// withoutFederated are APIs that take no tokens of a workload identity pool.
	withoutFederated map[string]bool
	// issuers are those that a policy allows for providers; nil allows every one.
	issuers []string
}

// googleGrant is what an opaque access token stands for.
type googleGrant struct {
	principal       string
	scopes          []string
	issued, expires time.Time
	// issuer is set for federated tokens alone; STS knows no others.
	issuer string
}

// StartGoogle starts Google's services on loopback: TLS with a certificate of ca, except for the metadata server.
// now is their clock; it is called from several goroutines.
func StartGoogle(ca *CA, now func() time.Time) (*Google, error) {
	g := &Google{
		now: now, client: ca.Client(),
		accounts: map[string]ServiceAccount{}, keys: map[string]accountKey{}, users: map[string]GoogleUser{},
		clients: map[string]string{}, tokens: map[string]googleGrant{}, providers: map[string]OIDCProvider{},
		minted: map[string]mintedToken{}, buckets: map[string]*bucket{}, jobs: map[string]queryJob{}, disabled: map[string]bool{}, withoutFederated: map[string]bool{}, deleted: map[string]OIDCProvider{}, pools: map[string]bool{},
	}
	var err error
	if g.key, err = newSigningKey(); err != nil {
		return nil, err
	}
	g.forger = sync.OnceValues(newSigningKey)
	for _, s := range []struct {
		server  **Server
		ca      *CA
		handler http.HandlerFunc
	}{
		{&g.Issuer, ca, g.serveIssuer},
		{&g.Metadata, nil, g.serveMetadata},
		{&g.Token, ca, g.serveToken},
		{&g.STS, ca, g.recorded(g.serveSTS)},
		{&g.IAM, ca, g.recorded(g.serveIAM)},
		{&g.BigQuery, ca, g.serveBigQuery},
		{&g.Storage, ca, g.serveStorage},
	} {
		handler := http.Handler(s.handler)
		if s.ca != nil {
			handler = dated(now, handler)
		}
		server, err := listen(s.ca, handler)
		if err != nil {
			g.Close()
			return nil, err
		}
		*s.server = server
	}
	g.JWKSURL = g.Issuer.URL + "/oauth2/v3/certs"
	return g, nil
}

// Close stops every server.
func (g *Google) Close() {
	for _, s := range []*Server{g.Issuer, g.Metadata, g.Token, g.STS, g.IAM, g.BigQuery, g.Storage} {
		if s != nil {
			s.Close()
		}
	}
	g.client.CloseIdleConnections()
}

// MetadataHost is the value for GCE_METADATA_HOST: host and port without a scheme.
func (g *Google) MetadataHost() string { return strings.TrimPrefix(g.Metadata.URL, "http://") }

// AddServiceAccount makes a service account exist.
func (g *Google) AddServiceAccount(a ServiceAccount) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[a.Email] = a
}

// account finds a service account by e-mail address or unique id, which Google's APIs take interchangeably.
func (g *Google) account(name string) (ServiceAccount, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a, ok := g.accounts[name]; ok {
		return a, true
	}
	for _, a := range g.accounts {
		if a.UniqueID == name && name != "" {
			return a, true
		}
	}
	return ServiceAccount{}, false
}

// AccessToken issues an access token to a member without any of the services having been asked: for tests that
// begin with one. It must be a single identity, not a principalSet.
func (g *Google) AccessToken(member string, lifetime time.Duration, scopes ...string) string {
	return g.issue(googleGrant{principal: member, scopes: scopes, expires: g.now().Add(lifetime)})
}

// issue makes an opaque access token. The first letters tell people what kind it is, as Google's do; nothing else
// can be read from it.
func (g *Google) issue(t googleGrant) string {
	kind := "ya29.c."
	switch {
	case strings.HasPrefix(t.principal, "user:"):
		kind = "ya29.a0"
	case strings.HasPrefix(t.principal, "principal:"):
		kind, t.issuer = "ya29.d.", "https://sts.googleapis.com/"
	}
	random := make([]byte, 120)
	_, _ = rand.Read(random)
	token := kind + base64.RawURLEncoding.EncodeToString(random)
	t.issued = g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[token] = t
	return token
}

// granted returns what an access token stands for, if this cloud issued it and it has not expired.
func (g *Google) granted(token string) (googleGrant, bool) {
	g.mu.Lock()
	t, ok := g.tokens[token]
	g.mu.Unlock()
	return t, ok && g.now().Before(t.expires)
}

func (t googleGrant) has(scopes ...string) bool {
	return slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(t.scopes, s) })
}

// iamBinding gives a member a role on a resource (a service account's e-mail address, or a project).
type iamBinding struct{ member, role, resource string }

// memberCovers reports whether a policy member includes a principal.
func memberCovers(member, principal string) bool {
	if pool, ok := strings.CutPrefix(member, "principalSet://"); ok {
		pool, everyone := strings.CutSuffix(pool, "/*")
		return everyone && strings.HasPrefix(principal, "principal://"+pool+"/subject/")
	}
	return member == principal
}

// googleBearer reads the access token of a request as Google's APIs do.
func googleBearer(r *http.Request) (token string, present bool) {
	value := r.Header.Get("Authorization")
	scheme, token, found := strings.Cut(value, " ")
	return strings.TrimSpace(token), found && strings.EqualFold(scheme, "Bearer")
}

// authenticate answers a request without a usable access token with the API's own 401 or 403 and reports false.
func (g *Google) authenticate(w http.ResponseWriter, r *http.Request, service string, scopes ...string) (googleGrant, bool) {
	const expected = "Expected OAuth 2 access token, login cookie or other valid authentication credential. " +
		"See https://developers.google.com/identity/sign-in/web/devconsole-project."
	token, present := googleBearer(r)
	if !present {
		e := apiError{Code: 401, Status: "UNAUTHENTICATED", Message: "Request is missing required authentication credential. " + expected}
		e.writeAuth(w, "CREDENTIALS_MISSING", service, "Login Required.", "required")
		return googleGrant{}, false
	}
	t, ok := g.granted(token)
	if !ok || t.issuer != "" && g.accountsOnly(service) {
		e := apiError{Code: 401, Status: "UNAUTHENTICATED", Message: "Request had invalid authentication credentials. " + expected}
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/", error="invalid_token"`)
		e.writeAuth(w, "ACCESS_TOKEN_TYPE_UNSUPPORTED", service, "Invalid Credentials", "authError")
		return googleGrant{}, false
	}
	if !t.has(scopes...) {
		e := apiError{Code: 403, Status: "PERMISSION_DENIED", Message: "Request had insufficient authentication scopes."}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="%s"`, strings.Join(scopes, " ")))
		e.writeAuth(w, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", service, "Insufficient Permission", "insufficientPermissions")
		return googleGrant{}, false
	}
	return t, true
}
