// Binance through the library of that name.

import { ago, call, calls as each, ms, without } from "./asked.mjs";

const windows = {
  "1m, start and end": [{ interval: "1m", startTime: ms("2024-01-15"), endTime: ms("2024-01-15T03:00") }],
  "1m, a part of what was asked": [{ interval: "1m", startTime: ms("2024-01-15T01:00"), endTime: ms("2024-01-15T01:30") }],
  "1m, more than asked before": [{ interval: "1m", startTime: ms("2024-01-14T22:00"), endTime: ms("2024-01-15T05:00") }],
  "5m, start and limit": [{ interval: "5m", startTime: ms("2024-03-01"), limit: 7 }],
  "1h, start only": [{ interval: "1h", startTime: ms("2023-06-01") }],
  "1h, end only": [{ interval: "1h", endTime: ms("2024-02-01"), limit: 100 }],
  "4h, start, end and limit": [{ interval: "4h", startTime: ms("2023-01-01"), endTime: ms("2023-03-01"), limit: 11 }],
  "1d, start and end": [{ interval: "1d", startTime: ms("2023-01-01"), endTime: ms("2024-06-30"), limit: 1000 }],
  "1d, zone": [{ interval: "1d", startTime: ms("2024-01-01"), limit: 9, timeZone: "8" }],
  "1w, start and end": [{ interval: "1w", startTime: ms("2023-01-01"), endTime: ms("2024-06-30") }],
  "1M, start and end": [{ interval: "1M", startTime: ms("2022-01-01"), endTime: ms("2024-06-30") }],
  "1d, the first bar": [{ interval: "1d", startTime: 0, limit: 1 }],
};
const recent = {
  "1d, limit only": [{ interval: "1d", limit: 40 }],
  "1h, neither": [{ interval: "1h" }],
};
const early = { interval: "1d", startTime: ms("2015-01-01"), endTime: ms("2016-01-01") };

export function calls({ MainClient }, base, day) {
  const client = new MainClient({ baseUrl: base, disableTimeSync: true });
  const klines = (asked) => client.getKlines({ symbol: "BNBUSDT", ...asked });
  return [
    ...each(klines, windows),
    call("1h, uiKlines", () => client.getUIKlines({ symbol: "BNBUSDT", interval: "1h", startTime: ms("2024-01-01") })),
    ...each(klines, { "before the listing": [early] }, "empty"),
    ...each(klines, recent, "newest"),
    call("1d, start up to now", () => klines({ interval: "1d", startTime: ago(day, 90) }), "newest"),
    call("unknown symbol", () => klines({ symbol: "NOPEUSDT", interval: "1d" }), "other"),
    call("invalid interval", () => klines({ interval: "7x" }), "other"),
    call("ping", () => client.testConnectivity(), "other"),
    call("price", () => client.getSymbolPriceTicker({ symbol: "BNBUSDT" }), "other"),
    call("exchange info", async () => without(await client.getExchangeInfo(), "serverTime"), "other"),
  ];
}
