//! Which requests are series, and of what.

use super::*;

#[test]
fn a_size_says_how_much_and_no_request_names_a_window() {
    let ask = |query: &str| asked(query).ask;
    assert_eq!((ask(DAYS).window, ask(DAYS).take), (Window::ALL, Take::Last(100)));
    assert_eq!(ask(&format!("{DAYS}&outputsize=FULL")).take, Take::All);
    assert_eq!(ask("function=TIME_SERIES_WEEKLY&symbol=IBM").take, Take::All);
    assert_eq!(ask(MINUTES).take, Take::Last(100));
    let full = asked(&format!("{DAYS}&outputsize=full"));
    assert_eq!((full.native.options, asked(DAYS).native.options), (FULL, 0));
    assert_eq!(full.series, asked(DAYS).series);
}

#[test]
fn a_month_is_one_of_new_york() {
    let march = asked(&format!("{MINUTES}&month=2024-03"));
    let local = between("2024-03-01", "2024-04-01");
    assert_eq!((march.ask.window, march.ask.take), (local, Take::Last(100)));
    assert_eq!(march.native.named, Named::Local { from: local.from, to: local.to });
    let placed = alpha().placed(&march.series, local, &Envelope::default());
    assert_eq!(placed, between("2024-03-01T05:00:00Z", "2024-04-01T04:00:00Z"));
    assert_eq!(asked(&format!("{MINUTES}&month=2024-12&outputsize=full")).ask.window.to, at("2025-01-01"));
    assert_eq!(march.series, asked(MINUTES).series);
    assert_ne!(march.ask, asked(&format!("{MINUTES}&month=2024-02")).ask);
}

#[test]
fn what_the_provider_says_how_far_it_goes_back_is_a_range_of_its_own() {
    let named = |query: &str| asked(query).native.named;
    assert_eq!(named("function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=EUR"), ALL);
    assert_eq!(named("function=TIME_SERIES_MONTHLY&symbol=IBM"), Named::Ask);
    let oldest = Envelope { facts: vec![(OLDEST.into(), "1700000000000".into())], ..Envelope::default() };
    let first = |named, seen: &Envelope| alpha().first_instant(named, seen, &|_| Vec::new());
    assert_eq!(
        [first(ALL, &oldest), first(Named::Ask, &oldest), first(ALL, &Envelope::default())],
        [Some(1_700_000_000_000), None, None]
    );
    assert_eq!(alpha().first_guess(ALL, NOW), BEGINNING);
}

#[test]
fn what_means_the_same_is_the_same_series_and_ask() {
    for (one, other) in [
        (DAYS, "symbol=IBM&outputsize=compact&function=TIME_SERIES_DAILY&datatype=json&apikey=Secret4711&source=x"),
        (DAYS, "function=TIME_SERIES_DAILY&symbol=IBM&entitlement="),
        (MINUTES, "function=TIME_SERIES_INTRADAY&interval=5min&symbol=IBM&adjusted=true&extended_hours=TRUE&month="),
        (
            "function=FX_DAILY&from_symbol=EUR&to_symbol=USD",
            "function=FX_DAILY&to_symbol=USD&from_symbol=EUR&outputsize=Compact",
        ),
    ] {
        assert_eq!(asked(one), asked(other), "{other}");
    }
    let not = |value: &str| asked(&format!("{MINUTES}&adjusted={value}"));
    assert_eq!(not("False"), not("false"));
}

#[test]
fn what_changes_the_numbers_is_another_series() {
    for (one, other) in [
        (MINUTES, "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&adjusted=false"),
        (MINUTES, "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&extended_hours=false"),
        (MINUTES, "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&entitlement=delayed"),
        (MINUTES, "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=1min"),
        (MINUTES, "function=TIME_SERIES_INTRADAY&symbol=IBM.LON&interval=5min"),
        (DAYS, "function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM"),
        (DAYS, "function=TIME_SERIES_DAILY&symbol=IBM&entitlement=realtime"),
        ("function=FX_DAILY&from_symbol=EUR&to_symbol=USD", "function=FX_DAILY&from_symbol=EUR&to_symbol=GBP"),
        (
            "function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=USD",
            "function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=EUR",
        ),
        (
            "function=FX_INTRADAY&from_symbol=BTC&to_symbol=USD&interval=5min",
            "function=CRYPTO_INTRADAY&symbol=BTC&market=USD&interval=5min",
        ),
    ] {
        assert_ne!(asked(one).series, asked(other).series, "{other}");
    }
    let word =
        |function: &str| asked(&format!("function=TIME_SERIES_{function}&symbol=IBM")).series.interval.to_string();
    assert_eq!([word("MONTHLY"), asked(&MINUTES.replace("5min", "1min")).series.interval.to_string()], ["1mo", "1m"]);
}

#[test]
fn what_is_said_of_a_symbol_is_known_by_function_and_interval() {
    let known = |query: &str| alpha().known_as(&asked(query).series).to_string();
    assert_eq!(known(DAYS), "IBM|TIME_SERIES_DAILY|own|1d");
    assert_ne!(known(MINUTES), known(&MINUTES.replace("5min", "1min")));
    let pair = "function=FX_DAILY&from_symbol=EUR&to_symbol=USD";
    assert_ne!(known(pair), known(&pair.replace("USD", "GBP")));
}

#[test]
fn what_only_the_provider_knows_goes_through() {
    let queries = [
        "".to_owned(),
        "symbol=IBM".into(),
        "function=TIME_SERIES_DAILY".into(),
        "function=time_series_daily&symbol=IBM".into(),
        "function=TIME_SERIES_DAILY&symbol=".into(),
        "function=FX_DAILY&from_symbol=EUR".into(),
        "function=GLOBAL_QUOTE&symbol=IBM".into(),
        "function=SYMBOL_SEARCH&keywords=ibm".into(),
        format!("{DAYS}&outputsize=huge"),
        format!("{DAYS}&month=2024-03"),
        format!("{DAYS}&adjusted=false"),
        format!("{DAYS}&cb=1"),
        format!("{DAYS}&symbol=MSFT"),
        format!("{DAYS}&datatype=xml"),
        "function=TIME_SERIES_DAILY_ADJUSTED&symbol=IBM&datatype=csv".into(),
        "function=TIME_SERIES_INTRADAY&symbol=IBM".into(),
        MINUTES.replace("5min", "DAILY"),
        MINUTES.replace("5min", "2min"),
        format!("{MINUTES}&outputsize=full"),
        "function=FX_INTRADAY&from_symbol=EUR&to_symbol=USD&interval=5min&month=2024-03".into(),
    ];
    for query in queries {
        assert!(matches!(recognised(&query), Recognised::Forward), "{query}");
    }
    let by =
        |method, path| alpha().recognise(&NativeRequest { method, path, query: DAYS, header: &|_| None, now: NOW });
    assert!(matches!(by("POST", PATH), Recognised::Forward));
    assert!(matches!(by("GET", "/"), Recognised::Forward));
    assert!(matches!(by("HEAD", PATH), Recognised::Series(_)));
}

#[test]
fn what_cannot_be_is_an_invalid_call() {
    for query in [
        "function=TIME_SERIES_DAILY&symbol=A%22B",
        "function=TIME_SERIES_DAILY&symbol=...",
        "function=TIME_SERIES_DAILY&symbol=A/B",
        "function=FX_DAILY&from_symbol=EUR&to_symbol=U%00D",
        "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2024-13",
        "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2024-3",
        "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=03-2024",
    ] {
        let Recognised::Refused(error) = recognised(query) else { panic!("{query}") };
        let body: serde_json::Value = serde_json::from_str(&error.body).expect("JSON");
        let words = body["Error Message"].as_str().expect("words");
        assert!(error.status == 200 && words.starts_with("Invalid API call."), "{query}: {words}");
        assert_eq!(alpha().classify(200, "application/json", error.body.as_bytes()), Some(ErrorClass::NotFound));
    }
}

#[test]
fn a_key_is_part_of_nothing() {
    let ask = asked(&format!("{DAYS}&apikey=Secret4711"));
    let upstream = alpha().call(&ask.series, &call_for(Window::ALL, 100, Anchor::End), ask.native.named, NOW);
    assert!(!format!("{ask:?}{upstream:?}").contains("4711"));
}

#[test]
fn the_unified_api_means_the_series_of_a_plain_request() {
    let series = |symbol: &str, interval: &str| alpha().series(symbol, interval.parse().expect("an interval"));
    for (query, interval) in [
        (DAYS, "1d"),
        (MINUTES, "5m"),
        ("function=TIME_SERIES_INTRADAY&symbol=IBM&interval=60min", "1h"),
        ("function=TIME_SERIES_WEEKLY&symbol=IBM", "1w"),
        ("function=TIME_SERIES_MONTHLY&symbol=IBM", "1mo"),
    ] {
        assert_eq!(series("IBM", interval).as_ref(), Ok(asked(query).series.as_ref()), "{query}");
    }
    for symbol in ["", "A B", "...", "A/B", "A,B", "é", &"A".repeat(41)] {
        assert!(matches!(series(symbol, "1d"), Err(Unsupported::Symbol { .. })), "{symbol}");
    }
    for interval in ["2m", "4h", "3d", "1s", "3mo"] {
        assert!(matches!(series("IBM", interval), Err(Unsupported::Interval { .. })), "{interval}");
    }
}
