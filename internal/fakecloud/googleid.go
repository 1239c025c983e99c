package fakecloud

import (
	"fmt"
	"maps"
	"net/http"
	"time"
)

// idTokenLifetime is what every Google ID token of a service account lives.
const idTokenLifetime = time.Hour

// IssueIDTokens says how long ID tokens live from now on. 0 means as long as Google's.
func (g *Google) IssueIDTokens(life time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idLife, g.minted = life, map[string]mintedToken{}
}

func (g *Google) idTokenLife() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idLife != 0 {
		return g.idLife
	}
	return idTokenLifetime
}

// idToken is an ID token about to be signed.
type idToken struct {
	claims map[string]any
	forged bool
}

// IDTokenOption changes an ID token before it is signed.
type IDTokenOption func(*idToken)

// IDTokenClaim sets a claim, or removes it when value is nil.
func IDTokenClaim(name string, value any) IDTokenOption {
	return func(t *idToken) {
		if value == nil {
			delete(t.claims, name)
			return
		}
		t.claims[name] = value
	}
}

// IDTokenIssued dates a token: issued at an instant, to expire after a lifetime.
func IDTokenIssued(at time.Time, lifetime time.Duration) IDTokenOption {
	return func(t *idToken) {
		t.claims["iat"], t.claims["exp"] = at.Unix(), at.Add(lifetime).Unix()
	}
}

// IDTokenForged signs with a key that is not the published one, under the published one's name.
func IDTokenForged() IDTokenOption { return func(t *idToken) { t.forged = true } }

// IDToken mints an ID token of a registered service account, shaped as IAM Credentials shapes it with includeEmail.
func (g *Google) IDToken(email, audience string, options ...IDTokenOption) (string, error) {
	account, ok := g.account(email)
	if !ok {
		return "", fmt.Errorf("service account %q is not registered", email)
	}
	claims := map[string]any{"email": account.Email, "email_verified": true}
	return g.mint(account, audience, claims, options...)
}

func (g *Google) mint(account ServiceAccount, audience string, extra map[string]any, options ...IDTokenOption) (string, error) {
	now := g.now()
	t := idToken{claims: map[string]any{
		"iss": GoogleIssuer, "aud": audience, "azp": account.UniqueID, "sub": account.UniqueID,
		"iat": now.Unix(), "exp": now.Add(g.idTokenLife()).Unix(),
	}}
	maps.Copy(t.claims, extra)
	for _, option := range options {
		option(&t)
	}
	if !t.forged {
		return g.key.sign(t.claims)
	}
	forger, err := g.forger()
	if err != nil {
		return "", err
	}
	return (&signingKey{forger.key, g.key.kid}).sign(t.claims)
}

func (g *Google) serveIssuer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	// Google lets both be kept for hours; relying parties find a new key by its unknown kid.
	w.Header().Set("Cache-Control", "public, max-age=3600, must-revalidate, no-transform")
	base := "https://" + r.Host
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		writeJSON(w, http.StatusOK, map[string]any{
			"issuer":                                GoogleIssuer,
			"authorization_endpoint":                GoogleIssuer + "/o/oauth2/v2/auth",
			"token_endpoint":                        "https://oauth2.googleapis.com/token",
			"jwks_uri":                              base + "/oauth2/v3/certs",
			"response_types_supported":              []string{"code", "token", "id_token"},
			"subject_types_supported":               []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256"},
			"scopes_supported":                      []string{"openid", "email", "profile"},
			"claims_supported":                      []string{"aud", "email", "email_verified", "exp", "iat", "iss", "sub"},
		})
	case "/oauth2/v3/certs":
		writeJSON(w, http.StatusOK, g.key.jwks())
	default:
		htmlError(w, http.StatusNotFound, fmt.Sprintf("The requested URL <code>%s</code> was not found on this server.", escaped(r)))
	}
}
