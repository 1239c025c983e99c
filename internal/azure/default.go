package azure

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openDefault is azidentity's chain: environment, workload identity, managed identity, az, azd, PowerShell. It is the one
// choice that probes, and the one where azidentity reads the environment itself.
func openDefault(s Settings) (*Identity, error) {
	options, err := s.managedClient()
	if err != nil {
		return nil, err
	}
	options.Cloud = s.client().Cloud
	c, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, TenantID: s.TenantID, DisableInstanceDiscovery: true})
	if err != nil {
		return nil, problem.Input("AZURE_TOKEN_CREDENTIALS", "%w", err)
	}
	return &Identity{credential: c, inputs: s.defaultInputs(), explain: func(err error) error {
		e := problem.From(explainEntra(err))
		if strings.HasPrefix(e.Code, "AADSTS") || e.Code == problem.BadAnswer {
			return e
		}
		return problem.New(problem.NoIdentity, "no Azure identity was found: %s", attempts(err.Error())).
			WithHint("name the one that is meant: --credential %s", strings.Join(Names()[1:], ", "))
	}}, nil
}

// attempts makes one line of the list that the chain returns.
func attempts(list string) string {
	_, list, _ = strings.Cut(list, "Attempted credentials:")
	var said []string
	for line := range strings.Lines(token.NewRedactor().Clean(list)) {
		line = strings.TrimSpace(line)
		line, _, _ = strings.Cut(line, "To troubleshoot, visit")
		if name, why, ok := strings.Cut(line, "Credential: "); ok && !strings.Contains(name, " ") {
			said = append(said, name+": "+strings.TrimRight(strings.TrimSpace(why), ". "))
		}
	}
	if len(said) == 0 {
		return "azidentity's chain gave no token"
	}
	return strings.Join(said, "; ")
}

// defaultInputs is the union of what selects any link of the chain, so that a change of one of them is a change of the
// key.
func (s Settings) defaultInputs() []token.Input {
	inputs := s.managedInputs()
	for _, name := range []string{
		"AZURE_TOKEN_CREDENTIALS", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME", "AZURE_FEDERATED_TOKEN_FILE",
		"AZURE_AUTHORITY_HOST", "AZURE_ADDITIONALLY_ALLOWED_TENANTS",
	} {
		inputs = append(inputs, input(name, s.getenv(name)))
	}
	for _, name := range []string{"AZURE_CLIENT_SECRET", "AZURE_PASSWORD"} {
		inputs = append(inputs, input(name, token.Fingerprint(s.getenv(name))))
	}
	if file := s.getenv("AZURE_FEDERATED_TOKEN_FILE"); file != "" {
		if jwt, err := readTokenFile(file); err == nil {
			if claims, err := token.ReadClaims(jwt); err == nil {
				inputs = append(inputs, input("issuer", claims.Issuer), input("subject", claims.Subject))
			}
		}
	}
	if path := s.getenv("AZURE_CLIENT_CERTIFICATE_PATH"); path != "" {
		if pair, err := readCertificate(path, s.getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD")); err == nil {
			inputs = append(inputs, input("certificate", pair.fingerprint))
		}
	}
	for _, profile := range []func() ([]token.Input, string){s.azureCLIProfile, s.azureDeveloperCLIProfile} {
		found, _ := profile()
		inputs = append(inputs, found...)
	}
	return inputs
}
