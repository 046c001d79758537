use super::*;
use crate::facade::Account;
use crate::stocks::Stocks;
use finex_core::time::Ts;
use http::HeaderMap;
use serde_json::Value;

const NOW: Ts = 1_709_136_030_000; // Wednesday, 2024-02-28 11:00:30 in New York

struct World {
    account: Account,
    stocks: Stocks,
    now: Ts,
}

impl World {
    fn new() -> World {
        World { account: Account::default(), stocks: Stocks::default(), now: NOW }
    }

    fn get(&self, url: &str) -> Reply {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let headers = HeaderMap::new();
        let (account, stocks) = (&self.account, &self.stocks);
        TwelveData.answer(&Request {
            path,
            query,
            headers: &headers,
            now: self.now,
            base: "http://localhost",
            account,
            stocks,
        })
    }

    fn rows(&self, query: &str) -> Vec<Value> {
        let reply = self.get(&format!("/time_series?{query}"));
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        body["values"].as_array().unwrap_or_else(|| panic!("{query}: {}", reply.body)).clone()
    }
}

fn labels(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["datetime"].as_str().expect("text")).collect()
}

#[test]
fn shapes_are_those_of_recorded_bodies() {
    let world = World::new();
    let body = world.get("/time_series?symbol=AAPL&interval=1day&outputsize=1").body;
    let start = "{\"meta\":{\"symbol\":\"AAPL\",\"interval\":\"1day\",\"currency\":\"USD\",\
                 \"exchange_timezone\":\"America/New_York\",\"exchange\":\"NASDAQ\",\"mic_code\":\"XNGS\",\
                 \"type\":\"Common Stock\"},\"values\":[{\"datetime\":\"2024-02-28\",\"open\":\"";
    assert!(body.starts_with(start), "{body}");
    assert!(body.ends_with("\"}],\"status\":\"ok\"}"), "{body}");
    let row = &world.rows("symbol=AAPL&interval=1day")[0];
    assert_eq!(row["open"].as_str().and_then(|text| text.split_once('.')).map(|(_, digits)| digits.len()), Some(5));
    assert!(row["volume"].as_str().expect("text").parse::<u64>().is_ok());
    let coin = world.get("/time_series?symbol=BTC/USD&interval=1day&outputsize=1").body;
    let start = "{\"meta\":{\"symbol\":\"BTC/USD\",\"interval\":\"1day\",\"currency_base\":\"Bitcoin\",\
                 \"currency_quote\":\"US Dollar\",\"exchange\":\"Binance\",\"type\":\"Digital Currency\"},\"values\":[";
    assert!(coin.starts_with(start) && !coin.contains("volume"), "{coin}");
    let euro = world.get("/time_series?symbol=EUR/USD&interval=1day&outputsize=1").body;
    assert!(euro.contains("\"currency_quote\":\"US Dollar\",\"type\":\"Physical Currency\"}"), "{euro}");
}

#[test]
fn outputsize_cuts_to_the_newest_and_order_turns() {
    let world = World::new();
    assert_eq!(world.rows("symbol=AAPL&interval=1day").len(), 30);
    let range = "symbol=AAPL&interval=1day&start_date=2023-01-03&end_date=2023-12-29";
    let all = world.rows(range);
    assert_eq!((labels(&all)[0], labels(&all)[249]), ("2023-12-29", "2023-01-03"));
    let newest = world.rows(&format!("{range}&outputsize=10"));
    assert_eq!(newest, all[..10]);
    let mut ascending = world.rows(&format!("{range}&ORDER=asc"));
    ascending.reverse();
    assert_eq!(ascending, all);
    let inner = world.rows("symbol=AAPL&interval=1day&start_date=2023-06-01&end_date=2023-06-30");
    assert_eq!(inner, all.iter().filter(|row| inner.contains(row)).cloned().collect::<Vec<_>>());
    assert_eq!(inner.len(), 21);
    assert_eq!(world.rows("symbol=IBM&interval=1day&start_date=1990-01-01").len(), 5_000);
}

#[test]
fn dates_are_of_the_exchange_or_of_the_zone_that_is_named() {
    let world = World::new();
    let window = "symbol=AAPL&interval=1h&start_date=2024-02-26+09:30:00&end_date=2024-02-26T15:30:00";
    let local = world.rows(window);
    assert_eq!(local.len(), 7);
    assert_eq!(labels(&local)[6], "2024-02-26 09:30:00");
    let utc = "symbol=AAPL&interval=1h&start_date=2024-02-26%2014:30:00&end_date=2024-02-26%2020:30:00&timezone=UTC";
    let utc = world.rows(utc);
    assert_eq!(labels(&utc)[6], "2024-02-26 14:30:00");
    assert_eq!(utc[6]["open"], local[6]["open"]);
    let day = world.rows("symbol=AAPL&interval=4h&date=2024-02-26");
    assert_eq!(labels(&day), ["2024-02-26 13:30:00", "2024-02-26 09:30:00"]);
    assert_eq!(labels(&world.rows("symbol=AAPL&interval=1day&date=yesterday")), ["2024-02-27"]);
    assert_eq!(labels(&world.rows("symbol=AAPL&interval=1week&outputsize=2")), ["2024-02-26", "2024-02-19"]);
    assert_eq!(labels(&world.rows("symbol=AAPL&interval=1month&outputsize=2")), ["2024-02-01", "2024-01-01"]);
    assert_eq!(world.get("/time_series?symbol=AAPL&interval=1h&timezone=utc/wrong").status, 400);
}

#[test]
fn the_newest_bar_forms_and_older_ones_stay() {
    let mut world = World::new();
    let before = world.rows("symbol=AAPL&interval=1day");
    world.now += 3_600_000;
    let after = world.rows("symbol=AAPL&interval=1day");
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1..], after[1..]);
    assert_eq!(labels(&world.rows("symbol=AAPL&interval=5min&outputsize=1")), ["2024-02-28 12:00:00"]);
}

#[test]
fn early_and_late_bars_come_without_volume() {
    let world = World::new();
    let day = world.rows("symbol=AAPL&interval=30min&date=2024-02-26&prepost=true");
    assert_eq!(day.len(), 32);
    assert_eq!((labels(&day)[0], labels(&day)[31]), ("2024-02-26 19:30:00", "2024-02-26 04:00:00"));
    assert_eq!((&day[0]["volume"], day[10]["volume"] == "0"), (&Value::from("0"), false));
}

#[test]
fn splits_adjust_unless_told_otherwise() {
    let world = World { now: 1_719_846_000_000, ..World::new() };
    let open = |adjust: &str| -> f64 {
        let query = format!("symbol=NVDA&interval=1day&date=2024-06-07&adjust={adjust}");
        world.rows(&query)[0]["close"].as_str().and_then(|text| text.parse().ok()).expect("a number")
    };
    assert!((open("none") / open("splits") - 10.0).abs() < 0.001);
    assert_eq!(open("none"), open("dividends"));
    world.stocks.add_dividend("NVDA", (2024, 6, 20), 1.0);
    assert!(open("all") < open("splits"));
    let week = world.rows("symbol=NVDA&interval=1week&start_date=2024-06-03&end_date=2024-06-10");
    assert_eq!(labels(&week), ["2024-06-10", "2024-06-03"]);
}

#[test]
fn decimals_are_rounded_and_padded() {
    let world = World::new();
    let row = &world.rows("symbol=EUR/USD&interval=1h&outputsize=1&dp=3")[0];
    assert_eq!(row["open"].as_str().map(str::len), Some(5));
    let rows = world.rows("symbol=AAPL&interval=1day&outputsize=2&previous_close=true");
    assert_eq!(rows[0]["previous_close"], rows[1]["close"]);
}

#[test]
fn several_symbols_are_answered_by_their_names() {
    let world = World::new();
    world.account.set_quota(8);
    let reply = world.get("/time_series?symbol=AAPL,EUR/USD,NOPE&interval=1day&outputsize=2");
    let body: Value = serde_json::from_str(&reply.body).expect("JSON");
    assert_eq!(body["AAPL"]["values"].as_array().map(Vec::len), Some(2));
    assert_eq!(body["EUR/USD"]["status"], "ok");
    assert_eq!(body["NOPE"]["code"], 400);
    assert!(reply.headers.contains(&("is_batch", "true".into())), "{:?}", reply.headers);
    assert!(reply.headers.contains(&("api-credits-left", "5".into())), "{:?}", reply.headers);
    let over = world.get("/time_series?symbol=A,B,C,D,E,F&interval=1day");
    assert!(over.status == 429 && over.body.contains("9 API credits were used, with the current limit being 8."));
}

#[test]
fn tables_are_separated_by_semicolons() {
    let world = World::new();
    let reply = world.get("/time_series?symbol=AAPL&interval=1day&outputsize=2&format=CSV");
    assert_eq!(reply.content_type, "text/csv");
    let lines: Vec<&str> = reply.body.lines().collect();
    assert_eq!(lines[0], "datetime;open;high;low;close;volume");
    assert!(lines.len() == 3 && lines[1].starts_with("2024-02-28;"), "{lines:?}");
}

#[test]
fn errors_have_their_code_in_the_body() {
    let world = World::new();
    let error = |url: &str| {
        let reply = world.get(url);
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        assert_eq!((body["code"].as_u64(), &body["status"]), (Some(reply.status.into()), &Value::from("error")));
        (reply.status, body["message"].as_str().expect("text").to_owned())
    };
    let weekend = "/time_series?symbol=AAPL&interval=1day&start_date=2024-02-24&end_date=2024-02-25";
    let empty = "No data is available on the specified dates. Try setting different start/end dates.";
    assert_eq!(error(weekend), (400, empty.to_owned()));
    assert!(error("/time_series?symbol=NOPE&interval=1day").1.starts_with("**symbol** or **figi**"));
    assert_eq!(error("/time_series?interval=1day").0, 404);
    let unknown = error("/time_series?symbol=AAPL&interval=3min");
    assert!(unknown.1.starts_with("Invalid **interval** provided: 3min. Supported intervals: 1min, "));
    world.account.require_key("secret");
    assert_eq!(error("/time_series?symbol=AAPL&interval=1day&apikey=wrong").0, 401);
    assert_eq!(world.get("/time_series?symbol=AAPL&interval=1day&apikey=secret").status, 200);
}

#[test]
fn pages_are_json() {
    let world = World::new();
    for url in [
        "/quote?symbol=AAPL",
        "/quote?symbol=BTC/USD",
        "/price?symbol=MSFT",
        "/eod?symbol=IBM",
        "/earliest_timestamp?symbol=AAPL&interval=1day",
        "/symbol_search?symbol=app",
        "/api_usage",
        "/technical_indicators?format=JSON",
    ] {
        let reply = world.get(url);
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        assert!(reply.status == 200 && body.is_object(), "{url}: {}", reply.body);
    }
    assert!(world.get("/eod?symbol=AAPL").body.contains("\"datetime\":\"2024-02-27\""));
}
