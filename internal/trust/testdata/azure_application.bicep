// An Entra application trusts one Google identity: reader@p.iam.gserviceaccount.com, subject 115000000000000000001.
// Written by azure-token-helper trust, which runs nothing.

// bicepconfig.json: {"extensions": {"microsoftGraphV1": "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0"}}
extension microsoftGraphV1

// An application, and its service principal in this tenant. It needs no secret.
resource app 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: 'idferry'
  displayName: 'idferry'
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: app.appId
}

// All of Google's customers have the same issuer: the subject alone says whose account it is. It is the
// account's numeric id, not its e-mail address; an account that is deleted and made again has another one.
resource google 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${app.uniqueName}/accounts-google-com-115000000000000000001'
  description: 'reader@p.iam.gserviceaccount.com'
  issuer: 'https://accounts.google.com'
  subject: '115000000000000000001'
  audiences: [
    'api://AzureADTokenExchange'
  ]
}

// AZURE_CLIENT_ID for azure-token-helper.
output clientId string = app.appId
