// Runs the calls of yahoo-finance2 against one server and prints what came back, as JSON.
//
//     calls.mjs FOLDER_OF_PACKAGE BASE_URL COUNTER_URL DAY
//
// Kinds of calls and DAY are those of calls.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, base, counter, day] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const YahooFinance = require("yahoo-finance2").default;

// What the library logs about Node and about answers it will not take is no part of its answers.
const silent = Object.fromEntries(["info", "warn", "error", "debug", "dir"].map((name) => [name, () => {}]));

function rewritten(url) {
  const { hostname, pathname, search } = new URL(url);
  return hostname.endsWith("yahoo.com") ? base + pathname + search : url;
}

// Yahoo's cookies are for all of yahoo.com; the simulator, whose URL has no path, sets them for the host asked alone.
const broad = (cookie) => (new URL(base).pathname === "/" ? `${cookie}; Domain=.yahoo.com` : cookie);

async function repointed(url, options) {
  const answer = await fetch(rewritten(url), options);
  const cookies = answer.headers.getSetCookie().map(broad);
  answer.headers.getSetCookie = () => cookies;
  return answer;
}

const yahoo = new YahooFinance({
  fetch: repointed,
  logger: silent,
  suppressNotices: ["yahooSurvey", "ripHistorical"],
  queue: { concurrency: 4 },
});

const ago = (days, hour = 0) => new Date(Date.parse(day) - days * 86_400_000 + hour * 3_600_000);
const symbols = ["AAPL", "MSFT", "IBM", "^GSPC", "VOD.L", "BTC-USD", "EURUSD=X", "7203.T"];

// Rows by their time, so that those of two answers can be told apart; the rest of the answer beside them.
function byTime({ quotes, ...more }) {
  const rows = {};
  for (const { date, ...row } of quotes) rows[date.toISOString()] = row;
  return { ...more, rows };
}

const chart = async (symbol, interval, period1, period2, more = {}) =>
  byTime(await yahoo.chart(symbol, { interval, period1, ...(period2 && { period2 }), ...more }));
const asObject = (symbol, options) => yahoo.chart(symbol, { ...options, return: "object" });
const historical = (options) => yahoo.historical("AAPL", { period2: "2024-01-01", ...options });
const untimed = (found) =>
  Object.fromEntries(Object.entries(found).filter(([name]) => !/^(timeTaken|totalTime)/.test(name)));

const call = (name, run, kind = "settled") => ({ name, run, kind });
const windows = {
  "1d": ["1d", "2024-01-02", "2024-03-28"],
  "1d, a part of what was asked": ["1d", "2024-02-01", "2024-02-15"],
  "1d, overlapping": ["1d", "2024-03-15", "2024-05-15"],
  "1d, more than asked before": ["1d", "2023-11-01", "2024-07-01"],
  "1d, start within a session": ["1d", "2024-04-10T17:00:00Z", "2024-05-01"],
  "1d, end within a session": ["1d", "2024-04-02", "2024-04-10T17:00:00Z"],
  "1d, over a split": ["1d", "2020-08-03", "2020-10-01"],
  "1d, across the listing": ["1d", "1980-06-01", "1981-03-01"],
  "1wk": ["1wk", "2023-01-02", "2024-01-01"],
  "1wk, cut at both ends": ["1wk", "2023-02-01", "2023-08-10"],
  "1mo": ["1mo", "2022-02-10", "2024-01-01"],
  "3mo": ["3mo", "2020-01-01", "2024-01-01"],
  "1m": ["1m", ago(6), ago(2)],
  "1m, a part of what was asked": ["1m", ago(6, 14), ago(3, 17)],
  "5m": ["5m", ago(50), ago(40)],
  "5m, overlapping": ["5m", ago(45), ago(35)],
  "15m": ["15m", ago(55), ago(20)],
  "60m": ["60m", ago(300), ago(200)],
  "60m, the other name": ["1h", ago(280), ago(210)],
  "90m": ["90m", ago(55), ago(30)],
};
const regular = { includePrePost: false };

const calls = [
  ...Object.entries(windows).map(([name, asked]) => call(name, () => chart("AAPL", ...asked))),
  ...["1m", "5m", "60m", "90m"].map((name) => call(`${name}, regular`, () => chart("AAPL", ...windows[name], regular))),
  ...symbols.map((symbol) => call(`1d of ${symbol}`, () => chart(symbol, "1d", "2023-06-01", "2024-02-01"))),
  ...symbols.map((symbol) => call(`5m of ${symbol}`, () => chart(symbol, "5m", ago(12), ago(6), regular))),
  call("1d, small letters", () => chart("aapl", "1d", "2024-01-02", "2024-06-01")),
  call("1d, as an object", () => asObject("AAPL", { interval: "1d", period1: "2022-06-01", period2: "2022-09-01" })),
  call("1d, without events", () => chart("AAPL", "1d", "2024-01-02", "2024-06-01", { events: "" })),
  call("1d, dividends", () => chart("IBM", "1d", "2015-01-01", "2024-01-01", { events: "div" })),
  call("1d, a weekend", () => chart("AAPL", "1d", "2024-01-06T12:00:00Z", "2024-01-07"), "empty"),
  call("historical", () => historical({ period1: "2023-01-03" })),
  call("historical, weeks", () => historical({ period1: "2023-01-03", interval: "1wk" })),
  call("historical, dividends", () => historical({ period1: "2020-01-03", events: "dividends" })),
  call("historical, splits", () => historical({ period1: "2010-01-03", events: "split" })),
  // Symbols of their own: what comes first decides what is held.
  call("1m up to now, first of all", () => chart("TSLA", "1m", ago(5)), "newest"),
  call("1m, after what is newest", () => chart("TSLA", "1m", ago(12), ago(8))),
  call("5m, too old", () => chart("NVDA", "5m", ago(90), ago(80)), "other"),
  call("5m, after a refusal", () => chart("NVDA", "5m", ago(20), ago(10))),
  ...symbols.map((symbol) => call(`1d of ${symbol} up to now`, () => chart(symbol, "1d", "2026-01-02"), "newest")),
  call("1d, end within today", () => chart("BTC-USD", "1d", ago(9), ago(0, 1 / 60)), "newest"),
  call("1wk up to now", () => chart("AAPL", "1wk", "2026-01-02"), "newest"),
  call("1mo up to now", () => chart("AAPL", "1mo", "2026-01-02"), "newest"),
  call("1m up to now", () => chart("AAPL", "1m", ago(5)), "newest"),
  call("5m up to now", () => chart("AAPL", "5m", ago(5), undefined, regular), "newest"),
  call("60m up to now", () => chart("AAPL", "60m", ago(100)), "newest"),
  ...symbols.map((symbol) => call(`quote of ${symbol}`, () => yahoo.quote(symbol), "other")),
  call("quotes", () => yahoo.quote(symbols), "other"),
  call("quote, some fields", () => yahoo.quote("AAPL", { fields: ["symbol", "regularMarketPrice"] }), "other"),
  call("quote of an unknown symbol", () => yahoo.quote("NOPE"), "other"),
  ...symbols.slice(0, 4).map((symbol) =>
    call(`summary of ${symbol}`, () => yahoo.quoteSummary(symbol, { modules: ["price", "summaryDetail"] }), "other"),
  ),
  call("summary of an unknown symbol", () => yahoo.quoteSummary("NOPE", { modules: ["price"] }), "other"),
  call("search", async () => untimed(await yahoo.search("apple")), "other"),
  call("search, nothing found", async () => untimed(await yahoo.search("zzzz")), "other"),
  call("unknown symbol", () => chart("NOPE", "1d", "2024-01-02", "2024-06-01"), "other"),
  call("1m, too old", () => chart("AAPL", "1m", ago(40), ago(38)), "other"),
  call("1d, before the listing", () => chart("AAPL", "1d", "1970-01-01", "1971-01-01"), "other"),
  call("start after end", () => chart("AAPL", "1d", "2024-06-01", "2024-01-01"), "other"),
];

const upstreamCalls = async () => (await (await fetch(counter)).json()).series;

async function answerOf({ run }) {
  try {
    return (await run()) ?? null;
  } catch (error) {
    return { error: error.name, text: error.message, reasons: error.errors };
  }
}

const answers = [];
for (const one of calls) {
  const before = await upstreamCalls();
  const answer = await answerOf(one);
  answers.push({ name: one.name, kind: one.kind, answer, upstream: (await upstreamCalls()) - before });
}
const { version } = JSON.parse(readFileSync(join(folder, "node_modules/yahoo-finance2/package.json"), "utf8"));
process.stdout.write(JSON.stringify({ version, answers }));
