//! What is asked of Alpha Vantage: the newest hundred rows, a month, or everything.

use super::*;

fn query(ask: &str, call: &Call, named: Named) -> String {
    let upstream = alpha().call(&asked(ask).series, call, named, NOW);
    assert_eq!(upstream.path, PATH);
    upstream.query
}

fn newest(limit: u64) -> Call {
    call_for(Window::new(BEGINNING, END), limit, Anchor::End)
}

#[test]
fn the_newest_hundred_rows_are_a_compact_answer() {
    assert_eq!(query(DAYS, &newest(100), Named::Ask), format!("{DAYS}&outputsize=compact"));
    assert_eq!(query(MINUTES, &newest(100), Named::Ask), format!("{MINUTES}&outputsize=compact"));
    let pair = "function=FX_DAILY&from_symbol=EUR&to_symbol=USD";
    assert_eq!(query(pair, &newest(100), Named::Ask), format!("{pair}&outputsize=compact"));
}

#[test]
fn what_is_older_or_more_comes_with_everything() {
    let full = format!("{DAYS}&outputsize=full");
    assert_eq!(query(DAYS, &newest(1_000), Named::Ask), full);
    let older = call_for(between("2024-01-01", "2024-02-01"), 31, Anchor::End);
    assert_eq!(query(DAYS, &older, Named::Ask), full);
    // To the last bar before now it is recent.
    let recent = call_for(Window::new(at("2024-02-01"), at("2024-03-08")), 30, Anchor::End);
    assert_eq!(query(DAYS, &recent, Named::Ask), format!("{DAYS}&outputsize=compact"));
}

#[test]
fn what_has_one_size_is_asked_for_without() {
    for ask in [
        "function=TIME_SERIES_WEEKLY&symbol=IBM",
        "function=TIME_SERIES_MONTHLY_ADJUSTED&symbol=IBM",
        "function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=EUR",
    ] {
        assert_eq!(query(ask, &newest(10), Named::Ask), ask);
    }
}

#[test]
fn what_changes_the_numbers_is_said_and_what_writes_them_is_not() {
    let ask =
        "datatype=csv&extended_hours=False&function=TIME_SERIES_INTRADAY&interval=60min&symbol=TSCO.LON&adjusted=false";
    assert_eq!(
        query(ask, &newest(10), Named::Ask),
        "function=TIME_SERIES_INTRADAY&symbol=TSCO%2ELON&interval=60min&adjusted=false&extended_hours=false&outputsize=compact"
    );
}

#[test]
fn within_days_what_is_older_comes_by_the_month_nearest_to_where_it_is_wanted() {
    let window = between("2023-11-10T12:00:00Z", "2024-01-20T12:00:00Z");
    let month = |anchor| query(MINUTES, &call_for(window, 5_000, anchor), Named::Ask);
    assert_eq!(month(Anchor::End), format!("{MINUTES}&month=2024-01&outputsize=full"));
    assert_eq!(month(Anchor::Start), format!("{MINUTES}&month=2023-11&outputsize=full"));
    // The first of a month in Greenwich is the last of another in New York.
    let early = call_for(Window::new(at("2024-01-01T03:00:00Z"), at("2024-01-01T04:00:00Z")), 12, Anchor::Start);
    assert_eq!(query(MINUTES, &early, Named::Ask), format!("{MINUTES}&month=2023-12&outputsize=full"));
    let end = call_for(between("2024-01-02", "2024-02-01T05:00:00Z"), 5_000, Anchor::End);
    assert_eq!(query(MINUTES, &end, Named::Ask), format!("{MINUTES}&month=2024-01&outputsize=full"));
}

#[test]
fn a_month_that_was_named_is_asked_for() {
    let ask = asked(&format!("{MINUTES}&month=2024-01"));
    let window = alpha().placed(&ask.series, ask.ask.window, &Envelope::default());
    let said = |anchor| query(MINUTES, &call_for(window, 100, anchor), ask.native.named);
    assert_eq!(said(Anchor::End), format!("{MINUTES}&month=2024-01&outputsize=compact"));
    assert_eq!(said(Anchor::Start), format!("{MINUTES}&month=2024-01&outputsize=full"));
}

#[test]
fn other_markets_have_no_months() {
    let window = call_for(between("2023-11-10", "2024-01-20"), 5_000, Anchor::End);
    for ask in [
        "function=FX_INTRADAY&from_symbol=EUR&to_symbol=USD&interval=5min",
        "function=CRYPTO_INTRADAY&symbol=BTC&market=USD&interval=5min",
    ] {
        assert_eq!(query(ask, &window, Named::Ask), format!("{ask}&outputsize=full"));
    }
}

#[test]
fn an_answer_speaks_of_all_that_it_could_have_had() {
    let spoken = |ask: &str, sent: &str, rows: i64| {
        let series = asked(ask).series;
        let times: Vec<Ts> = (0..rows).map(|day| at("2023-10-02") + day * DAY).collect();
        let said = Decoded { bars: bars(&series, &times), ..Decoded::default() };
        let sent = Upstream { path: PATH.into(), query: sent.into() };
        alpha().spoken(&series, &sent, &said, NOW).expect("a window")
    };
    let compact = format!("{DAYS}&outputsize=compact");
    assert_eq!(spoken(DAYS, &compact, 100), Window::new(at("2023-10-02"), END));
    assert_eq!(spoken(DAYS, &compact, 99), Window::ALL, "fewer than a hundred are all there are");
    assert_eq!(spoken(DAYS, &format!("{DAYS}&outputsize=full"), 100), Window::ALL);
    assert_eq!(spoken("function=TIME_SERIES_WEEKLY&symbol=IBM", "function=TIME_SERIES_WEEKLY", 300), Window::ALL);
    // How far back the last days go is not said.
    let recent = format!("{MINUTES}&outputsize=full");
    assert_eq!(spoken(MINUTES, &recent, 3).from, at("2023-10-02"));
    assert_eq!(spoken(MINUTES, &recent, 0).from, NOW);
    let month = format!("{MINUTES}&month=2024-03");
    let whole = between("2024-03-01T05:00:00Z", "2024-04-01T04:00:00Z");
    assert_eq!(spoken(MINUTES, &format!("{month}&outputsize=full"), 100), whole);
    assert_eq!(spoken(MINUTES, &format!("{month}&outputsize=compact"), 100), Window::new(at("2023-10-02"), whole.to));
    assert_eq!(spoken(MINUTES, &format!("{month}&outputsize=compact"), 0), whole);
}

#[test]
fn nothing_is_gained_by_asking_for_more() {
    for (ask, is_paged) in [(DAYS, false), (MINUTES, true), ("function=TIME_SERIES_WEEKLY&symbol=IBM", false)] {
        let limits = alpha().limits(&asked(ask).series, 1 << 20, 9);
        assert_eq!((limits.widened(), limits.page < 1 << 40), (0, is_paged), "{ask}");
        assert!(limits.settle >= DAY && !limits.windowed, "{ask}");
    }
}

#[test]
fn history_is_rewritten_where_prices_are_adjusted() {
    let rewritten = |query: &str| alpha().rewritten_by(&asked(query).series).is_some();
    assert!(rewritten(MINUTES) && !rewritten(&format!("{MINUTES}&adjusted=False")));
    assert!(!rewritten(DAYS) && rewritten(&DAYS.replace("DAILY", "DAILY_ADJUSTED")));
    assert!(!rewritten("function=FX_DAILY&from_symbol=EUR&to_symbol=USD"));
}
