//! What the simulated Polygon promises, seen through its answers.

use super::*;
use crate::facade::Account;
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
    fn get(&self, target: &str, now: i64) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let base = "http://sim/polygon";
        let (account, stocks, headers) = (&self.account, &self.stocks, &self.headers);
        Polygon.answer(&Request { path, query, headers, now, base, account, stocks })
    }

    fn json(&self, target: &str) -> Value {
        let reply = self.get(target, NOW);
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).expect("JSON")
    }

    fn rows(&self, target: &str) -> Vec<Value> {
        self.json(target)["results"].as_array().cloned().unwrap_or_default()
    }

    /// All rows of all pages.
    fn all(&self, target: &str) -> (Vec<Value>, usize) {
        let (mut rows, mut pages, mut next) = (Vec::new(), 0, Some(target.to_owned()));
        while let Some(target) = next {
            let body = self.json(&target);
            rows.extend(body["results"].as_array().cloned().unwrap_or_default());
            pages += 1;
            let link = body["next_url"].as_str().map(|url| url.replace("http://sim/polygon", ""));
            next = link;
        }
        (rows, pages)
    }
}

fn range(ticker: &str, size: &str, from: &str, to: &str, more: &str) -> String {
    format!("/v2/aggs/ticker/{ticker}/range/{size}/{from}/{to}?{more}")
}

fn stamps(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["t"].as_i64().expect("ms")).collect()
}

#[test]
fn numbers_as_recorded() {
    let pairs = [(8_348_400.0, "8.3484e+06"), (941_416.0, "941416"), (1_003_462.0, "1.003462e+06")];
    let more = [(185.0, "185"), (1.072_44, "1.07244"), (124_631_178.0, "1.24631178e+08"), (0.000_05, "5e-05")];
    for (value, text) in pairs.into_iter().chain(more) {
        assert_eq!(rows::number(value), text);
    }
}

#[test]
fn bodies_have_their_keys_in_order() {
    let sim = Sim::default();
    let body = sim.get(&range("AAPL", "1/day", "2024-01-02", "2024-01-31", ""), NOW).body;
    let order = ["ticker", "queryCount", "resultsCount", "adjusted", "results", "status", "request_id", "count"];
    let places: Vec<usize> = order.iter().map(|key| body.find(&format!("\"{key}\":")).expect(key)).collect();
    assert!(places.is_sorted(), "{places:?}");
    let row = &body[body.find("[{").expect("rows")..];
    let places: Vec<usize> =
        ["v", "vw", "o", "c", "h", "l", "t", "n"].iter().map(|k| row.find(&format!("\"{k}\":")).expect(k)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(body.contains("e+07,\"vw\""), "{body}");
    assert!(body.starts_with("{\"ticker\":\"AAPL\",\"queryCount\":21,\"resultsCount\":21,\"adjusted\":true,"));
    let with_key = range("AAPL", "1/day", "2024-01-02", "2024-01-31", "apiKey=K");
    assert_eq!(body, sim.get(&with_key, NOW).body);
}

#[test]
fn nothing_is_an_answer_without_results() {
    let sim = Sim::default();
    let weekend = range("AAPL", "1/day", "2024-01-06", "2024-01-07", "");
    for target in
        [weekend, range("NONE", "1/day", "2024-01-02", "2024-01-31", ""), range("aapl", "1/day", "1", "2", "")]
    {
        let body = sim.json(&target);
        let keys: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 6, "{keys:?}");
        assert_eq!((&body["queryCount"], &body["resultsCount"]), (&Value::from(0), &Value::from(0)));
    }
}

#[test]
fn labels_are_as_recorded() {
    let sim = Sim::default();
    let first = |size, from, to| stamps(&sim.rows(&range("MSFT", size, from, to, "")));
    assert_eq!(first("1/week", "2020-03-30", "2020-03-30"), [1_585_454_400_000]);
    assert_eq!(first("1/quarter", "2020-01-01", "2020-04-01"), [1_577_854_800_000, 1_585_713_600_000]);
    assert_eq!(first("1/month", "2020-03-01", "2020-04-01"), [1_583_038_800_000, 1_585_713_600_000]);
    assert_eq!(first("1/day", "2019-01-02", "2019-01-02"), [1_546_405_200_000]);
    assert_eq!(first("2/month", "2024-02-01", "2024-05-02").len(), 2);
    let ever = sim.rows(&range("MSFT", "1/year", "0001-01-01", "9999-12-31", "limit=50000"));
    assert_eq!(ever.len(), 2024 - 1986 + 1);
    assert_eq!(stamps(&sim.rows(&range("X:BTCUSD", "7/hour", "2024-01-02", "2024-01-02", ""))).len(), 4);
    assert_eq!(first("1/hour", "2020-04-03", "2020-04-04").len(), 16);
    assert_eq!(sim.json(&range("MSFT", "1/month", "2024-03-01", "2024-04-01", ""))["queryCount"], 42);
}

#[test]
fn parts_of_a_range_have_its_rows() {
    let sim = Sim::default();
    for size in ["1/minute", "5/minute", "1/hour"] {
        let all = sim.all(&range("AAPL", size, "2024-01-02", "2024-01-12", "limit=50000")).0;
        let from = all[100].clone()["t"].as_i64().expect("ms");
        let to = all[110].clone()["t"].as_i64().expect("ms");
        let part = sim.rows(&range("AAPL", size, &from.to_string(), &to.to_string(), ""));
        assert_eq!(part, all[100..=110], "{size}");
    }
}

#[test]
fn cursors_go_through_all_rows_once() {
    let sim = Sim::default();
    for (ticker, size, limit) in
        [("AAPL", "1/minute", 700), ("AAPL", "1/hour", 300), ("AAPL", "1/day", 7), ("X:BTCUSD", "2/week", 30)]
    {
        let ask = |more: &str| sim.all(&range(ticker, size, "2024-01-02", "2024-02-15", more));
        let (whole, one) = ask("limit=50000");
        let (paged, pages) = ask(&format!("limit={limit}"));
        assert_eq!((one, &paged), (1, &whole), "{size}");
        assert!(pages > 1, "{size}");
        let (mut back, _) = ask(&format!("limit={limit}&sort=desc"));
        back.reverse();
        assert_eq!(back, whole, "{size}");
    }
}

#[test]
fn a_link_carries_on_and_tells_no_key() {
    let sim = Sim::default();
    let body = sim.json(&range("NVDA", "1/day", "2024-01-02", "2024-03-28", "limit=10&adjusted=false&apiKey=K"));
    let link = body["next_url"].as_str().expect("a link");
    assert!(link.starts_with("http://sim/polygon/v2/aggs/ticker/NVDA/range/1/day/17"), "{link}");
    assert!(link.contains("/2024-03-28?cursor=") && !link.contains("apiKey"), "{link}");
    assert_eq!(sim.json(&link.replace("http://sim/polygon", ""))["adjusted"], false);
}

#[test]
fn splits_change_the_past_once_in_effect() {
    let sim = Sim::default();
    let target = range("MSFT", "1/day", "2024-07-01", "2024-07-02", "");
    let before = sim.rows(&target);
    assert!(sim.stocks.add_split("MSFT", (2024, 8, 1), 4, 1));
    let raw = sim.rows(&range("MSFT", "1/day", "2024-07-01", "2024-07-02", "adjusted=false"));
    assert_eq!(before, raw);
    let early = sim.get(&target, NOW - 86_400_000).body;
    assert_eq!(serde_json::from_str::<Value>(&early).expect("JSON")["results"], Value::from(before.clone()));
    let after = sim.rows(&target);
    let ratio = before[0]["c"].as_f64().expect("price") / after[0]["c"].as_f64().expect("price");
    assert!((ratio - 4.0).abs() < 0.01, "{ratio}");
    let ex = sim.rows("/v3/reference/splits?ticker=MSFT");
    assert_eq!((&ex[0]["execution_date"], &ex[0]["split_to"]), (&Value::from("2024-08-01"), &Value::from(4)));
    let dividends = sim.rows("/v3/reference/dividends?ticker=MSFT&ex_dividend_date.lte=2024-06-01&limit=2");
    assert_eq!(dividends[0]["ex_dividend_date"], "2024-05-10");
}

#[test]
fn the_row_of_today_is_forming() {
    let sim = Sim::default();
    let target = range("AAPL", "1/day", "2024-07-31", "2024-08-02", "");
    let at = |now| serde_json::from_str::<Value>(&sim.get(&target, now).body).expect("JSON")["results"].clone();
    let (one, two) = (at(NOW), at(NOW + 60_000));
    assert_eq!((one[0].clone(), one.as_array().map(Vec::len)), (two[0].clone(), Some(2)));
    assert_ne!(one[1], two[1]);
}

#[test]
fn refusals() {
    let sim = Sim::default();
    let refused = |target: &str| {
        let reply = sim.get(target, NOW);
        (reply.status, serde_json::from_str::<Value>(&reply.body).expect("JSON"))
    };
    assert_eq!(refused(&range("AAPL", "1/eon", "2024-01-02", "2024-01-03", "")).0, 400);
    assert_eq!(refused(&range("AAPL", "1/day", "yesterday", "2024-01-03", "")).1["status"], "ERROR");
    assert_eq!(refused(&range("AAPL", "1/second", "2024-01-02", "2024-01-03", "")).1["status"], "NOT_AUTHORIZED");
    sim.account.require_key("K");
    sim.account.set_quota(4);
    let target = range("AAPL", "1/day", "2024-01-02", "2024-01-03", "apiKey=");
    assert_eq!(refused(&target).1["error"], "Unknown API Key");
    assert_eq!(refused(&(target.clone() + "K")).0, 200);
    let (status, body) = refused(&(target + "K"));
    assert_eq!((status, &body["error"]), (429, &Value::from(TOO_MANY)));
}

#[test]
fn days_by_themselves() {
    let sim = Sim::default();
    let previous = sim.json("/v2/aggs/ticker/AAPL/prev");
    assert_eq!(
        (&previous["results"][0]["T"], stamps(&[previous["results"][0].clone()])),
        (&Value::from("AAPL"), vec![1_722_456_000_000])
    );
    assert_eq!(sim.json("/v2/aggs/grouped/locale/us/market/stocks/2024-07-31")["resultsCount"], 5);
    let day = sim.json("/v1/open-close/AAPL/2024-07-31");
    assert_eq!(day["close"], previous["results"][0]["c"]);
    assert_eq!(sim.get("/v1/open-close/AAPL/2024-07-28", NOW).status, 404);
    let status = sim.json("/v1/marketstatus/now");
    assert_eq!(
        (&status["market"], &status["serverTime"]),
        (&Value::from("open"), &Value::from("2024-08-01T14:00:00-04:00"))
    );
}

#[test]
#[ignore = "takes its time without optimization"]
fn speed() {
    let sim = Sim::default();
    for target in [
        range("AAPL", "1/day", "2004-01-01", "2024-07-31", "limit=50000"),
        range("AAPL", "1/minute", "2024-01-02", "2024-07-31", "limit=50000"),
    ] {
        let started = std::time::Instant::now();
        let bytes = sim.get(&target, NOW).body.len();
        assert!(bytes > 500_000 && started.elapsed().as_millis() < 100, "{bytes} bytes in {:?}", started.elapsed());
    }
}
