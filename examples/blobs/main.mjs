// Lists the blobs of a container of Azure Storage, from Google Cloud, without a secret.
//
//	azure-token-helper exec --tenant-id TENANT-ID --client-id APPLICATION-ID -- \
//	    node main.mjs https://mystorageaccount.blob.core.windows.net/data
//
// On a laptop AZURE_TENANT_ID and AZURE_CLIENT_ID name the application, and AZURE_CLIENT_SECRET may have a secret of it, or
// KEY_VAULT_URL and KEY_VAULT_SECRET the vault and the name by which whoever has signed in with az may read one.
import { AzureCliCredential, ClientSecretCredential, DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { ContainerClient } from "@azure/storage-blob";

async function choose() {
  const { AZURE_TENANT_ID, AZURE_CLIENT_ID, KEY_VAULT_URL, KEY_VAULT_SECRET } = process.env;
  if (!KEY_VAULT_URL) {
    // It takes what azure-token-helper exec set, or the secret of a laptop.
    return new DefaultAzureCredential();
  }
  const secret = await new SecretClient(KEY_VAULT_URL, new AzureCliCredential()).getSecret(KEY_VAULT_SECRET);
  return new ClientSecretCredential(AZURE_TENANT_ID, AZURE_CLIENT_ID, secret.value);
}

for await (const blob of new ContainerClient(process.argv[2], await choose()).listBlobsFlat()) {
  console.log(blob.name);
}
