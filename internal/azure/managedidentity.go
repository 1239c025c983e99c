package azure

import (
	"context"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/idferry/idferry/internal/machine"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// managedIdentity is an identity that Azure assigned to the machine, site or container. Which of its endpoints is there
// is MSAL's to see, in the process's own environment: App Service, Functions, Container Apps, Arc, Azure ML, Cloud Shell,
// Service Fabric, else the instance metadata service.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
type managedIdentity struct {
	settings   Settings
	where      managedidentity.Source
	picked     azidentity.ManagedIDKind
	credential azcore.TokenCredential
	// chained is set where others are asked after it.
	chained bool
}

func openManagedIdentity(s Settings) (source, error) {
	m := &managedIdentity{settings: s}
	var err error
	if m.picked, err = s.pick(); err != nil {
		return nil, err
	}
	if m.where, err = managedidentity.GetSource(); err != nil {
		return nil, problem.New(problem.NoIdentity, "managed identity: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	rewrite, err := s.podIdentity()
	if err != nil {
		return nil, err
	}
	m.credential = makeLater(func() (azcore.TokenCredential, error) {
		options := &azidentity.ManagedIdentityCredentialOptions{ID: m.picked, ClientOptions: s.machineOptions(m.where, rewrite)}
		credential, err := azidentity.NewManagedIdentityCredential(options)
		if err != nil {
			return nil, problem.New(problem.BadInput, "%s: %w", m.who(), err).WithHint("%s", m.host().variables)
		}
		return credential, nil
	})
	return m, nil
}

// pick returns the user-assigned identity that is asked for, or nil.
func (s Settings) pick() (azidentity.ManagedIDKind, error) {
	client := s.or(s.ClientID, "AZURE_CLIENT_ID")
	switch {
	case s.ObjectID != "" && s.ResourceID != "":
		return nil, problem.Input("--object-id", "it excludes --resource-id; one of the two picks the identity")
	case s.ObjectID+s.ResourceID != "" && client != "" && client != s.env("AZURE_CLIENT_ID"):
		return nil, problem.Input("--client-id", "it excludes --object-id and --resource-id; one of them picks the identity")
	case s.ObjectID != "":
		return azidentity.ObjectID(s.ObjectID), nil
	case s.ResourceID != "":
		return azidentity.ResourceID(s.ResourceID), nil
	case client != "":
		return azidentity.ClientID(client), nil
	}
	return nil, nil
}

// check refuses an id that the endpoint here takes no notice of, and an endpoint that is none.
func (m *managedIdentity) check() error {
	s := m.settings
	if m.picked != nil && !m.host().takes(m.picked) {
		field, value := "--client-id", s.ClientID
		switch {
		case s.ObjectID != "":
			field = "--object-id"
		case s.ResourceID != "":
			field = "--resource-id"
		case value == "" || value == s.env("AZURE_CLIENT_ID"):
			field = "AZURE_CLIENT_ID"
		}
		return problem.Input(field, "it picks a user-assigned identity, and %s", m.host().refuses).WithHint("leave %s out to use the identity that is here", field)
	}
	for _, variable := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT"} {
		if value := s.env(variable); value != "" && m.where != managedidentity.DefaultToIMDS {
			if u, err := url.Parse(value); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
				return problem.Input(variable, "%q is not the URL of an endpoint", value).WithHint("the platform sets it; unset %s where it does not belong", variable)
			}
		}
	}
	return nil
}

// patience repeats what the documentation says to repeat. At the other endpoints a 404 is a refusal.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
// https://learn.microsoft.com/azure/service-fabric/how-to-managed-identity-service-fabric-app-code#error-handling
func (m *managedIdentity) patience() patience {
	p := patience{failures: 1, statuses: entraPatience().statuses}
	if m.where != managedidentity.DefaultToIMDS {
		return p
	}
	p.statuses = append(p.statuses, http.StatusGone)
	if !m.chained {
		// Other clouds have something else at that address, which does not know the path.
		p.statuses = append(p.statuses, http.StatusNotFound)
	}
	for status := 501; status <= 511; status++ {
		p.statuses = append(p.statuses, status)
	}
	return p
}

func (m *managedIdentity) token(ctx context.Context, scope string) (token.Token, error) {
	t, w, err := ask(ctx, unremembered{m.credential}, scope, m.patience())
	if err != nil {
		return t, m.explain(ctx, w, err)
	}
	return t, nil
}

// unremembered asks the endpoint at each call. MSAL remembers the tokens of managed identities for as long as the process
// lives and gives them out until five minutes are left, which is too late for a program that renews earlier. Given claims
// it asks; the endpoint is told of none (apps/managedidentity, AcquireToken).
type unremembered struct{ azcore.TokenCredential }

func (u unremembered) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	options.Claims = "{}"
	return u.TokenCredential.GetToken(ctx, options)
}

func (m *managedIdentity) inputs() ([]token.Input, string) {
	picked := ""
	if m.picked != nil {
		picked = m.picked.String()
	}
	return append([]token.Input{{Name: "managed-identity", Value: picked}, {Name: "endpoint", Value: string(m.where)}}, m.settings.machineInputs()...), ""
}

// machineInputs tell a machine and its endpoints from others: the identity is the machine's.
func (s Settings) machineInputs() []token.Input {
	inputs := machine.Inputs(s.Lookup)
	for _, name := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT", "DEFAULT_IDENTITY_CLIENT_ID", podIdentityVariable} {
		inputs = append(inputs, token.Input{Name: name, Value: s.env(name)})
	}
	for _, name := range []string{"IDENTITY_HEADER", "MSI_SECRET"} {
		inputs = append(inputs, token.Input{Name: name, Value: token.Fingerprint(s.env(name))})
	}
	return inputs
}
