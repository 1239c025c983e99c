package azure

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// defaultIdentity is the first that answers of azidentity's chain. It is the only one that probes.
// https://learn.microsoft.com/azure/developer/go/sdk/authentication/credential-chains#defaultazurecredential-overview
type defaultIdentity struct {
	settings   Settings
	credential azcore.TokenCredential
	// machine explains the refusals of a managed identity.
	machine *managedIdentity
}

const chosen = "AZURE_TOKEN_CREDENTIALS"

// shortly is less of a life than anybody issues, and more than anybody leaves who renews early.
const shortly = 15 * time.Minute

func openDefault(s Settings) (source, error) {
	// The two names are azidentity's for parts of the chain, which it takes from the process's own environment alone.
	if part := strings.ToLower(strings.TrimSpace(s.Credential)); (part == "dev" || part == "prod") && s.env(chosen) != part {
		return nil, problem.Input("--credential", "%q is a value of %s only", s.Credential, chosen).WithHint("export %s=%s", chosen, part)
	}
	rewrite, err := s.podIdentity()
	if err != nil {
		return nil, err
	}
	machine := &managedIdentity{settings: s}
	if machine.where, err = managedidentity.GetSource(); err != nil {
		return nil, problem.New(problem.NoIdentity, "managed identity: %w", err)
	}
	// The chain takes it from there alone.
	if client := s.env("AZURE_CLIENT_ID"); client != "" {
		machine.picked = azidentity.ClientID(client)
	}
	return &defaultIdentity{settings: s, machine: machine, credential: makeLater(func() (azcore.TokenCredential, error) {
		credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: s.machineOptions(machine.where, rewrite), DisableInstanceDiscovery: true, TenantID: s.TenantID,
		})
		if err != nil {
			return nil, problem.Input(chosen, "%w", err).WithHint("unset %s, or give --credential", chosen)
		}
		return credential, nil
	})}, nil
}

func (d *defaultIdentity) token(ctx context.Context, scope string) (token.Token, error) {
	p := entraPatience()
	p.statuses = append(p.statuses, http.StatusGone)
	t, w, err := ask(ctx, d.credential, scope, p)
	if err != nil {
		return t, d.explain(ctx, w, err)
	}
	if time.Until(t.ExpiresOn) < shortly {
		// Perhaps it is what MSAL remembers. az and azd refuse to be asked so, and then this one is the best there is.
		if other, _, err := ask(ctx, unremembered{d.credential}, scope, p); err == nil && other.ExpiresOn.After(t.ExpiresOn) {
			t = other
		}
	}
	return t, nil
}

// explain tells a chain in which nothing was found from one that stopped at a refusal.
func (d *defaultIdentity) explain(ctx context.Context, w *witness, err error) error {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) {
		if strings.Contains(err.Error(), "AADSTS") {
			return entra.Explain(err)
		}
		at := stoppedAt(err.Error())
		if at == "ManagedIdentityCredential: " {
			return d.machine.explain(ctx, w, err)
		}
		if answer, failure := w.last(); failure != nil || answer != nil {
			e := *problem.From(w.explain(err))
			e.Message = at + e.Message
			return &e
		}
	}
	if tried := attempts(err.Error()); len(tried) > 0 {
		e := problem.New(problem.NoIdentity, "no Azure identity was found: %s", quote(strings.Join(tried, "; "))).
			WithHint("choose one with --credential: %s", strings.Join(Names()[1:], ", "))
		if client, set := d.settings.Lookup("AZURE_CLIENT_ID"); set && client == "" {
			e.Hint = "unset AZURE_CLIENT_ID: it is set and empty, which keeps the chain from any managed identity; or " + e.Hint
		}
		return e
	}
	return entra.Explain(err)
}

// attempts reads the list in azidentity's text: one line below a tab for each identity, more lines below two.
func attempts(text string) []string {
	var tried []string
	for line := range strings.Lines(text) {
		if name, said, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "\t\t") {
			said, _, _ = strings.Cut(said, "To troubleshoot, visit")
			tried = append(tried, strings.TrimSuffix(name, "Credential")+": "+strings.TrimRight(said, " ."))
		}
	}
	return tried
}

// stoppedAt names the identity at which the chain ended.
func stoppedAt(text string) string {
	last := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "\t\t") {
			last, _, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
	}
	if last == "" {
		return ""
	}
	return strings.TrimSuffix(last, ":") + ": "
}

// inputs are everything that any identity of the chain depends on: which one answers is not known beforehand.
func (d *defaultIdentity) inputs() ([]token.Input, string) {
	s := d.settings
	var inputs []token.Input
	for _, name := range []string{chosen, "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_USERNAME", "AZURE_ADDITIONALLY_ALLOWED_TENANTS"} {
		inputs = append(inputs, token.Input{Name: name, Value: s.env(name)})
	}
	for _, name := range []string{"AZURE_CLIENT_SECRET", "AZURE_PASSWORD"} {
		inputs = append(inputs, token.Input{Name: name, Value: token.Fingerprint(s.env(name))})
	}
	for _, path := range []string{s.env("AZURE_CLIENT_CERTIFICATE_PATH"), filepath.Join(s.home(), ".Azure", "AzureRmContext.json")} {
		data, _ := os.ReadFile(path)
		inputs = append(inputs, token.Input{Name: "content of " + path, Value: token.Fingerprint(string(data))})
	}
	inputs = append(inputs, s.machineInputs()...)
	if file := s.env("AZURE_FEDERATED_TOKEN_FILE"); file != "" {
		more, reason := tokenFileInputs(s, file)
		inputs = append(inputs, more...)
		if reason != "" {
			return inputs, reason
		}
	}
	// Nobody being signed in to az or azd is no obstacle: whoever does so changes these.
	for _, signedIn := range []func(Settings) ([]token.Input, string){azureProfile, azdInputs} {
		more, _ := signedIn(s)
		inputs = append(inputs, more...)
	}
	return inputs, ""
}
