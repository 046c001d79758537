// Runs the calls of one client against one server and prints what came back, as JSON.
//
//     drive.mjs FOLDER_OF_PACKAGES CLIENT BASE_URL COUNTER_URL DAY
//
// Kinds of calls and DAY are those of drive.py.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// Where the calls of a client are, and what of it is imported: from afar it is not found by its name.
const clients = {
  ccxt: ["ccxt.mjs", "js/ccxt.js"],
  binance: ["binance.mjs", "lib/index.js"],
  "@polygon.io/client-js": ["polygon.mjs", "dist/main.js"],
};

const [folder, client, base, counter, day] = process.argv.slice(2);
const [module, entry] = clients[client];
const { calls } = await import(`./calls/${module}`);
const library = await import(pathToFileURL(join(folder, "node_modules", client, entry)));

const upstreamCalls = async () => (await (await fetch(counter)).json()).series;

// What an error tells: of an answer that was no success, its body and status.
function told(error) {
  const { message, code, status, body, response } = error ?? {};
  const text = message?.replaceAll(base, "BASE");
  return { error: error?.name ?? "Error", text, code, status, body: body ?? response?.data };
}

async function answerOf({ run }) {
  try {
    return (await run()) ?? null;
  } catch (error) {
    return told(error);
  }
}

const answers = [];
for (const one of await calls(library, base, day)) {
  const before = await upstreamCalls();
  const answer = await answerOf(one);
  answers.push({ name: one.name, kind: one.kind, answer, upstream: (await upstreamCalls()) - before });
}
const { version } = JSON.parse(readFileSync(join(folder, "node_modules", client, "package.json"), "utf8"));
process.stdout.write(JSON.stringify({ version, answers }));
