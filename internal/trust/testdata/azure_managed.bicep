// A managed identity trusts one Google identity: reader@p.iam.gserviceaccount.com, subject 115000000000000000001.
// Written by azure-token-helper trust, which runs nothing.

// A managed identity, which has no secret. Deploy it to the resource group my-group.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'blob-reader'
  location: resourceGroup().location
}

// All of Google's customers have the same issuer: the subject alone says whose account it is. It is the
// account's numeric id, not its e-mail address; an account that is deleted and made again has another one.
resource google 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {
  parent: identity
  name: 'accounts-google-com-115000000000000000001'
  properties: {
    issuer: 'https://accounts.google.com'
    subject: '115000000000000000001'
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

// What it may do, in this resource group.
resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, identity.id, '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')
  }
}

// AZURE_CLIENT_ID for azure-token-helper.
output clientId string = identity.properties.clientId
