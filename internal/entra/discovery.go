package entra

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/upstream"
)

// undiscovered answers MSAL's question for the tenant's endpoints, which it asks before every token and for which it has no
// setting. Those of Microsoft's clouds are documented, and have to stay what they are.
// https://learn.microsoft.com/entra/identity-platform/v2-protocols#endpoints
type undiscovered struct {
	upstream.Repeater
	question string
	answer   []byte
}

// undiscovered asks a private authority all the same.
func (e Exchange) undiscovered(client upstream.Repeater) undiscovered {
	if !e.Cloud.Known() {
		return undiscovered{Repeater: client}
	}
	base := e.Cloud.Authority + e.TenantID
	answer, _ := json.Marshal(map[string]string{
		"token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "issuer": base + "/v2.0",
	})
	return undiscovered{client, base + "/v2.0/.well-known/openid-configuration", answer}
}

// Do implements MSAL's HTTPClient.
func (u undiscovered) Do(r *http.Request) (*http.Response, error) {
	if u.question == "" || r.Method != http.MethodGet || !strings.EqualFold(r.URL.Scheme+"://"+r.URL.Host+r.URL.Path, u.question) {
		return u.Repeater.Do(r)
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(u.answer)), ContentLength: int64(len(u.answer)),
	}, nil
}

// FederatedCredential is what an application trusts, as az and Microsoft Graph write it.
// https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
type FederatedCredential struct {
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

// JudgeDiscovery returns what says whether the answer to a request for a tenant's OpenID configuration is one.
func JudgeDiscovery(tenant string) func(status int, body []byte) error {
	return func(status int, body []byte) error {
		var found struct {
			answer
			TokenEndpoint string `json:"token_endpoint"`
		}
		_ = json.Unmarshal(body, &found)
		switch {
		case status == http.StatusOK && found.TokenEndpoint != "":
			return nil
		case len(found.Error) > 0:
			if e := fromText(found.text(), nil); e != nil {
				return Advise(e, catalogue.Values{Tenant: tenant})
			}
		}
		return problem.New(problem.BadAnswer, "what answers is no token service of Entra ID: status %d, %s", status, http.DetectContentType(body)).
			WithHint("a proxy or a sign-in page may be answering in its place: check HTTPS_PROXY, NO_PROXY and --authority-host")
	}
}
