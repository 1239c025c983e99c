// Asks @azure/identity or @azure/storage-blob for one thing and prints how that went as one JSON line.
//
//	client.mjs VERB SCOPE [TENANT]    one token from the credential of that name
//	client.mjs VERB SCOPE every SECONDS APART    the same credential over and over
//	client.mjs Blobs ACCOUNT_URL      writes and lists a blob
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import * as identity from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";

const credential = (name) => new identity[name]({ additionallyAllowedTenants: ["*"] });

async function takeToken(verb, scope, tenantId) {
  const { token, expiresOnTimestamp } = await credential(verb).getToken(scope, { tenantId });
  return { token, expires_on: Math.floor(expiresOnTimestamp / 1000) };
}

async function every(verb, scope, seconds, apart) {
  const same = new identity[verb]({ disableInstanceDiscovery: true });
  const asked = [], tokens = [];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await setTimeout(apart * 1000)) {
    asked.push(Date.now());
    tokens.push((await same.getToken(scope)).token);
  }
  return { asked, tokens };
}

async function writeAndList(url) {
  const container = new BlobServiceClient(url, credential("AzureCliCredential")).getContainerClient("node");
  await container.create();
  await container.getBlockBlobClient("2026/11/report.csv").upload("a,b\n", 4);
  const blobs = [];
  for await (const blob of container.listBlobsFlat()) blobs.push(blob.name);
  return { blobs };
}

const [verb, ...args] = process.argv.slice(2);
const name = verb === "Blobs" ? "@azure/storage-blob" : "@azure/identity";
const { version } = JSON.parse(await readFile(new URL(`node_modules/${name}/package.json`, import.meta.url)));
const start = performance.now();
let outcome;
try {
  if (verb === "Blobs") outcome = await writeAndList(...args);
  else if (args.length > 2) outcome = await every(verb, args[0], Number(args[2]), Number(args[3]));
  else outcome = await takeToken(verb, ...args);
  outcome.ok = true;
} catch (e) {
  outcome = { ok: false, error: `${e.name}: ${e.message}` };
}
console.log(JSON.stringify({ client: name, version, verb, ...outcome, ms: Math.round(performance.now() - start) }));
