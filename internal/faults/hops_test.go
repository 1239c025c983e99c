package faults

import (
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// hop is one endpoint on a program's way to a token.
type hop struct {
	name string
	// server is where the endpoint is, and ending the end of its path where others are there too.
	server func(*clouds) string
	ending string
	// marked is set where answers have the mark of Google's metadata server.
	marked bool
	// told are the contracts by which the program is asked.
	told []contract
	// resource is what the token is for.
	resource string
	// machine says what the program finds there when it reaches the endpoint at the address at.
	machine func(m *machine, at string)
	// refusal is the endpoint's own answer, with status 400, to what it does not take.
	refusal document
	// given says whose the token is.
	given    claim
	expected expected
}

// claim is one that a good token has.
type claim struct{ name, value string }

const (
	storage    = "https://storage.azure.com"
	management = "https://management.azure.com"
)

func app() claim    { return claim{"appid", fakecloud.SandboxApp} }
func system() claim { return claim{"oid", fakecloud.SandboxSystemOID} }

// oauth is a refusal of RFC 6749, section 5.2.
func oauth(code, description string) document {
	return document{"application/json; charset=utf-8", `{"error":"` + code + `","error_description":"` + description + `"}`}
}

func aadsts() document {
	return oauth("invalid_client", "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value.")
}

// toAzure are the endpoints on the way of azure-token-helper.
func toAzure() []hop {
	return []hop{
		{
			name: "metadata server, identity", server: func(c *clouds) string { return c.Google.Metadata.URL }, told: []contract{raw()}, given: app(), marked: true,
			machine: func(m *machine, at string) { m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+host(at)) },
			refusal: document{"text/html; charset=UTF-8", "<html>non-empty audience parameter required</html>"}, expected: metadataServer(),
		},
		{
			name: "metadata server, nobody named it", server: func(c *clouds) string { return c.Google.Metadata.URL }, told: []contract{header()}, given: app(), marked: true,
			machine: func(m *machine, at string) { m.set("GCE_METADATA_HOST=" + host(at)) },
			refusal: document{"text/html; charset=UTF-8", "<html>non-empty audience parameter required</html>"}, expected: metadataByDefault(),
		},
		{
			name: "metadata server, access token", server: func(c *clouds) string { return c.withoutIdentity.Google.Metadata.URL }, ending: "/token", told: []contract{env()}, given: app(), marked: true,
			machine: func(m *machine, at string) {
				m.inClouds(m.clouds.withoutIdentity)
				m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+host(at))
			},
			refusal: document{"text/html; charset=UTF-8", "<html>bad scopes</html>"}, expected: metadataAccessToken(),
		},
		{
			name: "IAM Credentials", server: func(c *clouds) string { return c.Google.IAM.URL }, told: []contract{developer()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS="+m.file("adc.json", m.clouds.user), "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount,
					"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+at)
			},
			refusal:  document{"application/json; charset=UTF-8", `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`},
			expected: googleAPI("INVALID_ARGUMENT"),
		},
		{
			name: "Google's token endpoint, key file", server: func(c *clouds) string { return c.Google.Token.URL }, told: []contract{cli()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS=" + m.file("key.json", strings.ReplaceAll(m.clouds.key, m.clouds.Google.Token.URL, at)))
			},
			refusal: oauth("invalid_grant", "Invalid JWT Signature."), expected: googleKey(),
		},
		{
			name: "Google's token endpoint, user", server: func(c *clouds) string { return c.Google.Token.URL }, told: []contract{execCredential()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS="+m.file("adc.json", strings.ReplaceAll(m.clouds.user, m.clouds.Google.Token.URL, at)),
					"IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount, "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+m.clouds.Google.IAM.URL)
			},
			refusal: oauth("invalid_grant", "Token has been expired or revoked."), expected: googleAPI("invalid_grant"),
		},
		{
			name: "Google's STS, external account", server: func(c *clouds) string { return c.Google.STS.URL }, told: []contract{raw()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS="+m.externalAccount(at+"/v1/token"), "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount,
					"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+m.clouds.Google.IAM.URL)
			},
			refusal: oauth("invalid_grant", "The audience in ID Token [x] does not match the expected audience."), expected: googleAPI("invalid_grant"),
		},
		{
			name: "Entra's openid-configuration", server: entra, ending: "openid-configuration", told: []contract{cli()}, given: app(),
			machine: onGoogle, refusal: oauth("invalid_tenant", "AADSTS90002: Tenant 'x' not found."), expected: entraID("AADSTS90002"),
		},
		{
			name: "Entra's token endpoint, Google's assertion", server: entra, ending: "/token", given: app(),
			told:    []contract{raw(), execCredential(), header(), env(), tool(), cli(), developerTool(), developer()},
			machine: onGoogle, refusal: aadsts(), expected: entraID("AADSTS7000215"),
		},
	}
}

func entra(c *clouds) string { return c.Entra.URL }

// host is a URL's, as GCE_METADATA_HOST has it.
func host(at string) string { return strings.TrimPrefix(at, "http://") }

// onGoogle is a virtual machine of Google Cloud that reaches Entra ID at an address.
func onGoogle(m *machine, at string) {
	m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+m.clouds.Google.MetadataHost(), "AZURE_AUTHORITY_HOST="+at)
}

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
			name: "IMDS", server: func(c *clouds) string { return c.IMDS.URL }, told: []contract{executable(), executableWithFile()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(_ *machine, at string) []string { return []string{"AZURE_POD_IDENTITY_AUTHORITY_HOST=" + at} }),
			refusal: oauth("invalid_request", "Identity not found"), expected: imds(),
		},
		{
			name: "App Service", server: func(c *clouds) string { return c.AppService.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"IDENTITY_ENDPOINT=" + at + path(m.clouds.AppService.Endpoint()), "IDENTITY_HEADER=" + fakecloud.SandboxAppServiceHeader}
			}),
			refusal: document{"application/json; charset=utf-8", `{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found"}`}, expected: managedIdentity("refused"),
		},
		{
			name: "Service Fabric", server: func(c *clouds) string { return c.ServiceFabric.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"IDENTITY_ENDPOINT=" + at + path(m.clouds.ServiceFabric.Endpoint()), "IDENTITY_HEADER=" + fakecloud.SandboxFabricCode, "IDENTITY_SERVER_THUMBPRINT=" + m.thumbprint()}
			}),
			refusal: nested("ArgumentNullOrEmpty", "The parameter 'resource' should not be null or empty string."), expected: serviceFabric(),
		},
		{
			name: "Azure ML", server: func(c *clouds) string { return c.AzureML.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"MSI_ENDPOINT=" + at + path(m.clouds.AzureML.Endpoint()), "MSI_SECRET=" + fakecloud.SandboxMSISecret, "DEFAULT_IDENTITY_CLIENT_ID=" + fakecloud.SandboxSystemClient}
			}),
			refusal: nested("UserError", "The clientid parameter is required"), expected: managedIdentity("UserError"),
		},
		{
			name: "App Service before 2019", server: func(c *clouds) string { return c.OldAppService.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: system(),
			machine: managed(func(m *machine, at string) []string {
				return []string{"MSI_ENDPOINT=" + at + path(m.clouds.OldAppService.Endpoint()), "MSI_SECRET=" + fakecloud.SandboxMSISecret, "WEBSITE_SITE_NAME=site"}
			}),
			refusal: document{"application/json; charset=utf-8", `{"statusCode":400,"message":"No Managed Identity found"}`}, expected: managedIdentity("refused"),
		},
		{
			name: "Cloud Shell", server: func(c *clouds) string { return c.CloudShell.URL }, told: []contract{executable()}, resource: management, given: claim{"oid", fakecloud.SandboxShellOID},
			machine: managed(func(m *machine, at string) []string {
				return []string{"MSI_ENDPOINT=" + at + path(m.clouds.CloudShell.Endpoint())}
			}),
			refusal: nested("AudienceNotSupported", "Audience x is not a supported MSI token audience."), expected: managedIdentity("AudienceNotSupported"),
		},
		{
			name: "Entra's openid-configuration, client secret", server: entra, ending: "openid-configuration", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: withSecret, refusal: oauth("invalid_tenant", "AADSTS90002: Tenant 'x' not found."), expected: entraID("AADSTS90002"),
		},
		{
			name: "Entra's token endpoint, client secret", server: entra, ending: "/token", told: []contract{executableWithFile()}, resource: fakecloud.SandboxResource, given: app(),
			machine: withSecret, refusal: aadsts(), expected: entraID("AADSTS7000215"),
		},
		{
			name: "Entra's token endpoint, workload identity", server: entra, ending: "/token", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=workload-identity", "AZURE_FEDERATED_TOKEN_FILE="+m.projected(), "AZURE_AUTHORITY_HOST="+at)
			},
			refusal: aadsts(), expected: entraID("AADSTS7000215"),
		},
		{
			name: "token proxy of AKS", server: func(c *clouds) string { return c.TokenProxy.URL }, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=workload-identity", "AZURE_FEDERATED_TOKEN_FILE="+m.projected(), "AZURE_KUBERNETES_TOKEN_PROXY="+at,
					"AZURE_KUBERNETES_SNI_NAME="+fakecloud.TokenProxyName, "AZURE_KUBERNETES_CA_FILE="+m.file("proxy.pem", string(m.clouds.CA.PEM)))
			},
			refusal: aadsts(), expected: tokenProxy("AADSTS7000215"),
		},
		{
			name: "Azure Pipelines", server: func(c *clouds) string { return c.Pipelines.URL }, ending: "/oidctoken", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_CREDENTIAL=azure-pipelines", "AZURESUBSCRIPTION_TENANT_ID="+fakecloud.SandboxTenant, "AZURESUBSCRIPTION_CLIENT_ID="+fakecloud.SandboxApp,
					"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID="+fakecloud.SandboxConnection, "SYSTEM_OIDCREQUESTURI="+at+path(m.clouds.Pipelines.RequestURI()), "SYSTEM_ACCESSTOKEN="+fakecloud.SandboxJobToken)
			},
			refusal: document{"application/json; charset=utf-8", `{"message":"The service connection does not exist."}`}, expected: pipeline(),
		},
		{
			name: "GitHub's OIDC", server: func(c *clouds) string { return c.GitHub.URL }, ending: "/idtoken/1/2", told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
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

// path is a URL without scheme and host.
func path(url string) string {
	return url[strings.Index(url, "://")+3+strings.IndexByte(url[strings.Index(url, "://")+3:], '/'):]
}
