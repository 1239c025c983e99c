package entra

import (
	"encoding/json"
	"net/http"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
)

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
