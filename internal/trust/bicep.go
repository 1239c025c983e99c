package trust

import (
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// Bicep is the trust for Azure's own language. A managed identity is a resource like others; an application is one of
// Microsoft Graph, for which bicepconfig.json names the extension microsoftGraphV1. The error is for a role that is named:
// Bicep knows roles by their ids.
// https://learn.microsoft.com/azure/templates/microsoft.managedidentity/userassignedidentities/federatedidentitycredentials
// https://learn.microsoft.com/graph/templates/bicep/reference/applications
func (a Azure) Bicep() (string, error) {
	if a.Role != "" && !isGUID(a.Role) {
		return "", problem.Input("--role", "%q is a role's name, and Bicep knows roles by their ids", a.Role).
			WithHint("az role definition list --name '%s' --query '[0].name' -o tsv", a.Role)
	}
	if a.Role != "" && a.Identity == "" {
		return "", problem.Input("--role", "an application is made in the tenant and a role is given in a subscription, which are two deployments").
			WithHint("leave --role out, and give it with az role assignment create, or use --user-assigned-identity")
	}
	if a.Role != "" && !a.inGroup() {
		return "", problem.Input("--role-scope", "Bicep gives roles in the resource group that it deploys to, which is more than %s alone", oneLine(a.Scope)).
			WithHint("leave --role out, and give it with az role assignment create, or use --format az or terraform")
	}
	var t text
	t.comment("//", a.about()...)
	t.lines("")
	if a.Identity == "" {
		return a.bicepApplication(&t)
	}
	t.lines(
		"// A managed identity, which has no secret. Deploy it to the resource group "+oneLine(a.ResourceGroup)+".",
		"resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {",
		"  name: "+bicep(a.Identity),
		"  location: resourceGroup().location",
		"}",
		"")
	t.comment("//", a.whySubject()...)
	t.lines(
		"resource google 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {",
		"  parent: identity",
		"  name: "+bicep(a.Credential),
		"  properties: {",
		"    issuer: "+bicep(a.Claims.Issuer),
		"    subject: "+bicep(a.Claims.Subject),
		"    audiences: [",
		"      "+bicep(a.Claims.Audience[0]),
		"    ]",
		"  }",
		"}")
	if a.Role != "" {
		t.lines("",
			"// What it may do, in this resource group.",
			"resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {",
			"  name: guid(resourceGroup().id, identity.id, "+bicep(a.Role)+")",
			"  properties: {",
			"    principalId: identity.properties.principalId",
			"    principalType: 'ServicePrincipal'",
			"    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "+bicep(a.Role)+")",
			"  }",
			"}")
	}
	t.lines("", "// AZURE_CLIENT_ID for azure-token-helper.", "output clientId string = identity.properties.clientId")
	return t.String(), nil
}

// inGroup reports whether the role is given on the very resource group of the managed identity. Ids of Azure's resources
// are compared without regard to case.
func (a Azure) inGroup() bool {
	parts := strings.Split(a.Scope, "/")
	return len(parts) == 5 && parts[0] == "" && strings.EqualFold(parts[1], "subscriptions") && strings.EqualFold(parts[3], "resourceGroups") && strings.EqualFold(parts[4], a.ResourceGroup)
}

func (a Azure) bicepApplication(t *text) (string, error) {
	t.lines("// bicepconfig.json: {\"extensions\": {\"microsoftGraphV1\": \"br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0\"}}", "extension microsoftGraphV1", "")
	if a.ClientID != "" {
		return "", problem.Input("--client-id", "Bicep finds an application by its uniqueName, which one that was made otherwise does not have").
			WithHint("use --format az or terraform, or --application NAME for a new one")
	}
	t.lines(
		"// An application, and its service principal in this tenant. It needs no secret.",
		"resource app 'Microsoft.Graph/applications@v1.0' = {",
		"  uniqueName: "+bicep(a.Application),
		"  displayName: "+bicep(a.Application),
		"}",
		"",
		"resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {",
		"  appId: app.appId",
		"}",
		"")
	t.comment("//", a.whySubject()...)
	t.lines(
		"resource google 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {",
		"  name: '${app.uniqueName}/"+bicep(a.Credential)[1:],
		"  description: "+bicep(a.description()),
		"  issuer: "+bicep(a.Claims.Issuer),
		"  subject: "+bicep(a.Claims.Subject),
		"  audiences: [",
		"    "+bicep(a.Claims.Audience[0]),
		"  ]",
		"}",
		"",
		"// AZURE_CLIENT_ID for azure-token-helper.",
		"output clientId string = app.appId")
	return t.String(), nil
}
