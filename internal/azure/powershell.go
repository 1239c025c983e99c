package azure

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// powerShell is whoever is signed in to Azure PowerShell.
// https://learn.microsoft.com/powershell/azure/authenticate-interactive
type powerShell struct {
	credential azcore.TokenCredential
}

func openPowerShell(s Settings) (source, error) {
	if err := argument("--tenant-id", s.TenantID); err != nil {
		return nil, err
	}
	credential, err := azidentity.NewAzurePowerShellCredential(&azidentity.AzurePowerShellCredentialOptions{TenantID: s.TenantID})
	if err != nil {
		return nil, problem.Input("--tenant-id", "%q is unusable: %w", s.TenantID, err)
	}
	return &powerShell{credential}, nil
}

func (p *powerShell) token(ctx context.Context, scope string) (token.Token, error) {
	t, _, err := ask(ctx, p.credential, scope, patience{})
	if err != nil {
		if e := problem.From(entra.Explain(err)); e.Code != problem.Unexpected {
			return t, e
		}
		return t, problem.New(problem.NoIdentity, "azure powershell gave no token: %s", quote(err.Error())).WithHint("Connect-AzAccount")
	}
	return t, nil
}

func (p *powerShell) inputs() ([]token.Input, string) {
	return nil, "who is signed in to Azure PowerShell is known to it alone"
}
