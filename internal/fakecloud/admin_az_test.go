package fakecloud

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func (s *Sandbox) sandboxApp() Application {
	app, _ := s.Entra.app(SandboxTenant, SandboxApp)
	return app
}

func (s *Sandbox) trusts(c FederatedCredential) bool {
	return slices.Contains(s.sandboxApp().Federated, c)
}

func TestAzCommandsChangeTheTenant(t *testing.T) {
	s, _ := sandbox(t)
	const other, otherOID, uri = "14141414-1414-1414-1414-141414141414", "14141414-0000-0000-0000-00000000000d", "api://idferry-other"
	change := func(change func(*Application)) func(*Sandbox) {
		return func(s *Sandbox) { s.Entra.Change(SandboxTenant, SandboxApp, change) }
	}
	added := FederatedCredential{Issuer: GoogleIssuer, Subject: SandboxOtherAccountID, Audience: AssertionAudience, Name: "other"}
	managed := FederatedCredential{Issuer: "https://issuer.example", Subject: "someone's", Audience: AssertionAudience, Name: "n"}
	changed := FederatedCredential{Issuer: GoogleIssuer, Subject: SandboxOtherAccountID, Audience: "api://AzureADTokenExchangeUSGov", Name: "other"}
	again := FederatedCredential{Issuer: GoogleIssuer, Subject: "115000000000000000009", Audience: AssertionAudience, Name: "other"}
	for _, c := range []typed{
		{
			command: `az ad app federated-credential create --id ` + SandboxApp + ` --parameters '{"name":"other","issuer":"https://accounts.google.com","subject":"` + SandboxOtherAccountID + `","audiences":["api://AzureADTokenExchange"]}'`,
			changed: func(s *Sandbox) bool { return s.trusts(added) },
		},
		{
			command: `az ad app federated-credential list --id ` + SandboxApp + ` --query "[?subject=='` + SandboxOtherAccountID + `'].id" -o tsv`,
			prints:  "id-of-other\n",
		},
		{
			// The object id is as good as the client id.
			command: `az ad app federated-credential update --id ` + SandboxAppOID + ` --federated-credential-id other --parameters '{"issuer":"https://accounts.google.com","subject":"` + SandboxOtherAccountID + `","audiences":["api://AzureADTokenExchangeUSGov"]}'`,
			changed: func(s *Sandbox) bool { return s.trusts(changed) && !s.trusts(added) },
		},
		{
			command: `az ad app federated-credential update --id ` + SandboxApp + ` --federated-credential-id "$(az ad app federated-credential list --id ` + SandboxApp + ` --query "[?name=='other'].id" -o tsv)" --parameters '{"issuer":"https://accounts.google.com","subject":"115000000000000000009","audiences":["api://AzureADTokenExchange"]}'`,
			changed: func(s *Sandbox) bool { return s.trusts(again) },
		},
		{
			command: `az identity federated-credential create --name n --identity-name IDENTITY --resource-group GROUP --issuer https://issuer.example --subject "someone's" --audiences api://AzureADTokenExchange`,
			changed: func(s *Sandbox) bool { return s.trusts(managed) },
		},
		{
			before:  change(func(a *Application) { a.Disabled = true }),
			command: "az ad sp update --id " + SandboxApp + " --set accountEnabled=true",
			changed: func(s *Sandbox) bool { return !s.sandboxApp().Disabled },
		},
		{
			before:  change(func(a *Application) { a.NeedsConsent = true }),
			command: "az ad app permission admin-consent --id " + SandboxApp,
			changed: func(s *Sandbox) bool { return !s.sandboxApp().NeedsConsent },
		},
		{
			before:  change(func(a *Application) { a.PublicClient = false }),
			command: "az ad app update --id " + SandboxApp + " --is-fallback-public-client true",
			changed: func(s *Sandbox) bool { return s.sandboxApp().PublicClient },
		},
		{
			before: func(s *Sandbox) {
				s.Entra.AddApplication(Application{TenantID: SandboxOtherTenant, ClientID: other, ObjectID: otherOID, AppIDURI: uri})
			},
			command: "az ad sp create --id " + uri,
			changed: func(s *Sandbox) bool { return s.Entra.hasResource(SandboxTenant, uri) },
		},
		{
			before:  func(s *Sandbox) { s.Entra.RemoveApplication(SandboxTenant, other) },
			command: "az ad sp create --id=" + other,
			changed: func(s *Sandbox) bool { _, ok := s.Entra.app(SandboxTenant, other); return ok },
		},
		{command: "az ad app show --id " + SandboxAppOID + " --query appId -o tsv", prints: SandboxApp + "\n"},
		{command: "az ad app show --id " + SandboxResource + " --query identifierUris --output tsv", prints: SandboxResource + "\n"},
		{command: "az account show --query tenantId -o tsv", prints: SandboxTenant + "\n"},
		{command: "az cloud show --query name -o tsv", prints: "AzureCloud\n"},
		{command: "az cloud show --query name", prints: "\"AzureCloud\"\n"},
		{command: "az cloud show --query nothing -o tsv", prints: ""},
	} {
		c.check(t, s)
	}
}

func TestAResetCredentialIsTakenBesideTheOldOne(t *testing.T) {
	s, _ := sandbox(t)
	out, err := s.Run("az ad app credential reset --id " + SandboxApp + " --append --query password -o tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{strings.TrimSpace(out), SandboxSecret} {
		form := withSecret()
		form.Set("client_secret", secret)
		refusedWith(t, s, form, 0)
	}

	certificates := s.sandboxApp().Certificates
	s.Entra.Change(SandboxTenant, SandboxApp, func(a *Application) { a.Certificates = nil })
	file := filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(file, s.CertificatePEM, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run("az ad app credential reset --id " + SandboxApp + " --cert @" + file + " --append"); err != nil {
		t.Fatal(err)
	}
	if now := s.sandboxApp().Certificates; len(now) != 1 || !now[0].Equal(certificates[0]) {
		t.Errorf("%d certificates", len(now))
	}
	key, _ := pem.Decode(s.CertificatePEM)
	if err := os.WriteFile(file, pem.EncodeToMemory(key), 0o600); err != nil {
		t.Fatal(err)
	}
	refusedCommands(t, s, map[string]string{
		"az ad app credential reset --id " + SandboxApp:                               "--append",
		"az ad app credential reset --id " + SandboxApp + " --append --cert @" + file: "holds no certificate",
	})
}

func TestAzRefusesWhatTheRealOneRefuses(t *testing.T) {
	s, _ := sandbox(t)
	create := "az ad app federated-credential create --id " + SandboxApp + " --parameters "
	update := "az ad app federated-credential update --id " + SandboxApp + " --federated-credential-id "
	refusedCommands(t, s, map[string]string{
		create + `'{"name":"google","issuer":"https://issuer.example","subject":"s","audiences":["a"]}'`:                          "name google already exists",
		create + `'{"name":"new","issuer":"https://accounts.google.com","subject":"` + SandboxAccountID + `","audiences":["a"]}'`: "combination of issuer and subject must be unique",
		create + `'{"issuer":"https://issuer.example","subject":"s","audiences":["a"]}'`:                                          "name is missing",
		create + `'{"name":"n","issuer":"https://issuer.example","audiences":["a"]}'`:                                             "issuer and subject",
		create + `'{"name":"n","issuer":"https://issuer.example","subject":"s","audiences":["a","b"]}'`:                           "one audience",
		create + `'{"name":"n","issuer":"https://issuer.example","subject":"s","audience":"a"}'`:                                  `unknown field "audience"`,
		create + `'not JSON'`: "--parameters",
		update + `nobody --parameters '{"issuer":"https://issuer.example","subject":"s","audiences":["a"]}'`:                                                                       `no federated credential "nobody"`,
		update + `google --parameters '{"name":"new","issuer":"https://issuer.example","subject":"s","audiences":["a"]}'`:                                                          "name cannot be changed",
		"az ad app federated-credential create --id 00000000-0000-0000-0000-000000000001 --parameters '{\"name\":\"n\",\"issuer\":\"i\",\"subject\":\"s\",\"audiences\":[\"a\"]}'": "does not exist",
		"az identity federated-credential create --name n --identity-name other --resource-group GROUP --issuer i --subject s --audiences a":                                       "no such identity",
		"az identity federated-credential create --name n --identity-name IDENTITY --resource-group GROUP --issuer i --subject s":                                                  "--audiences: must be specified",
		"az ad sp create --id " + SandboxApp:                                           "already in use",
		"az ad sp create --id 00000000-0000-0000-0000-000000000001":                    "unable to find",
		"az ad sp update --id " + SandboxApp + " --set appRoleAssignmentRequired=true": "appRoleAssignmentRequired",
		"az ad app update --id " + SandboxApp:                                          "--is-fallback-public-client: must be specified",
		"az ad app update --id " + SandboxApp + " --is-fallback-public-client maybe":   "maybe",
		"az ad app show --id " + SandboxApp + " --query '[' -o tsv":                    "--query",
		"az ad app show --id " + SandboxApp + " -o table":                              "--output table",
		"az account show --tenant " + SandboxTenant:                                    "unrecognized argument --tenant",
		"az ad app credential reset --id " + SandboxApp + " --append=yes":              "unrecognized argument --append",
	})
}
