//! What the simulated Finnhub promises, seen through its answers.

use super::*;
use crate::facade::Account;
use http::HeaderMap;
use serde_json::Value;

/// 2024-08-01T18:00Z, a Thursday.
const NOW: i64 = 1_722_535_200;
const DAY: i64 = 86_400;

#[derive(Default)]
struct Sim {
    account: Account,
    stocks: Stocks,
    headers: HeaderMap,
}

impl Sim {
    fn get(&self, target: &str, now: i64) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (account, stocks, headers, now) = (&self.account, &self.stocks, &self.headers, now * 1_000);
        Finnhub.answer(&Request { path, query, headers, now, base: "http://sim", account, stocks })
    }

    fn candles(&self, class: &str, symbol: &str, resolution: &str, (from, to): (i64, i64)) -> Value {
        let reply = self.get(&target(class, symbol, resolution, (from, to)), NOW);
        assert_eq!((reply.status, reply.content_type), (200, JSON), "{}", reply.body);
        serde_json::from_str(&reply.body).expect("JSON")
    }
}

fn target(class: &str, symbol: &str, resolution: &str, (from, to): (i64, i64)) -> String {
    format!("/api/v1/{class}/candle?symbol={symbol}&resolution={resolution}&from={from}&to={to}")
}

fn column(candles: &Value, name: &str) -> Vec<f64> {
    let column = candles[name].as_array().cloned().unwrap_or_default();
    column.iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn stamps(candles: &Value) -> Vec<i64> {
    column(candles, "t").into_iter().map(|at| at as i64).collect()
}

#[test]
fn columns_come_in_the_order_of_the_alphabet() {
    let sim = Sim::default();
    let body = sim.get(&target("stock", "AAPL", "D", (NOW - 9 * DAY, NOW)), NOW).body;
    let places = ["c", "h", "l", "o", "s", "t", "v"].map(|key| body.find(&format!("\"{key}\":")).expect(key));
    assert!(places.is_sorted() && body.contains("\"s\":\"ok\""), "{body}");
    let candles = sim.candles("stock", "AAPL", "D", (NOW - 9 * DAY, NOW));
    for name in ["c", "h", "l", "o", "v"] {
        assert_eq!(column(&candles, name).len(), stamps(&candles).len());
    }
}

#[test]
fn nothing_is_no_data() {
    let sim = Sim::default();
    // 2024-01-06, a Saturday.
    let saturday = 1_704_499_200;
    for (class, symbol) in [("stock", "AAPL"), ("stock", "NONE"), ("forex", "OANDA:EUR_USD"), ("crypto", "BTCUSDT")] {
        let reply = sim.get(&target(class, symbol, "D", (saturday, saturday + DAY - 1)), NOW);
        assert_eq!((reply.status, reply.body.as_str()), (200, "{\"s\":\"no_data\"}"), "{symbol}");
    }
}

#[test]
fn labels_are_as_recorded() {
    let sim = Sim::default();
    // Midnight in Greenwich for stocks, 2019-09-24.
    assert_eq!(stamps(&sim.candles("stock", "AAPL", "D", (1_569_283_200, 1_569_283_200))), [1_569_283_200]);
    let euro = stamps(&sim.candles("forex", "OANDA:EUR_USD", "D", (1_572_651_390, 1_573_300_000)));
    // 2019-11-03T22:00Z, a Sunday, and the four evenings after it.
    assert_eq!(euro, (0..5).map(|n| 1_572_818_400 + n * DAY).collect::<Vec<_>>());
    assert_eq!(stamps(&sim.candles("crypto", "BINANCE:BTCUSDT", "D", (NOW - 2 * DAY, NOW))).len(), 2);
    let weeks = stamps(&sim.candles("stock", "AAPL", "W", (1_704_067_200, 1_705_276_800)));
    assert_eq!(weeks, [1_704_067_200, 1_704_672_000, 1_705_276_800]);
    let months = stamps(&sim.candles("stock", "AAPL", "M", (1_704_067_200, 1_706_745_600)));
    assert_eq!(months, [1_704_067_200, 1_706_745_600]);
}

#[test]
fn parts_of_a_window_have_its_rows() {
    let sim = Sim::default();
    for (class, symbol, resolution) in [
        ("stock", "MSFT", "1"),
        ("stock", "MSFT", "60"),
        ("stock", "MSFT", "D"),
        ("forex", "OANDA:EUR_USD", "D"),
        ("crypto", "BINANCE:ETHUSDT", "15"),
    ] {
        let all = sim.candles(class, symbol, resolution, (NOW - 30 * DAY, NOW - 10 * DAY));
        let at = stamps(&all);
        let part = sim.candles(class, symbol, resolution, (at[3], at[8]));
        for name in ["c", "h", "l", "o", "t", "v"] {
            assert_eq!(column(&part, name), column(&all, name)[3..=8], "{symbol} {resolution} {name}");
        }
    }
}

#[test]
fn a_month_of_what_is_within_days_is_all_there_is() {
    let sim = Sim::default();
    let at = stamps(&sim.candles("stock", "AAPL", "60", (NOW - 300 * DAY, NOW)));
    assert!(at[0] >= NOW - 31 * DAY && at[0] < NOW - 29 * DAY, "{}", at[0]);
    assert!(stamps(&sim.candles("stock", "AAPL", "D", (NOW - 300 * DAY, NOW)))[0] < NOW - 290 * DAY);
}

#[test]
fn days_are_adjusted_for_splits_and_minutes_are_not() {
    let sim = Sim::default();
    // 2024-06-07, the day before NVDA's split.
    let day = 1_717_718_400;
    let close = |resolution: &str, (from, to)| {
        column(&sim.candles("stock", "NVDA", resolution, (from, to)), "c").last().copied().expect("a candle")
    };
    let (daily, hourly) = (close("D", (day, day)), close("60", (day + 13 * 3_600, day + 19 * 3_600 + 3_599)));
    assert!((hourly / daily - 10.0).abs() < 0.1, "{hourly} {daily}");
}

#[test]
fn the_candle_of_now_is_forming() {
    let sim = Sim::default();
    let at = |now| {
        let body = sim.get(&target("stock", "AAPL", "D", (NOW - 5 * DAY, NOW)), now).body;
        column(&serde_json::from_str(&body).expect("JSON"), "c")
    };
    let (one, two) = (at(NOW), at(NOW + 60));
    let last = one.len() - 1;
    assert_eq!(one[..last], two[..last]);
    assert_ne!(one[last], two[last]);
}

#[test]
fn quotes_and_searches() {
    let sim = Sim::default();
    let quote: Value = serde_json::from_str(&sim.get("/api/v1/quote?symbol=AAPL", NOW).body).expect("JSON");
    let keys: Vec<&str> = quote.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["c", "d", "dp", "h", "l", "o", "pc", "t"]);
    assert_eq!(quote["t"], NOW);
    assert!(sim.get("/api/v1/quote?symbol=NONE", NOW).body.starts_with("{\"c\":0,\"d\":null"));
    let found: Value = serde_json::from_str(&sim.get("/api/v1/search?q=apple", NOW).body).expect("JSON");
    assert_eq!((&found["count"], &found["result"][0]["symbol"]), (&Value::from(1), &Value::from("AAPL")));
}

#[test]
fn refusals_and_what_is_left() {
    let mut sim = Sim::default();
    let status = |sim: &Sim, target: &str| {
        let reply = sim.get(target, NOW);
        (reply.status, reply.body)
    };
    assert_eq!(status(&sim, "/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1").0, 422);
    assert_eq!(status(&sim, &target("stock", "AAPL", "2", (1, 2))).1, "{\"error\":\"Wrong resolution\"}");
    let plan = status(&sim, &target("crypto", "KRAKEN:XBTUSD", "D", (1, 2)));
    assert_eq!(plan, (403, "{\"error\":\"You don't have access to this resource.\"}".to_owned()));
    sim.account.require_key("K");
    assert_eq!(status(&sim, "/api/v1/quote?symbol=AAPL&token=X"), (401, "{\"error\":\"Invalid API key\"}".to_owned()));
    sim.headers.insert("x-finnhub-token", http::HeaderValue::from_static("K"));
    sim.account.set_quota(4);
    let last = sim.get("/api/v1/quote?symbol=AAPL", NOW);
    let left = last.headers.iter().find(|(name, _)| *name == "X-Ratelimit-Remaining").map(|(_, left)| left.as_str());
    assert_eq!((last.status, left), (200, Some("0")));
    assert_eq!(status(&sim, "/api/v1/quote?symbol=AAPL").0, 429);
}
