package azure

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/token"
)

// owned is a source whose tokens are of a known tenant or application. Either is "" where the settings do not decide it.
type owned interface {
	whose() (tenantID, clientID string)
}

// Belongs returns a check that a token is this identity's, as far as the settings say whose it has to be.
func (i *Identity) Belongs() func(token.Secret) error {
	if o, ok := i.source.(owned); ok {
		return entra.Belongs(o.whose())
	}
	return nil
}

func (w *workloadIdentity) whose() (string, string) { return w.tenant, w.client }

func (e *exchanged) whose() (string, string) { return e.exchange.TenantID, e.exchange.ClientID }

func (e *environment) whose() (string, string) { return e.tenant, e.client }

// A machine's tenant is what it is, whatever AZURE_TENANT_ID says.
func (m *managedIdentity) whose() (string, string) {
	client, _ := m.picked.(azidentity.ClientID)
	return "", string(client)
}

func (a *azureCLI) whose() (string, string) { return a.settings.TenantID, "" }

func (a *azd) whose() (string, string) { return a.settings.TenantID, "" }

func (p *person) whose() (string, string) { return p.settings.TenantID, "" }
