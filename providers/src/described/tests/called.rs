//! What is asked of the provider, and which series the unified API means.

use super::*;
use crate::query::Query;
use proptest::prelude::*;

fn series(id: &str, symbol: &str, name: &str) -> Series {
    described(id).series(symbol, interval(name)).expect("a series")
}

#[test]
fn ends_of_a_call_are_those_of_its_window() {
    let hour = between("2024-03-08T14:00:00Z", "2024-03-08T15:00:00Z");
    let minutes = |id: &str| upstream(id, &series(id, "AAPL", "1m"), hour);
    assert_eq!(minutes("polygon"), "/v2/aggs/ticker/AAPL/range/1/minute/1709906400000/1709909999999?limit=50000");
    assert_eq!(
        minutes("alpaca"),
        "/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2024-03-08T14:00:00Z&end=2024-03-08T14:59:59Z&limit=10000&sort=asc"
    );
    assert_eq!(minutes("finnhub"), "/api/v1/stock/candle?symbol=AAPL&resolution=1&from=1709906400&to=1709909999");
    assert_eq!(minutes("tiingo"), "/iex/AAPL/prices?resampleFreq=1min&startDate=2024-03-08&endDate=2024-03-08");
}

#[test]
fn what_changes_the_numbers_is_said_upstream_and_nothing_else() {
    let day = between("2024-03-08", "2024-03-09");
    let said = |id: &str, url: &str| upstream(id, &asked(id, url).series, day);
    let raw =
        said("polygon", "/v2/aggs/ticker/AAPL/range/1/day/2024-03-08/2024-03-11?adjusted=false&sort=desc&limit=3");
    assert!(raw.ends_with("?adjusted=false&limit=50000"), "{raw}");
    let stock = said(
        "alpaca",
        "/v2/stocks/AAPL/bars?timeframe=1D&start=2024-03-08&feed=iex&adjustment=all&currency=usd&limit=3&sort=desc",
    );
    assert!(stock.starts_with("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&"), "{stock}");
    assert!(stock.ends_with("&adjustment=all&feed=iex&limit=10000&sort=asc"), "{stock}");
    let coins = said("tiingo", "/tiingo/crypto/prices?tickers=btcusd&startDate=2024-03-05&resampleFreq=1Day");
    assert_eq!(coins, "/tiingo/crypto/prices?tickers=btcusd&resampleFreq=1day&startDate=2024-03-08&endDate=2024-03-08");
}

#[test]
fn symbols_are_written_so_that_they_stay_one_part() {
    let day = between("2024-03-08", "2024-03-09");
    let written = |id: &str, symbol: &str, name: &str| upstream(id, &series(id, symbol, name), day);
    assert!(written("polygon", "X:BTCUSD", "1d").contains("/ticker/X:BTCUSD/range/"));
    assert!(written("polygon", "BRK.A", "1d").contains("/ticker/BRK.A/range/"));
    assert!(written("finnhub", "^GSPC", "1d").contains("symbol=%5EGSPC&"));
    assert!(written("alpaca", "BTC/USD", "1d").starts_with("/v1beta3/crypto/us/bars?symbols=BTC%2FUSD&"));
}

#[test]
fn symbols_are_asked_for_together_where_a_request_takes_several() {
    let day = call_for(between("2024-03-08", "2024-03-09"));
    let together = |id: &str, name: &str| {
        let series = ["AAPL", "MSFT"].map(|symbol| series(id, symbol, name));
        described(id).together(&[(&series[0], &day), (&series[1], &day)])
    };
    let alpaca = together("alpaca", "1d").expect("one request");
    assert!(alpaca.query.starts_with("symbols=AAPL%2CMSFT&timeframe=1Day&"), "{}", alpaca.query);
    assert_eq!([together("polygon", "1d"), together("tiingo", "1d"), together("finnhub", "1d")], [None, None, None]);
    assert_eq!(described("alpaca").together(&[]), None);
}

#[test]
fn a_call_in_days_speaks_of_whole_days() {
    let part = call_for(between("2024-03-08T14:00:00Z", "2024-03-09T15:00:00Z"));
    let provider = described("tiingo");
    for name in ["5m", "1d"] {
        let series = series("tiingo", "AAPL", name);
        assert_eq!(provider.admissible(&series, &part), between("2024-03-08", "2024-03-10"), "{name}");
        assert!(upstream("tiingo", &series, part.window).ends_with("startDate=2024-03-08&endDate=2024-03-09"));
    }
    let minutes = series("polygon", "AAPL", "1m");
    assert_eq!(described("polygon").admissible(&minutes, &part), part.window);
}

#[test]
fn one_piece_is_asked_for_in_the_clients_window_whatever_the_call() {
    let url = "/api/v1/stock/candle?symbol=AAPL&resolution=W&from=1700000000&to=1709910000";
    let weekly = asked("finnhub", url).series;
    assert_eq!(upstream("finnhub", &weekly, Window::ALL), url);
    let call = call_for(between("2024-03-04", "2024-03-11"));
    assert_eq!(described("finnhub").admissible(&weekly, &call), Window::ALL);
}

#[test]
fn what_belongs_to_a_window_is_not_what_the_unified_api_means() {
    for (id, name) in [("polygon", "1w"), ("polygon", "12mo"), ("finnhub", "1mo"), ("alpaca", "1w")] {
        let told = described(id).series("AAPL", interval(name));
        assert!(matches!(told, Err(Unsupported::Interval { .. })), "{id} {name}: {told:?}");
    }
    assert!(described("tiingo").series("AAPL", interval("1w")).is_ok());
}

#[test]
fn the_unified_api_finds_the_endpoint_by_interval_and_symbol() {
    let cases = [
        ("tiingo", "AAPL", "1d", "daily"),
        ("tiingo", "AAPL", "12mo", "daily"),
        ("tiingo", "AAPL", "5m", "iex"),
        ("tiingo", "btcusd", "1d", "crypto"),
        ("tiingo", "btcusd", "1h", "crypto"),
        ("alpaca", "AAPL", "1m", "stocks"),
        ("alpaca", "BTC/USD", "1m", "crypto"),
        ("finnhub", "AAPL", "1d", "stock"),
        ("finnhub", "OANDA:EUR_USD", "1d", "forex"),
        ("finnhub", "BINANCE:BTCUSDT", "1d", "crypto"),
    ];
    for (id, symbol, name, endpoint) in cases {
        let found = series(id, symbol, name);
        assert_eq!(found.variant.get(ENDPOINT), Some(endpoint), "{id} {symbol} {name}");
    }
    assert_eq!(series("polygon", "AAPL", "1d").variant.iter().count(), 0);
}

#[test]
fn the_unified_api_means_the_series_of_a_plain_request() {
    let pairs = [
        ("polygon", "/v2/aggs/ticker/AAPL/range/1/day/2024-03-08/2024-03-11", "AAPL", "1d"),
        ("alpaca", "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2024-03-08", "AAPL", "1d"),
        ("tiingo", "/tiingo/daily/AAPL/prices?startDate=2024-03-08", "AAPL", "1d"),
        ("tiingo", "/iex/AAPL/prices?startDate=2024-03-08", "AAPL", "5m"),
        ("finnhub", "/api/v1/crypto/candle?symbol=A:B&resolution=60&from=1709908200&to=1709910000", "A:B", "1h"),
    ];
    for (id, url, symbol, name) in pairs {
        assert_eq!(asked(id, url).series.as_ref(), &series(id, symbol, name), "{url}");
    }
}

#[test]
fn what_a_provider_cannot_be_asked_is_told() {
    let told = |id: &str, symbol: &str, name: &str| described(id).series(symbol, interval(name)).expect_err("refused");
    for id in IDS {
        assert!(matches!(told(id, "AAPL", "7m"), Unsupported::Interval { .. }), "{id}");
        for symbol in ["", "A B", "A?b=c", "../x", "..", "é", "A&B", "A%2F", "\"", &"A".repeat(41)] {
            let is_path = symbol == "../x" && matches!(id, "polygon" | "alpaca" | "finnhub");
            assert!(is_path || matches!(told(id, symbol, "1d"), Unsupported::Symbol { .. }), "{id} {symbol}");
        }
    }
    assert!(matches!(told("fred", "GDP", "1d"), Unsupported::Interval { .. }));
    assert!(matches!(told("finnhub", "AAPL", "4h"), Unsupported::Interval { .. }));
}

#[test]
fn every_interval_has_limits_and_a_word_of_its_own() {
    for id in IDS {
        let provider = described(id);
        for (known, word) in &provider.manifest.intervals {
            let series = bare(&provider.manifest, "AAPL", *known, String::new());
            let limits = provider.limits(&series, 1 << 20, 9);
            assert!(limits.page >= 1 && limits.row_bytes >= 1, "{id} {known}");
            // Who counts rows and says when there are more is asked for so many; others for a window.
            let counts = matches!(id, "polygon" | "alpaca") && !limits.whole;
            assert_eq!(limits.windowed, !counts, "{id} {known}");
            assert!(limits.settle >= DAY, "{id} {known}: what may still change is kept as final");
            assert_eq!(provider.manifest.interval(word), Some(*known), "{id} {known}");
        }
    }
}

#[test]
fn history_is_rewritten_where_prices_are_adjusted() {
    let rewritten = |id: &str, url: &str| described(id).rewritten_by(&asked(id, url).series).is_some();
    let polygon = "/v2/aggs/ticker/AAPL/range/1/day/2024-03-08/2024-03-11";
    assert!(rewritten("polygon", polygon) && !rewritten("polygon", &format!("{polygon}?adjusted=false")));
    let alpaca = "/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2024-03-08";
    assert!(!rewritten("alpaca", alpaca) && rewritten("alpaca", &format!("{alpaca}&adjustment=split")));
    let finnhub = |name| format!("/api/v1/stock/candle?symbol=A&resolution={name}&from=1709908200&to=1709910000");
    assert!(!rewritten("finnhub", &finnhub("1")) && rewritten("finnhub", &finnhub("D")));
    assert!(rewritten("tiingo", "/tiingo/daily/AAPL/prices?startDate=2024-03-08"));
    assert!(!rewritten("tiingo", "/iex/AAPL/prices?startDate=2024-03-08"));
}

fn planned() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    prop::sample::select(vec![
        ("polygon", "AAPL", "1m"),
        ("polygon", "X:BTCUSD", "1h"),
        ("polygon", "AAPL", "1d"),
        ("alpaca", "AAPL", "5m"),
        ("alpaca", "BTC/USD", "1d"),
        ("tiingo", "AAPL", "1d"),
        ("tiingo", "AAPL", "5m"),
        ("tiingo", "btcusd", "1h"),
        ("finnhub", "AAPL", "1d"),
        ("finnhub", "BINANCE:BTCUSDT", "1d"),
    ])
}

proptest! {
    /// finex reads its own requests: they name no key, and at least the window of the call.
    #[test]
    fn a_planned_call_asks_for_its_window(
        (id, symbol, name) in planned(),
        from in 1_000_000i64..1_700_000,
        hours in 1i64..5_000,
    ) {
        let window = Window::new(from * 1_000_000, from * 1_000_000 + hours * 3_600_000);
        let series = series(id, symbol, name);
        let url = upstream(id, &series, window);
        let query = Query::read(url.split_once('?').expect("a query").1);
        prop_assert!(query.names().all(|name| !described(id).manifest.keys.is_parameter(name)));
        let own = asked(id, &url);
        prop_assert_eq!(own.series.as_ref(), &series);
        // Milliseconds are lost where seconds are written: at the end they are none.
        let written = described(id).admissible(&series, &call_for(window));
        prop_assert!(own.ask.window.covers(Window::new(window.from, window.to - 999)), "{} {:?}", url, window);
        prop_assert!(own.ask.window.from <= written.from && own.ask.window.to >= written.to - 999);
    }
}

#[test]
fn rows_are_counted_from_the_end_that_an_ask_begins_with() {
    let polygon = described("polygon");
    let series = polygon.series("TSLA", "1d".parse().expect("an interval")).expect("offered");
    assert!(!polygon.limits(&series, 1 << 20, 9).windowed);
    let window = Window::new(at("2024-03-01"), at("2024-03-09"));
    let reach = Window::new(at("2000-01-01"), at("2024-06-01"));
    let sent = |anchor| {
        let call = Call { anchor, reach, ..call_for(window) };
        (polygon.call(&series, &call, Named::Ask, 0), polygon.admissible(&series, &call))
    };
    let (first, spoken) = sent(Anchor::Start);
    assert_eq!(first.path, format!("/v2/aggs/ticker/TSLA/range/1/day/{}/{}", window.from, reach.to - 1));
    assert_eq!((first.query.as_str(), spoken), ("limit=8&sort=asc", Window::new(window.from, reach.to)));
    let (last, spoken) = sent(Anchor::End);
    assert_eq!(last.path, format!("/v2/aggs/ticker/TSLA/range/1/day/{}/{}", reach.from, window.to - 1));
    assert_eq!((last.query.as_str(), spoken), ("limit=8&sort=desc", Window::new(reach.from, window.to)));
    let (both, spoken) = sent(Anchor::Both);
    assert_eq!(both.path, format!("/v2/aggs/ticker/TSLA/range/1/day/{}/{}", window.from, window.to - 1));
    assert_eq!((both.query.as_str(), spoken), ("limit=50000", window));
}
