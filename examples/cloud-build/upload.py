"""Uploads the named files to a container of Azure Blob Storage: upload.py FILE…"""

import os
import pathlib
import sys

from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient

# Nothing of idferry's: the credential finds what `azure-token-helper exec` set.
container = ContainerClient(
    f"https://{os.environ['STORAGE_ACCOUNT']}.blob.core.windows.net", os.environ["CONTAINER"], DefaultAzureCredential())
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    with path.open("rb") as data:
        container.upload_blob(path.name, data, overwrite=True)
    print(f"uploaded {path.name}")
