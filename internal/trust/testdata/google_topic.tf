# Google Cloud trusts one Azure identity: object id 44444444-0000-0000-0000-00000000000d of the tenant 11111111-1111-1111-1111-111111111111.
# Written by gcp-executable-source trust, which runs nothing.

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
# The condition admits this identity alone. Without it every application and managed identity of the tenant
# could get into the pool, by a token that it asks for with the same audience.
resource "google_iam_workload_identity_pool_provider" "entra" {
  project                            = "my-project"
  workload_identity_pool_id          = google_iam_workload_identity_pool.azure.workload_identity_pool_id
  workload_identity_pool_provider_id = "entra"
  attribute_condition                = "assertion.tid == '11111111-1111-1111-1111-111111111111' && assertion.oid == '44444444-0000-0000-0000-00000000000d'"
  attribute_mapping = {
    "google.subject" = "assertion.sub"
  }
  oidc {
    issuer_uri        = "https://sts.windows.net/11111111-1111-1111-1111-111111111111/"
    allowed_audiences = ["api://my-app"]
  }
}

# The identity itself is given the role, here and nowhere else.
resource "google_pubsub_topic_iam_member" "azure" {
  project = "other"
  topic   = "events"
  role    = "roles/pubsub.publisher"
  member  = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.azure.name}/subject/44444444-0000-0000-0000-00000000000d"
}

# The provider's whole name, for gcp-executable-source config --audience.
output "audience" {
  value = "//iam.googleapis.com/${google_iam_workload_identity_pool_provider.entra.name}"
}
