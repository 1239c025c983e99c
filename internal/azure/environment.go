package azure

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openEnvironment is a service principal with a secret or a certificate from the environment, under the names of
// azidentity's EnvironmentCredential.
func openEnvironment(s Settings) (*Identity, error) {
	const name = "environment"
	if s.TenantID == "" {
		return nil, missing(name, "AZURE_TENANT_ID").WithHint("az account show --query tenantId -o tsv")
	}
	if s.ClientID == "" {
		return nil, missing(name, "AZURE_CLIENT_ID").WithHint("az ad app list --display-name NAME --query '[].appId' -o tsv")
	}
	options := s.client()
	if secret := s.getenv("AZURE_CLIENT_SECRET"); secret != "" {
		c, err := azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
		if err != nil {
			return nil, problem.Input("AZURE_TENANT_ID", "%w", err)
		}
		return &Identity{credential: c, explain: explainKept(options), inputs: []token.Input{input("secret", token.Fingerprint(secret))}}, nil
	}
	path := s.getenv("AZURE_CLIENT_CERTIFICATE_PATH")
	if path == "" {
		return nil, missing(name, "AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH").WithHint("set one of the two")
	}
	pair, err := readCertificate(path, s.getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	if err != nil {
		return nil, err
	}
	chain := s.getenv("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
	c, err := azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, pair.certificates, pair.key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true, SendCertificateChain: chain == "1" || chain == "true",
	})
	if err != nil {
		return nil, problem.Input("AZURE_CLIENT_CERTIFICATE_PATH", "%s: %w", path, err)
	}
	return &Identity{credential: c, explain: explainKept(options), inputs: []token.Input{input("certificate", pair.fingerprint)}}, nil
}
