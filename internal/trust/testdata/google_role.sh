# Google Cloud trusts one Azure identity: object id 44444444-0000-0000-0000-00000000000d of the tenant 11111111-1111-1111-1111-111111111111.
# Written by gcp-executable-source trust, which runs nothing.
# NOTE: google.subject is mapped from oid: the token's sub has 134 bytes, and google.subject takes 127

# The services that the exchange is made with.
gcloud services enable iam.googleapis.com sts.googleapis.com iamcredentials.googleapis.com --project=123456789

# A pool for identities of Azure.
gcloud iam workload-identity-pools create azure --location=global --project=123456789

# A provider that takes tokens of this issuer, made for this audience.
# The condition admits this identity alone. Without it every application and managed identity of the tenant
# could get into the pool, by a token that it asks for with the same audience.
gcloud iam workload-identity-pools providers create-oidc entra \
  --workload-identity-pool=azure --location=global --project=123456789 \
  --issuer-uri=https://sts.windows.net/11111111-1111-1111-1111-111111111111/ \
  --allowed-audiences=api://my-app \
  --attribute-mapping=google.subject=assertion.oid \
  --attribute-condition="assertion.tid == '11111111-1111-1111-1111-111111111111' && assertion.oid == '44444444-0000-0000-0000-00000000000d'"

# The identity itself is given the role, here and nowhere else.
gcloud projects add-iam-policy-binding 123456789 --condition=None --role=roles/bigquery.jobUser --member=principal://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/subject/44444444-0000-0000-0000-00000000000d

# What to type on the Azure side: the file for Google's libraries, and a look at the whole way.
echo 'gcp-executable-source config --project-number='123456789' --pool=azure --provider=entra --resource=api://my-app google.json'
echo gcp-executable-source doctor google.json
