# A managed identity trusts one Google identity: reader@p.iam.gserviceaccount.com, subject 115000000000000000001.
# Written by azure-token-helper trust, which runs nothing.

terraform {
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.65"
    }
  }
}

provider "azurerm" {
  features {}
}

data "azurerm_resource_group" "google" {
  name = "my-group"
}

# A managed identity, which has no secret.
resource "azurerm_user_assigned_identity" "google" {
  name                = "blob-reader"
  resource_group_name = data.azurerm_resource_group.google.name
  location            = data.azurerm_resource_group.google.location
}

# All of Google's customers have the same issuer: the subject alone says whose account it is. It is the
# account's numeric id, not its e-mail address; an account that is deleted and made again has another one.
resource "azurerm_federated_identity_credential" "google" {
  name                      = "accounts-google-com-115000000000000000001"
  user_assigned_identity_id = azurerm_user_assigned_identity.google.id
  issuer                    = "https://accounts.google.com"
  subject                   = "115000000000000000001"
  audience                  = ["api://AzureADTokenExchange"]
}

# AZURE_CLIENT_ID for azure-token-helper.
output "client_id" {
  value = azurerm_user_assigned_identity.google.client_id
}

data "azurerm_role_definition" "google" {
  role_definition_id = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
  scope              = "/subscriptions/1/storageAccounts/2"
}

# What it may do, and where.
resource "azurerm_role_assignment" "google" {
  scope              = "/subscriptions/1/storageAccounts/2"
  role_definition_id = data.azurerm_role_definition.google.id
  principal_id       = azurerm_user_assigned_identity.google.principal_id
  principal_type     = "ServicePrincipal"
}
