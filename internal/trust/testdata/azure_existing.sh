# An Entra application trusts one Google identity: system:serviceaccount:prod:app, subject system:serviceaccount:prod:app.
# Written by azure-token-helper trust, which runs nothing.

# Issuer, subject and audience have to match letter by letter.
az ad app federated-credential create --id 33333333-3333-3333-3333-333333333333 --parameters '{"name":"accounts-google-com-115000000000000000001","issuer":"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c","subject":"system:serviceaccount:prod:app","description":"system:serviceaccount:prod:app","audiences":["api://AzureADTokenExchange"]}'

# It may do nothing yet. Roles are given as near to what it needs as can be, for example:
# az role assignment create --assignee-object-id "$(az ad sp show --id 33333333-3333-3333-3333-333333333333 --query id -o tsv)" --assignee-principal-type ServicePrincipal --role 'Storage Blob Data Reader' --scope RESOURCE_ID

# What to type on the Google side; a new federated credential takes some minutes to work.
echo export AZURE_CLIENT_ID=33333333-3333-3333-3333-333333333333
echo export AZURE_TENANT_ID="$(az account show --query tenantId -o tsv)"
echo 'azure-token-helper doctor'
