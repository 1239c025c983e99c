package fakecloud

import (
	"crypto/subtle"
	"net/http"
	"time"
)

// What OpenID knows: one client and one person.
const (
	OpenIDClient   = "kubernetes"
	OpenIDUser     = "dev"
	OpenIDPassword = "sandbox-password"
)

// OpenID is a plain OpenID provider, as a company has one of its own for its clusters: neither of the clouds. It takes a
// person's password, so that nobody has to be at a browser. https://www.rfc-editor.org/rfc/rfc6749#section-4.3
type OpenID struct {
	*Server
	now func() time.Time
	key *signingKey
}

// StartOpenID starts one. Its issuer name is its URL.
func StartOpenID(ca *CA, now func() time.Time) (*OpenID, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	o := &OpenID{now: now, key: key}
	o.Server, err = listen(ca, http.HandlerFunc(o.serve))
	return o, err
}

// JWKSURL is where the provider's keys are.
func (o *OpenID) JWKSURL() string { return o.URL + "/keys" }

func (o *OpenID) serve(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /.well-known/openid-configuration":
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer": o.URL, "jwks_uri": o.JWKSURL(), "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
			"grant_types_supported": []string{"password"}, "scopes_supported": []string{"openid"},
		})
	case "GET /keys":
		writeJSON(w, http.StatusOK, o.key.jwks())
	case "POST /token":
		o.serveToken(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (o *OpenID) serveToken(w http.ResponseWriter, r *http.Request) {
	client, _, basic := r.BasicAuth()
	if !basic {
		client = r.PostFormValue("client_id")
	}
	refused := ""
	switch {
	case client != OpenIDClient:
		refused = "invalid_client"
	case r.PostFormValue("grant_type") != "password":
		refused = "unsupported_grant_type"
	case r.PostFormValue("username") != OpenIDUser || subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(OpenIDPassword)) != 1:
		refused = "invalid_grant"
	}
	if refused != "" {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": refused})
		return
	}
	now := o.now()
	token, err := o.key.sign(map[string]any{
		"iss": o.URL, "sub": OpenIDUser, "aud": OpenIDClient, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": newGUID(), "oid": OpenIDUser,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": newGUID(), "token_type": "Bearer", "expires_in": 3600, "id_token": token, "scope": "openid"})
}
