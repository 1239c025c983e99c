// Asks google-auth-library for one thing and prints how that went as one JSON line.
//
//	client.mjs LIBRARY token FILE SCOPE         one access token
//	client.mjs LIBRARY twice FILE SCOPE         two from one object, the second one forced
//	client.mjs LIBRARY calls FILE SCOPE         three from one object, which asks when it has to
//	client.mjs LIBRARY parallel FILE SCOPE N    N at once, one object
//
// LIBRARY is a name that package.json gives to one version of it.
import { readFile } from "node:fs/promises";

const [library, verb, file, scope, number] = process.argv.slice(2);
const { GoogleAuth } = await import(library);
const { version } = JSON.parse(await readFile(new URL(`node_modules/${library}/package.json`, import.meta.url)));

async function ask() {
  process.env.GOOGLE_APPLICATION_CREDENTIALS = file;
  const client = await new GoogleAuth({ scopes: [scope] }).getClient();
  const one = async () => (await client.getAccessToken()).token;
  switch (verb) {
    case "token":
      return [await one()];
    case "twice": {
      const first = await one();
      client.eagerRefreshThresholdMillis = Infinity;
      return [first, await one()];
    }
    case "calls":
      return [await one(), await one(), await one()];
    case "parallel":
      return await Promise.all(Array.from({ length: Number(number) }, one));
    default:
      throw new Error(`unknown verb ${verb}`);
  }
}

const start = performance.now();
let outcome;
try {
  const tokens = await ask();
  outcome = { ok: true, token: tokens.at(-1), tokens };
} catch (e) {
  outcome = { ok: false, error: `${e.name}: ${e.message}` };
}
console.log(JSON.stringify({ client: "google-auth-library", version, verb, ...outcome, ms: Math.round(performance.now() - start) }));
