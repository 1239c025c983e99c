# An Entra application trusts one Google identity: system:serviceaccount:prod:app, subject system:serviceaccount:prod:app.
# Written by azure-token-helper trust, which runs nothing.

terraform {
  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = ">= 3.0"
    }
  }
}

data "azuread_application" "google" {
  client_id = "33333333-3333-3333-3333-333333333333"
}

data "azuread_service_principal" "google" {
  client_id = data.azuread_application.google.client_id
}

# Issuer, subject and audience have to match letter by letter.
resource "azuread_application_federated_identity_credential" "google" {
  application_id = data.azuread_application.google.id
  display_name   = "accounts-google-com-115000000000000000001"
  description    = "system:serviceaccount:prod:app"
  issuer         = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"
  subject        = "system:serviceaccount:prod:app"
  audiences      = ["api://AzureADTokenExchange"]
}

# AZURE_CLIENT_ID for azure-token-helper.
output "client_id" {
  value = data.azuread_application.google.client_id
}
