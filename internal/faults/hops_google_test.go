package faults

import "github.com/idferry/idferry/internal/fakecloud"

// toGoogle are the endpoints on the way of gcp-executable-source.
func toGoogle() []hop {
	managed := func(set func(m *machine, at string) []string) func(*machine, string) {
		return func(m *machine, at string) {
			m.set("IDFERRY_CREDENTIAL=managed-identity", "AZURE_CLIENT_ID=")
			m.set(set(m, at)...)
		}
	}
	nested := func(code, message string) document {
		return document{"application/json; charset=utf-8", `{"error":{"code":"` + code + `","message":"` + message + `"}}`}
	}
	return []hop{
		{
			name: "IMDS", server: func(m *machine) string { return m.clouds.IMDS.URL }, told: []contract{executable(), executableWithFile()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(_ *machine, at string) []string { return []string{"AZURE_POD_IDENTITY_AUTHORITY_HOST=" + at} }),
			refusal: oauth("invalid_request", "Identity not found"), expected: imds(),
		},
		{
			name: "App Service", server: func(m *machine) string { return m.clouds.AppService.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"IDENTITY_ENDPOINT=" + at + path(m.clouds.AppService.Endpoint()), "IDENTITY_HEADER=" + fakecloud.SandboxAppServiceHeader}
			}),
			refusal: document{"application/json; charset=utf-8", `{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found"}`}, expected: managedIdentity("refused"),
		},
		{
			name: "Service Fabric", server: func(m *machine) string { return m.clouds.ServiceFabric.URL }, tls: true, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"IDENTITY_ENDPOINT=" + at + path(m.clouds.ServiceFabric.Endpoint()), "IDENTITY_HEADER=" + fakecloud.SandboxFabricCode, "IDENTITY_SERVER_THUMBPRINT=" + m.thumbprint()}
			}),
			refusal: nested("ArgumentNullOrEmpty", "The parameter 'resource' should not be null or empty string."), expected: serviceFabric(),
		},
		{
			name: "Azure ML", server: func(m *machine) string { return m.clouds.AzureML.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"MSI_ENDPOINT=" + at + path(m.clouds.AzureML.Endpoint()), "MSI_SECRET=" + fakecloud.SandboxMSISecret, "DEFAULT_IDENTITY_CLIENT_ID=" + fakecloud.SandboxSystemClient}
			}),
			refusal: nested("UserError", "The clientid parameter is required"), expected: managedIdentity("UserError"),
		},
		{
			name: "App Service before 2019", server: func(m *machine) string { return m.clouds.OldAppService.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"MSI_ENDPOINT=" + at + path(m.clouds.OldAppService.Endpoint()), "MSI_SECRET=" + fakecloud.SandboxMSISecret, "WEBSITE_SITE_NAME=site"}
			}),
			refusal: document{"application/json; charset=utf-8", `{"statusCode":400,"message":"No Managed Identity found"}`}, expected: managedIdentity("refused"),
		},
		{
			name: "Cloud Shell", server: func(m *machine) string { return m.clouds.CloudShell.URL }, told: []contract{executable()}, resource: management, given: claim{"oid", fakecloud.SandboxShellOID},
			machine: managed(func(m *machine, at string) []string {
				return []string{"MSI_ENDPOINT=" + at + path(m.clouds.CloudShell.Endpoint())}
			}),
			refusal: nested("AudienceNotSupported", "Audience x is not a supported MSI token audience."), expected: managedIdentity("AudienceNotSupported"),
		},
		{
			name: "Entra's openid-configuration, client secret", server: entra, tls: true, ending: "openid-configuration", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: withSecret, refusal: oauth("invalid_tenant", "AADSTS90002: Tenant 'x' not found."), expected: entraID("AADSTS90002"),
		},
		{
			name: "Entra's token endpoint, client secret", server: entra, tls: true, ending: "/token", told: []contract{executableWithFile()}, resource: fakecloud.SandboxResource, given: app(),
			machine: withSecret, refusal: aadsts(), expected: entraID("AADSTS7000215"),
		},
		{
			name: "Entra's token endpoint, workload identity", server: entra, tls: true, ending: "/token", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=workload-identity", "AZURE_FEDERATED_TOKEN_FILE="+m.projected(), "AZURE_AUTHORITY_HOST="+at)
			},
			refusal: aadsts(), expected: entraID("AADSTS7000215"),
		},
		{
			name: "token proxy of AKS", server: func(m *machine) string { return m.clouds.TokenProxy.URL }, tls: true, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=workload-identity", "AZURE_FEDERATED_TOKEN_FILE="+m.projected(), "AZURE_KUBERNETES_TOKEN_PROXY="+at,
					"AZURE_KUBERNETES_SNI_NAME="+fakecloud.TokenProxyName, "AZURE_KUBERNETES_CA_FILE="+m.file("proxy.pem", string(m.clouds.CA.PEM)))
			},
			refusal: aadsts(), expected: tokenProxy("AADSTS7000215"),
		},
		{
			name: "Azure Pipelines", server: func(m *machine) string { return m.clouds.Pipelines.URL }, tls: true, ending: "/oidctoken", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=azure-pipelines", "AZURESUBSCRIPTION_TENANT_ID="+fakecloud.SandboxTenant, "AZURESUBSCRIPTION_CLIENT_ID="+fakecloud.SandboxApp,
					"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID="+fakecloud.SandboxConnection, "SYSTEM_OIDCREQUESTURI="+at+path(m.clouds.Pipelines.RequestURI()), "SYSTEM_ACCESSTOKEN="+fakecloud.SandboxJobToken)
			},
			refusal: document{"application/json; charset=utf-8", `{"message":"The service connection does not exist."}`}, expected: pipeline(),
		},
		{
			name: "GitHub's OIDC", server: func(m *machine) string { return m.clouds.GitHub.URL }, tls: true, ending: "/idtoken/1/2", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=github-actions", "ACTIONS_ID_TOKEN_REQUEST_URL="+at+path(m.clouds.GitHub.RequestURL()), "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+fakecloud.SandboxJobToken)
			},
			refusal: document{"application/json; charset=utf-8", `{"message":"Bad audience"}`}, expected: pipeline(),
		},
	}
}

func withSecret(m *machine, at string) {
	m.set("IDFERRY_CREDENTIAL=environment", "AZURE_CLIENT_SECRET="+fakecloud.SandboxSecret, "AZURE_AUTHORITY_HOST="+at)
}
