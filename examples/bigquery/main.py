"""Asks BigQuery what day it is, from Azure, without a secret.

    gcp-executable-source exec --audience //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER \\
        --service-account reader@my-project.iam.gserviceaccount.com --project my-project -- python main.py

On a laptop GOOGLE_APPLICATION_CREDENTIALS may name the key file of a service account instead:

    GOOGLE_APPLICATION_CREDENTIALS=key.json python main.py
"""

from google.cloud import bigquery

for row in bigquery.Client().query_and_wait("SELECT CURRENT_DATE()"):
    print(row[0])
