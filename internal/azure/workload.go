package azure

import (
	"context"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// openWorkloadIdentity is a federated token in a file: what the AKS webhook projects into a pod, or any other issuer's.
// https://azure.github.io/azure-workload-identity/docs/
func openWorkloadIdentity(s Settings) (*Identity, error) {
	const name = "workload-identity"
	for _, needed := range []struct{ value, variable string }{
		{s.TokenFile, "AZURE_FEDERATED_TOKEN_FILE"}, {s.ClientID, "AZURE_CLIENT_ID"}, {s.TenantID, "AZURE_TENANT_ID"},
	} {
		if needed.value == "" {
			return nil, missing(name, needed.variable).
				WithHint("in AKS the webhook sets it for pods with the label azure.workload.identity/use: \"true\"; check: kubectl get pod POD -o yaml")
		}
	}
	first, err := readTokenFile(s.TokenFile)
	if err != nil {
		return nil, err
	}
	claims, err := token.ReadClaims(first)
	if err != nil {
		return nil, tokenFileProblem(s.TokenFile, "it holds no JSON Web Token")
	}
	i := &Identity{inputs: []token.Input{input("token file", s.TokenFile), input("issuer", claims.Issuer), input("subject", claims.Subject)}}
	options := s.client()
	i.explain = explainKept(options)
	if s.getenv("AZURE_KUBERNETES_TOKEN_PROXY") != "" {
		// AKS identity bindings: azidentity alone knows how to reach the cluster's proxy, and wants the transport to itself.
		options.Transport = nil
		i.explain = explainEntra
		i.credential, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, ClientID: s.ClientID, TenantID: s.TenantID, TokenFilePath: s.TokenFile, DisableInstanceDiscovery: true, EnableAzureProxy: true,
		})
	} else {
		// azidentity's own credential sends the file's content as it is, a final newline included, which Entra refuses, and
		// reads it at most every ten minutes.
		i.credential, err = azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID,
			func(context.Context) (string, error) { return readTokenFile(s.TokenFile) },
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	}
	if err != nil {
		return nil, problem.Input("AZURE_TENANT_ID", "%w", err)
	}
	return i, nil
}

func readTokenFile(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", problem.Input("AZURE_FEDERATED_TOKEN_FILE", "%w", err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", tokenFileProblem(path, "it is empty")
	}
	return text, nil
}

func tokenFileProblem(path, what string) error {
	return problem.Input("AZURE_FEDERATED_TOKEN_FILE", "%s: %s", path, what).WithHint("see what writes it: ls -l %s", path)
}
