# State and resources in Azure. Nothing here says who Terraform is: `azure-token-helper exec` tells the backend and the
# provider by ARM_* variables, and renews what they ask for however long the apply takes.
terraform {
  required_version = ">= 1.11"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0"
    }
  }

  # Account and container exist before; the application has the role Storage Blob Data Contributor on the container.
  backend "azurerm" {
    storage_account_name = "mystorageaccount"
    container_name       = "tfstate"
    key                  = "example.tfstate"
    use_azuread_auth     = true
  }
}

provider "azurerm" {
  features {}

  # Registering them is a right in the whole subscription. Leave this out where the application has it.
  resource_provider_registrations = "none"
}

# Needs no role and creates nothing: put your resources in its place.
data "azurerm_client_config" "current" {}

output "object_id" {
  value = data.azurerm_client_config.current.object_id
}
