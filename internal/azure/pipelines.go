package azure

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openAzurePipelines is a service connection of Azure Pipelines with workload identity federation. The AzureCLI@2 and
// AzurePowerShell@5 tasks set the AZURESUBSCRIPTION_ variables.
// https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity
func openAzurePipelines(s Settings) (*Identity, error) {
	const name = "azure-pipelines"
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" {
				return v
			}
		}
		return ""
	}
	tenant := first(s.TenantID, s.getenv("AZURESUBSCRIPTION_TENANT_ID"))
	client := first(s.ClientID, s.getenv("AZURESUBSCRIPTION_CLIENT_ID"))
	connection := first(s.getenv("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"), s.getenv("AZURE_SERVICE_CONNECTION_ID"))
	access, uri := s.getenv("SYSTEM_ACCESSTOKEN"), s.getenv("SYSTEM_OIDCREQUESTURI")
	for _, needed := range []struct{ value, variable, hint string }{
		{access, "SYSTEM_ACCESSTOKEN", "map it into the step: env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }"},
		{uri, "SYSTEM_OIDCREQUESTURI", "Azure Pipelines sets it: this runs outside a pipeline"},
		{connection, "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "run inside an AzureCLI@2 task, or set AZURE_SERVICE_CONNECTION_ID to the service connection's id"},
		{tenant, "AZURE_TENANT_ID", "run inside an AzureCLI@2 task, or set it to the service connection's tenant"},
		{client, "AZURE_CLIENT_ID", "run inside an AzureCLI@2 task, or set it to the service connection's application"},
	} {
		if needed.value == "" {
			return nil, missing(name, needed.variable).WithHint("%s", needed.hint)
		}
	}
	options := s.client()
	c, err := azidentity.NewAzurePipelinesCredential(tenant, client, connection, access,
		&azidentity.AzurePipelinesCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		return nil, problem.Input("--credential "+name, "%w", err)
	}
	return &Identity{credential: c, explain: explainKept(options), inputs: []token.Input{
		input("pipeline tenant", tenant), input("pipeline client", client), input("connection", connection), input("request", uri), input("job", token.Fingerprint(access)),
	}}, nil
}
