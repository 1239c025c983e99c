# Google Cloud trusts one Azure identity: object id 44444444-0000-0000-0000-00000000000d of the tenant 11111111-1111-1111-1111-111111111111.
# Written by gcp-executable-source trust, which runs nothing.
# NOTE: every application and managed identity of the tenant 11111111-1111-1111-1111-111111111111 gets into the pool; give roles to single principals only, never to the whole pool
# NOTE: neither --service-account nor --role is given: the identity gets into the pool and may do nothing

# The services that the exchange is made with.
gcloud services enable iam.googleapis.com sts.googleapis.com iamcredentials.googleapis.com --project=my-project

# A pool for identities of Azure.
gcloud iam workload-identity-pools create azure --location=global --project=my-project

# A provider that takes tokens of this issuer, made for this audience.
# The condition admits the whole tenant: each of its applications and managed identities gets into the pool.
gcloud iam workload-identity-pools providers create-oidc entra \
  --workload-identity-pool=azure --location=global --project=my-project \
  --issuer-uri=https://sts.windows.net/11111111-1111-1111-1111-111111111111/ \
  --allowed-audiences=api://my-app \
  --attribute-mapping=google.subject=assertion.sub \
  --attribute-condition="assertion.tid == '11111111-1111-1111-1111-111111111111'"

# The identity itself can be given roles, as few as it needs and as near to what it needs as can be, for example:
# gcloud storage buckets add-iam-policy-binding gs://BUCKET --role=roles/storage.objectViewer --member=principal://iam.googleapis.com/projects/"$(gcloud projects describe my-project --format='value(projectNumber)')"/locations/global/workloadIdentityPools/azure/subject/44444444-0000-0000-0000-00000000000d

# What to type on the Azure side: the file for Google's libraries, and a look at the whole way.
echo 'gcp-executable-source config --project-number='"$(gcloud projects describe my-project --format='value(projectNumber)')"' --pool=azure --provider=entra --resource=api://my-app google.json'
echo gcp-executable-source doctor google.json
