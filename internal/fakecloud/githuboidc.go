package fakecloud

import (
	"net/http"
	"time"
)

// GitHubOIDC is the endpoint that a GitHub Actions job asks for its OpenID Connect token.
// https://docs.github.com/actions/reference/security/oidc
type GitHubOIDC struct {
	*Server
	key *signingKey
	now func() time.Time
	// RequestToken is the job's ACTIONS_ID_TOKEN_REQUEST_TOKEN.
	RequestToken string
}

// Issuer and subject of the workflow's tokens.
const (
	GitHubIssuer  = "https://token.actions.githubusercontent.com"
	GitHubSubject = "repo:idferry/sandbox:ref:refs/heads/main"
)

// StartGitHubOIDC starts the endpoint for one job.
func StartGitHubOIDC(ca *CA, requestToken string, now func() time.Time) (*GitHubOIDC, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	g := &GitHubOIDC{key: key, now: now, RequestToken: requestToken}
	g.Server, err = listen(ca, http.HandlerFunc(g.serve))
	return g, err
}

// RequestURL is the value of ACTIONS_ID_TOKEN_REQUEST_URL, which has a query already.
func (g *GitHubOIDC) RequestURL() string { return g.URL + "/idtoken/1/2?api-version=2.0" }

// JWKSURL is where the keys of its tokens are.
func (g *GitHubOIDC) JWKSURL() string { return g.URL + "/.well-known/jwks" }

func (g *GitHubOIDC) serve(w http.ResponseWriter, r *http.Request) {
	audience := r.URL.Query().Get("audience")
	switch {
	case r.URL.Path == "/.well-known/jwks":
		writeJSON(w, http.StatusOK, g.key.jwks())
	case r.Method != http.MethodGet || r.URL.Path != "/idtoken/1/2" || r.URL.Query().Get("api-version") != "2.0":
		http.NotFound(w, r)
	case r.Header.Get("Authorization") != "bearer "+g.RequestToken && r.Header.Get("Authorization") != "Bearer "+g.RequestToken:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"message": "Bearer token is missing or invalid"})
	default:
		if audience == "" {
			audience = "https://github.com/idferry"
		}
		now := g.now()
		token, err := g.key.sign(map[string]any{
			"iss": GitHubIssuer, "sub": GitHubSubject, "aud": audience, "jti": newGUID(), "repository": "idferry/sandbox", "ref": "refs/heads/main",
			"iat": now.Unix(), "nbf": now.Add(-10 * time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"count": len(token), "value": token})
	}
}
