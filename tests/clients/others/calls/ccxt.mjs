// Binance through ccxt.

import { ago, call, calls as each, ms, without } from "./asked.mjs";

const windows = {
  "1d, since and limit": ["1d", ms("2024-01-02"), 60],
  "1d, a part of what was asked": ["1d", ms("2024-01-20"), 10],
  "1d, more than asked before": ["1d", ms("2023-11-01"), 150],
  "1m, since and limit": ["1m", ms("2024-01-15"), 200],
  "1m, overlapping": ["1m", ms("2024-01-15T02:00"), 200],
  "5m, since": ["5m", ms("2024-01-15")],
  "1h, since and until": ["1h", ms("2024-01-01"), undefined, { until: ms("2024-01-20") }],
  "1h, since, limit and until": ["1h", ms("2024-01-03"), 30, { until: ms("2024-01-20") }],
  "1h, until": ["1h", undefined, undefined, { until: ms("2024-02-01") }],
  "1w, since and until": ["1w", ms("2023-01-01"), undefined, { until: ms("2024-06-30") }],
  "1M, since and until": ["1M", ms("2022-01-01"), undefined, { until: ms("2024-06-30") }],
  "1h, limit above the maximum": ["1h", ms("2023-01-01"), 5000],
  "1d, since before the listing": ["1d", ms("2015-01-01"), 10],
  "1h, paginated": ["1h", ms("2023-01-01"), undefined, { until: ms("2023-04-01"), paginate: true }],
  "1h, paginated, again": ["1h", ms("2023-01-01"), undefined, { until: ms("2023-04-01"), paginate: true }],
  "1d, zone": ["1d", ms("2024-01-02"), 20, { timeZone: "8" }],
};
const hours = { interval: "1h", startTime: ms("2024-01-01") };
const early = { interval: "1d", startTime: ms("2015-01-01"), endTime: ms("2016-01-01") };

export async function calls(library, base, day) {
  // Without its own pauses: nobody is to be spared here.
  const exchange = new library.binance({ enableRateLimit: false, options: { fetchMarkets: { types: ["spot"] } } });
  for (const [name, url] of Object.entries(exchange.urls.api)) exchange.urls.api[name] = base + new URL(url).pathname;
  await exchange.loadMarkets();
  const bars = (...asked) => exchange.fetchOHLCV("SOL/USDT", ...asked);
  const raw = (asked) => exchange.publicGetKlines({ symbol: "SOLUSDT", ...asked });
  return [
    ...each(bars, windows),
    call("1h, klines as they are", () => raw(hours)),
    call("1h, uiKlines", () => exchange.publicGetUiKlines({ symbol: "SOLUSDT", ...hours })),
    ...each(raw, { "before the listing": [early] }, "empty"),
    call("1d, limit only", () => bars("1d", undefined, 40), "newest"),
    call("1d, neither", () => bars("1d"), "newest"),
    call("1h, since", () => bars("1h", ago(day, 3)), "newest"),
    call("unknown symbol", () => exchange.publicGetKlines({ symbol: "NOPEUSDT", interval: "1d" }), "other"),
    call("invalid interval", () => raw({ interval: "7x" }), "other"),
    call("ping", () => exchange.publicGetPing(), "other"),
    call("exchange info", async () => without(await exchange.publicGetExchangeInfo(), "serverTime"), "other"),
    call("markets", () => exchange.markets, "other"),
  ];
}
