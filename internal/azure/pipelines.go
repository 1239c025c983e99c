package azure

import (
	"net/http"
	"net/url"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openPipelines opens the service connection of an Azure Pipelines job, with workload identity federation. The request is
// the one of azidentity's AzurePipelinesCredential.
// https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
func openPipelines(s Settings) (source, error) {
	const who = "azure-pipelines"
	tenant := s.or(s.TenantID, "AZURESUBSCRIPTION_TENANT_ID", "AZURE_TENANT_ID")
	client := s.or(s.ClientID, "AZURESUBSCRIPTION_CLIENT_ID", "AZURE_CLIENT_ID")
	// Within a task of the connection its own variables say more than what is set for all programs.
	if id := s.env("AZURESUBSCRIPTION_TENANT_ID"); id != "" && s.TenantID == s.env("AZURE_TENANT_ID") {
		tenant = id
	}
	if id := s.env("AZURESUBSCRIPTION_CLIENT_ID"); id != "" && s.ClientID == s.env("AZURE_CLIENT_ID") {
		client = id
	}
	connection := s.or("", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "AZURE_SERVICE_CONNECTION_ID")
	access, uri := s.env("SYSTEM_ACCESSTOKEN"), s.env("SYSTEM_OIDCREQUESTURI")
	const task = "the tasks AzureCLI@2 and AzurePowerShell@5 with azureSubscription set it; elsewhere, in the step's yaml, env: %s: VALUE"
	switch {
	case uri == "":
		return nil, missing("SYSTEM_OIDCREQUESTURI", who, "Azure Pipelines sets it in every job; is this one? choose another --credential")
	case access == "":
		return nil, missing("SYSTEM_ACCESSTOKEN", who, "map it in the step's yaml, env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)")
	case connection == "":
		return nil, missing("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", who, task, "AZURE_SERVICE_CONNECTION_ID")
	case client == "":
		return nil, missing("AZURESUBSCRIPTION_CLIENT_ID", who, task, "AZURE_CLIENT_ID")
	case tenant == "":
		return nil, missing("AZURESUBSCRIPTION_TENANT_ID", who, task, "AZURE_TENANT_ID")
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, problem.Input("SYSTEM_OIDCREQUESTURI", "it is not a URL").WithHint("Azure Pipelines sets it; do not set it yourself")
	}
	query := u.Query()
	query.Set("api-version", "7.1")
	query.Set("serviceConnectionId", connection)
	u.RawQuery = query.Encode()
	return s.exchanged(tenant, client, oidcRequest{
		method: http.MethodPost, url: u, bearer: token.NewSecret(access), field: "oidcToken",
		// Otherwise a refused token is answered with a redirect to a sign-in page.
		header: http.Header{"X-Tfs-Fedauthredirect": {"Suppress"}, "Content-Type": {"application/json"}},
		what:   "asking Azure Pipelines for the token of the service connection " + connection,
		hint:   "check that the connection uses workload identity federation and that this pipeline may use it (Project settings, Service connections), and the step's env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
	},
		token.Input{Name: "service-connection", Value: connection}, token.Input{Name: "SYSTEM_OIDCREQUESTURI", Value: uri}, token.Input{Name: "SYSTEM_ACCESSTOKEN", Value: token.Fingerprint(access)})
}
