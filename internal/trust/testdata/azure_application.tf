# An Entra application trusts one Google identity: reader@p.iam.gserviceaccount.com, subject 115000000000000000001.
# Written by azure-token-helper trust, which runs nothing.

terraform {
  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = ">= 3.0"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.65"
    }
  }
}

provider "azurerm" {
  features {}
}

# An application, and its service principal in this tenant. It needs no secret.
resource "azuread_application" "google" {
  display_name = "idferry"
}

resource "azuread_service_principal" "google" {
  client_id = azuread_application.google.client_id
}

# All of Google's customers have the same issuer: the subject alone says whose account it is. It is the
# account's numeric id, not its e-mail address; an account that is deleted and made again has another one.
resource "azuread_application_federated_identity_credential" "google" {
  application_id = azuread_application.google.id
  display_name   = "accounts-google-com-115000000000000000001"
  description    = "reader@p.iam.gserviceaccount.com"
  issuer         = "https://accounts.google.com"
  subject        = "115000000000000000001"
  audiences      = ["api://AzureADTokenExchange"]
}

# AZURE_CLIENT_ID for azure-token-helper.
output "client_id" {
  value = azuread_application.google.client_id
}

# What it may do, and where.
resource "azurerm_role_assignment" "google" {
  scope                = "/subscriptions/1/storageAccounts/2"
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = azuread_service_principal.google.object_id
  principal_type       = "ServicePrincipal"
}
