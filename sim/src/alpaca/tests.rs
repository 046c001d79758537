//! What the simulated Alpaca promises, seen through its answers.

use super::*;
use crate::facade::Account;
use crate::instruments::base64;
use http::HeaderMap;
use serde_json::Value;

/// 2024-08-01T18:00Z, a Thursday.
const NOW: i64 = 1_722_535_200_000;

#[derive(Default)]
struct Sim {
    account: Account,
    stocks: Stocks,
    headers: HeaderMap,
}

impl Sim {
    fn with_key(key: &'static str) -> Sim {
        let mut sim = Sim::default();
        sim.headers.insert("apca-api-key-id", http::HeaderValue::from_static(key));
        sim
    }

    fn get(&self, target: &str, now: i64) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let base = "http://sim/alpaca";
        let (account, stocks, headers) = (&self.account, &self.stocks, &self.headers);
        Alpaca.answer(&Request { path, query, headers, now, base, account, stocks })
    }

    fn json(&self, target: &str) -> Value {
        let reply = self.get(target, NOW);
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).expect("JSON")
    }

    fn refused(&self, target: &str) -> (u16, String) {
        let reply = self.get(target, NOW);
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        (reply.status, body["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Symbol and row of all pages.
    fn all(&self, query: &str) -> (Vec<(String, Value)>, usize) {
        let (mut rows, mut pages, mut token) = (Vec::new(), 0, String::new());
        loop {
            let body = self.json(&format!("/v2/stocks/bars?{query}{token}"));
            pages += 1;
            for (symbol, bars) in body["bars"].as_object().expect("an object") {
                rows.extend(bars.as_array().expect("bars").iter().map(|bar| (symbol.clone(), bar.clone())));
            }
            match body["next_page_token"].as_str() {
                Some(next) => token = format!("&page_token={}", next.replace('=', "%3D")),
                None => return (rows, pages),
            }
        }
    }
}

fn labels(body: &Value, symbol: &str) -> Vec<String> {
    let bars = body["bars"][symbol].as_array().cloned().unwrap_or_default();
    bars.iter().map(|bar| bar["t"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn bodies_as_recorded() {
    let sim = Sim::default();
    let days = "timeframe=1Day&start=2024-01-02&end=2024-01-03";
    let body = sim.get(&format!("/v2/stocks/bars?symbols=AAPL&{days}"), NOW).body;
    assert!(body.starts_with("{\"bars\":{\"AAPL\":[{\"c\":") && body.ends_with("]},\"next_page_token\":null}"));
    let row = &body[body.find("[{").expect("rows")..];
    let places = ["c", "h", "l", "n", "o", "t", "v", "vw"].map(|key| row.find(&format!("\"{key}\":")).expect(key));
    assert!(places.is_sorted(), "{row}");
    assert_eq!(
        labels(&sim.json(&format!("/v2/stocks/bars?symbols=AAPL&{days}")), "AAPL"),
        ["2024-01-02T05:00:00Z", "2024-01-03T05:00:00Z"]
    );
    let single = sim.get(&format!("/v2/stocks/AAPL/bars?{days}"), NOW).body;
    assert!(single.ends_with("],\"symbol\":\"AAPL\",\"next_page_token\":null}"), "{single}");
    assert_eq!(
        sim.get(&format!("/v2/stocks/bars?symbols=NONE&{days}"), NOW).body,
        "{\"bars\":{},\"next_page_token\":null}"
    );
    let none = sim.get(&format!("/v2/stocks/NONE/bars?{days}"), NOW).body;
    assert_eq!(none, "{\"bars\":[],\"symbol\":\"NONE\",\"next_page_token\":null}");
}

#[test]
fn pages_go_through_all_symbols() {
    let sim = Sim::default();
    for size in ["1Day", "1Hour", "5Min"] {
        let asked = format!("symbols=MSFT,AAPL,NVDA&timeframe={size}&start=2024-01-02&end=2024-01-20");
        let (whole, one) = sim.all(&(asked.clone() + "&limit=10000"));
        let (paged, pages) = sim.all(&(asked.clone() + "&limit=9"));
        assert_eq!((one, &paged), (1, &whole), "{size}");
        assert!(pages > 3 && whole[0].0 == "AAPL", "{size}");
        let mut back = sim.all(&(asked + "&limit=7&sort=desc")).0;
        back.reverse();
        back.sort_by_key(|(symbol, _)| symbol.clone());
        assert_eq!(back, whole, "{size}");
    }
}

#[test]
fn tokens_tell_the_last_bar() {
    let sim = Sim::default();
    let token = |size: &str| {
        let body = sim
            .json(&format!("/v2/stocks/AAPL/bars?timeframe={size}&start=2024-01-02T14:30:00Z&end=2024-01-09&limit=1"));
        base64::decode(body["next_page_token"].as_str().expect("more")).expect("base64")
    };
    assert_eq!(token("1Min"), "AAPL|M|2024-01-02T14:30:00.000000000Z");
    assert_eq!(token("1D"), "AAPL|D|2024-01-03T05:00:00.000000000Z");
}

#[test]
fn windows_are_inclusive_and_about_labels() {
    let sim = Sim::default();
    let asked = |size: &str, start: &str, end: &str| {
        labels(&sim.json(&format!("/v2/stocks/bars?symbols=AAPL&timeframe={size}&start={start}&end={end}")), "AAPL")
    };
    assert_eq!(asked("1Min", "2024-01-02T15:00:00Z", "2024-01-02T15:00:00%2B00:00").len(), 1);
    assert!(asked("1Day", "2024-01-02T05:00:01Z", "2024-01-03T04:59:59Z").is_empty());
    assert_eq!(
        asked("1Week", "2024-01-01", "2024-01-16"),
        ["2024-01-01T05:00:00Z", "2024-01-08T05:00:00Z", "2024-01-15T05:00:00Z"]
    );
    assert_eq!(asked("3Month", "2024-01-01", "2024-07-31").len(), 3);
    assert_eq!(asked("1Hour", "2024-07-31", "2024-07-31")[0], "2024-07-31T08:00:00Z");
    assert_eq!(asked("12Month", "0001-01-01", "9999-12-31").len(), 2024 - 1980 + 1);
    let today = sim.json("/v2/stocks/bars?symbols=AAPL&timeframe=1Day");
    assert_eq!(labels(&today, "AAPL"), ["2024-08-01T04:00:00Z"]);
}

#[test]
fn feeds_and_adjustments_differ() {
    let sim = Sim::default();
    let day = |more: &str| {
        let target = format!("/v2/stocks/NVDA/bars?timeframe=1Day&start=2024-06-07&end=2024-06-07{more}");
        let body = sim.json(&target);
        (body["bars"][0]["c"].as_f64().expect("price"), body["bars"][0]["v"].as_f64().expect("volume"))
    };
    let (raw, split, dividend, all, iex) =
        (day(""), day("&adjustment=split"), day("&adjustment=dividend"), day("&adjustment=all"), day("&feed=iex"));
    assert!((raw.0 / split.0 - 10.0).abs() < 0.01 && (split.1 / raw.1 - 10.0).abs() < 0.01);
    assert!(dividend.0 <= raw.0 && dividend.0 > raw.0 * 0.95 && all.0 <= split.0);
    assert!(iex.1 < raw.1 / 10.0, "{iex:?} {raw:?}");
}

#[test]
fn the_basic_plan_does_not_see_what_is_recent() {
    let sim = Sim::with_key("BASIC1");
    let days = "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2024-07-30";
    let refusal = (403, "subscription does not permit querying recent SIP data".to_owned());
    assert_eq!(sim.refused(&format!("{days}&feed=sip")), refusal);
    assert_eq!(sim.get(&format!("{days}&feed=sip&end=2024-07-31"), NOW).status, 200);
    let volume = |sim: &Sim, more: &str| sim.json(&format!("{days}{more}"))["bars"]["AAPL"][0]["v"].clone();
    assert_eq!(volume(&sim, ""), volume(&sim, "&feed=iex"));
    assert_eq!(volume(&sim, "&end=2024-07-31"), volume(&Sim::with_key("PLUS"), "&feed=sip"));
}

#[test]
fn coins_need_no_key() {
    let sim = Sim::default();
    sim.account.require_key("K");
    let body =
        sim.json("/v1beta3/crypto/us/bars?symbols=BTC/USD,ETH%2FUSD&timeframe=1D&start=2024-01-06&end=2024-01-07");
    assert_eq!(labels(&body, "BTC/USD"), ["2024-01-06T00:00:00Z", "2024-01-07T00:00:00Z"]);
    assert_eq!(labels(&body, "ETH/USD").len(), 2);
    assert_eq!(
        sim.refused("/v2/stocks/bars?symbols=AAPL&timeframe=1D"),
        (401, "request is not authorized.".to_owned())
    );
}

#[test]
fn refusals_and_what_is_left() {
    let sim = Sim::with_key("K");
    let bars = |more: &str| sim.refused(&format!("/v2/stocks/bars?{more}"));
    assert_eq!(bars("symbols=AAPL&timeframe=60Min"), (400, "invalid timeframe: 60Min".to_owned()));
    assert_eq!(bars("symbols=aapl&timeframe=1Min"), (400, "invalid symbol: aapl".to_owned()));
    assert_eq!(bars("symbols=AAPL&timeframe=1Min&start=soon").0, 400);
    assert_eq!(bars("symbols=AAPL&timeframe=1Min&limit=10001").0, 400);
    assert_eq!(bars("symbols=AAPL&timeframe=1Min&page_token=%25").0, 400);
    assert_eq!(sim.refused("/v2/nothing").0, 404);
    sim.account.set_quota(7);
    let header = |reply: &Reply, name: &str| {
        reply.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).expect("a header")
    };
    let last = sim.get("/v2/stocks/bars/latest?symbols=AAPL,TSLA", NOW);
    assert_eq!((last.status, header(&last, "X-RateLimit-Remaining")), (200, "0".to_owned()));
    let over = sim.get("/v2/stocks/bars/latest?symbols=AAPL", NOW);
    assert_eq!((over.status, over.body.as_str()), (429, "{\"message\":\"too many requests.\"}"));
    assert_eq!(header(&over, "X-RateLimit-Reset"), "1722535260");
}

#[test]
fn the_bar_of_now_is_forming() {
    let sim = Sim::default();
    let at = |now: i64| {
        let body = sim.get("/v2/stocks/AAPL/bars?timeframe=1Hour&start=2024-08-01T16:00:00Z&end=2024-08-02", now).body;
        serde_json::from_str::<Value>(&body).expect("JSON")["bars"].as_array().cloned().expect("bars")
    };
    let (one, two) = (at(NOW + 600_000), at(NOW + 660_000));
    assert_eq!((one.len(), &one[..2]), (3, &two[..2]));
    assert_ne!(one[2], two[2]);
}
