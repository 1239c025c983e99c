"""Asks gcloud or bq for one thing and prints how that went as one JSON line.

client.py token FILE SCOPE                one access token
client.py parallel FILE SCOPE N           N gcloud at once
client.py bigquery FILE PROJECT ENDPOINT  SELECT CURRENT_DATE() by bq
client.py storage FILE BUCKET ENDPOINT    writes an object and lists the bucket by gcloud storage

gcloud asks for its own scopes, whatever SCOPE is.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor


class Failed(Exception):
    pass


def run(file, *argv, home, stdin=None, **env):
    env = os.environ | env | {
        "CLOUDSDK_CONFIG": home,
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE": file,
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": os.environ["REQUESTS_CA_BUNDLE"],
        "CLOUDSDK_CORE_PROJECT": os.environ["GOOGLE_CLOUD_PROJECT"],
        # Neither looks for a metadata server; bq knows the second name, in these letters.
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
        "NO_GCE_CHECK": "True",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }
    done = subprocess.run(argv, env=env, input=stdin, stdin=None if stdin else subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Failed((done.stderr + done.stdout).strip())
    return done.stdout.strip()


def token(file, scope=None):
    # What gcloud remembers is in its configuration directory: each has its own.
    with tempfile.TemporaryDirectory() as home:
        return [run(file, "gcloud", "auth", "print-access-token", home=home)]


def parallel(file, scope, number):
    with ThreadPoolExecutor(int(number)) as pool:
        return [t for (t,) in pool.map(token, [file] * int(number))]


def query(file, project, endpoint):
    with tempfile.TemporaryDirectory() as home:
        # bq asks an endpoint that is not Google's for its description, and comes with one.
        root = run("", "gcloud", "info", "--format=value(installation.sdk_root)", home=home)
        description = os.path.join(root, "platform", "bq", "discovery_next", "bigquery.json")
        rows = run(file, "bq", f"--api={endpoint}", f"--discovery_file={description}", f"--project_id={project}", "--format=csv", "query", "--nouse_legacy_sql", "SELECT CURRENT_DATE()", home=home)
        return rows.split()[1:]


def store(file, bucket, endpoint):
    with tempfile.TemporaryDirectory() as home:
        service = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": endpoint + "/storage/v1/"}
        source = os.path.join(home, "report.csv")
        with open(source, "w") as f:
            f.write("a,b\n")
        run(file, "gcloud", "storage", "cp", source, f"gs://{bucket}/gcloud/report.csv", home=home, **service)
        return run(file, "gcloud", "storage", "ls", f"gs://{bucket}/**", home=home, **service).split()


def version():
    with tempfile.TemporaryDirectory() as home:
        return json.loads(run("", "gcloud", "version", "--format=json", home=home))["Google Cloud SDK"]


TOKENS = {"token": token, "parallel": parallel}
CALLS = {"bigquery": query, "storage": store}


def main(verb, *args):
    answer = {"client": {"bigquery": "bq", "storage": "gcloud storage"}.get(verb, "gcloud"), "version": version(), "verb": verb, "ok": False}
    start = time.monotonic()
    try:
        if verb in CALLS:
            answer["result"] = CALLS[verb](*args)
        else:
            answer["tokens"] = TOKENS[verb](*args)
            answer["token"] = answer["tokens"][-1]
        answer["ok"] = True
    except Failed as e:
        answer["error"] = str(e)
    answer["ms"] = round((time.monotonic() - start) * 1000)
    print(json.dumps(answer))


main(*sys.argv[1:])
