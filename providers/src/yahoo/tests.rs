use super::*;
use finex_core::plan::Anchor;
use proptest::prelude::*;
use serde_json::Value;

fn yahoo() -> Yahoo {
    Yahoo::new(&|_| {})
}

fn recognise(path: &str, query: &str) -> Recognised {
    yahoo().recognise(&NativeRequest { method: "GET", path, query, header: &|_| None, now: 0 })
}

fn ask(symbol: &str, query: &str) -> NativeAsk {
    match recognise(&format!("/v8/finance/chart/{symbol}"), query) {
        Recognised::Series(ask) => ask,
        other => panic!("{symbol}?{query}: {other:?}"),
    }
}

fn refused(symbol: &str, query: &str) -> (u16, String) {
    match recognise(&format!("/v8/finance/chart/{symbol}"), query) {
        Recognised::Refused(error) => {
            let body: Value = serde_json::from_str(&error.body).expect("JSON");
            (error.status, body["chart"]["error"]["description"].as_str().expect("words").to_owned())
        }
        other => panic!("{symbol}?{query}: {other:?}"),
    }
}

const WINDOW: &str = "period1=1700000000&period2=1710000000&interval=1d";

#[test]
fn a_symbol_is_one_in_any_case_and_clients_marks_make_no_series() {
    let plain = ask("AAPL", WINDOW);
    for query in ["&crumb=a%2Fb", "&useYfid=true&lang=en-US&region=US", "&includePrePost=true", "&formatted=false&_=17"]
    {
        assert_eq!(ask("aApl", &format!("{WINDOW}{query}")).series, plain.series, "{query}");
    }
    let minutes = |more: &str| ask("AAPL", &format!("period1=1700000000&interval=5m{more}")).series;
    assert_ne!(minutes(""), minutes("&includePrePost=true"));
    assert_eq!(minutes(""), minutes("&includePrePost=False"));
    let hours = |name: &str| ask("%5EGSPC", &format!("range=5d&interval={name}")).series;
    assert_eq!((hours("60m"), hours("1h").symbol.as_ref()), (hours("1h"), "^GSPC"));
}

#[test]
fn both_ends_are_inclusive_and_the_bar_around_the_first_is_meant() {
    let NativeAsk { ask, native, .. } = ask("AAPL", WINDOW);
    assert_eq!(ask.window.to, 1_710_000_000_001);
    assert_eq!(ask.window.from, 1_700_000_000_000 - DAY + 1);
    assert_eq!(native.named, Named::Span { from: 1_700_000_000_000, to: 1_710_000_000_000 });
    let minutes = super::tests::ask("AAPL", "period1=1700000000&period2=1700000600&interval=5m");
    assert_eq!(minutes.ask.window.from, 1_700_000_000_000 - 300_000 + 1);
}

#[test]
fn events_are_asked_for_in_both_spellings() {
    let options = |events: &str| ask("AAPL", &format!("{WINDOW}&events={events}")).native.options;
    assert_eq!(options("div%2Csplits%2CcapitalGains"), options("div|split|capitalGains"));
    assert_eq!(options("div%7Csplit%7Cearn") & wanted::EARNINGS, wanted::EARNINGS);
    assert_eq!(options(""), wanted::ADJUSTED);
    let plain = ask("AAPL", &format!("{WINDOW}&includeAdjustedClose=false"));
    assert_eq!(plain.native.options, 0);
}

#[test]
fn what_only_yahoo_can_tell_is_handed_on() {
    let handed_on = [
        ("/v8/finance/chart/AAPL", "interval=1d"),
        ("/v8/finance/chart/AAPL", "range=1mo"),
        ("/v8/finance/chart/AAPL", "range=1mo&period1=1700000000&interval=1d"),
        ("/v8/finance/chart/AAPL", "range=60d&interval=1d"),
        ("/v8/finance/chart/AAPL", "range=1y&interval=1wk"),
        ("/v8/finance/chart/AAPL", "range=1y&interval=5d"),
        ("/v8/finance/chart/AAPL", "range=1mo&interval=4h"),
        ("/v8/finance/spark", "symbols=AAPL"),
        ("/v7/finance/quote", "symbols=AAPL"),
        ("/v1/finance/search", "q=apple"),
    ];
    for (path, query) in handed_on {
        assert!(matches!(recognise(path, query), Recognised::Forward), "{path}?{query}");
    }
    for path in ["/", "/quote/AAPL", "/consent", "/v1/test/getcrumb"] {
        assert!(matches!(recognise(path, ""), Recognised::Local(_)), "{path}");
    }
    let post =
        NativeRequest { method: "POST", path: "/v8/finance/chart/AAPL", query: WINDOW, header: &|_| None, now: 0 };
    assert!(matches!(yahoo().recognise(&post), Recognised::Forward));
}

#[test]
fn bad_input_is_refused_in_yahoos_words() {
    let cases = [
        ("AAPL", "range=1mo&interval=1x", 422, "Invalid input - interval=1x is not supported"),
        ("AAPL", "range=ages&interval=1d", 422, "Invalid input - range=ages is not supported"),
        ("AAPL", "period1=2&period2=1&interval=1d", 400, "start date cannot be after end date"),
        ("AAPL", "period1=1700000000000&interval=1d", 400, "period1 = 1700000000000"),
        ("AAPL", "period1=2024-01-01&interval=1d", 400, "period1 = 2024-01-01"),
        ("A%2F..%2FB", WINDOW, 404, "No data found"),
        ("%00", WINDOW, 404, "No data found"),
        ("...", WINDOW, 404, "No data found"),
    ];
    for (symbol, query, status, words) in cases {
        let (got, text) = refused(symbol, query);
        assert!(got == status && text.contains(words), "{symbol}?{query}: {got} {text}");
    }
}

fn upstream(ask: &NativeAsk, window: Window, exact: bool) -> String {
    let call =
        Call { window, limit: 1, anchor: Anchor::Both, columns: ask.ask.columns, need: window, reach: window, exact };
    let upstream = yahoo().call(&ask.series, &call, ask.native.named, 0);
    format!("{}?{}", upstream.path, upstream.query)
}

#[test]
fn calls_ask_for_everything_that_is_free() {
    let day = ask("%5Egspc", WINDOW);
    let window = Window::new(1_699_920_000_000, 1_710_028_800_000);
    assert_eq!(
        upstream(&day, window, false),
        "/v8/finance/chart/%5EGSPC?period1=1699920000&period2=1710028799&interval=1d&includePrePost=false&events=div%2Csplits%2CcapitalGains"
    );
    let minutes = ask("AAPL", "range=1mo&interval=1m&includePrePost=true");
    assert!(upstream(&minutes, window, true).contains("?range=1mo&interval=1m&includePrePost=true&"));
    let weeks = ask("AAPL", "period1=1700000000&period2=1710000000&interval=1wk");
    assert!(upstream(&weeks, window, false).contains("?period1=1700000000&period2=1710000000&interval=1wk"));
    assert!(yahoo().limits(&weeks.series, 1 << 20, 9).whole);
    let whole = yahoo().series("AAPL", "1w".parse().expect("an interval")).expect("a series");
    assert!(!yahoo().limits(&whole, 1 << 20, 9).whole);
}

#[test]
fn every_interval_has_its_class() {
    for interval in yahoo().manifest.intervals.keys() {
        let series = yahoo().series("AAPL", *interval).expect("a series");
        let limits = yahoo().limits(&series, 1 << 20, 9);
        assert!(limits.windowed && limits.page > 1 && limits.settle >= DAY, "{interval}");
        assert_eq!(limits.depth.is_some(), interval.nominal_len() < DAY, "{interval}");
    }
}

/// Last trade, zone and first row of recorded answers.
#[test]
fn ranges_begin_where_recorded_ones_did() {
    let cases = [
        ("1mo", "America/New_York", 1_643_034_731, 1_640_615_400, 1),
        ("3mo", "America/New_York", 1_628_798_402, 1_620_912_600, 1),
        ("1y", "America/New_York", 1_642_002_006, 1_610_461_800, 0),
        ("1y", "America/New_York", 1_642_712_402, 1_611_239_400, 1),
        ("1mo", "America/New_York", 1_649_448_005, 1_646_836_200, 1),
        ("1d", "America/New_York", 1_646_847_019, 1_646_836_200, 0),
    ];
    for (name, zone, traded, first, days_off) in cases {
        let facts = [("exchangeTimezoneName", format!("\"{zone}\"")), ("regularMarketTime", traded.to_string())];
        let facts = facts.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
        let sight = Envelope { facts, ..Envelope::default() };
        let start = range::start(name, &sight, &|_| vec![]).expect("a start");
        let first = first * 1_000;
        // The first row is the first one that ends after the start, and sessions last six and a half hours.
        assert!(start < first + range::session_len(&sight), "{name} {traded}");
        assert!(first - start <= (days_off + 3) * DAY, "{name} {traded}: {start}");
    }
    let nothing = Envelope::default();
    assert_eq!((range::start("5d", &nothing, &|_| vec![]), range::guess("5d", 100 * DAY)), (None, 79 * DAY));
}

fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -99_999_999_999i64..=99_999_999_999, 1_700_000_000i64..1_700_100_000]
}

proptest! {
    #[test]
    fn no_query_and_no_body_makes_it_panic(
        symbol in any::<String>(),
        query in any::<String>(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = recognise(&format!("/v8/finance/chart/{symbol}"), &query);
        let _ = recognise("/v8/finance/chart/AAPL", &format!("{WINDOW}&events={query}"));
        let _ = recognise("/v8/finance/chart/AAPL", &format!("period1={query}&interval=1d&range={symbol}"));
        let ask = ask("AAPL", WINDOW);
        let call = Call { window: ask.ask.window, limit: 1, anchor: Anchor::Both, columns: ask.ask.columns, need: ask.ask.window, reach: ask.ask.window, exact: false };
        let _ = yahoo().decode(&ask.series, &call, &body);
        let _ = yahoo().decode(&ask.series, &call, query.as_bytes());
        let _ = errors::classify(200, "application/json", &body);
    }

    #[test]
    fn hostile_numbers_of_an_answer_make_it_panic_no_more(
        stamp in seconds(), traded in seconds(), start in seconds(), end in seconds(), east in seconds(),
    ) {
        let body = format!(
            r#"{{"chart":{{"result":[{{"meta":{{"regularMarketTime":{traded},"firstTradeDate":{traded},"dataGranularity":"5m",
            "chartPreviousClose":1.5,"exchangeTimezoneName":"Asia/Tokyo","currentTradingPeriod":{{"regular":{{"start":{start},"end":{end}}}}},
            "tradingPeriods":[[{{"start":{start},"end":{end},"gmtoffset":{east}}}]]}},"timestamp":[{stamp}],"events":{{"splits":{{"{start}":{{"date":{end}}}}}}},
            "indicators":{{"quote":[{{"open":[1],"high":[1],"low":[1],"close":[1],"volume":[1]}}]}}}}],"error":null}}}}"#
        );
        let ask = ask("AAPL", "period1=-99999999999&period2=99999999999&interval=5m");
        let call = Call { window: Window::ALL, limit: 1, anchor: Anchor::Both, columns: ask.ask.columns, need: Window::ALL, reach: Window::ALL, exact: true };
        if let Ok(said) = yahoo().decode(&ask.series, &call, body.as_bytes()) {
            for name in ["1d", "5d", "1mo", "10y", "ytd", "max"] {
                let _ = range::start(name, &said.envelope, &|_| vec![stamp]);
            }
            let _ = yahoo().leads(&ask.series, stamp, traded, &said.envelope, &said.envelope);
            let sight = crate::Sight { envelope: said.envelope.clone(), written: yahoo().portray(&said.envelope) };
            let range = said.bars.times.first().map(|t| (*t, *t));
            let page = Page { series: &ask.series, native: ask.native, window: Window::ALL, range, rows: 1, newest: None, more: None, before: Some(1.0), notes: &said.envelope, sight: &sight, base: "", now: 0 };
            let _ = yahoo().compose(&page);
        }
    }
}
