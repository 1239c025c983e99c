package fakecloud

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// gcloudClientID is gcloud's own OAuth client, with which gcloud authenticates its calls to STS. Its secret is no
// secret (RFC 8252 section 8.5), so any is taken.
const gcloudClientID = "32555940559.apps.googleusercontent.com"

// STSURL is the token_url of an external_account file.
func (g *Google) STSURL() string { return g.STS.URL + "/v1/token" }

func (g *Google) serveSTS(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/token" && r.URL.Path != "/v1/introspect" {
		htmlError(w, http.StatusNotFound, "The requested URL <code>"+escaped(r)+"</code> was not found on this server.")
		return
	}
	if refused := g.checkClient(r); refused != nil {
		refused.write(w)
		return
	}
	if r.URL.Path == "/v1/introspect" {
		g.introspect(w, r)
		return
	}
	answer, refused := g.throttle()
	if refused == nil {
		answer, refused = g.exchange(r)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// Throttle refuses so many exchanges from now on.
func (g *Google) Throttle(times int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.throttled = times
}

func (g *Google) throttle() (map[string]any, *oauthError) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.throttled == 0 {
		return nil, nil
	}
	g.throttled--
	return nil, &oauthError{http.StatusTooManyRequests, "quota_exceeded", "The request was throttled due to rate limit: sts.googleapis.com/requests. Please retry after a few seconds."}
}

// checkClient refuses an Authorization header that is no known OAuth client's: one must not be sent otherwise.
func (g *Google) checkClient(r *http.Request) *oauthError {
	if r.Header.Get("Authorization") == "" {
		return nil
	}
	id, secret, ok := r.BasicAuth()
	g.mu.Lock()
	want, known := g.clients[id]
	g.mu.Unlock()
	if ok && (id == gcloudClientID || known && secret == want) {
		return nil
	}
	return &oauthError{http.StatusUnauthorized, "invalid_client", "The OAuth client was not found."}
}

// exchange answers RFC 8693 as https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token describes. The
// texts for a subject token are the real ones; those for a parameter that is missing are not known word for word.
func (g *Google) exchange(r *http.Request) (map[string]any, *oauthError) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, invalidRequest("Invalid Content-Type. Expected application/x-www-form-urlencoded.")
	}
	audience := r.PostFormValue("audience")
	if r.PostFormValue("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" {
		return nil, &oauthError{http.StatusBadRequest, "unsupported_grant_type", `Invalid value for "grant_type".`}
	}
	if r.PostFormValue("requested_token_type") != "urn:ietf:params:oauth:token-type:access_token" {
		return nil, invalidRequest(`Invalid value for "requested_token_type".`)
	}
	if !providerName(audience) {
		return nil, invalidRequest(`Invalid value for "audience". This value should be the full resource name of the Identity Provider. ` +
			`See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible formats.`)
	}
	switch r.PostFormValue("subject_token_type") {
	case "urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token":
	default:
		return nil, invalidRequest(`Invalid value for "subject_token_type".`)
	}
	scopes := strings.Fields(r.PostFormValue("scope"))
	if len(scopes) == 0 {
		return nil, &oauthError{http.StatusBadRequest, "invalid_scope", `Invalid value for "scope".`}
	}
	if !validOptions(r.PostFormValue("options")) {
		return nil, invalidRequest(`Invalid value for "options".`)
	}
	if r.PostFormValue("subject_token") == "" {
		return nil, invalidRequest(`Invalid value for "subject_token".`)
	}
	g.mu.Lock()
	provider, ok := g.providers[audience]
	g.mu.Unlock()
	if !ok || provider.Disabled {
		return nil, &oauthError{http.StatusBadRequest, "invalid_target", `The target service indicated by the "audience" parameters is invalid. ` +
			`This might either be because the pool or provider is disabled or deleted or because it doesn't exist.`}
	}
	claims, refused := provider.check(g.client, r.PostFormValue("subject_token"), g.now())
	if refused != nil {
		return nil, refused
	}
	subject, refused := provider.subject(claims)
	if refused != nil {
		return nil, refused
	}
	pool, _, _ := strings.Cut(strings.TrimPrefix(audience, "//"), "/providers/")
	expiry, _ := seconds(claims, "exp")
	// A token within the allowed skew of its end has no life left to pass on, yet an answer must state some.
	lifetime := max(min(expiry.Sub(g.now()), time.Hour).Truncate(time.Second), time.Second)
	token := g.issue(googleGrant{
		principal: "principal://" + pool + "/subject/" + subject, scopes: scopes, expires: g.now().Add(lifetime),
	})
	return map[string]any{
		"access_token": token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
		"token_type": "Bearer", "expires_in": int(lifetime / time.Second),
	}, nil
}

// validOptions reports whether options is absent or JSON. google-auth for Python and googleauth for Ruby escape it once more
// than a form does, and workforce pools work with both.
func validOptions(options string) bool {
	if unescaped, err := url.QueryUnescape(options); err == nil && json.Valid([]byte(unescaped)) {
		return true
	}
	return options == "" || json.Valid([]byte(options))
}

// introspect says who a token stands for (RFC 7662). gcloud shows username as the active account.
func (g *Google) introspect(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("token")
	if token == "" {
		invalidRequest(`Invalid value for "token".`).write(w)
		return
	}
	t, ok := g.granted(token)
	if !ok || t.issuer == "" {
		writeJSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"active": true, "username": t.principal, "sub": t.principal, "iss": t.issuer,
		"scope": strings.Join(t.scopes, " "), "iat": t.issued.Unix(), "exp": t.expires.Unix(),
	})
}
