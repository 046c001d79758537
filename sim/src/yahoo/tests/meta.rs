//! What a chart says about its symbol.

use super::*;

/// Keys of a body recorded in February 2025, sorted.
const DAILY: [&str; 24] = [
    "chartPreviousClose",
    "currency",
    "currentTradingPeriod",
    "dataGranularity",
    "exchangeName",
    "exchangeTimezoneName",
    "fiftyTwoWeekHigh",
    "fiftyTwoWeekLow",
    "firstTradeDate",
    "fullExchangeName",
    "gmtoffset",
    "hasPrePostMarketData",
    "instrumentType",
    "longName",
    "priceHint",
    "range",
    "regularMarketDayHigh",
    "regularMarketDayLow",
    "regularMarketPrice",
    "regularMarketTime",
    "regularMarketVolume",
    "shortName",
    "symbol",
    "timezone",
];

#[test]
fn keys_are_those_of_a_recording() {
    let (yahoo, now) = (Yahoo::default(), at("AAPL", (2025, 2, 20), (5, 0, 0)));
    let mut expected = [&DAILY[..], &["validRanges"]].concat();
    let daily = result(&yahoo, "aapl", "range=5d", now);
    assert_eq!(keys(&daily["meta"]), expected);
    assert_eq!(daily["meta"]["symbol"], "AAPL");
    assert_eq!((&daily["meta"]["range"], &daily["meta"]["dataGranularity"]), (&"5d".into(), &"1d".into()));
    expected.extend(["previousClose", "scale", "tradingPeriods"]);
    expected.sort_unstable();
    let minutes = result(&yahoo, "AAPL", "range=5d&interval=1m", now);
    assert_eq!(keys(&minutes["meta"]), expected);
    let hours = result(&yahoo, "AAPL", "range=5d&interval=60m", now);
    assert_eq!(hours["meta"]["dataGranularity"], "1h");
    assert!(hours["indicators"].get("adjclose").is_none());
}

#[test]
fn the_offset_is_that_of_now() {
    let (yahoo, now) = (Yahoo::default(), at("AAPL", (2024, 7, 20), (12, 0, 0)));
    let span = (at("AAPL", (2024, 1, 10), (0, 0, 0)), at("AAPL", (2024, 1, 12), (0, 0, 0)));
    let meta = window(&yahoo, "AAPL", "60m", span, "", now)["meta"].take();
    assert_eq!((&meta["gmtoffset"], &meta["timezone"], &meta["range"]), (&(-14_400).into(), &"EDT".into(), &"".into()));
    assert_eq!(meta["tradingPeriods"][0][0]["gmtoffset"], -18_000);
    // A Saturday: the session of Friday.
    let regular = &meta["currentTradingPeriod"]["regular"];
    assert_eq!(regular["start"], at("AAPL", (2024, 7, 19), (9, 30, 0)));
    assert_eq!(regular["end"], at("AAPL", (2024, 7, 19), (16, 0, 0)));
}

#[test]
fn trading_periods_come_in_two_shapes() {
    let (yahoo, now) = (Yahoo::default(), at("AAPL", (2024, 3, 20), (12, 0, 0)));
    // In New York this is still Thursday evening.
    let span = (at("AAPL", (2024, 3, 14), (20, 0, 0)), at("AAPL", (2024, 3, 18), (20, 0, 0)));
    let plain = window(&yahoo, "AAPL", "5m", span, "", now)["meta"]["tradingPeriods"].take();
    let starts = |list: &Value| -> Vec<i64> {
        list.as_array().expect("a list").iter().map(|day| day[0]["start"].as_i64().expect("seconds")).collect()
    };
    let open = [14, 15, 18].map(|day| at("AAPL", (2024, 3, day), (9, 30, 0)));
    assert_eq!(starts(&plain), open);
    assert_eq!(keys(&plain[0][0]), ["end", "gmtoffset", "start", "timezone"]);
    let extended = window(&yahoo, "AAPL", "5m", span, "&includePrePost=true", now)["meta"]["tradingPeriods"].take();
    assert_eq!(keys(&extended), ["post", "pre", "regular"]);
    assert_eq!(starts(&extended["regular"]), open);
    assert_eq!(starts(&extended["pre"]), open.map(|open| open - 19_800));
    assert_eq!(starts(&extended["post"]), open.map(|open| open + 23_400));
    let range = result(&yahoo, "AAPL", "range=1d&interval=5m", now);
    assert_eq!(starts(&range["meta"]["tradingPeriods"]), [at("AAPL", (2024, 3, 20), (9, 30, 0))]);
}

#[test]
fn the_close_before_is_the_same_by_day_and_by_slot() {
    let yahoo = Yahoo::default();
    for symbol in ["AAPL", "ES=F", "VOD.L", "EURUSD=X", "BTC-USD"] {
        let now = at(symbol, (2024, 3, 25), (8, 0, 0));
        let midnight = |day| at(symbol, (2024, 3, day), (0, 0, 0));
        let monday = window(&yahoo, symbol, "1d", (midnight(18), midnight(19) - 1), "", now);
        let day = f64::from(prices(&monday, "close")[0] as f32);
        for interval in ["2m", "5m", "15m", "30m", "60m", "90m", "1h", "4h"] {
            let monday = window(&yahoo, symbol, interval, (midnight(18), midnight(19) - 1), "", now);
            let last = column(&monday, "close").last().copied().flatten();
            assert_eq!(last, Some(day), "{symbol} {interval}");
            let tuesday = window(&yahoo, symbol, interval, (midnight(19), midnight(20) - 1), "", now);
            let before = tuesday["meta"]["chartPreviousClose"].as_f64().expect("a close");
            assert!((before - day).abs() < 5.1e-4, "{symbol} {interval}");
        }
        let tuesday = window(&yahoo, symbol, "1d", (midnight(19), midnight(20) - 1), "", now);
        let before = tuesday["meta"]["chartPreviousClose"].as_f64().expect("a close");
        assert!((before - day).abs() < 5.1e-4, "{symbol}");
    }
}

#[test]
fn where_nothing_was_before_the_first_close_stands() {
    let (yahoo, now) = (Yahoo::default(), at("TSLA", (2024, 3, 25), (8, 0, 0)));
    let all = result(&yahoo, "TSLA", "range=max", now);
    assert_eq!(stamps(&all)[0], 1_277_818_200);
    let before = all["meta"]["chartPreviousClose"].as_f64().expect("a close");
    assert!((before - prices(&all, "close")[0]).abs() < 5.1e-4);
    let negative = window(&yahoo, "IBM", "1d", (-252_400_000, -252_000_000), "", now);
    assert_eq!(stamps(&negative)[0], -252_322_200);
}

#[test]
fn columns_begin_with_another_each_time() {
    let (yahoo, now) = (Yahoo::default(), at("AAPL", (2024, 3, 25), (8, 0, 0)));
    let body = || {
        let answer = yahoo.answer("GET", "/v8/finance/chart/AAPL", "range=5d", &HeaderMap::new(), now * 1_000, None);
        answer.expect("an answer").body
    };
    let (one, two) = (body(), body());
    assert_ne!(one, two);
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    assert_eq!(parsed(&one), parsed(&two));
    assert!(one.find("\"meta\"") < one.find("\"timestamp\"") && one.find("\"timestamp\"") < one.find("\"indicators\""));
    let plain = result(&yahoo, "AAPL", "range=5d&includeAdjustedClose=false", now);
    assert_eq!(keys(&plain["indicators"]), ["quote"]);
}
