"""Asks azure-identity or azure-storage-blob for one thing and prints how that went as one JSON line.

client.py VERB SCOPE [TENANT]    one token from the credential of that name
client.py VERB SCOPE every SECONDS APART    the same credential over and over
client.py Blobs ACCOUNT_URL      writes and lists a blob
"""

import json
import sys
import time
from importlib.metadata import version

from azure import identity


def credential(name):
    return getattr(identity, name)(additionally_allowed_tenants=["*"])


def take_token(verb, scope, tenant=None):
    token = credential(verb).get_token(scope, tenant_id=tenant)
    return {"token": token.token, "expires_on": token.expires_on}


def every(verb, scope, seconds, apart):
    if verb == "WorkloadIdentityCredential":
        same = identity.WorkloadIdentityCredential(disable_instance_discovery=True)
    else:
        same = credential(verb)
    asked, tokens = [], []
    start = time.monotonic()
    while time.monotonic() - start < int(seconds):
        asked.append(int(time.time() * 1000))
        tokens.append(same.get_token(scope).token)
        time.sleep(int(apart))
    return {"asked": asked, "tokens": tokens}


def write_and_list(url):
    from azure.storage.blob import BlobServiceClient

    service = BlobServiceClient(url, credential=credential("AzureCliCredential"))
    container = service.create_container("python")
    container.upload_blob("2026/11/report.csv", b"a,b\n")
    return {"blobs": list(container.list_blob_names())}


def main(verb, *args):
    package = "azure-storage-blob" if verb == "Blobs" else "azure-identity"
    answer = {"client": package, "version": version(package), "verb": verb, "ok": False}
    start = time.monotonic()
    try:
        if verb == "Blobs":
            did = write_and_list(*args)
        elif len(args) > 2:
            did = every(verb, args[0], *args[2:])
        else:
            did = take_token(verb, *args)
        answer.update(did, ok=True)
    except Exception as e:
        answer["error"] = f"{type(e).__name__}: {e}"
    answer["ms"] = round((time.monotonic() - start) * 1000)
    print(json.dumps(answer))


main(*sys.argv[1:])
