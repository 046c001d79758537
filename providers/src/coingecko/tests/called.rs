//! Calls are stretched until they bring the samples of their series.

use super::*;
use proptest::prelude::*;

fn asked_for(series: &Series, window: Window) -> String {
    let upstream = gecko().call(series, &call_for(window), Named::Ask, NOW);
    let path = upstream.path.strip_prefix("/api/v3/coins/bitcoin").expect("a path").to_owned();
    format!("{path}?{}", upstream.query.strip_prefix("vs_currency=usd&").expect("a query"))
}

fn seconds(from: Ts, to: Ts) -> String {
    format!("/market_chart/range?from={}&to={}", from / 1_000, to / 1_000)
}

#[test]
fn five_minutes_come_by_the_last_day_alone() {
    for window in
        [Window::new(NOW - DAY, END), Window::new(NOW - 2 * FIVE_MINUTES, NOW), Window::new(NOW - DAY, NOW - HOUR)]
    {
        assert_eq!(asked_for(&series("5m"), window), "/market_chart?days=1");
    }
}

#[test]
fn hours_come_by_days_where_they_end_now_and_by_a_range_of_two_days_at_least() {
    let hourly = |from, to| asked_for(&series("1h"), Window::new(from, to));
    assert_eq!(hourly(NOW - 3 * HOUR, NOW), "/market_chart?days=2");
    assert_eq!(hourly(NOW - 5 * DAY, END), "/market_chart?days=6");
    assert_eq!(hourly(NOW - 90 * DAY, NOW), "/market_chart?days=90");
    let old = at("2024-01-10");
    assert_eq!(hourly(old, old + HOUR), seconds(old, old + 2 * DAY));
    assert_eq!(hourly(old, old + 30 * DAY), seconds(old, old + 30 * DAY));
    // Near to now there is not enough behind it.
    assert_eq!(hourly(NOW - 5 * HOUR, NOW - HOUR), seconds(NOW - 2 * DAY, NOW));
    assert_eq!(hourly(old - 200 * DAY, old), seconds(old - 200 * DAY, old - 110 * DAY));
}

#[test]
fn days_come_by_more_than_ninety_of_them() {
    let daily = |from, to| asked_for(&series("1d"), Window::new(from, to));
    assert_eq!(daily(BEGINNING, END), "/market_chart?days=max");
    assert_eq!(daily(0, NOW), "/market_chart?days=max");
    assert_eq!(daily(NOW - 3 * DAY, END), "/market_chart?days=91");
    assert_eq!(daily(NOW - 300 * DAY, NOW), "/market_chart?days=301");
    let old = at("2023-10-10");
    assert_eq!(daily(old, old + 3 * DAY), seconds(old, old + 91 * DAY));
    assert_eq!(daily(old, old + 120 * DAY), seconds(old, old + 120 * DAY));
    assert_eq!(daily(NOW - 20 * DAY, NOW - 10 * DAY), seconds(NOW - 91 * DAY, NOW));
}

#[test]
fn currency_precision_and_candles_are_said() {
    let said = |url: &str| {
        let ask = asked(url);
        let upstream = gecko().call(&ask.series, &call_for(Window::new(NOW - DAY, END)), Named::Ask, NOW);
        format!("{}?{}", upstream.path, upstream.query)
    };
    let precise = "ethereum/contract/0xAbc/market_chart?vs_currency=EUR&days=7&precision=full&x_cg_demo_api_key=k";
    assert_eq!(
        said(precise),
        "/api/v3/coins/ethereum/contract/0xAbc/market_chart?vs_currency=eur&days=2&precision=full"
    );
    assert_eq!(said("bitcoin/ohlc?vs_currency=usd&days=14"), "/api/v3/coins/bitcoin/ohlc?vs_currency=usd&days=14");
}

#[test]
fn an_answer_speaks_of_what_was_asked_for() {
    let spoken = |series: &Series, query: &str| {
        let sent = Upstream { path: "/".into(), query: query.into() };
        gecko().spoken(series, &sent, &Decoded::default(), NOW)
    };
    let hours = series("1h");
    assert_eq!(
        spoken(&hours, "from=1700000000&to=1700100000"),
        Some(Window::new(1_700_000_000_000, 1_700_100_000_001))
    );
    assert_eq!(spoken(&hours, "from=0&to=1700100000"), Some(Window::new(BEGINNING, 1_700_100_000_001)));
    assert_eq!(spoken(&hours, "days=2"), Some(Window::new(NOW - 2 * DAY, END)));
    let five = spoken(&series("5m"), "days=1").expect("a window");
    assert!(five.from <= NOW - DAY && five.from % FIVE_MINUTES == 0, "{five:?}");
    assert_eq!(spoken(&series("1d"), "days=max"), None);
    let candles = asked("bitcoin/ohlc?vs_currency=usd&days=7").series;
    assert_eq!(spoken(&candles, "days=7"), None);
}

#[test]
fn no_call_is_longer_than_what_brings_its_samples() {
    for (interval, page, depth) in [("5m", 2 * DAY, Some(DAY)), ("1h", 2_161 * HOUR, Some(364 * DAY))] {
        let limits = gecko().limits(&series(interval), 1 << 30, 9);
        assert_eq!((limits.page as i64 * series(interval).interval.nominal_len(), limits.depth), (page, depth));
        assert!(limits.windowed && limits.widened() < limits.page, "{interval}");
    }
    assert!(gecko().limits(&series("1d"), 1 << 20, 9).page > 1 << 40);
    let candles = gecko().limits(&asked("bitcoin/ohlc?vs_currency=usd&days=7").series, 1 << 20, 9);
    assert_eq!(candles.widened(), 0);
}

fn named(query: &str, name: &str) -> Option<i64> {
    Query::read(query).get(name)?.parse().ok()
}

proptest! {
    /// Five minutes come for one day up to now only, hours for more than one and at most ninety, days for more.
    #[test]
    fn a_call_is_as_long_as_its_samples_take(
        interval in prop::sample::select(vec!["5m", "1h", "1d"]),
        back in 0i64..364 * 24 * 12,
        length in prop_oneof![1i64..40, 1i64..2_161 * 12, Just(2_161 * 12)],
        odd in 0i64..300_000,
    ) {
        let from = NOW - back * FIVE_MINUTES - odd;
        let window = Window::new(from, from + length * FIVE_MINUTES);
        let series = series(interval);
        let upstream = gecko().call(&series, &call_for(window), Named::Ask, NOW);
        let (days, max) = (named(&upstream.query, "days"), upstream.query.contains("days=max"));
        let (sent_from, sent_to) = (named(&upstream.query, "from"), named(&upstream.query, "to"));
        let span = days.map(|days| days * DAY).or(sent_to.zip(sent_from).map(|(to, from)| (to - from) * 1_000));
        let span = span.unwrap_or(i64::MAX);
        prop_assert!(max || span != i64::MAX, "{:?}", upstream);
        match interval {
            "5m" => prop_assert_eq!(days, Some(1)),
            "1h" => prop_assert!(DAY < span && span <= 90 * DAY, "{:?} {:?}", window, upstream),
            _ => prop_assert!(span > 90 * DAY, "{:?} {:?}", window, upstream),
        }
        // No range reaches beyond now, and none begins before 1970.
        prop_assert!(sent_to.is_none_or(|to| to * 1_000 <= NOW) && sent_from.is_none_or(|from| from >= 0));
        // It brings the window, as far as that can be had at once.
        let spoken = gecko().spoken(&series, &upstream, &Decoded::default(), NOW).unwrap_or(window);
        let wanted = Window::new(window.from, window.to.min(NOW).min(window.from + 90 * DAY) / 1_000 * 1_000);
        // Days are counted from now: the first hour may begin a little before.
        let reached = if interval == "1d" { BEGINNING } else { days.map_or(BEGINNING, |days| NOW - days * DAY) };
        let reachable = wanted.intersect(Window::new(reached, END));
        prop_assert!(spoken.covers(reachable), "{:?} {:?} {:?}", window, upstream, spoken);
        // And finex reads its own request as one for the same series.
        let url = format!("{}?{}", upstream.path.strip_prefix("/api/v3/coins/").expect("a path"), upstream.query);
        let is_unsure = sent_to.is_some_and(|to| (1..600_000).contains(&(NOW - to * 1_000)));
        prop_assert!(is_unsure || asked(&url).series.as_ref() == &series, "{}", url);
    }
}
