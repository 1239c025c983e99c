"""Lists the blobs of a container of Azure Storage, from Google Cloud, without a secret.

    azure-token-helper exec --tenant-id TENANT-ID --client-id APPLICATION-ID -- \\
        python main.py https://mystorageaccount.blob.core.windows.net/data

On a laptop AZURE_TENANT_ID and AZURE_CLIENT_ID name the application, and AZURE_CLIENT_SECRET may have a secret of it, or
KEY_VAULT_URL and KEY_VAULT_SECRET the vault and the name by which whoever has signed in with az may read one.
"""

import os
import sys

from azure.identity import AzureCliCredential, ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import ContainerClient


def choose():
    vault = os.environ.get("KEY_VAULT_URL")
    if not vault:
        # It takes what azure-token-helper exec set, or the secret of a laptop.
        return DefaultAzureCredential()
    secret = SecretClient(vault, AzureCliCredential()).get_secret(os.environ["KEY_VAULT_SECRET"])
    return ClientSecretCredential(os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], secret.value)


for blob in ContainerClient.from_container_url(sys.argv[1], credential=choose()).list_blobs():
    print(blob.name)
