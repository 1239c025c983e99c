package faults

import (
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// examined are the endpoints that only doctor asks.
func examined() []hop {
	onAzure := func(file func(m *machine, at string) string) func(*machine, string) {
		return func(m *machine, at string) {
			m.set("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1", "AZURE_CLIENT_ID=", "AZURE_POD_IDENTITY_AUTHORITY_HOST="+m.clouds.IMDS.URL, "GOOGLE_APPLICATION_CREDENTIALS="+file(m, at))
		}
	}
	impersonation := func(c *clouds) string { return c.Google.ImpersonationURL(fakecloud.SandboxAccount) }
	return []hop{
		{
			name: "Google's STS, exchange", server: func(m *machine) string { return m.clouds.Google.STS.URL }, tls: true, ending: "/v1/token", told: []contract{examination(source)},
			machine: onAzure(func(m *machine, at string) string {
				return m.executableSource(at+"/v1/token", impersonation(m.clouds), m.clouds.Google.TokenInfoURL())
			}),
			refusal: oauth("invalid_grant", "The audience in ID Token [x] does not match the expected audience."), expected: examinedExchange(),
		},
		{
			name: "Google's STS, introspection", server: func(m *machine) string { return m.clouds.Google.STS.URL }, tls: true, ending: "/v1/introspect", told: []contract{examination(source)},
			machine: onAzure(func(m *machine, at string) string {
				return m.executableSource(m.clouds.Google.STSURL(), "", at+"/v1/introspect")
			}),
			refusal: oauth("invalid_request", "Invalid token."), expected: examinedHop("invalid_request").but("no token in it | refused | 1"),
		},
		{
			name: "IAM Credentials, access token", server: func(m *machine) string { return m.clouds.Google.IAM.URL }, tls: true, told: []contract{examination(source)},
			machine: onAzure(func(m *machine, at string) string {
				return m.executableSource(m.clouds.Google.STSURL(), strings.Replace(impersonation(m.clouds), m.clouds.Google.IAM.URL, at, 1), m.clouds.Google.TokenInfoURL())
			}),
			refusal:  document{"application/json; charset=UTF-8", `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`},
			expected: examinedHop("INVALID_ARGUMENT"),
		},
		{
			name: "Google's tokeninfo", server: func(m *machine) string { return m.clouds.Google.Token.URL }, tls: true, ending: "/tokeninfo", told: []contract{examination(source)},
			machine: onAzure(func(m *machine, at string) string {
				return m.executableSource(m.clouds.Google.STSURL(), impersonation(m.clouds), at+"/tokeninfo")
			}),
			refusal: oauth("invalid_token", "Invalid Value"), expected: examinedHop("invalid_token"),
		},
		{
			name: "Azure Resource Manager", server: func(m *machine) string { return m.clouds.ResourceManager.URL }, tls: true, told: []contract{examination(helper)},
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+m.clouds.Google.MetadataHost(), "IDFERRY_RESOURCE_MANAGER="+at+"/")
			},
			refusal:  document{"application/json; charset=utf-8", `{"error":{"code":"InvalidApiVersionParameter","message":"The api-version is invalid."}}`},
			expected: examinedHop("InvalidApiVersionParameter"),
		},
	}
}
