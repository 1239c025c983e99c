package azure

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	opener "github.com/pkg/browser"

	"github.com/idferry/idferry/internal/problem"
)

// openBrowser opens the identity of a person who signs in in a browser on this machine.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
func openBrowser(s Settings) (source, error) {
	credential, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: s.clientOptions(), TenantID: s.TenantID, ClientID: s.ClientID, DisableInstanceDiscovery: true,
	})
	if err != nil {
		return nil, problem.Input("--tenant-id", "%q is unusable: %w", s.TenantID, err)
	}
	if s.Prompt != nil {
		// Whatever starts the browser writes to our stdout otherwise, which is the protocol's.
		opener.Stdout, opener.Stderr = s.Prompt, s.Prompt
	}
	return &person{settings: s, kind: "browser", credential: credential}, nil
}
