package fakecloud

import (
	"net/http"
	"time"
)

// Pipelines is Azure DevOps' OIDC request endpoint, which a job with a service connection asks for its token.
// https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
type Pipelines struct {
	*Server
	key *signingKey
	now func() time.Time
	// AccessToken is the job's SYSTEM_ACCESSTOKEN, Connection the id of the one service connection it may use.
	AccessToken, Connection string
}

// Issuer and subject of the service connection's tokens, as Azure DevOps names them.
const (
	PipelinesIssuer  = "https://vstoken.dev.azure.com/0d3a7d1c-0000-4000-8000-00000000000a"
	PipelinesSubject = "sc://sandbox-org/sandbox-project/sandbox-connection"
)

// StartPipelines starts the endpoint for one job.
func StartPipelines(ca *CA, accessToken, connection string, now func() time.Time) (*Pipelines, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	p := &Pipelines{key: key, now: now, AccessToken: accessToken, Connection: connection}
	p.Server, err = listen(ca, http.HandlerFunc(p.serve))
	return p, err
}

// RequestURI is the value of SYSTEM_OIDCREQUESTURI.
func (p *Pipelines) RequestURI() string {
	return p.URL + "/sandbox-org/project/_apis/distributedtask/hubs/build/plans/1/jobs/1/oidctoken"
}

// JWKSURL is where the keys of its tokens are.
func (p *Pipelines) JWKSURL() string { return p.URL + "/.well-known/jwks" }

func (p *Pipelines) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/.well-known/jwks":
		writeJSON(w, http.StatusOK, p.key.jwks())
	case r.Method != http.MethodPost || p.URL+r.URL.Path != p.RequestURI():
		http.NotFound(w, r)
	case r.Header.Get("Authorization") != "Bearer "+p.AccessToken:
		// Without X-TFS-FedAuthRedirect the real service sends a browser to a sign-in page.
		if r.Header.Get("X-TFS-FedAuthRedirect") != "Suppress" {
			http.Redirect(w, r, p.URL+"/_signin", http.StatusFound)
			return
		}
		writeJSON(w, http.StatusUnauthorized, map[string]string{"message": "TF400813: The user '' is not authorized to access this resource."})
	case r.URL.Query().Get("api-version") != "7.1":
		writeJSON(w, http.StatusBadRequest, map[string]string{"message": "No api-version was supplied for the request."})
	case r.URL.Query().Get("serviceConnectionId") != p.Connection:
		writeJSON(w, http.StatusNotFound, map[string]string{"message": "The service connection does not exist, has been disabled or hasn't been authorized for use."})
	default:
		now := p.now()
		token, err := p.key.sign(map[string]any{
			"iss": PipelinesIssuer, "sub": PipelinesSubject, "aud": AssertionAudience, "jti": newGUID(),
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"oidcToken": token})
	}
}
