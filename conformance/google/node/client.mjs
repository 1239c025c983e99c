// Asks google-auth-library for one thing and prints how that went as one JSON line.
//
//	client.mjs LIBRARY token FILE SCOPE         one access token
//	client.mjs LIBRARY twice FILE SCOPE         two, the second forced
//	client.mjs LIBRARY calls FILE SCOPE         three, by one object that asks when it has to
//	client.mjs LIBRARY parallel FILE SCOPE N    N at once, by one object
import { readFile } from "node:fs/promises";

const [library, verb, file, scope, number] = process.argv.slice(2);
const { GoogleAuth } = await import(library);
const { version } = JSON.parse(await readFile(new URL(`node_modules/${library}/package.json`, import.meta.url)));

async function ask() {
  const client = await new GoogleAuth({ keyFile: file, scopes: [scope] }).getClient();
  const one = async () => (await client.getAccessToken()).token;
  switch (verb) {
    case "token":
      return await one();
    case "twice":
      await one();
      client.credentials = {};
      client.cachedAccessToken = null;
      return await one();
    case "calls":
      await one();
      await one();
      return await one();
    case "parallel":
      return (await Promise.all(Array.from({ length: Number(number) }, one))).pop();
    default:
      throw new Error(`unknown verb ${verb}`);
  }
}

const start = performance.now();
let outcome;
try {
  outcome = { ok: true, token: await ask() };
} catch (e) {
  outcome = { ok: false, error: `${e.name}: ${e.message}` };
}
console.log(JSON.stringify({ client: "google-auth-library", version, verb, ...outcome, ms: Math.round(performance.now() - start) }));
