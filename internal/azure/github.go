package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// openGitHubActions is a workflow's own OpenID Connect token, exchanged for one of the application that trusts it.
// https://docs.github.com/actions/reference/security/oidc
func openGitHubActions(s Settings) (*Identity, error) {
	const name = "github-actions"
	at, bearer := s.getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), s.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	for _, needed := range []struct{ value, variable, hint string }{
		{at, "ACTIONS_ID_TOKEN_REQUEST_URL", "give the job the permission: permissions: { id-token: write }"},
		{bearer, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "give the job the permission: permissions: { id-token: write }"},
		{s.TenantID, "AZURE_TENANT_ID", "az account show --query tenantId -o tsv"},
		{s.ClientID, "AZURE_CLIENT_ID", "the application with a federated credential for this repository"},
	} {
		if needed.value == "" {
			return nil, missing(name, needed.variable).WithHint("%s", needed.hint)
		}
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return nil, problem.Input("ACTIONS_ID_TOKEN_REQUEST_URL", "it is not a URL")
	}
	q := u.Query()
	q.Set("audience", s.Cloud.AssertionAudience)
	u.RawQuery = q.Encode()
	client := s.HTTP
	if client == nil {
		client = upstream.NewClient(upstream.Options{RequireJSON: true, Log: s.Log})
	}
	options := s.client()
	c, err := azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID, func(ctx context.Context) (string, error) {
		return workflowToken(ctx, client, u.String(), bearer)
	}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		return nil, problem.Input("AZURE_TENANT_ID", "%w", err)
	}
	return &Identity{credential: c, explain: explainKept(options), inputs: []token.Input{
		input("request", u.String()), input("job", token.Fingerprint(bearer)),
	}}, nil
}

func workflowToken(ctx context.Context, client *http.Client, at, bearer string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return "", problem.Input("ACTIONS_ID_TOKEN_REQUEST_URL", "it is not a URL")
	}
	r.Header.Set("Authorization", "bearer "+bearer)
	r.Header.Set("Accept", "application/json; api-version=2.0")
	resp, err := client.Do(r)
	if err != nil {
		if unanswered := upstream.Unreachable(err); unanswered != nil {
			return "", unanswered
		}
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	decoding := json.NewDecoder(resp.Body).Decode(&answer)
	if resp.StatusCode != http.StatusOK || decoding != nil || answer.Value == "" {
		return "", problem.New(problem.Refused, "GitHub's token endpoint answered %d and no token", resp.StatusCode).
			WithHint("give the job the permission: permissions: { id-token: write }")
	}
	return answer.Value, nil
}
