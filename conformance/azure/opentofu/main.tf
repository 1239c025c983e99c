# The state is in Azure Storage, and the built-in provider is all that it holds: nothing is asked of a registry.
terraform {
  backend "azurerm" {
    storage_account_name = "devstoreaccount1"
    container_name       = "tfstate"
    key                  = "prod.tfstate"
    use_azuread_auth     = true
  }
}

variable "seconds" {
  type    = number
  default = 0
}

# The state is locked and read before the command, and written and unlocked after it.
resource "terraform_data" "lasting" {
  triggers_replace = [var.seconds]
  provisioner "local-exec" {
    command = "sleep ${var.seconds}"
  }
}

output "lasted" {
  value      = "${var.seconds} seconds"
  depends_on = [terraform_data.lasting]
}
