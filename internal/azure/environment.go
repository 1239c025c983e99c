package azure

import (
	"context"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// environment is a service principal whose secret or certificate is in the environment, in azidentity's variables.
// https://learn.microsoft.com/azure/developer/go/sdk/authentication/credential-chains#environment-variables
type environment struct {
	settings   Settings
	credential azcore.TokenCredential
	selects    []token.Input
	// tenant and client are resolved.
	tenant, client string
}

func openEnvironment(s Settings) (source, error) {
	const who = "environment"
	tenant := s.or(s.TenantID, "AZURE_TENANT_ID")
	client := s.or(s.ClientID, "AZURE_CLIENT_ID")
	switch {
	case tenant == "":
		return nil, missing("AZURE_TENANT_ID", who, "export AZURE_TENANT_ID=TENANT, or give --tenant-id; az account show --query tenantId -o tsv")
	case client == "":
		return nil, missing("AZURE_CLIENT_ID", who, "export AZURE_CLIENT_ID=APPLICATION, or give --client-id; az ad app list --display-name NAME --query '[].appId' -o tsv")
	}
	e := &environment{settings: s, tenant: tenant, client: client, selects: []token.Input{{Name: "resolved-tenant", Value: tenant}, {Name: "resolved-client", Value: client}}}
	if secret := s.env("AZURE_CLIENT_SECRET"); secret != "" {
		e.selects = append(e.selects, token.Input{Name: "secret", Value: token.Fingerprint(secret)})
		credential, err := azidentity.NewClientSecretCredential(tenant, client, secret, &azidentity.ClientSecretCredentialOptions{
			ClientOptions: s.clientOptions(), DisableInstanceDiscovery: true,
		})
		if err != nil {
			return nil, problem.Input("AZURE_TENANT_ID", "%q is unusable: %w", tenant, err).WithHint("az account show --query tenantId -o tsv")
		}
		e.credential = credential
		return e, nil
	}
	path := s.env("AZURE_CLIENT_CERTIFICATE_PATH")
	switch {
	case path == "" && s.env("AZURE_USERNAME") != "" && s.env("AZURE_PASSWORD") != "":
		return nil, problem.Input("AZURE_USERNAME", "signing in with a user's password is not supported; Entra ID demands more than a password").
			WithHint("use a service principal (AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH), or --credential device-code")
	case path == "":
		return nil, missing("AZURE_CLIENT_SECRET", who, "export AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH, or choose another --credential")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, problem.Input("AZURE_CLIENT_CERTIFICATE_PATH", "%w", err).WithHint("ls -l %s", path)
	}
	password := s.env("AZURE_CLIENT_CERTIFICATE_PASSWORD")
	pair, err := readCertificate(path, data, password)
	if err != nil {
		return nil, err
	}
	chain := s.env("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
	e.selects = append(e.selects, token.Input{Name: "certificate", Value: token.Fingerprint(string(data))}, token.Input{Name: "certificate-chain", Value: chain})
	credential, err := azidentity.NewClientCertificateCredential(tenant, client, pair.chain, pair.key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: s.clientOptions(), DisableInstanceDiscovery: true, SendCertificateChain: chain == "1" || strings.EqualFold(chain, "true"),
	})
	if err != nil {
		return nil, problem.Input("AZURE_CLIENT_CERTIFICATE_PATH", "%s is unusable: %w", path, err).
			WithHint("it has to hold an RSA key and its certificate: openssl x509 -in %s -noout -subject -dates", path)
	}
	e.credential = credential
	return e, nil
}

func (e *environment) token(ctx context.Context, scope string) (token.Token, error) {
	t, w, err := ask(ctx, e.credential, scope, entraPatience())
	if err != nil {
		return t, w.explain(err)
	}
	return t, nil
}

func (e *environment) inputs() ([]token.Input, string) { return e.selects, "" }
