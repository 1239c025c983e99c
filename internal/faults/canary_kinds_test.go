package faults

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/idferry/idferry/internal/fakecloud"
)

// azureTools are the kinds of credentials of Azure that need no endpoint of their own.
func azureTools() []hop {
	at := func(name string, set func(m *machine)) hop {
		return hop{
			name: name, server: entra, tls: true, told: []contract{executable()}, resource: fakecloud.SandboxResource, given: app(),
			machine: func(m *machine, at string) {
				m.set("AZURE_AUTHORITY_HOST="+at, "AZURE_CLIENT_SECRET=")
				set(m)
			},
		}
	}
	profile := func(m *machine, variable, name, text string) {
		dir := filepath.Join(m.files(), variable)
		if err := os.Mkdir(dir, 0o700); err != nil {
			m.t.Fatal(err)
		}
		m.file(filepath.Join(variable, name), text)
		m.set(variable+"="+dir, "AZURE_CLIENT_ID=", "AZURE_TENANT_ID=")
	}
	return []hop{
		at("certificate, PEM", func(m *machine) {
			m.own = append(m.own, string(m.clouds.CertificatePEM[28:200]))
			m.set("IDFERRY_CREDENTIAL=environment", "AZURE_CLIENT_CERTIFICATE_PASSWORD=", "AZURE_CLIENT_CERTIFICATE_PATH="+m.file("app.pem", string(m.clouds.CertificatePEM)))
		}),
		at("certificate, PFX", func(m *machine) {
			m.own = append(m.own, "pfx-password", string(m.clouds.CertificatePFX[64:400]))
			m.set("IDFERRY_CREDENTIAL=environment", "AZURE_CLIENT_CERTIFICATE_PASSWORD=pfx-password", "AZURE_CLIENT_CERTIFICATE_PATH="+m.file("app.pfx", string(m.clouds.CertificatePFX)))
		}),
		at("Azure CLI", func(m *machine) {
			profile(m, "AZURE_CONFIG_DIR", "azureProfile.json", `{"subscriptions":[{"id":"s","tenantId":"t","isDefault":true,"user":{"name":"one@example.com","type":"user"}}]}`)
			m.set("IDFERRY_CREDENTIAL=azure-cli")
			m.tool("az", m.said(map[string]any{"accessToken": m.subject(), "expiresOn": "2100-01-01 00:00:00.000000", "expires_on": 4102444800, "tokenType": "Bearer"}))
		}),
		at("Azure Developer CLI", func(m *machine) {
			profile(m, "AZD_CONFIG_DIR", "auth.json", `{"auth":{"account":{"currentUser":{"homeAccountId":"one"}}}}`)
			m.set("IDFERRY_CREDENTIAL=azd")
			m.tool("azd", m.said(map[string]any{"token": m.subject(), "expiresOn": "2100-01-01T00:00:00Z"}))
		}),
		at("Azure PowerShell", func(m *machine) {
			m.set("IDFERRY_CREDENTIAL=azure-powershell", "AZURE_CLIENT_ID=", "AZURE_TENANT_ID=")
			m.tool("pwsh", m.said(map[string]any{"Token": m.subject(), "ExpiresOn": 4102444800}))
		}),
	}
}

// googleTools are those of Google.
func googleTools() []hop {
	at := func(name string, set func(m *machine)) hop {
		return hop{
			name: name, server: entra, tls: true, ending: "/token", told: []contract{raw()}, given: app(),
			machine: func(m *machine, at string) {
				m.set("AZURE_AUTHORITY_HOST=" + at)
				set(m)
			},
		}
	}
	return []hop{
		at("gcloud", func(m *machine) {
			m.set("IDFERRY_GOOGLE_SOURCE=gcloud", "CLOUDSDK_CONFIG="+m.files(), "CLOUDSDK_CORE_ACCOUNT="+fakecloud.SandboxAccount)
			m.tool("gcloud", m.google())
		}),
		at("a file with a Google ID token", func(m *machine) {
			m.set("IDFERRY_FEDERATED_TOKEN_FILE="+m.file("id.jwt", m.google()), "AZURE_FEDERATED_TOKEN_FILE="+filepath.Join(m.files(), "id.jwt"), "IDFERRY_GOOGLE_SOURCE=token-file")
		}),
		at("impersonated_service_account", func(m *machine) {
			m.set("IDFERRY_GOOGLE_CREDENTIALS=" + m.file("impersonated.json", m.said(map[string]any{
				"type": "impersonated_service_account", "service_account_impersonation_url": m.clouds.Google.ImpersonationURL(fakecloud.SandboxAccount), "source_credentials": json.RawMessage(m.clouds.user),
			})))
		}),
	}
}

func (m *machine) said(document map[string]any) string {
	data, err := json.Marshal(document)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}

// subject is an Entra token that another program gives, and google an ID token of Google's.
func (m *machine) subject() string { return m.keptSecret(m.clouds.SubjectToken()) }

func (m *machine) google() string {
	return m.keptSecret(m.clouds.Google.IDToken(fakecloud.SandboxAccount, fakecloud.AssertionAudience))
}

func (m *machine) keptSecret(value string, err error) string {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
	m.own = append(m.own, value)
	return value
}
