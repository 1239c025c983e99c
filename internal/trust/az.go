package trust

import "github.com/idferry/idferry/internal/catalogue"

// Az is the trust as commands for a POSIX shell. https://learn.microsoft.com/cli/azure/ad/app/federated-credential
func (a Azure) Az() string {
	var t text
	t.comment("#", a.about()...)
	if a.Cloud != "" {
		t.lines("# The tenant is in a cloud of its own. Before the rest: az cloud set --name " + catalogue.ForShell(a.Cloud) + "; az login")
	}
	client, principal := a.azIdentity(&t)
	t.lines("")
	t.comment("#", a.whySubject()...)
	quote := catalogue.ForShell
	if a.Identity != "" {
		t.lines("az identity federated-credential create --name "+quote(a.Credential)+" --identity-name "+quote(a.Identity)+" --resource-group "+quote(a.ResourceGroup)+" \\",
			"  --issuer "+quote(a.Claims.Issuer)+" --subject "+quote(a.Claims.Subject)+" --audiences "+quote(a.Claims.Audience[0]))
	} else {
		t.lines("az ad app federated-credential create --id " + client + " --parameters " + quote(a.parameters()))
	}
	role := "az role assignment create --assignee-object-id " + principal + " --assignee-principal-type ServicePrincipal --role "
	if a.Role != "" {
		t.lines("", "# What it may do, and where.", role+quote(a.Role)+" --scope "+quote(a.Scope))
	} else {
		t.lines("", "# It may do nothing yet. Roles are given as near to what it needs as can be, for example:", "# "+role+"'Storage Blob Data Reader' --scope RESOURCE_ID")
	}
	t.lines("", "# What to type on the Google side; a new federated credential takes some minutes to work.")
	if a.Identity != "" {
		client = `"$(az identity show --name ` + quote(a.Identity) + ` --resource-group ` + quote(a.ResourceGroup) + ` --query clientId -o tsv)"`
	}
	t.lines("echo export AZURE_CLIENT_ID="+client, `echo export AZURE_TENANT_ID="$(az account show --query tenantId -o tsv)"`)
	if a.Cloud != "" {
		t.lines("echo " + catalogue.ForShell("export AZURE_ENVIRONMENT="+a.Cloud))
	}
	command := "azure-token-helper doctor"
	for _, flag := range a.Source {
		command += " " + catalogue.ForShell(flag)
	}
	t.lines("echo " + catalogue.ForShell(command))
	return t.String()
}

// azIdentity writes what makes the identity, and returns what stands for its client id and for its object id.
func (a Azure) azIdentity(t *text) (client, principal string) {
	quote := catalogue.ForShell
	switch {
	case a.Identity != "":
		t.lines("", "# A managed identity, which has no secret.", "az identity create --name "+quote(a.Identity)+" --resource-group "+quote(a.ResourceGroup))
		return "", `"$(az identity show --name ` + quote(a.Identity) + ` --resource-group ` + quote(a.ResourceGroup) + ` --query principalId -o tsv)"`
	case a.ClientID != "":
		client = quote(a.ClientID)
	default:
		client = `"$APP_ID"`
		t.lines("", "# An application, and its service principal in this tenant. It needs no secret.",
			`APP_ID="$(az ad app create --display-name `+quote(a.Application)+` --query appId -o tsv)"`, "az ad sp create --id "+client)
	}
	return client, `"$(az ad sp show --id ` + client + ` --query id -o tsv)"`
}
