use super::*;
use finex_core::columns::Columns;
use proptest::prelude::*;

fn binance() -> Binance {
    Binance::new(&|_| {})
}

fn recognise(query: &str) -> Recognised {
    let request = NativeRequest { method: "GET", path: "/api/v3/klines", query, header: &|_| None, now: 0 };
    binance().recognise(&request)
}

fn ask(query: &str) -> NativeAsk {
    match recognise(query) {
        Recognised::Series(ask) => ask,
        other => panic!("{query}: {other:?}"),
    }
}

fn code(query: &str) -> i64 {
    match recognise(query) {
        Recognised::Refused(error) => {
            assert_eq!(error.status, 400, "{query}");
            let body: serde_json::Value = serde_json::from_str(&error.body).expect("JSON");
            body["code"].as_i64().expect("a code")
        }
        other => panic!("{query}: {other:?}"),
    }
}

const BTC: &str = "symbol=BTCUSDT&interval=1h";

#[test]
fn windows_are_inclusive_at_both_ends_and_a_start_means_the_oldest() {
    let with = |more: &str| ask(&format!("{BTC}{more}")).ask;
    assert_eq!((with("").window, with("").take), (Window::ALL, Take::Last(500)));
    let both = with("&startTime=1704067200000&endTime=1704070800000&limit=7");
    assert_eq!((both.window, both.take), (Window::new(1_704_067_200_000, 1_704_070_800_001), Take::First(7)));
    assert_eq!(with("&endTime=1704070800000").take, Take::Last(500));
    assert_eq!(with("&startTime=0&limit=1").window, Window::new(0, END));
    assert_eq!(with("&limit=1500").take, Take::Last(1000));
    assert_eq!(with("&startTime=1704067200000001").window.from, 1_704_067_200_001);
}

#[test]
fn what_binance_refuses_is_refused_in_its_words() {
    let cases = [
        ("interval=1h", -1102),
        ("symbol=BTCUSDT", -1102),
        ("symbol=&interval=1h", -1105),
        ("symbol=BTCUSDT&interval=1x", -1120),
        ("symbol=BTCUSDT&interval=1H", -1120),
        ("symbol=btcusdt&interval=1h", -1100),
        ("symbol=A:B&interval=1h", -1100),
        ("symbol=..&interval=1h", -1100),
        ("symbol=A%2FB&interval=1h", -1100),
        ("symbol=A%00&interval=1h", -1100),
        ("symbol=BTCUSDT&symbol=ETHUSDT&interval=1h", -1101),
        ("symbol=BTCUSDT&interval=1h&cb=1", -1104),
        ("symbol=BTCUSDT&interval=1h&limit=0", -1130),
        ("symbol=BTCUSDT&interval=1h&limit=-1", -1100),
        ("symbol=BTCUSDT&interval=1h&limit=1000000000", -1130),
        ("symbol=BTCUSDT&interval=1h&limit=1e3", -1100),
        ("symbol=BTCUSDT&interval=1h&startTime=-5", -1100),
        ("symbol=BTCUSDT&interval=1h&startTime=1704067200", -1130),
        ("symbol=BTCUSDT&interval=1h&endTime=1704067200", -1130),
        ("symbol=BTCUSDT&interval=1h&startTime=99999999999999999999", -1130),
        ("symbol=BTCUSDT&interval=1h&startTime=1704070800000&endTime=1704067200000", -1023),
        ("symbol=BTCUSDT&interval=1h&timeZone=15", -1130),
        ("symbol=BTCUSDT&interval=1h&timeZone=5:4", -1130),
    ];
    for (query, expected) in cases {
        assert_eq!(code(query), expected, "{query}");
    }
    let long = format!("symbol={}&interval=1h", "A".repeat(10_000));
    assert_eq!(code(&long), -1100);
}

#[test]
fn minutes_and_months_are_different_series() {
    let minute = ask("symbol=BTCUSDT&interval=1m").series;
    let month = ask("symbol=BTCUSDT&interval=1M").series;
    assert_eq!((minute.interval.to_string(), month.interval.to_string()), ("1m".into(), "1mo".into()));
}

#[test]
fn a_zone_is_part_of_the_series_only_where_it_moves_bars() {
    let zone = |interval, zone| ask(&format!("symbol=BTCUSDT&interval={interval}&timeZone={zone}")).series;
    assert_eq!(zone("1h", "8"), zone("1h", "0"));
    assert_eq!(zone("1d", "8").variant.get("tz"), Some("+08:00"));
    assert_eq!(zone("1h", "05:45").variant.get("tz"), Some("+05:45"));
    assert_eq!(zone("1d", "-1:00"), zone("1d", "-01:00"));
    assert_eq!(binance().grid(&zone("1d", "-1:00")).offset, -3_600_000);
}

#[test]
fn currencies_are_read_off_the_symbol() {
    let currency = |symbol: &str| binance().manifest().quote_of(symbol);
    assert_eq!(currency("BTCUSDT").as_deref(), Some("usdt"));
    assert_eq!(currency("ETHBTC").as_deref(), Some("btc"));
    assert_eq!(currency("USDT"), None);
}

#[test]
fn errors_are_classified_as_the_table_says() {
    let class = |status, content_type, body: &str| binance().classify(status, content_type, body.as_bytes());
    let json = "application/json";
    assert_eq!(class(200, json, "[]"), None);
    assert_eq!(class(429, json, r#"{"code":-1003,"msg":"Too many requests queued."}"#), Some(ErrorClass::Rate));
    assert_eq!(class(418, json, "{}"), Some(ErrorClass::Rate));
    assert_eq!(class(403, "text/html", "<html>"), Some(ErrorClass::Up));
    assert_eq!(class(451, json, "{}"), Some(ErrorClass::Plan));
    assert_eq!(class(400, json, r#"{"code":-1121,"msg":"Invalid symbol."}"#), Some(ErrorClass::NotFound));
    assert_eq!(class(400, json, r#"{"code":-1120,"msg":"Invalid interval."}"#), Some(ErrorClass::Bad));
    assert_eq!(class(200, "text/html", "<!doctype html>"), Some(ErrorClass::Up));
    assert_eq!(class(200, json, r#"{"code":-1121,"msg":"Invalid symbol."}"#), Some(ErrorClass::NotFound));
    assert_eq!(class(500, json, "{}"), Some(ErrorClass::Up));
    assert_eq!(class(400, "text/plain", "no"), Some(ErrorClass::Up));
}

const ROW: &str = r#"[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499043599999,"2434.19055334",308,"1756.87402397","28.46694368","17928899.62484339"]"#;

#[test]
fn rows_are_written_as_they_were_read() {
    let series = ask(BTC).series;
    let body = format!("[{ROW},{}]", ROW.replace("149904", "149905"));
    let bars = read(&series, body.as_bytes()).expect("rows");
    assert_eq!(bars.set(), binance().manifest().columns);
    assert!(bars.set().includes(Columns::OHLCV));
    let rows = binance().encode(&series, &bars, MILLISECONDS);
    assert_eq!(format!("[{}]", String::from_utf8_lossy(&rows.slice(0, 0, 2))), body);
    assert_eq!(binance().reread(&series, &rows), Ok(bars.clone()));
    let micro = binance().encode(&series, &bars, MICROSECONDS);
    let first = String::from_utf8_lossy(&micro.slice(0, 0, 1)).into_owned();
    assert!(first.starts_with("[1499040000000000,") && first.contains(",1499043599999999,"), "{first}");
}

#[test]
fn foreign_bodies_are_not_data() {
    let series = ask(BTC).series;
    let bodies = [
        "",
        "{}",
        "null",
        "[1]",
        "[[]]",
        "<html></html>",
        "[[NaN]]",
        &ROW[..40],
        r#"{"prices":[]}"#,
        &format!("[{}]", ROW.replace("\"0.80000000\"", "NaN")),
        &format!("[{}]", ROW.replace("\"0.80000000\"", "null")),
        &format!("[{}]", ROW.replace(",308,", ",\"308\",")),
        &format!("[{ROW}"),
        &format!("[{}]", ROW.replace("\"0.80000000\"", "\"NaN\"")),
        &format!("[{}]", ROW.replace("\"0.80000000\"", "\"0.8\\\",9,\\\"\"")),
        &format!("[{}]", ROW.replace("1499043599999", "1501718399999")),
    ];
    for body in bodies {
        assert!(read(&series, body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn no_query_and_no_body_makes_it_panic(query in any::<String>(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = recognise(&query);
        let series = ask(BTC).series;
        let _ = read(&series, &body);
        let _ = binance().classify(200, "application/json", &body);
        let _ = recognise(&format!("symbol=BTCUSDT&interval=1h&startTime={query}&timeZone={query}"));
    }
}
