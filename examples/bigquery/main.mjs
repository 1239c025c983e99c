// Asks BigQuery what day it is, from Azure, without a secret.
//
//	gcp-executable-source exec --audience //iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER \
//	    --service-account reader@my-project.iam.gserviceaccount.com --project my-project -- node main.mjs my-project
//
// On a laptop GOOGLE_APPLICATION_CREDENTIALS may name the key file of a service account instead:
//
//	GOOGLE_APPLICATION_CREDENTIALS=key.json node main.mjs my-project
import { BigQuery } from "@google-cloud/bigquery";

const client = new BigQuery({ projectId: process.argv[2] });
const [rows] = await client.query("SELECT CURRENT_DATE()");
for (const row of rows) {
  console.log(Object.values(row)[0].value);
}
