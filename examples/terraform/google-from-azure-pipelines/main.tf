# State and resources in Google Cloud. Nothing here says who Terraform is: `gcp-executable-source exec` tells the backend
# and the provider by GOOGLE_APPLICATION_CREDENTIALS, and the project by GOOGLE_CLOUD_PROJECT.
terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0"
    }
  }

  # The bucket exists before; the service account has the role roles/storage.objectUser on it.
  backend "gcs" {
    bucket = "my-project-tfstate"
    prefix = "example"
  }
}

provider "google" {}

# Needs no role and creates nothing: put your resources in its place.
data "google_client_openid_userinfo" "me" {}

output "service_account" {
  value = data.google_client_openid_userinfo.me.email
}
