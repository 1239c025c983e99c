package fakecloud

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// publicTokenURL is the audience that Google's endpoint takes whatever host it is reached by; Python's google-auth
// always sends it.
const publicTokenURL = "https://oauth2.googleapis.com/token"

// accountKey is the public half of a service account's key file.
type accountKey struct {
	email  string
	public *rsa.PublicKey
}

// GoogleUser is a person who signed in with `gcloud auth application-default login`.
type GoogleUser struct{ Email, Subject, ClientID, ClientSecret, RefreshToken string }

// TokenURL is the token endpoint's URL.
func (g *Google) TokenURL() string { return g.Token.URL + "/token" }

// NewKeyFile creates a key of a registered service account and returns its JSON file, whose token_uri is this
// cloud's token endpoint.
func (g *Google) NewKeyFile(email string) ([]byte, error) {
	account, ok := g.account(email)
	if !ok {
		return nil, fmt.Errorf("service account %q is not registered", email)
	}
	made, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(made.key)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(made.key.N.Bytes())
	id := hex.EncodeToString(sum[:])
	g.mu.Lock()
	g.keys[id] = accountKey{account.Email, &made.key.PublicKey}
	g.mu.Unlock()
	return json.MarshalIndent(map[string]string{
		"type":                        "service_account",
		"project_id":                  account.ProjectID,
		"private_key_id":              id,
		"private_key":                 string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":                account.Email,
		"client_id":                   account.UniqueID,
		"auth_uri":                    GoogleIssuer + "/o/oauth2/auth",
		"token_uri":                   g.TokenURL(),
		"auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
		"client_x509_cert_url":        "https://www.googleapis.com/robot/v1/metadata/x509/" + strings.ReplaceAll(account.Email, "@", "%40"),
		"universe_domain":             "googleapis.com",
	}, "", "  ")
}

// DeleteKeys deletes every key of a service account, as an administrator does with a leaked file.
func (g *Google) DeleteKeys(email string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, key := range g.keys {
		if key.email == email {
			delete(g.keys, id)
		}
	}
}

// AddUser registers a person's refresh token and returns the Application Default Credentials file that holds it.
func (g *Google) AddUser(u GoogleUser) ([]byte, error) {
	g.mu.Lock()
	g.users[u.RefreshToken], g.clients[u.ClientID] = u, u.ClientSecret
	g.mu.Unlock()
	return json.MarshalIndent(map[string]string{
		"type": "authorized_user", "account": "", "universe_domain": "googleapis.com",
		"client_id": u.ClientID, "client_secret": u.ClientSecret, "refresh_token": u.RefreshToken,
		"token_uri": g.TokenURL(),
	}, "", "  ")
}

// RevokeUser makes a refresh token invalid, as a password change or a session-length policy does.
func (g *Google) RevokeUser(refreshToken string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.users, refreshToken)
}

func (g *Google) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/tokeninfo" {
		g.serveTokenInfo(w, r)
		return
	}
	if r.URL.Path != "/token" {
		htmlError(w, http.StatusNotFound, fmt.Sprintf("The requested URL <code>%s</code> was not found on this server.", escaped(r)))
		return
	}
	if r.Method != http.MethodPost {
		htmlError(w, http.StatusMethodNotAllowed, fmt.Sprintf("The request method <code>%s</code> is inappropriate for the URL <code>/token</code>.", r.Method))
		return
	}
	w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	var answer map[string]any
	var refused *oauthError
	switch grantType := r.PostFormValue("grant_type"); grantType {
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		answer, refused = g.exchangeJWT(r)
	case "refresh_token":
		answer, refused = g.refresh(r)
	default:
		refused = &oauthError{http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: " + grantType}
	}
	if refused != nil {
		refused.write(w)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// keysOf returns the key of that id if it is the account's, and all of its keys where no id is given: Node.js signs without.
func (g *Google) keysOf(email, id string) []*rsa.PublicKey {
	g.mu.Lock()
	defer g.mu.Unlock()
	var keys []*rsa.PublicKey
	for keyID, key := range g.keys {
		if key.email == email && (id == "" || id == keyID) {
			keys = append(keys, key.public)
		}
	}
	return keys
}

// exchangeJWT answers a service account's signed assertion.
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest and its list of error codes
func (g *Google) exchangeJWT(r *http.Request) (map[string]any, *oauthError) {
	raw := r.PostFormValue("assertion")
	parsed, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, invalidGrant("Invalid JWT Signature.")
	}
	unverified := map[string]any{}
	if err := parsed.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return nil, invalidGrant("Invalid JWT Signature.")
	}
	email, _ := unverified["iss"].(string)
	account, ok := g.account(email)
	if !ok || account.Email != email {
		return nil, invalidGrant("Invalid grant: account not found")
	}
	claims := map[string]any{}
	if !slices.ContainsFunc(g.keysOf(email, parsed.Headers[0].KeyID), func(key *rsa.PublicKey) bool { return parsed.Claims(key, &claims) == nil }) {
		return nil, invalidGrant("Invalid JWT Signature.")
	}
	if aud, _ := claims["aud"].(string); aud != "https://"+r.Host+"/token" && aud != publicTokenURL {
		return nil, invalidGrant("Invalid JWT: Failed audience check. The right audience is https://" + r.Host + "/token")
	}
	if !shortLived(claims, g.now()) {
		return nil, invalidGrant("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
			"Check your iat and exp values in the JWT claim.")
	}
	if sub, present := claims["sub"].(string); present && sub != email {
		// Acting for a user needs domain-wide delegation, which no account here has.
		return nil, &oauthError{http.StatusUnauthorized, "unauthorized_client", "Client is unauthorized to retrieve access tokens " +
			"using this method, or client not authorized for any of the scopes requested."}
	}
	if audience, _ := claims["target_audience"].(string); audience != "" {
		// Unlike IAM and the metadata server, this endpoint names the account by its address in azp.
		token, err := g.mint(account, audience, map[string]any{"azp": email, "email": email, "email_verified": true})
		if err != nil {
			return nil, invalidRequest(err.Error())
		}
		return map[string]any{"id_token": token}, nil
	}
	scope, _ := claims["scope"].(string)
	if strings.TrimSpace(scope) == "" {
		return nil, &oauthError{http.StatusBadRequest, "invalid_scope", "Invalid OAuth scope or ID token audience provided."}
	}
	t := googleGrant{principal: "serviceAccount:" + email, scopes: strings.Fields(scope), expires: g.now().Add(3599 * time.Second)}
	return map[string]any{"access_token": g.issue(t), "expires_in": 3599, "token_type": "Bearer"}, nil
}

// shortLived reports whether an assertion lives at most an hour and is valid now, allowing five minutes for clocks
// that differ.
func shortLived(claims map[string]any, now time.Time) bool {
	const skew = 5 * time.Minute
	iat, hasIat := seconds(claims, "iat")
	exp, hasExp := seconds(claims, "exp")
	return hasIat && hasExp && exp.After(iat) && exp.Sub(iat) <= time.Hour &&
		!iat.After(now.Add(skew)) && exp.After(now.Add(-skew))
}

// refresh answers a person's refresh token.
func (g *Google) refresh(r *http.Request) (map[string]any, *oauthError) {
	clientID, secret, basic := r.BasicAuth()
	if !basic {
		clientID, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	g.mu.Lock()
	want, known := g.clients[clientID]
	user, valid := g.users[r.PostFormValue("refresh_token")]
	g.mu.Unlock()
	switch {
	case clientID == "":
		return nil, invalidRequest("Could not determine client ID from request.")
	case !known:
		return nil, &oauthError{http.StatusUnauthorized, "invalid_client", "The OAuth client was not found."}
	case secret != want:
		return nil, &oauthError{http.StatusUnauthorized, "invalid_client", "Unauthorized"}
	case r.PostFormValue("refresh_token") == "":
		return nil, invalidRequest("Missing required parameter: refresh_token")
	case !valid:
		return nil, invalidGrant("Token has been expired or revoked.")
	case user.ClientID != clientID:
		return nil, &oauthError{http.StatusUnauthorized, "unauthorized_client", "Unauthorized"}
	}
	// What `gcloud auth application-default login` asks for.
	scopes := []string{"https://www.googleapis.com/auth/userinfo.email", cloudPlatformScope, "openid"}
	// A person's ID token is for the OAuth client alone: no audience can be asked for.
	id, err := g.mint(ServiceAccount{UniqueID: user.Subject}, clientID,
		map[string]any{"azp": clientID, "email": user.Email, "email_verified": true})
	if err != nil {
		return nil, invalidRequest(err.Error())
	}
	t := googleGrant{principal: "user:" + user.Email, scopes: scopes, expires: g.now().Add(3599 * time.Second)}
	return map[string]any{
		"access_token": g.issue(t), "expires_in": 3599, "token_type": "Bearer",
		"scope": strings.Join(scopes, " "), "id_token": id,
	}, nil
}
