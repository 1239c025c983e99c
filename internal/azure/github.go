package azure

import (
	"net/http"
	"net/url"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openGitHub opens the identity that GitHub vouches for in a job of GitHub Actions.
// https://docs.github.com/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
func openGitHub(s Settings) (source, error) {
	const who = "github-actions"
	tenant, client := s.or(s.TenantID, "AZURE_TENANT_ID"), s.or(s.ClientID, "AZURE_CLIENT_ID")
	address, bearer := s.env("ACTIONS_ID_TOKEN_REQUEST_URL"), s.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	const permission = "GitHub sets it in jobs that have, in the workflow's yaml, permissions: id-token: write"
	switch {
	case address == "":
		return nil, missing("ACTIONS_ID_TOKEN_REQUEST_URL", who, permission)
	case bearer == "":
		return nil, missing("ACTIONS_ID_TOKEN_REQUEST_TOKEN", who, permission)
	case tenant == "":
		return nil, missing("AZURE_TENANT_ID", who, "in the step's yaml, env: AZURE_TENANT_ID: TENANT; az account show --query tenantId -o tsv")
	case client == "":
		return nil, missing("AZURE_CLIENT_ID", who, "in the step's yaml, env: AZURE_CLIENT_ID: APPLICATION; az ad app list --display-name NAME --query '[].appId' -o tsv")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, problem.Input("ACTIONS_ID_TOKEN_REQUEST_URL", "it is not a URL").WithHint("GitHub sets it; do not set it yourself")
	}
	query := u.Query()
	query.Set("audience", s.Cloud.AssertionAudience)
	u.RawQuery = query.Encode()
	return s.exchanged(tenant, client, oidcRequest{
		method: http.MethodGet, url: u, bearer: token.NewSecret(bearer), field: "value",
		header: http.Header{"Accept": {"application/json; api-version=2.0"}},
		what:   "asking GitHub for the job's ID token",
		hint:   "the workflow's yaml needs permissions: id-token: write; the request is good for the running job only",
	},
		token.Input{Name: "ACTIONS_ID_TOKEN_REQUEST_URL", Value: address}, token.Input{Name: "ACTIONS_ID_TOKEN_REQUEST_TOKEN", Value: token.Fingerprint(bearer)})
}
