package azure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// workloadIdentity exchanges the token of a file, as AKS projects it into pods.
// https://azure.github.io/azure-workload-identity/docs/
type workloadIdentity struct {
	settings             Settings
	file, tenant, client string
	// proxied is set where AKS wants the exchange to go through its own proxy (identity bindings).
	proxied azcore.TokenCredential
}

// proxyVariables are those of AKS identity bindings.
// https://learn.microsoft.com/azure/aks/identity-bindings-concepts
func proxyVariables() []string {
	return []string{"AZURE_KUBERNETES_TOKEN_PROXY", "AZURE_KUBERNETES_SNI_NAME", "AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA"}
}

func openWorkloadIdentity(s Settings) (source, error) {
	const who = "workload-identity"
	w := &workloadIdentity{
		settings: s, file: s.or(s.TokenFile, "AZURE_FEDERATED_TOKEN_FILE"), tenant: s.or(s.TenantID, "AZURE_TENANT_ID"), client: s.or(s.ClientID, "AZURE_CLIENT_ID"),
	}
	const pod = "on AKS the webhook sets it in pods labelled azure.workload.identity/use=true: kubectl get pod POD -o yaml; elsewhere give %s"
	switch {
	case w.file == "":
		return nil, missing("AZURE_FEDERATED_TOKEN_FILE", who, pod, "--federated-token-file")
	case w.tenant == "":
		return nil, missing("AZURE_TENANT_ID", who, pod, "--tenant-id")
	case w.client == "":
		return nil, missing("AZURE_CLIENT_ID", who, pod, "--client-id")
	}
	if _, _, err := w.read(); err != nil {
		return nil, err
	}
	if s.env(proxyVariables()[0]) != "" {
		// It reads those variables from the process's own environment, and brings a transport of its own.
		options := s.clientOptions()
		options.PerRetryPolicies = []policy.Policy{witnessing{}}
		credential, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, ClientID: w.client, TenantID: w.tenant, TokenFilePath: w.file, DisableInstanceDiscovery: true, EnableAzureProxy: true,
		})
		if err != nil {
			return nil, problem.Input("AZURE_KUBERNETES_TOKEN_PROXY", "%w", err).WithHint("AKS sets it; see https://learn.microsoft.com/azure/aks/identity-bindings-concepts")
		}
		w.proxied = credential
		return w, nil
	}
	return w, w.exchange().Check()
}

func (w *workloadIdentity) exchange() entra.Exchange {
	return entra.Exchange{
		Cloud: w.settings.Cloud, TenantID: w.tenant, ClientID: w.client, HTTP: w.settings.HTTP, Log: w.settings.Log,
		Assertion: token.SourceFunc(func(context.Context) (token.Token, error) {
			value, claims, err := w.read()
			return token.Token{Value: value, ExpiresOn: claims.Expiry}, err
		}),
	}
}

// read is called for each exchange, because kubelet renews the file. Entra refuses a line break at its end (AADSTS50027).
func (w *workloadIdentity) read() (token.Secret, token.Claims, error) {
	const field = "federated token file"
	data, err := os.ReadFile(w.file)
	if err != nil {
		e := problem.Input(field, "%w", err).WithHint("ls -l %s", w.file)
		if errors.Is(err, fs.ErrPermission) {
			e.Hint = "it belongs to another user: ls -l " + w.file + "; in a pod, set securityContext.fsGroup"
		}
		return token.Secret{}, token.Claims{}, e
	}
	value := strings.TrimSpace(string(data))
	if value == "" {
		return token.Secret{}, token.Claims{}, problem.Input(field, "%s is empty", w.file).WithHint("whatever renews it has to replace it as a whole: ls -l %s", w.file)
	}
	claims, err := token.ReadClaims(value)
	if err != nil {
		return token.Secret{}, token.Claims{}, problem.Input(field, "%s holds something that is %w", w.file, err).
			WithHint("it has to hold the bare token, as kubectl create token ACCOUNT --audience %s prints it", w.settings.Cloud.AssertionAudience)
	}
	return token.NewSecret(value), claims, nil
}

func (w *workloadIdentity) token(ctx context.Context, scope string) (token.Token, error) {
	if w.proxied != nil {
		t, seen, err := ask(ctx, w.proxied, scope, entraPatience())
		if err == nil {
			return t, nil
		}
		e := *problem.From(w.explain(seen.explain(err)))
		if !strings.HasPrefix(e.Code, "AADSTS") {
			e.Message = "asking the cluster's token proxy: " + e.Message
		}
		return t, &e
	}
	t, err := w.exchange().Token(ctx, []string{scope}, "")
	if err != nil {
		return t, w.explain(err)
	}
	return t, nil
}

// explain names the file where its token has ended: then nobody renews it.
func (w *workloadIdentity) explain(err error) error {
	e := problem.From(err)
	if e.Code != "AADSTS700024" {
		return e
	}
	_, claims, readErr := w.read()
	if readErr != nil || time.Now().Before(claims.Expiry) {
		return e
	}
	return e.MendedBy(fmt.Sprintf("the token in %s ended at %s and nobody has renewed it; see who should", w.file, claims.Expiry.Format(time.RFC3339)), "ls -l "+w.file)
}

func (w *workloadIdentity) inputs() ([]token.Input, string) {
	inputs := []token.Input{{Name: "resolved-tenant", Value: w.tenant}, {Name: "resolved-client", Value: w.client}}
	more, reason := tokenFileInputs(w.settings, w.file)
	return append(inputs, more...), reason
}

// tokenFileInputs say whose token is in a file; the token itself changes every hour.
func tokenFileInputs(s Settings, file string) ([]token.Input, string) {
	inputs := []token.Input{{Name: "token-file", Value: file}}
	for _, name := range proxyVariables() {
		inputs = append(inputs, token.Input{Name: name, Value: s.env(name)})
	}
	_, claims, err := (&workloadIdentity{settings: s, file: file}).read()
	if err != nil {
		return inputs, "whose token is in " + file + " is not known"
	}
	return append(inputs, token.Input{Name: "iss", Value: claims.Issuer}, token.Input{Name: "sub", Value: claims.Subject}), ""
}
