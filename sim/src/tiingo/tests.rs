//! What the simulated Tiingo promises, seen through its answers.

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
        let (account, stocks, headers) = (&self.account, &self.stocks, &self.headers);
        Tiingo.answer(&Request { path, query, headers, now, base: "http://sim", account, stocks })
    }

    fn rows(&self, target: &str) -> Vec<Value> {
        let reply = self.get(target, NOW);
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).expect("an array")
    }
}

fn dates(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["date"].as_str().expect("a text")).collect()
}

/// The names of the first row, in order.
fn names(body: &str) -> Vec<&str> {
    let row = &body[body.find('{').expect("a row")..body.find('}').expect("a row")];
    row.split('"').skip(1).step_by(2).filter(|name| !name.contains(':')).collect()
}

#[test]
fn rows_as_recorded() {
    let sim = Sim::default();
    let body = sim.get("/tiingo/daily/AAPL/prices?startDate=2018-01-05&endDate=2018-01-19&format=json", NOW).body;
    let order = "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor";
    assert_eq!(names(&body).join(","), order);
    assert!(body.starts_with("[{\"date\":\"2018-01-05T00:00:00.000Z\",\"close\":"), "{body}");
    assert!(body.contains("\"divCash\":0.0,\"splitFactor\":1.0}"));
    let csv = sim.get("/tiingo/daily/AAPL/prices?startDate=2018-01-05&endDate=2018-01-08&format=csv", NOW);
    assert_eq!((csv.content_type, csv.body.lines().next()), ("text/csv", Some(order)));
    assert!(csv.body.lines().nth(1).expect("a row").starts_with("2018-01-05,"), "{}", csv.body);
}

#[test]
fn the_newest_row_alone_is_written_differently() {
    let sim = Sim::default();
    let body = sim.get("/tiingo/daily/GOOGL/prices", NOW);
    assert_eq!((body.status, body.body.as_str()), (404, "{\"detail\":\"Not found.\"}"));
    let body = sim.get("/tiingo/daily/MSFT/prices?format=json", NOW).body;
    assert!(names(&body).is_sorted() && names(&body).len() == 13, "{body}");
    assert!(body.contains("\"date\":\"2024-07-31T00:00:00+00:00\""), "{body}");
    let evening = sim.get("/tiingo/daily/MSFT/prices", NOW + 4 * 3_600_000).body;
    assert!(evening.contains("\"date\":\"2024-08-01T"), "{evening}");
    let few = sim.get("/tiingo/daily/MSFT/prices?columns=volume", NOW).body;
    assert_eq!(names(&few), ["date", "volume"]);
}

#[test]
fn weeks_are_whole_and_named_after_their_friday() {
    let sim = Sim::default();
    let ask = |freq: &str, from: &str, to: &str| {
        sim.rows(&format!("/tiingo/daily/AAPL/prices?startDate={from}&endDate={to}&resampleFreq={freq}"))
    };
    let days = |rows: &[Value]| dates(rows).iter().map(|date| date[..10].to_owned()).collect::<Vec<_>>();
    let weeks = ask("weekly", "2018-01-05", "2018-01-15");
    assert_eq!(days(&weeks), ["2018-01-05", "2018-01-12", "2018-01-19"]);
    let first = ask("daily", "2018-01-01", "2018-01-05");
    assert_eq!(weeks[0]["open"], first[0]["open"]);
    assert_eq!(days(&ask("weekly", "2024-03-25", "2024-03-29")), ["2024-03-29"]);
    assert_eq!(days(&ask("monthly", "2024-05-15", "2024-06-30")), ["2024-05-31", "2024-06-28"]);
    assert_eq!(days(&ask("annually", "2022-05-15", "2023-06-30")), ["2022-12-30", "2023-12-29"]);
}

#[test]
fn parts_of_a_range_have_its_rows_and_order_can_be_turned() {
    let sim = Sim::default();
    let all = sim.rows("/tiingo/daily/NVDA/prices?startDate=2020-01-01&endDate=2024-12-31");
    let part = sim.rows("/tiingo/daily/NVDA/prices?startDate=2024-06-03&endDate=2024-06-12");
    let at = all.iter().position(|row| *row == part[0]).expect("a row");
    assert_eq!(part, all[at..at + part.len()]);
    let split = part.iter().find(|row| row["splitFactor"] == 10.0).expect("a split");
    assert_eq!(split["date"], "2024-06-10T00:00:00.000Z");
    let mut back = sim.rows("/tiingo/daily/NVDA/prices?startDate=2024-06-03&endDate=2024-06-12&sort=-date");
    back.reverse();
    assert_eq!(back, part);
    let newest = all.last().expect("a row");
    assert_eq!((&newest["close"], &newest["volume"]), (&newest["adjClose"], &newest["adjVolume"]));
    assert!(sim.rows("/tiingo/daily/NVDA/prices?startDate=2024-06-08&endDate=2024-06-09").is_empty());
}

#[test]
fn actions_change_what_is_adjusted_once_in_effect() {
    let sim = Sim::default();
    let target = "/tiingo/daily/IBM/prices?startDate=2024-07-01&endDate=2024-07-02";
    let before = sim.rows(target);
    assert!(sim.stocks.add_split("IBM", (2024, 8, 1), 2, 1));
    assert_eq!(sim.rows(target), before);
    let evening = sim.get(target, NOW + 4 * 3_600_000).body;
    let after: Vec<Value> = serde_json::from_str(&evening).expect("an array");
    assert_eq!(after[0]["close"], before[0]["close"]);
    let ratio = before[0]["adjClose"].as_f64().expect("price") / after[0]["adjClose"].as_f64().expect("price");
    assert!((ratio - 2.0).abs() < 1e-6, "{ratio}");
}

#[test]
fn iex_as_recorded() {
    let sim = Sim::default();
    let target = "/iex/MSFT/prices?format=json&resampleFreq=30Min&startDate=2018-01-02&endDate=2018-01-02";
    let rows = sim.rows(target);
    assert_eq!(rows.len(), 13);
    assert_eq!((dates(&rows)[0], dates(&rows)[12]), ("2018-01-02T14:30:00.000Z", "2018-01-02T20:30:00.000Z"));
    assert_eq!(names(&sim.get(target, NOW).body), ["date", "open", "high", "low", "close"]);
    let wish = sim.get(&format!("{target}&columns=close,volume"), NOW).body;
    assert_eq!(names(&wish), ["date", "close", "volume"]);
    assert_eq!(sim.rows(&format!("{target}&afterHours=true")).len(), 32);
    let today = sim.rows("/iex/MSFT/prices");
    assert_eq!(dates(&today)[0], "2024-08-01T13:30:00.000Z");
    assert_eq!(today.len(), 55);
    let later: Vec<Value> = serde_json::from_str(&sim.get("/iex/MSFT/prices", NOW + 60_000).body).expect("an array");
    assert!(later[..54] == today[..54] && later[54] != today[54]);
}

#[test]
fn coins_and_currencies() {
    let sim = Sim::default();
    let window = "startDate=2024-01-05&endDate=2024-01-08&resampleFreq=1Day";
    let coins = sim.rows(&format!("/tiingo/crypto/prices?tickers=btcusd,nonecoin,ethusd&{window}"));
    assert_eq!((coins.len(), &coins[1]["ticker"], &coins[1]["baseCurrency"]), (2, &"ethusd".into(), &"eth".into()));
    let days = coins[0]["priceData"].as_array().expect("rows");
    assert_eq!((days.len(), dates(days)[3]), (4, "2024-01-08T00:00:00+00:00"));
    let order = ["date", "open", "high", "low", "close", "volume", "volumeNotional", "tradesDone"];
    let body = sim.get(&format!("/tiingo/crypto/prices?tickers=btcusd&{window}"), NOW).body;
    assert_eq!(names(&body[body.find("priceData").expect("rows")..]), order);
    let euro = sim.rows(&format!("/tiingo/fx/eurusd/prices?{window}"));
    assert_eq!((euro.len(), &euro[0]["ticker"]), (3, &"eurusd".into()));
    assert_eq!(names(&sim.get(&format!("/tiingo/fx/eurusd/prices?{window}"), NOW).body)[..2], ["date", "ticker"]);
}

#[test]
fn refusals() {
    let mut sim = Sim::default();
    assert_eq!(sim.get("/daily/AAPL", NOW).body, sim.get("/tiingo/daily/AAPL", NOW).body);
    assert_eq!(sim.get("/tiingo/daily/AAPL/prices?startDate=soon", NOW).status, 400);
    assert_eq!(sim.get("/iex/AAPL/prices?resampleFreq=daily", NOW).status, 400);
    sim.account.require_key("K");
    let refused = sim.get("/tiingo/daily/AAPL?token=X", NOW);
    assert_eq!((refused.status, refused.body.as_str()), (401, "{\"detail\":\"Invalid token.\"}"));
    sim.headers.insert("authorization", http::HeaderValue::from_static("Token K"));
    assert_eq!(sim.get("/tiingo/daily/AAPL", NOW).status, 200);
    assert_eq!(sim.get("/api/test/", NOW).status, 200);
    sim.account.set_quota(6);
    assert_eq!(sim.get("/api/test/?token=K", NOW).status, 429);
}
