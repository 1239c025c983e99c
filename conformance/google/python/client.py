"""Asks google-auth, or a client library of Google Cloud, for one thing and prints how that went as one JSON line.

client.py token FILE SCOPE                one access token
client.py twice FILE SCOPE                two, the second forced
client.py calls FILE SCOPE                three, by one object that asks when it has to
client.py parallel FILE SCOPE N           one each for N programs' worth of threads, by one object
client.py bigquery FILE PROJECT ENDPOINT  SELECT CURRENT_DATE()
client.py storage FILE BUCKET ENDPOINT    writes an object and lists the bucket
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

from google.auth import pluggable, identity_pool
from google.auth.transport.requests import Request

PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


def load(file, scope=PLATFORM):
    with open(file) as f:
        executable = "executable" in json.load(f)["credential_source"]
    kind = pluggable if executable else identity_pool
    return kind.Credentials.from_file(file, scopes=[scope])


def token(file, scope, again=0):
    credentials = load(file, scope)
    for _ in range(again + 1):
        credentials.refresh(Request())
    return {"token": credentials.token}


def calls(file, scope):
    credentials = load(file, scope)
    for _ in range(3):
        credentials.before_request(Request(), "GET", "https://example.com", {})
    return {"token": credentials.token}


def parallel(file, scope, number):
    credentials = load(file, scope)

    def one(_):
        if not credentials.valid:
            credentials.refresh(Request())
        return credentials.token

    with ThreadPoolExecutor(int(number)) as pool:
        return {"token": list(pool.map(one, range(int(number))))[-1]}


def query(file, project, endpoint):
    from google.cloud import bigquery

    client = bigquery.Client(project, credentials=load(file), client_options={"api_endpoint": endpoint})
    return {"result": [str(row[0]) for row in client.query_and_wait("SELECT CURRENT_DATE()")]}


def store(file, bucket, endpoint):
    from google.cloud import storage

    client = storage.Client("sandbox-project", credentials=load(file), client_options={"api_endpoint": endpoint})
    handle = client.bucket(bucket)
    handle.blob("python/report.csv").upload_from_string("a,b\n")
    return {"result": [blob.name for blob in client.list_blobs(handle)]}


PACKAGES = {"bigquery": "google-cloud-bigquery", "storage": "google-cloud-storage"}
VERBS = {"token": token, "twice": lambda f, s: token(f, s, 1), "calls": calls, "parallel": parallel, "bigquery": query, "storage": store}


def main(verb, *args):
    package = PACKAGES.get(verb, "google-auth")
    answer = {"client": package, "version": version(package), "verb": verb, "ok": False}
    start = time.monotonic()
    try:
        answer.update(VERBS[verb](*args), ok=True)
    except Exception as e:
        answer["error"] = f"{type(e).__name__}: {e}"
    answer["ms"] = round((time.monotonic() - start) * 1000)
    print(json.dumps(answer))


main(*sys.argv[1:])
