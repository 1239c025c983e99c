package fakecloud

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// AssertionSkew is how far the clocks of an assertion's issuer and Entra ID may be apart unless AllowSkew says otherwise.
const AssertionSkew = 5 * time.Minute

// serveToken is the client credentials grant with each way a confidential client can prove itself.
func (e *Entra) serveToken(w http.ResponseWriter, r *http.Request, tenant string) {
	if err := r.ParseForm(); err != nil {
		e.refuse(w, badRequest("invalid_request", 900144, "The request body must be form encoded."))
		return
	}
	form := r.PostForm
	for _, name := range []string{"grant_type", "client_id"} {
		if form.Get(name) == "" {
			e.refuse(w, badRequest("invalid_request", 900144, "The request body must contain the following parameter: '%s'.", name))
			return
		}
	}
	if form.Get("grant_type") == "urn:ietf:params:oauth:grant-type:device_code" || form.Get("grant_type") == "device_code" {
		e.serveDeviceToken(w, form, tenant)
		return
	}
	if grant := form.Get("grant_type"); grant != "client_credentials" {
		e.refuse(w, badRequest("unsupported_grant_type", 70003, "The app requested an unsupported grant type '%s'.", grant))
		return
	}
	app, ok := e.app(tenant, form.Get("client_id"))
	if !ok || !strings.EqualFold(app.ClientID, form.Get("client_id")) {
		e.refuse(w, badRequest("unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", form.Get("client_id"), tenant))
		return
	}
	method, refused := e.authenticate(r, app)
	if refused != nil {
		e.refuse(w, *refused)
		return
	}
	resource, refused := e.resource(tenant, form.Get("scope"))
	if refused != nil {
		e.refuse(w, *refused)
		return
	}
	if refused := app.state(resource); refused != nil {
		e.refuse(w, *refused)
		return
	}
	tokenType, confirmation, refused := confirmation(form)
	if refused != nil {
		e.refuse(w, *refused)
		return
	}
	life := e.lifetime()
	evaluated, refused := continuousAccess(form.Get("claims"))
	if refused != nil {
		e.refuse(w, *refused)
		return
	}
	if evaluated != nil {
		life = e.lifetimeOr(continuousLife)
		evaluated["exp"] = e.now().Add(life).Unix()
	}
	token, err := e.mint(app, resource, method, confirmation, evaluated)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	seconds := int(life / time.Second)
	answer := map[string]any{"token_type": tokenType, "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
	if after := e.refreshIn(life); after > 0 {
		answer["refresh_in"] = int(after / time.Second)
	}
	writeJSON(w, http.StatusOK, answer)
}

// Values of the claims appidacr and azpacr: how the client proved itself.
const (
	bySecret      = "1"
	byCertificate = "2"
)

func (e *Entra) authenticate(r *http.Request, app Application) (string, *refusal) {
	form := r.PostForm
	assertion := form.Get("client_assertion")
	switch {
	case assertion != "":
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			no := badRequest("invalid_request", 900144, "The request body must contain the following parameter: 'client_assertion_type'.")
			return "", &no
		}
		return byCertificate, e.checkAssertion(r, app, assertion)
	case form.Get("client_secret") != "":
		if slices.Contains(app.ExpiredSecrets, form.Get("client_secret")) {
			no := invalidClient(7000222, "The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.", app.ClientID)
			return "", &no
		}
		if !slices.Contains(app.Secrets, form.Get("client_secret")) {
			no := invalidClient(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", app.ClientID)
			return "", &no
		}
		return bySecret, nil
	default:
		no := invalidClient(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
		return "", &no
	}
}

// checkAssertion tells a self-signed assertion (issuer = subject = client) from a federated one.
func (e *Entra) checkAssertion(r *http.Request, app Application, raw string) *refusal {
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.HS256})
	claims := map[string]any{}
	if err != nil || parsed.UnsafeClaimsWithoutVerification(&claims) != nil {
		no := badRequest("invalid_request", 50027, "JWT token is invalid or malformed.")
		return &no
	}
	issuer, _ := claims["iss"].(string)
	if strings.EqualFold(issuer, app.ClientID) {
		return e.checkCertificate(r, app, parsed, claims)
	}
	return e.checkFederated(app, raw, claims)
}

// https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (e *Entra) checkCertificate(r *http.Request, app Application, parsed *jwt.JSONWebToken, claims map[string]any) *refusal {
	header := parsed.Headers[0]
	sha1Thumb, _ := header.ExtraHeaders["x5t"].(string)
	sha256Thumb, _ := header.ExtraHeaders["x5t#S256"].(string)
	for _, cert := range app.Certificates {
		one, two := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
		if !isThumbprint(sha1Thumb, one[:]) && !isThumbprint(sha256Thumb, two[:]) {
			continue
		}
		if parsed.Claims(cert.PublicKey, &map[string]any{}) != nil || (header.Algorithm != "RS256" && header.Algorithm != "PS256") {
			no := invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was found, but use of the key to verify the signature failed.]")
			return &no
		}
		if aud, _ := claims["aud"].(string); aud != "https://"+r.Host+r.URL.Path {
			no := invalidClient(50027, "JWT token is invalid or malformed. The audience of the client assertion must be the token endpoint.")
			return &no
		}
		if claims["sub"] != claims["iss"] {
			no := invalidClient(50027, "JWT token is invalid or malformed. The subject of the client assertion must be its issuer.")
			return &no
		}
		return e.checkTimes(claims)
	}
	no := invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found.]")
	return &no
}

// isThumbprint takes both alphabets of base64: RFC 7515 wants the one for URLs, and MSAL for Go sends the other.
func isThumbprint(header string, sum []byte) bool {
	header = strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(header)
	return header == base64.RawURLEncoding.EncodeToString(sum)
}

func (e *Entra) checkFederated(app Application, raw string, claims map[string]any) *refusal {
	issuer, _ := claims["iss"].(string)
	subject, _ := claims["sub"].(string)
	audiences := claimStrings(claims["aud"])
	var matching []FederatedCredential
	for _, f := range app.Federated {
		switch {
		case f.Issuer != issuer:
		case !e.now().Before(f.Propagates):
			matching = append(matching, f)
		case f.Subject == subject && slices.Contains(audiences, f.Audience):
			no := noFederated(issuer, subject, audiences)
			return &no
		}
	}
	const none = "No matching federated identity record found for presented assertion "
	e.mu.Lock()
	oneCode := e.oneCode
	e.mu.Unlock()
	refused := func(code int, format string, args ...any) *refusal {
		if oneCode {
			no := noFederated(issuer, subject, audiences)
			return &no
		}
		no := invalidClient(code, none+format+checkFederated, args...)
		return &no
	}
	if len(matching) == 0 {
		return refused(700211, "issuer '%s'.", issuer)
	}
	e.mu.Lock()
	jwksURL := e.issuers[issuer]
	e.mu.Unlock()
	if _, err := verify(e.client, jwksURL, raw); err != nil {
		no := invalidClient(700027, "Client assertion failed signature validation.")
		switch {
		case errors.Is(err, errMalformed):
			no = invalidClient(50027, "JWT token is invalid or malformed.")
		case errors.Is(err, errUnknownKey):
			no = unknownFederatedKey(raw, issuer)
		}
		return &no
	}
	if no := e.checkTimes(claims); no != nil {
		return no
	}
	caseDiffers, subjectMatches := false, false
	for _, f := range matching {
		if f.Subject != subject {
			caseDiffers = caseDiffers || strings.EqualFold(f.Subject, subject)
			continue
		}
		subjectMatches = true
		if slices.Contains(audiences, f.Audience) {
			return nil
		}
	}
	switch {
	case subjectMatches:
		return refused(700212, "audience '%s'.", strings.Join(audiences, " "))
	case caseDiffers:
		return refused(7002138, "subject '%s'. The subject differs from the configured one in case only.", subject)
	case strings.HasPrefix(issuer, "https://login.microsoftonline.com/"):
		return refused(7002137, "subject '%s'.", subject)
	default:
		return refused(700213, "subject '%s'.", subject)
	}
}

func (e *Entra) checkTimes(claims map[string]any) *refusal {
	now := e.now()
	expires, ok := seconds(claims, "exp")
	from, _ := seconds(claims, "nbf")
	e.mu.Lock()
	skew := e.skew
	e.mu.Unlock()
	if !ok || now.After(expires.Add(skew)) || now.Before(from.Add(-skew)) {
		const layout = "2006-01-02T15:04:05.0000000Z"
		no := invalidClient(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
			now.UTC().Format(layout), from.UTC().Format(layout), expires.UTC().Format(layout))
		return &no
	}
	return nil
}

// wellKnownResources exist in every tenant.
func wellKnownResources() []string {
	return []string{
		"https://management.azure.com", "https://management.core.windows.net", "https://storage.azure.com", "https://graph.microsoft.com",
		"https://vault.azure.net", "https://database.windows.net", AKSServer,
	}
}

// AKSServer is the application of every AKS API server with Entra integration.
const AKSServer = "6dae42f8-4368-4678-94ff-3960e28e3630"

// resource reads the scope of a client credentials request: one resource with /.default behind it. OpenID scopes that
// MSAL adds are passed over.
func (e *Entra) resource(tenant, scope string) (string, *refusal) {
	var asked []string
	for s := range strings.FieldsSeq(scope) {
		if s != "openid" && s != "offline_access" && s != "profile" {
			asked = append(asked, s)
		}
	}
	if len(asked) == 0 {
		no := badRequest("invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
		return "", &no
	}
	resource, ok := strings.CutSuffix(asked[0], "/.default")
	if !ok || len(asked) != 1 {
		no := badRequest("invalid_scope", 1002012, "The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", strings.Join(asked, " "))
		return "", &no
	}
	if !e.hasResource(tenant, resource) {
		no := badRequest("invalid_resource", 500011, "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", resource, tenant)
		return "", &no
	}
	return resource, nil
}

func (e *Entra) hasResource(tenant, resource string) bool {
	if slices.Contains(wellKnownResources(), strings.TrimSuffix(resource, "/")) {
		return true
	}
	app, ok := e.app(tenant, resource)
	return ok && (app.AppIDURI == resource || strings.EqualFold(app.ClientID, resource))
}

// mint signs an access token for app, shaped by the resource's requested version.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func (e *Entra) mint(app Application, resource, method string, more ...map[string]any) (string, error) {
	now := e.now()
	claims := map[string]any{
		"aud": resource, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(e.lifetime()).Unix(),
		"aio": rand.Text(), "uti": rand.Text(), "rh": "1." + rand.Text(), "oid": app.ObjectID, "sub": app.ObjectID, "tid": app.TenantID,
	}
	target, registered := e.app(app.TenantID, resource)
	if target.Opaque {
		return "EwBw" + rand.Text() + rand.Text(), nil
	}
	if registered && target.RequestedTokenVersion == 2 {
		claims["iss"], claims["ver"], claims["aud"] = IssuerV2(app.TenantID), "2.0", target.ClientID
		claims["azp"], claims["azpacr"] = app.ClientID, method
	} else {
		claims["iss"], claims["ver"], claims["idp"] = IssuerV1(app.TenantID), "1.0", IssuerV1(app.TenantID)
		claims["appid"], claims["appidacr"], claims["idtyp"] = app.ClientID, method, "app"
	}
	e.mu.Lock()
	groups := make([]string, e.groups)
	e.mu.Unlock()
	if len(groups) > 0 {
		for i := range groups {
			groups[i] = fmt.Sprintf("aaaaaaaa-0000-0000-0000-%012d", i)
		}
		claims["groups"] = groups
	}
	for _, m := range append(more, app.Claims) {
		maps.Copy(claims, m)
	}
	return e.key.sign(claims)
}
