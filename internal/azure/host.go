package azure

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
)

// host is what runs a program and offers it a managed identity, as people know it.
type host struct {
	// name is empty where the instance metadata service stands for several of them.
	name string
	// system and user say how to come by the identity of either kind, with a command.
	system, user string
	// variables says where the endpoint's address comes from, secret where the secret does.
	variables, secret string
	// refuses says why no identity can be picked, onlyClient that one can be by client id alone.
	refuses    string
	onlyClient bool
}

func (m *managedIdentity) host() host {
	const service = "IDENTITY_ENDPOINT and IDENTITY_HEADER are set for the service's own processes: take both from the environment that it was started with"
	const mlIdentity = "az ml compute show --name COMPUTE --workspace-name WORKSPACE --resource-group GROUP --query identity"
	switch m.where {
	case managedidentity.AppService:
		h := host{variables: "IDENTITY_ENDPOINT names that address, which the platform sets; unset it where it does not belong", secret: "IDENTITY_HEADER is not this endpoint's: take IDENTITY_ENDPOINT and IDENTITY_HEADER from the same environment"}
		switch s := m.settings; {
		case s.env("CONTAINER_APP_NAME") != "":
			h.name, h.system, h.user = "Container Apps", "az containerapp identity assign --name APP --resource-group GROUP --system-assigned", "az containerapp identity assign --name APP --resource-group GROUP --user-assigned IDENTITY"
		case s.env("FUNCTIONS_EXTENSION_VERSION")+s.env("FUNCTIONS_WORKER_RUNTIME") != "":
			h.name, h.system, h.user = "Functions", "az functionapp identity assign --name APP --resource-group GROUP", "az functionapp identity assign --name APP --resource-group GROUP --identities IDENTITY"
		default:
			h.name, h.system, h.user = "App Service", "az webapp identity assign --name APP --resource-group GROUP", "az webapp identity assign --name APP --resource-group GROUP --identities IDENTITY"
		}
		return h
	case managedidentity.AzureArc:
		return host{
			name: "Azure Arc", system: "is the server connected? azcmagent show", user: "see which it has: az connectedmachine show --name SERVER --resource-group GROUP --query identity",
			variables: "see whether the agent runs and where it listens: azcmagent show", secret: "the agent did not take the key of its own challenge: azcmagent show",
		}
	case managedidentity.ServiceFabric:
		return host{
			name: "Service Fabric", system: "give the application an identity in its Azure template, and the service an IdentityBindingPolicy: https://learn.microsoft.com/azure/service-fabric/how-to-deploy-service-fabric-application-system-assigned-managed-identity; a code is good for the process that it was made for",
			variables: service + ", with IDENTITY_SERVER_THUMBPRINT", secret: service, refuses: "a service of Service Fabric has the identity that its application's manifest binds",
		}
	case managedidentity.AzureML:
		return host{
			name: "Azure ML", system: "DEFAULT_IDENTITY_CLIENT_ID or --client-id has to name the compute's identity: " + mlIdentity, user: "see which it has: " + mlIdentity,
			variables: "MSI_ENDPOINT names that address, which the platform sets; unset it where it does not belong", secret: "MSI_SECRET is not this endpoint's: take MSI_ENDPOINT and MSI_SECRET from the same environment",
			refuses: "Azure ML knows it by client id alone", onlyClient: true,
		}
	case managedidentity.CloudShell:
		return host{
			name: "Cloud Shell", system: "Cloud Shell gives tokens of whoever is signed in to it; open a new one", variables: "MSI_ENDPOINT names that address, which Cloud Shell sets; unset it where it does not belong",
			secret: "open a new Cloud Shell", refuses: "Cloud Shell has the identity of whoever is signed in to it",
		}
	default:
		return host{
			system: "no system-assigned identity is here; pick a user-assigned one with --client-id, or: az vm identity assign --ids VM", user: "az vm identity assign --ids VM --identities IDENTITY",
			variables: podIdentityVariable + " names that address; unset it where it does not belong",
		}
	}
}

// who begins a message.
func (m *managedIdentity) who() string {
	if name := m.host().name; name != "" {
		return "managed identity of " + name
	}
	return "managed identity"
}

// takes reports whether the endpoint picks an identity by that id.
func (h host) takes(id azidentity.ManagedIDKind) bool {
	_, client := id.(azidentity.ClientID)
	return h.refuses == "" || h.onlyClient && client
}

// assign says how to assign the identity that was not found.
func (h host) assign(picked azidentity.ManagedIDKind) string {
	if picked == nil || h.user == "" {
		return h.system
	}
	return "is that identity assigned here? otherwise: " + h.user
}
