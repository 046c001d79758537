//! Which requests are series, and how far apart their samples are.

use super::*;

fn apart(url: &str) -> String {
    asked(url).series.interval.to_string()
}

#[test]
fn a_day_has_five_minutes_ninety_have_hours_and_more_have_days() {
    for (name, interval) in
        [("1", "5m"), ("0.5", "5m"), ("2", "1h"), ("90", "1h"), ("91", "1d"), ("365", "1d"), ("max", "1d")]
    {
        assert_eq!(apart(&days(name)), interval, "{name}");
    }
    assert_eq!(apart(&format!("{}&interval=daily", days("7"))), "1d");
    assert_eq!(apart(&format!("{}&interval=hourly", days("7"))), "1h");
    assert_eq!(asked(&format!("{}&interval=hourly", days("7"))), asked(&days("7")));
}

#[test]
fn days_back_end_now_and_begin_with_the_first_midnight() {
    let window = |name: &str| asked(&days(name)).ask.window;
    assert_eq!(window("1"), Window::new(NOW - DAY, END));
    assert_eq!(window("7"), Window::new(NOW - 7 * DAY, END));
    assert_eq!(window("91"), Window::new(at("2023-12-09"), END));
    assert_eq!(window("max"), Window::ALL);
    assert_eq!(asked(&days("7")).ask.take, Take::All);
}

#[test]
fn a_range_has_samples_by_its_length_and_by_whether_it_ends_now() {
    let old = at("2024-01-10");
    assert_eq!(apart(&range(old, old + DAY)), "1h");
    assert_eq!(apart(&range(old, old + 3_600_000)), "1h");
    assert_eq!(apart(&range(old - 90 * DAY, old)), "1h");
    assert_eq!(apart(&range(old - 90 * DAY - 1_000, old)), "1d");
    assert_eq!(apart(&range(NOW - DAY, NOW)), "5m");
    assert_eq!(apart(&range(NOW - DAY - 1_000, NOW)), "1h");
    assert_eq!(apart(&range(NOW - 100 * DAY, NOW + 3_600_000)), "1d");
    let past = asked(&range(old, old + DAY));
    assert_eq!(past.ask.window, Window::new(old, old + DAY + 1));
    assert_eq!(asked(&range(old, NOW)).ask.window, Window::new(old, END));
}

#[test]
fn shortly_before_now_only_the_provider_knows() {
    for before in [1_000, 60_000, 5 * 60_000, 599_000] {
        assert!(matches!(recognised(&range(NOW - DAY, NOW - before)), Recognised::Forward), "{before}");
    }
    assert_eq!(apart(&range(NOW - DAY, NOW - 601_000)), "1h");
}

#[test]
fn what_is_to_come_brings_no_other_samples() {
    assert!(matches!(recognised(&range(NOW - 80 * DAY, NOW + 20 * DAY)), Recognised::Forward));
    assert!(matches!(recognised(&range(NOW - HOUR, NOW + 2 * DAY)), Recognised::Forward));
    assert_eq!(apart(&range(NOW - 80 * DAY, NOW + DAY)), "1h");
    assert!(matches!(recognised(&range(NOW + HOUR, NOW + DAY)), Recognised::Forward));
}

#[test]
fn candles_are_those_of_the_last_days_that_are_offered() {
    for (name, interval) in
        [("1", "30m"), ("7", "4h"), ("14", "4h"), ("30", "4h"), ("90", "4d"), ("180", "4d"), ("365", "4d")]
    {
        let candles = asked(&format!("bitcoin/ohlc?vs_currency=usd&days={name}"));
        assert_eq!(candles.series.interval.to_string(), interval, "{name}");
        assert_eq!((candles.series.variant.get(CANDLES), candles.ask.window), (Some(name), Window::ALL));
    }
    let candles = |name: &str| asked(&format!("bitcoin/ohlc?vs_currency=usd&days={name}")).series;
    assert_ne!(candles("7"), candles("14"), "each is cut by the moment of asking");
    for other in ["2", "max", "91", "1.0", ""] {
        let url = format!("bitcoin/ohlc?vs_currency=usd&days={other}");
        assert!(matches!(recognised(&url), Recognised::Forward), "{other}");
    }
}

#[test]
fn what_means_the_same_is_the_same_series_and_ask() {
    let plain = asked(&days("7"));
    for url in [
        "bitcoin/market_chart?days=7&vs_currency=usd",
        "bitcoin/market_chart?vs_currency=USD&days=7",
        "bitcoin/market_chart?vs_currency=usd&days=7&x_cg_demo_api_key=Secret4711",
        "bitcoin/market_chart?vs_currency=usd&days=7&x_cg_pro_api_key=Secret4711",
        "bitcoin/market_chart?vs_currency=usd&days=7.0",
        "bitcoin/market_chart?vs_currency=%75sd&days=7",
    ] {
        assert_eq!(asked(url), plain, "{url}");
    }
}

#[test]
fn what_changes_the_numbers_is_another_series() {
    let plain = asked(&days("7")).series;
    for url in [
        "bitcoin/market_chart?vs_currency=eur&days=7",
        "bitcoin/market_chart?vs_currency=usd&days=7&precision=2",
        "bitcoin/market_chart?vs_currency=usd&days=7&precision=full",
        "bitcoin/market_chart?vs_currency=usd&days=7&interval=daily",
        "ethereum/market_chart?vs_currency=usd&days=7",
        "ethereum/contract/0xAbc/market_chart?vs_currency=usd&days=7",
        "bitcoin/ohlc?vs_currency=usd&days=7",
    ] {
        assert_ne!(asked(url).series, plain, "{url}");
    }
    assert_eq!(asked("bitcoin/market_chart?vs_currency=EUR&days=7").series.currency.as_ref(), "eur");
    assert_eq!(asked(&range(at("2024-01-10"), at("2024-01-20"))).series, plain, "hours are hours");
}

#[test]
fn a_key_is_part_of_nothing() {
    let ask = asked(&format!("{}&x_cg_demo_api_key=Secret4711", days("7")));
    let upstream = gecko().call(&ask.series, &call_for(ask.ask.window), ask.native.named, NOW);
    assert!(!format!("{ask:?}{upstream:?}").contains("4711"));
}

#[test]
fn what_only_the_provider_knows_goes_through() {
    for url in [
        "bitcoin",
        "bitcoin/history?date=01-01-2024",
        "bitcoin/market_chart",
        "bitcoin/market_chart?days=7",
        "bitcoin/market_chart?vs_currency=&days=7",
        "bitcoin/market_chart?vs_currency=us-d&days=7",
        "bitcoin/market_chart?vs_currency=usd",
        "bitcoin/market_chart?vs_currency=usd&days=0",
        "bitcoin/market_chart?vs_currency=usd&days=-1",
        "bitcoin/market_chart?vs_currency=usd&days=NaN",
        "bitcoin/market_chart?vs_currency=usd&days=inf",
        "bitcoin/market_chart?vs_currency=usd&days=1e9",
        "bitcoin/market_chart?vs_currency=usd&days=week",
        "bitcoin/market_chart?vs_currency=usd&days=7&days=8",
        "bitcoin/market_chart?vs_currency=usd&days=7&interval=5m",
        "bitcoin/market_chart?vs_currency=usd&days=1&interval=hourly",
        "bitcoin/market_chart?vs_currency=usd&days=7&from=1",
        "bitcoin/market_chart?vs_currency=usd&days=7&precision=a-b",
        "bitcoin/market_chart?vs_currency=usd&days=7&cb=1",
        "bitcoin/market_chart/range?vs_currency=usd&from=1700000000",
        "bitcoin/market_chart/range?vs_currency=usd&from=2024-01-01&to=2024-01-02",
        "bitcoin/market_chart/range?vs_currency=usd&from=1700000001&to=1700000000",
        "bitcoin/market_chart/range?vs_currency=usd&from=NaN&to=1700000000",
        "bitcoin/market_chart/range?vs_currency=usd&from=1710000000&to=1710100000",
        "bitcoin/ohlc?vs_currency=usd&days=7&interval=daily",
        "bitcoin/ohlc/range?vs_currency=usd&from=1&to=2",
    ] {
        assert!(matches!(recognised(url), Recognised::Forward), "{url}");
    }
    let by = |method, path: &str| {
        let query = "vs_currency=usd&days=7";
        gecko().recognise(&NativeRequest { method, path, query, header: &|_| None, now: NOW })
    };
    for (method, path) in
        [("POST", "/api/v3/coins/bitcoin/market_chart"), ("GET", "/api/v3/simple/price"), ("GET", "/")]
    {
        assert!(matches!(by(method, path), Recognised::Forward), "{method} {path}");
    }
    assert!(matches!(by("HEAD", "/api/v3/coins/bitcoin/market_chart"), Recognised::Series(_)));
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |url: &str| match recognised(url) {
        Recognised::Refused(error) => error,
        other => panic!("{url}: {other:?}"),
    };
    let long = format!("{}/market_chart?vs_currency=usd&days=7", "a".repeat(101));
    for url in [
        "/market_chart",
        "../market_chart",
        "a/b/market_chart",
        "a/contract/b/c/market_chart",
        "bit%20coin/ohlc",
        "é/ohlc",
        &long,
    ] {
        assert_eq!((refused(url).status, refused(url).body.as_str()), (404, r#"{"error":"coin not found"}"#), "{url}");
    }
    let millis = refused("bitcoin/market_chart/range?vs_currency=usd&from=1700000000000&to=1700000001000");
    assert_eq!(millis.status, 422);
    assert!(millis.body.contains("from is in seconds; this looks like milliseconds"), "{}", millis.body);
}

#[test]
fn the_unified_api_means_samples_in_dollars() {
    for (interval, name) in [("5m", "1"), ("1h", "7"), ("1d", "max")] {
        assert_eq!(&series(interval), asked(&days(name)).series.as_ref(), "{interval}");
    }
    let told = |symbol: &str, interval: &str| gecko().series(symbol, interval.parse().expect("an interval"));
    assert!(told("ethereum/contract/0xabc", "1h").is_ok());
    for symbol in ["", "BTC/USD", "..", "a b", "a?b", ".a", "é", &"a".repeat(101)] {
        assert!(matches!(told(symbol, "1h"), Err(Unsupported::Symbol { .. })), "{symbol}");
    }
    for interval in ["1m", "30m", "4h", "4d", "1w", "1mo", "60m", "24h"] {
        assert!(matches!(told("bitcoin", interval), Err(Unsupported::Interval { .. })), "{interval}");
    }
}
