// Polygon through its own library.

import { ago, call, calls as each } from "./asked.mjs";

const windows = {
  "days": ["AAPL", 1, "day", "2024-01-02", "2024-03-28"],
  "days, a part of what was asked": ["AAPL", 1, "day", "2024-02-01", "2024-02-15"],
  "days, more than asked before": ["AAPL", 1, "day", "2023-11-01", "2024-07-01"],
  "days, newest first": ["AAPL", 1, "day", "2024-01-02", "2024-03-28", true, "desc"],
  "days, the first of a window": ["AAPL", 1, "day", "2024-01-02", "2024-03-28", true, "asc", 10],
  "days before a split, as traded": ["NVDA", 1, "day", "2021-06-01", "2021-08-10", false],
  "weeks": ["AAPL", 1, "week", "2023-01-01", "2024-01-01"],
  "hours": ["AAPL", 1, "hour", "2024-02-01", "2024-02-07"],
  "coin, days": ["X:BTCUSD", 1, "day", "2024-01-01", "2024-03-01"],
};
const pages = {
  "days, by pages": ["MSFT", 1, "day", "2024-01-02", "2024-03-28", true, "asc", 20],
  "days, by pages, newest first": ["MSFT", 1, "day", "2024-01-02", "2024-03-28", true, "desc", 25],
  "minutes, by pages": ["MSFT", 1, "minute", "2024-02-06", "2024-02-06", true, "asc", 300],
};

// Every request has an id of its own, and a link names a host and has a cursor.
const hidden = ["request_id", "next_url"];

function anonymous(answer, names = hidden) {
  return JSON.parse(JSON.stringify(answer, (name, value) => (names.includes(name) ? typeof value : value)));
}

export function calls({ restClient }, base, day) {
  const [one, all] = [false, true].map((pagination) => restClient("demo-key", base, { pagination }));
  // Of how many minutes or days longer bars are made, they do not tell themselves.
  const hiddenOf = ([, , timespan]) => (["day", "minute"].includes(timespan) ? hidden : [...hidden, "queryCount"]);
  const bars = (client) => async (...asked) => {
    try {
      return anonymous(await client.getStocksAggregates(...asked), hiddenOf(asked));
    } catch (error) {
      throw Object.assign(new Error(error.message), { body: anonymous(error.response?.data) });
    }
  };
  const text = (days) => new Date(ago(day, days)).toISOString().slice(0, 10);
  return [
    ...each(bars(one), windows),
    ...each(bars(all), pages),
    call("a weekend", () => bars(one)("AAPL", 1, "day", "2024-01-06", "2024-01-07"), "empty"),
    call("days up to now", () => bars(one)("AAPL", 1, "day", text(60), text(0)), "newest"),
    call("minutes up to now, by pages", () => bars(all)("AAPL", 1, "minute", text(4), text(0), true, "asc", 700), "newest"),
    call("close before", async () => anonymous(await one.getPreviousStocksAggregates("AAPL")), "other"),
    call("all stocks of a day", async () => anonymous(await one.getGroupedStocksAggregates("2024-02-06")), "other"),
    call("splits", async () => anonymous(await one.listStockSplits("NVDA")), "other"),
    call("unknown symbol", () => bars(one)("NOPE", 1, "day", "2024-01-02", "2024-03-28"), "other"),
    call("invalid timespan", () => bars(one)("AAPL", 1, "fortnight", "2024-01-02", "2024-03-28"), "other"),
  ];
}
