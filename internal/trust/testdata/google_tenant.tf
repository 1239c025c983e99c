# Google Cloud trusts one Azure identity: object id 44444444-0000-0000-0000-00000000000d of the tenant 11111111-1111-1111-1111-111111111111.
# Written by gcp-executable-source trust, which runs nothing.
# NOTE: every application and managed identity of the tenant 11111111-1111-1111-1111-111111111111 gets into the pool; give roles to single principals only, never to the whole pool
# NOTE: neither --service-account nor --role is given: the identity gets into the pool and may do nothing

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

# A pool for identities of Azure.
resource "google_iam_workload_identity_pool" "azure" {
  project                   = "my-project"
  workload_identity_pool_id = "azure"
}

# A provider that takes tokens of this issuer, made for this audience.
# The condition admits the whole tenant: each of its applications and managed identities gets into the pool.
resource "google_iam_workload_identity_pool_provider" "entra" {
  project                            = "my-project"
  workload_identity_pool_id          = google_iam_workload_identity_pool.azure.workload_identity_pool_id
  workload_identity_pool_provider_id = "entra"
  attribute_condition                = "assertion.tid == '11111111-1111-1111-1111-111111111111'"
  attribute_mapping = {
    "google.subject" = "assertion.sub"
  }
  oidc {
    issuer_uri        = "https://sts.windows.net/11111111-1111-1111-1111-111111111111/"
    allowed_audiences = ["api://my-app"]
  }
}

# What can be given roles, as few as it needs and as near to what it needs as can be.
output "principal" {
  value = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.azure.name}/subject/44444444-0000-0000-0000-00000000000d"
}

# The provider's whole name, for gcp-executable-source config --audience.
output "audience" {
  value = "//iam.googleapis.com/${google_iam_workload_identity_pool_provider.entra.name}"
}
