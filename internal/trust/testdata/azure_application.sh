# An Entra application trusts one Google identity: reader@p.iam.gserviceaccount.com, subject 115000000000000000001.
# Written by azure-token-helper trust, which runs nothing.

# An application, and its service principal in this tenant. It needs no secret.
APP_ID="$(az ad app create --display-name idferry --query appId -o tsv)"
az ad sp create --id "$APP_ID"

# All of Google's customers have the same issuer: the subject alone says whose account it is. It is the
# account's numeric id, not its e-mail address; an account that is deleted and made again has another one.
az ad app federated-credential create --id "$APP_ID" --parameters '{"name":"accounts-google-com-115000000000000000001","issuer":"https://accounts.google.com","subject":"115000000000000000001","description":"reader@p.iam.gserviceaccount.com","audiences":["api://AzureADTokenExchange"]}'

# What it may do, and where.
az role assignment create --assignee-object-id "$(az ad sp show --id "$APP_ID" --query id -o tsv)" --assignee-principal-type ServicePrincipal --role 'Storage Blob Data Reader' --scope /subscriptions/1/storageAccounts/2

# What to type on the Google side; a new federated credential takes some minutes to work.
echo export AZURE_CLIENT_ID="$APP_ID"
echo export AZURE_TENANT_ID="$(az account show --query tenantId -o tsv)"
echo 'azure-token-helper doctor'
