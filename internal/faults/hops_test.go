package faults

import (
	"strings"

	"github.com/idferry/idferry/internal/fakecloud"
)

// hop is one endpoint on a program's way to a token.
type hop struct {
	name string
	// server is where the endpoint is, and ending the end of its path where others are there too.
	server func(*machine) string
	tls    bool
	ending string
	// marked is set where answers have the mark of Google's metadata server.
	marked bool
	// told are the contracts by which the program is asked.
	told []contract
	// resource is what the token is for.
	resource string
	// machine says what the program finds there when it reaches the endpoint at the address at.
	machine func(m *machine, at string)
	// inside, where it is set, are the words before the command line of a program that has to run in a container.
	inside func(m *machine) []string
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
			name: "metadata server, identity", server: func(m *machine) string { return m.clouds.Google.Metadata.URL }, told: []contract{raw()}, given: app(), marked: true,
			machine: func(m *machine, at string) { m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+host(at)) },
			refusal: document{"text/html; charset=UTF-8", "<html>non-empty audience parameter required</html>"}, expected: metadataServer(),
		},
		{
			name: "metadata server, nobody named it", server: func(m *machine) string { return m.clouds.Google.Metadata.URL }, told: []contract{header()}, given: app(), marked: true,
			machine: func(m *machine, at string) { m.set("GCE_METADATA_HOST=" + host(at)) },
			refusal: document{"text/html; charset=UTF-8", "<html>non-empty audience parameter required</html>"}, expected: metadataByDefault(),
		},
		{
			name: "metadata server, access token", server: func(m *machine) string { return m.clouds.withoutIdentity.Google.Metadata.URL }, ending: "/token", told: []contract{env()}, given: app(), marked: true,
			machine: func(m *machine, at string) {
				m.inClouds(m.clouds.withoutIdentity)
				m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+host(at))
			},
			refusal: document{"text/html; charset=UTF-8", "<html>bad scopes</html>"}, expected: metadataAccessToken(),
		},
		{
			name: "IAM Credentials", server: func(m *machine) string { return m.clouds.Google.IAM.URL }, tls: true, told: []contract{developer()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS="+m.file("adc.json", m.clouds.user), "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount,
					"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+at)
			},
			refusal:  document{"application/json; charset=UTF-8", `{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}`},
			expected: googleAPI("INVALID_ARGUMENT"),
		},
		{
			name: "Google's token endpoint, key file", server: func(m *machine) string { return m.clouds.Google.Token.URL }, tls: true, told: []contract{cli()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS=" + m.file("key.json", strings.ReplaceAll(m.clouds.key, m.clouds.Google.Token.URL, at)))
			},
			refusal: oauth("invalid_grant", "Invalid JWT Signature."), expected: googleKey(),
		},
		{
			name: "Google's token endpoint, user", server: func(m *machine) string { return m.clouds.Google.Token.URL }, tls: true, told: []contract{execCredential()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS="+m.file("adc.json", strings.ReplaceAll(m.clouds.user, m.clouds.Google.Token.URL, at)),
					"IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount, "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+m.clouds.Google.IAM.URL)
			},
			refusal: oauth("invalid_grant", "Token has been expired or revoked."), expected: googleAPI("invalid_grant"),
		},
		{
			name: "Google's STS, external account", server: func(m *machine) string { return m.clouds.Google.STS.URL }, tls: true, told: []contract{raw()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("IDFERRY_GOOGLE_CREDENTIALS="+m.externalAccount(at+"/v1/token"), "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT="+fakecloud.SandboxAccount,
					"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS="+m.clouds.Google.IAM.URL)
			},
			refusal: oauth("invalid_grant", "The audience in ID Token [x] does not match the expected audience."), expected: googleAPI("invalid_grant"),
		},
		{
			name: "Entra's openid-configuration", server: entra, tls: true, ending: "openid-configuration", told: []contract{cli()}, given: app(),
			machine: onGoogle, refusal: oauth("invalid_tenant", "AADSTS90002: Tenant 'x' not found."), expected: entraID("AADSTS90002"),
		},
		{
			name: "Entra's token endpoint, Google's assertion", server: entra, tls: true, ending: "/token", given: app(),
			told:    []contract{raw(), execCredential(), header(), env(), tool(), cli(), developerTool(), developer()},
			machine: onGoogle, refusal: aadsts(), expected: entraID("AADSTS7000215"),
		},
	}
}

func entra(m *machine) string { return m.clouds.Entra.URL }

// host is a URL's, as GCE_METADATA_HOST has it.
func host(at string) string { return strings.TrimPrefix(at, "http://") }

// onGoogle is a virtual machine of Google Cloud that reaches Entra ID at an address.
func onGoogle(m *machine, at string) {
	m.set("IDFERRY_GOOGLE_SOURCE=metadata", "GCE_METADATA_HOST="+m.clouds.Google.MetadataHost(), "AZURE_AUTHORITY_HOST="+at)
}

// path is a URL without scheme and host.
func path(url string) string {
	return url[strings.Index(url, "://")+3+strings.IndexByte(url[strings.Index(url, "://")+3:], '/'):]
}
