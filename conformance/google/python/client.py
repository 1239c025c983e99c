"""Asks google-auth, or a client library of Google Cloud, for one thing and prints how that went as one JSON line.

client.py token FILE SCOPE                one access token
client.py twice FILE SCOPE                two from one object, the second one forced
client.py calls FILE SCOPE                three from one object, which asks when it has to
client.py parallel FILE SCOPE N           N threads at once, one object
client.py bigquery FILE PROJECT ENDPOINT  SELECT CURRENT_DATE()
client.py storage FILE BUCKET ENDPOINT    writes an object and lists the bucket

GOOGLE_CLOUD_PROJECT is to be set: google.auth.default would ask Resource Manager for the project otherwise.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import google.auth
from google.auth.transport.requests import Request

PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
SQL = "SELECT CURRENT_DATE()"


def load(file, scope=PLATFORM):
    os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = file
    return google.auth.default(scopes=[scope])[0]


def refreshed(credentials):
    credentials.refresh(Request())
    return credentials.token


def ready(credentials):
    # What every client library does before each of its calls.
    headers = {}
    credentials.before_request(Request(), "GET", "https://bigquery.googleapis.com/", headers)
    return headers["authorization"].removeprefix("Bearer ")


def token(file, scope):
    return [ready(load(file, scope))]


def twice(file, scope):
    credentials = load(file, scope)
    return [ready(credentials), refreshed(credentials)]


def calls(file, scope):
    credentials = load(file, scope)
    return [ready(credentials) for _ in range(3)]


def parallel(file, scope, number):
    credentials = load(file, scope)
    with ThreadPoolExecutor(int(number)) as pool:
        return list(pool.map(ready, [credentials] * int(number)))


def query(file, project, endpoint):
    from google.cloud import bigquery

    client = bigquery.Client(project, credentials=load(file), client_options={"api_endpoint": endpoint})
    # The first is a job whose results are read, the second one request.
    return [str(row[0]) for rows in (client.query(SQL).result(), client.query_and_wait(SQL)) for row in rows]


def store(file, name, endpoint):
    from google.cloud import storage

    client = storage.Client(credentials=load(file), client_options={"api_endpoint": endpoint})
    bucket = client.bucket(name)
    bucket.blob("python/report.csv").upload_from_string("a,b\n")
    return [blob.name for blob in client.list_blobs(bucket)]


TOKENS = {"token": token, "twice": twice, "calls": calls, "parallel": parallel}
CALLS = {"bigquery": query, "storage": store}


def main(verb, *args):
    package = f"google-cloud-{verb}" if verb in CALLS else "google-auth"
    answer = {"client": package, "version": version(package), "verb": verb, "ok": False}
    start = time.monotonic()
    try:
        if verb in CALLS:
            answer["result"] = CALLS[verb](*args)
        else:
            answer["tokens"] = TOKENS[verb](*args)
            answer["token"] = answer["tokens"][-1]
        answer["ok"] = True
    except Exception as e:
        answer["error"] = f"{type(e).__name__}: {e}"
    answer["ms"] = round((time.monotonic() - start) * 1000)
    print(json.dumps(answer))


main(*sys.argv[1:])
