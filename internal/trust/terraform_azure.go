package trust

import "fmt"

// Terraform is the trust for Terraform's and OpenTofu's azuread and azurerm providers.
// https://registry.terraform.io/providers/hashicorp/azuread/latest/docs/resources/application_federated_identity_credential
// https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/federated_identity_credential
func (a Azure) Terraform() string {
	var t text
	t.comment("#", a.about()...)
	a.terraformProviders(&t)
	principal := a.terraformManaged(&t)
	if a.Identity == "" {
		principal = a.terraformApplication(&t)
	}
	if a.Role != "" {
		a.terraformRole(&t, principal)
	}
	return t.String()
}

// terraformProviders names the providers, from the first versions that know every argument here, and sets them up: azurerm
// takes no defaults for its features.
// https://github.com/hashicorp/terraform-provider-azurerm/blob/main/CHANGELOG-v4.md#4650-march-19-2026
func (a Azure) terraformProviders(t *text) {
	type provider struct{ name, version, block string }
	var all []provider
	if a.Identity == "" {
		all = append(all, provider{"azuread", ">= 3.0", ""})
	}
	if a.Identity != "" || a.Role != "" {
		all = append(all, provider{"azurerm", ">= 4.65", "  features {}"})
	}
	t.lines("", "terraform {", "  required_providers {")
	for _, p := range all {
		t.lines("    "+p.name+" = {", "      source  = "+hcl("hashicorp/"+p.name), "      version = "+hcl(p.version), "    }")
	}
	t.lines("  }", "}")
	// https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs#environment-1
	environment := map[string]string{"AzureUSGovernment": "usgovernment", "AzureChinaCloud": "china"}[a.Cloud]
	for _, p := range all {
		if p.block == "" && environment == "" {
			continue
		}
		t.lines("", "provider "+hcl(p.name)+" {")
		if environment != "" {
			t.lines("  environment = " + hcl(environment))
		}
		if p.block != "" {
			t.lines(p.block)
		}
		t.lines("}")
	}
	t.lines("")
}

func (a Azure) terraformRole(t *text, principal string) {
	role, value := "role_definition_name", hcl(a.Role)
	if isGUID(a.Role) {
		t.lines("", `data "azurerm_role_definition" "google" {`, "  role_definition_id = "+hcl(a.Role), "  scope              = "+hcl(a.Scope), "}")
		role, value = "role_definition_id", "data.azurerm_role_definition.google.id"
	}
	// terraform fmt aligns what stands together.
	argument := func(name, value string) string { return fmt.Sprintf("  %-*s = %s", len(role), name, value) }
	t.lines("", "# What it may do, and where.",
		`resource "azurerm_role_assignment" "google" {`,
		argument("scope", hcl(a.Scope)), argument(role, value), argument("principal_id", principal), argument("principal_type", `"ServicePrincipal"`),
		"}")
}

func (a Azure) terraformApplication(t *text) (principal string) {
	app := "azuread_application.google"
	if a.ClientID != "" {
		app = "data.azuread_application.google"
		t.lines(`data "azuread_application" "google" {`, "  client_id = "+hcl(a.ClientID), "}")
		t.lines("", `data "azuread_service_principal" "google" {`, "  client_id = "+app+".client_id", "}")
		principal = "data.azuread_service_principal.google.object_id"
	} else {
		t.lines("# An application, and its service principal in this tenant. It needs no secret.",
			`resource "azuread_application" "google" {`, "  display_name = "+hcl(a.Application), "}")
		t.lines("", `resource "azuread_service_principal" "google" {`, "  client_id = "+app+".client_id", "}")
		principal = "azuread_service_principal.google.object_id"
	}
	t.lines("")
	t.comment("#", a.whySubject()...)
	t.lines(
		`resource "azuread_application_federated_identity_credential" "google" {`,
		"  application_id = "+app+".id",
		"  display_name   = "+hcl(a.Credential),
		"  description    = "+hcl(a.description()),
		"  issuer         = "+hcl(a.Claims.Issuer),
		"  subject        = "+hcl(a.Claims.Subject),
		"  audiences      = ["+hcl(a.Claims.Audience[0])+"]",
		"}",
		"",
		"# AZURE_CLIENT_ID for azure-token-helper.",
		`output "client_id" {`,
		"  value = "+app+".client_id",
		"}")
	return principal
}

func (a Azure) terraformManaged(t *text) (principal string) {
	if a.Identity == "" {
		return ""
	}
	t.lines(`data "azurerm_resource_group" "google" {`, "  name = "+hcl(a.ResourceGroup), "}",
		"",
		"# A managed identity, which has no secret.",
		`resource "azurerm_user_assigned_identity" "google" {`,
		"  name                = "+hcl(a.Identity),
		"  resource_group_name = data.azurerm_resource_group.google.name",
		"  location            = data.azurerm_resource_group.google.location",
		"}",
		"")
	t.comment("#", a.whySubject()...)
	t.lines(
		`resource "azurerm_federated_identity_credential" "google" {`,
		"  name                      = "+hcl(a.Credential),
		"  user_assigned_identity_id = azurerm_user_assigned_identity.google.id",
		"  issuer                    = "+hcl(a.Claims.Issuer),
		"  subject                   = "+hcl(a.Claims.Subject),
		"  audience                  = ["+hcl(a.Claims.Audience[0])+"]",
		"}",
		"",
		"# AZURE_CLIENT_ID for azure-token-helper.",
		`output "client_id" {`,
		"  value = azurerm_user_assigned_identity.google.client_id",
		"}")
	return "azurerm_user_assigned_identity.google.principal_id"
}
