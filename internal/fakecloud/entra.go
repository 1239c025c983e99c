package fakecloud

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Application is an Entra application with its service principal in one tenant, or a managed identity.
type Application struct {
	TenantID, ClientID string
	// ObjectID is the object id of the service principal: oid and sub of its tokens.
	ObjectID string
	// AppIDURI makes the application a resource that tokens can be asked for, as its client id does.
	AppIDURI string
	Secrets  []string
	// ExpiredSecrets are known and have ended.
	ExpiredSecrets []string
	Certificates   []*x509.Certificate
	Federated      []FederatedCredential
	// Disabled is accountEnabled=false of the service principal, Blocked a Conditional Access policy that lets it not in.
	Disabled, Blocked bool
	// NeedsConsent says that nobody has allowed it to use any resource yet.
	NeedsConsent bool
	// PublicClient is isFallbackPublicClient of its manifest: people may sign in with a device code, without a secret of the
	// application's.
	PublicClient bool
	// Opaque makes tokens for it, as a resource, ones that nobody else can read.
	Opaque bool
	// Claims are in its tokens in place of what Entra ID would write.
	Claims map[string]any
	// RequestedTokenVersion is requestedAccessTokenVersion of its manifest as a resource: 2, or else 1.
	RequestedTokenVersion int
}

// FederatedCredential is a federated identity credential: whose tokens stand for the application.
type FederatedCredential struct {
	Issuer, Subject, Audience, Name string
	// Propagates is when a new one has reached every part of the service; until then it is refused as one that does not
	// exist. The zero time is long ago.
	// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
	Propagates time.Time
}

// Entra is Microsoft Entra ID's token service.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
type Entra struct {
	*Server
	key    *signingKey
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	life    time.Duration
	renew   time.Duration
	skew    time.Duration
	groups  int
	apps    []Application
	issuers map[string]string
	// elsewhere are the clouds of tenants that are in another one, by tenant in lower case.
	elsewhere map[string]string
	devices   map[string]*deviceCode
	// refused is an AADSTS code, and how many requests are refused with it; fewer than none are all.
	refused, refusals int
	// while says how long more are refused; nil is for as many as refusals says.
	while func() bool
	// uninstalled are applications that the sandbox's tenant could install.
	uninstalled []Application
	// oneCode is set for the single code that federated tokens were once refused with.
	oneCode bool
}

// StartEntra starts a token service that knows no tenant yet.
func StartEntra(ca *CA, now func() time.Time) (*Entra, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	e := &Entra{skew: AssertionSkew, key: key, client: ca.Client(), now: now, issuers: map[string]string{}, elsewhere: map[string]string{}, devices: map[string]*deviceCode{}}
	e.Server, err = listen(ca, dated(now, http.HandlerFunc(e.serve)), PublicAuthority)
	return e, err
}

// PublicAuthority is Entra ID's name in the public cloud. The fake answers under it where a client cannot be told of
// another and a proxy leads it here.
const PublicAuthority = "login.microsoftonline.com"

// DefaultLife is how long access tokens live unless Issue says otherwise.
const DefaultLife = 75 * time.Minute

// Issue says how long access tokens live from now on, those of managed identities and of clients that take up claims
// challenges too; Entra's own are given 60 to 90 minutes, and 0 means that again. groups is how many group ids they carry: two hundred, the most that Entra puts into a JWT, make one of 12 KB.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
func (e *Entra) Issue(life time.Duration, groups int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life, e.groups = life, groups
}

// RenewIn makes answers ask for a renewal after so long (refresh_in), as the real service does for tokens of two hours and
// more at half of their life. 0 means that again.
func (e *Entra) RenewIn(after time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.renew = after
}

// refreshIn is when a token of this life is to be renewed, or zero where nothing is said.
func (e *Entra) refreshIn(life time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.renew == 0 && life >= 2*time.Hour {
		return life / 2
	}
	return e.renew
}

// AllowSkew says how far the clock of an assertion's issuer may be off. With none an assertion ends when it says so.
func (e *Entra) AllowSkew(skew time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.skew = skew
}

func (e *Entra) lifetime() time.Duration { return e.lifetimeOr(DefaultLife) }

func (e *Entra) lifetimeOr(usual time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life != 0 {
		return e.life
	}
	return usual
}

// AddApplication makes an application, and with it its tenant, exist.
func (e *Entra) AddApplication(a Application) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.apps = append(e.apps, a)
}

// TrustIssuer says where the keys of a federated credential's issuer are. The real service asks the issuer's discovery
// document for it.
func (e *Entra) TrustIssuer(issuer, jwksURL string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.issuers[issuer] = jwksURL
}

// JWKSURL is where the keys of its tokens are.
func (e *Entra) JWKSURL() string { return e.URL + "/common/discovery/v2.0/keys" }

// IssuerV1 is the issuer of version 1 tokens of a tenant.
func IssuerV1(tenant string) string { return "https://sts.windows.net/" + tenant + "/" }

// IssuerV2 is the issuer of version 2 tokens of a tenant.
func IssuerV2(tenant string) string { return "https://login.microsoftonline.com/" + tenant + "/v2.0" }

func (e *Entra) hasTenant(tenant string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.apps {
		if strings.EqualFold(a.TenantID, tenant) {
			return true
		}
	}
	return false
}

// app finds an application by client id, App ID URI or object id.
func (e *Entra) app(tenant, name string) (Application, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.apps {
		if strings.EqualFold(a.TenantID, tenant) && name != "" && (strings.EqualFold(a.ClientID, name) || strings.EqualFold(a.ObjectID, name) || a.AppIDURI == name) {
			return a, true
		}
	}
	return Application{}, false
}

// Change changes an application. It panics where there is none, since a test then means another one.
func (e *Entra) Change(tenant, clientID string, change func(*Application)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, a := range e.apps {
		if strings.EqualFold(a.TenantID, tenant) && strings.EqualFold(a.ClientID, clientID) {
			change(&e.apps[i])
			return
		}
	}
	panic("no application " + clientID + " in " + tenant)
}

// RemoveApplication makes an application unknown in a tenant, which may install it again.
func (e *Entra) RemoveApplication(tenant, clientID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.apps {
		if strings.EqualFold(a.TenantID, tenant) && strings.EqualFold(a.ClientID, clientID) {
			e.uninstalled = append(e.uninstalled, a)
		}
	}
	e.apps = slices.DeleteFunc(e.apps, func(a Application) bool {
		return strings.EqualFold(a.TenantID, tenant) && strings.EqualFold(a.ClientID, clientID)
	})
}

func (e *Entra) serve(w http.ResponseWriter, r *http.Request) {
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case rest == "discovery/v2.0/keys" || rest == "discovery/keys":
		writeJSON(w, http.StatusOK, e.key.jwks())
	case tenant == "common" && rest == "discovery/instance":
		e.serveInstance(w, r)
	case strings.HasSuffix(rest, "/token") && e.refusesNow(w):
	case !e.hasTenant(tenant):
		e.refuse(w, refusal{http.StatusBadRequest, "invalid_tenant", 90002,
			"Tenant '" + tenant + "' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."})
	case r.Method == http.MethodPost && e.refusesPlace(w, r, tenant):
	case rest == "v2.0/.well-known/openid-configuration" || rest == ".well-known/openid-configuration":
		e.serveDiscovery(w, r.Host, tenant, strings.HasPrefix(rest, "v2.0/"))
	case rest == "oauth2/v2.0/devicecode" && r.Method == http.MethodPost:
		e.serveDeviceCode(w, r, tenant)
	case rest == "oauth2/v2.0/token" && r.Method == http.MethodPost:
		e.serveToken(w, r, tenant)
	default:
		http.NotFound(w, r)
	}
}

func (e *Entra) serveDiscovery(w http.ResponseWriter, host, tenant string, v2 bool) {
	base := "https://" + host + "/" + tenant
	issuer, path := IssuerV1(tenant), "/oauth2"
	if v2 {
		issuer, path = IssuerV2(tenant), "/oauth2/v2.0"
	}
	cloud, elsewhere := e.cloud(tenant)
	if !elsewhere {
		cloud = "microsoftonline.com"
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"token_endpoint": base + path + "/token", "authorization_endpoint": base + path + "/authorize", "issuer": issuer,
		"jwks_uri": base + "/discovery/v2.0/keys", "device_authorization_endpoint": base + path + "/devicecode",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "subject_types_supported": []string{"pairwise"},
		"tenant_region_scope": "EU", "cloud_instance_name": strings.ToLower(cloud),
	})
}
