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

    fn text(&self, query: &str) -> String {
        let (account, stocks) = (&self.account, &self.stocks);
        let request = Request {
            path: "/query",
            query,
            headers: &HeaderMap::new(),
            now: self.now,
            base: "http://localhost",
            account,
            stocks,
        };
        let reply = AlphaVantage.answer(&request);
        assert_eq!(reply.status, 200);
        reply.body
    }

    fn csv(&self, query: &str) -> Vec<Vec<String>> {
        let text = self.text(&format!("{query}&datatype=csv&apikey=demo"));
        let lines = text.split_terminator("\r\n").map(|line| line.split(',').map(str::to_owned).collect());
        lines.collect()
    }

    fn json(&self, query: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{query}&apikey=demo"))).expect("JSON")
    }
}

fn labels(rows: &[Vec<String>]) -> Vec<&str> {
    rows.iter().skip(1).map(|row| row[0].as_str()).collect()
}

#[test]
fn json_is_laid_out_as_recorded() {
    let text = World::new().text("function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM");
    let start = "{\n    \"Meta Data\": {\n        \"1. Information\": \"Daily Time Series with Splits and Dividend \
                 Events\",\n        \"2. Symbol\": \"IBM\",\n        \"3. Last Refreshed\": \"2024-02-28\",\n        \
                 \"4. Output Size\": \"Compact\",\n        \"5. Time Zone\": \"US/Eastern\"\n    },\n    \
                 \"Time Series (Daily)\": {\n        \"2024-02-28\": {\n            \"1. open\": \"";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with("            \"8. split coefficient\": \"1.0\"\n        }\n    }\n}"));
    let text = World::new().text("function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min");
    assert!(
        text.contains("\"4. Interval\": \"5min\",\n        \"5. Output Size\": \"Compact\",\n        \"6. Time Zone\"")
    );
    assert!(text.contains("\"Time Series (5min)\": {\n        \"2024-02-28 11:00:00\": {"), "{text}");
}

#[test]
fn tables_have_the_recorded_names() {
    let world = World::new();
    let head = |query: &str| world.csv(query)[0].join(",");
    let daily = "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient";
    assert_eq!(head("function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM"), daily);
    let weekly = "timestamp,open,high,low,close,adjusted close,volume,dividend amount";
    assert_eq!(head("function=TIME_SERIES_WEEKLY_ADJUSTED&symbol=IBM"), weekly);
    assert_eq!(head("function=FX_WEEKLY&from_symbol=EUR&to_symbol=USD"), "timestamp,open,high,low,close");
    assert!(world.text("function=TIME_SERIES_DAILY&symbol=IBM&datatype=csv").ends_with("\r\n"));
}

#[test]
fn compact_is_the_start_of_full() {
    let world = World::new();
    let query = "function=TIME_SERIES_DAILY&symbol=MSFT";
    let (compact, full) = (world.csv(query), world.csv(&format!("{query}&outputsize=full")));
    assert_eq!(compact.len(), 101);
    assert_eq!(full[..101], compact);
    assert_eq!(labels(&full).last(), Some(&"1999-11-01"));
    let json = world.json(query);
    let series = json["Time Series (Daily)"].as_object().expect("rows");
    assert_eq!(series["2024-02-27"]["4. close"].as_str(), Some(compact[2][4].as_str()));
}

#[test]
fn labels_of_weeks_and_months_move_with_the_day() {
    let mut world = World::new();
    let weekly = world.csv("function=TIME_SERIES_WEEKLY&symbol=IBM");
    assert_eq!(labels(&weekly)[..2], ["2024-02-28", "2024-02-23"]);
    assert_eq!(labels(&weekly).last(), Some(&"1999-11-12"));
    let monthly = world.csv("function=TIME_SERIES_MONTHLY&symbol=IBM");
    assert_eq!(labels(&monthly)[..2], ["2024-02-28", "2024-01-31"]);
    assert_eq!(labels(&monthly).last(), Some(&"1999-12-31"));
    world.now += 86_400_000;
    let next = world.csv("function=TIME_SERIES_WEEKLY&symbol=IBM");
    assert_eq!(next[1][0], "2024-02-29");
    assert_eq!(next[2..], weekly[2..]);
    let meta = &world.json("function=TIME_SERIES_MONTHLY&symbol=IBM")["Meta Data"];
    assert_eq!((&meta["3. Last Refreshed"], &meta["4. Time Zone"]), (&"2024-02-29".into(), &"US/Eastern".into()));
}

#[test]
fn months_hold_what_thirty_days_hold() {
    let world = World::new();
    let query = "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=1min";
    let month = world.csv(&format!("{query}&month=2024-02&outputsize=full"));
    let days = world.csv(&format!("{query}&outputsize=full"));
    assert_eq!(days[..month.len()], month);
    assert_eq!(world.csv(query), days[..101]);
    assert!(month.len() > 10_000 && month.len() < 19 * 960);
    let regular = world.csv(&format!("{query}&month=2024-01&outputsize=full&extended_hours=false"));
    assert!(labels(&regular)[0] == "2024-01-31 15:59:00" && regular.len() < 21 * 390, "{}", regular.len());
    let all = world.csv(&format!("{query}&month=2024-01&outputsize=full"));
    assert!(regular[1..].iter().all(|row| all.contains(row)));
    assert!(world.json(&format!("{query}&month=2024-03"))["Error Message"].is_string());
}

#[test]
fn the_row_of_today_forms() {
    let mut world = World::new();
    let query = "function=TIME_SERIES_DAILY&symbol=IBM";
    let before = world.csv(query);
    world.now += 3_600_000;
    let after = world.csv(query);
    assert_eq!((before[1][0].as_str(), &before[2..]), ("2024-02-28", &after[2..]));
    assert_ne!(before[1], after[1]);
}

#[test]
fn adjusted_closes_take_splits_and_dividends() {
    let world = World { now: 1_719_846_000_000, ..World::new() };
    let query = "function=TIME_SERIES_DAILY_ADJUSTED&symbol=NVDA&outputsize=full";
    let find = |date: &str| world.csv(query).into_iter().find(|row| row[0] == date).expect("a row");
    let (before, ex) = (find("2024-06-07"), find("2024-06-10"));
    assert_eq!((before[8].as_str(), ex[8].as_str(), ex[7].as_str()), ("1.0", "10.0", "0.0000"));
    let number = |text: &str| text.parse::<f64>().expect("a number");
    assert!((number(&before[4]) / number(&before[5]) - 10.0).abs() < 1e-9);
    world.stocks.add_dividend("NVDA", (2024, 6, 20), 1.0);
    assert_eq!(find("2024-06-20")[7], "1.0000");
    assert!(number(&find("2024-06-07")[5]) < number(&before[5]));
    let week = world.csv("function=TIME_SERIES_WEEKLY_ADJUSTED&symbol=NVDA");
    let week = week.iter().find(|row| row[0] == "2024-06-21").expect("a week");
    assert_eq!(week[7], "1.0000");
    let intraday = |adjusted: bool| {
        let query =
            format!("function=TIME_SERIES_INTRADAY&symbol=NVDA&interval=60min&month=2024-05&adjusted={adjusted}");
        number(&world.csv(&query)[1][1])
    };
    assert!((intraday(false) / intraday(true) - 10.0).abs() < 0.01);
}

#[test]
fn currencies_and_coins() {
    let world = World::new();
    let meta = world.json("function=FX_DAILY&from_symbol=EUR&to_symbol=USD")["Meta Data"].clone();
    assert_eq!(
        (&meta["4. Output Size"], &meta["5. Last Refreshed"]),
        (&"Compact".into(), &"2024-02-28 16:00:00".into())
    );
    let minutes = world.csv("function=FX_INTRADAY&from_symbol=EUR&to_symbol=USD&interval=5min");
    assert_eq!((minutes.len(), minutes[1][0].as_str()), (101, "2024-02-28 16:00:00"));
    assert_eq!(minutes[1][1].split_once('.').map(|(_, digits)| digits.len()), Some(5));
    let coins = world.csv("function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=EUR");
    assert_eq!((coins.len(), coins[1][0].as_str()), (351, "2024-02-28"));
    assert_eq!(coins[2][5].split_once('.').map(|(_, digits)| digits.len()), Some(8));
    let later = World { now: NOW + 3_600_000, ..World::new() };
    assert_eq!(later.csv("function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=EUR"), coins);
    let weeks = world.csv("function=DIGITAL_CURRENCY_WEEKLY&symbol=BTC&market=USD");
    assert_eq!(labels(&weeks)[..2], ["2024-02-28", "2024-02-25"]);
    let minutes = world.csv("function=CRYPTO_INTRADAY&symbol=ETH&market=USD&interval=5min");
    assert_eq!(minutes.len(), 101);
}

#[test]
fn errors_are_json_with_status_200() {
    let world = World::new();
    let error = |query: &str| world.json(query)["Error Message"].as_str().expect("an error").to_owned();
    let unknown = error("function=TIME_SERIES_DAILY&symbol=NOPE&datatype=csv");
    assert!(unknown.starts_with("Invalid API call.") && unknown.ends_with("for TIME_SERIES_DAILY."));
    assert!(error("function=TIME_SERIES_INTRADAY&symbol=IBM&interval=2min").starts_with("Invalid API call."));
    assert_eq!(error("function=X"), "This API function (X) does not exist.");
    assert_eq!(world.text("function=GLOBAL_QUOTE&symbol=NOPE"), "{}");
    world.account.require_key("secret");
    assert!(error("function=TIME_SERIES_DAILY&symbol=IBM").contains("apikey"));
    let world = World::new();
    world.account.set_quota(1);
    world.json("function=TIME_SERIES_DAILY&symbol=IBM");
    let burst = world.json("function=TIME_SERIES_DAILY&symbol=IBM");
    assert!(burst["Information"].as_str().is_some_and(|text| text.contains("1 request per second")));
}

#[test]
fn pages_have_the_recorded_names() {
    let world = World::new();
    let quote = world.json("function=GLOBAL_QUOTE&symbol=IBM");
    assert_eq!(quote["Global Quote"]["07. latest trading day"], "2024-02-28");
    assert_eq!(world.csv("function=GLOBAL_QUOTE&symbol=IBM")[0][9], "changePercent");
    assert_eq!(world.json("function=SYMBOL_SEARCH&keywords=ibm")["bestMatches"][0]["9. matchScore"], "1.0000");
    let rate = world.json("function=CURRENCY_EXCHANGE_RATE&from_currency=BTC&to_currency=EUR");
    assert_eq!(rate["Realtime Currency Exchange Rate"]["4. To_Currency Name"], "Euro");
    assert!(AlphaVantage.is_series("/query", "function=FX_DAILY&from_symbol=EUR"));
    assert!(!AlphaVantage.is_series("/query", "function=GLOBAL_QUOTE"));
}
