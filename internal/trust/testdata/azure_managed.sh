# A managed identity trusts one Google identity: reader@p.iam.gserviceaccount.com, subject 115000000000000000001.
# Written by azure-token-helper trust, which runs nothing.

# A managed identity, which has no secret.
az identity create --name blob-reader --resource-group my-group

# All of Google's customers have the same issuer: the subject alone says whose account it is. It is the
# account's numeric id, not its e-mail address; an account that is deleted and made again has another one.
az identity federated-credential create --name accounts-google-com-115000000000000000001 --identity-name blob-reader --resource-group my-group \
  --issuer https://accounts.google.com --subject 115000000000000000001 --audiences api://AzureADTokenExchange

# It may do nothing yet. Roles are given as near to what it needs as can be, for example:
# az role assignment create --assignee-object-id "$(az identity show --name blob-reader --resource-group my-group --query principalId -o tsv)" --assignee-principal-type ServicePrincipal --role 'Storage Blob Data Reader' --scope RESOURCE_ID

# What to type on the Google side; a new federated credential takes some minutes to work.
echo export AZURE_CLIENT_ID="$(az identity show --name blob-reader --resource-group my-group --query clientId -o tsv)"
echo export AZURE_TENANT_ID="$(az account show --query tenantId -o tsv)"
echo 'azure-token-helper doctor'
