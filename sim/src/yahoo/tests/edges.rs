//! Which rows a window holds.

use super::*;

const DAY: i64 = 86_400;

#[test]
fn opens_follow_daylight_saving() {
    let now = at("AAPL", (2024, 3, 20), (12, 0, 0));
    let span = (at("AAPL", (2024, 3, 8), (0, 0, 0)), at("AAPL", (2024, 3, 12), (0, 0, 0)));
    let days = window(&Yahoo::default(), "AAPL", "1d", span, "", now);
    let clock: Vec<i64> = stamps(&days).into_iter().map(|stamp| stamp % DAY).collect();
    assert_eq!(clock, [52_200, 48_600]);
}

#[test]
fn half_days_end_at_one() {
    let now = at("AAPL", (2024, 12, 2), (8, 0, 0));
    let span = (at("AAPL", (2024, 11, 29), (0, 0, 0)), at("AAPL", (2024, 11, 30), (0, 0, 0)));
    let rows = stamps(&window(&Yahoo::default(), "aapl", "1m", span, "", now));
    assert_eq!((rows.len(), rows[209]), (211, at("AAPL", (2024, 11, 29), (12, 59, 0))));
    assert_eq!(rows[210], at("AAPL", (2024, 11, 29), (13, 0, 0)), "the live row at the close");
    let extended = stamps(&window(&Yahoo::default(), "AAPL", "1m", span, "&includePrePost=True", now));
    assert_eq!(extended.len(), 330 + 210 + 240);
}

#[test]
fn both_edges_are_inclusive_and_the_bar_that_holds_the_start_comes_too() {
    let yahoo = Yahoo::default();
    let now = 1_740_000_000;
    let day = 1_577_836_800;
    let days = |from, to| stamps(&window(&yahoo, "BTC-USD", "1d", (from, to), "", now));
    assert_eq!(days(day, day + 2 * DAY), [day, day + DAY, day + 2 * DAY]);
    assert_eq!(days(day + 1, day + 2 * DAY - 1), [day, day + DAY]);
    assert_eq!(days(day + DAY, day + DAY), [day + DAY]);

    let now = at("AAPL", (2024, 3, 20), (18, 0, 0));
    let open = at("AAPL", (2024, 3, 20), (9, 30, 0));
    let slots = |from, to| stamps(&window(&yahoo, "AAPL", "5m", (from, to), "", now));
    assert_eq!(slots(open + 120, open + 600), [open, open + 300, open + 600]);
    assert_eq!(slots(open + 300, open + 599), [open + 300]);
}

#[test]
fn a_bar_ends_with_its_session() {
    let yahoo = Yahoo::default();
    let now = at("AAPL", (2024, 3, 20), (12, 0, 0));
    let span = (at("AAPL", (2024, 3, 14), (16, 0, 0)), at("AAPL", (2024, 3, 15), (9, 30, 0)));
    for interval in ["60m", "1d"] {
        let rows = stamps(&window(&yahoo, "AAPL", interval, span, "", now));
        assert_eq!(rows, [at("AAPL", (2024, 3, 15), (9, 30, 0))]);
    }
}

/// The next session from March 2024 on of which the predicate holds.
fn session(twice: bool) -> (i64, i64) {
    let view = Yahoo::default().view("AAPL", 1_710_000_000).expect("listed");
    let mut days = view.market.sessions(date(2024, 3, 1), date(2024, 6, 1));
    let day = days.find(|day| view.shown_twice(day) == twice).expect("such a day");
    (day.open, day.close)
}

#[test]
fn a_live_day_stands_off_the_grid() {
    let yahoo = Yahoo::default();
    for twice in [false, true] {
        let (open, close) = session(twice);
        let rows = |now: i64| window(&yahoo, "AAPL", "1d", (open - 600, now), "", now);
        let aligned: &[i64] = if twice { &[open] } else { &[] };
        let during = rows(open + 5_000);
        assert_eq!(stamps(&during), [aligned, &[open + 4_999]].concat());
        assert_eq!(during["meta"]["regularMarketTime"], open + 4_999);
        let price = during["meta"]["regularMarketPrice"].as_f64().expect("a price");
        assert!((prices(&during, "close").last().expect("a row") - price).abs() < 5.1e-4);
        let volumes = prices(&during, "volume");
        assert!(!twice || volumes[0] != volumes[1]);
        assert_eq!(stamps(&rows(close + 600)), [aligned, &[close + 2]].concat());
        assert_eq!(stamps(&rows(close + 5 * 3_600)), [open], "final");
        let early = window(&yahoo, "AAPL", "1d", (open - 600, open), "", open + 5_000);
        assert_eq!(stamps(&early), [open], "the live row lies beyond the window");
    }
}

#[test]
fn intraday_ends_with_the_last_trade() {
    let yahoo = Yahoo::default();
    let open = at("AAPL", (2024, 3, 20), (9, 30, 0));
    let now = open + 1_000;
    let rows = window(&yahoo, "AAPL", "5m", (open, now), "", now);
    assert_eq!(stamps(&rows), [open, open + 300, open + 600, open + 900, open + 999]);
    assert_eq!(prices(&rows, "volume")[4], 0.0);
    let price = rows["meta"]["regularMarketPrice"].as_f64().expect("a price");
    assert!((prices(&rows, "close")[4] - price).abs() < 5.1e-4);
    // After the close it stands at the close, without extended hours only.
    let (close, night) = (open + 23_400, open + 30_000);
    assert_eq!(stamps(&window(&yahoo, "AAPL", "5m", (close - 300, night), "", night)), [close - 300, close]);
    let extended = window(&yahoo, "AAPL", "5m", (close - 300, close + 300), "&includePrePost=true", night);
    assert_eq!(stamps(&extended), [close - 300, close, close + 300]);
    assert_eq!(prices(&extended, "volume")[1..], [0.0, 0.0]);
}

#[test]
fn a_stray_live_row_lies_beyond_the_window() {
    let yahoo = Yahoo::default();
    let open = at("AAPL", (2024, 3, 19), (9, 30, 0));
    let now = open + 2 * DAY + 3_600;
    let rows = || window(&yahoo, "AAPL", "1m", (open, open + 60), "", now);
    assert_eq!(stamps(&rows()), [open, open + 60]);
    yahoo.set_stray_live(true);
    assert_eq!(stamps(&rows()), [open, open + 60, now - 1]);
    assert_eq!(rows()["meta"]["tradingPeriods"].as_array().map(Vec::len), Some(3));
    let empty = window(&yahoo, "AAPL", "1m", (open - 7_200, open - 3_600), "", now);
    assert!(empty.get("timestamp").is_none());
}

#[test]
fn holes_are_holes_in_all_columns() {
    let yahoo = Yahoo::default();
    let now = at("ES=F", (2025, 3, 20), (12, 0, 0));
    let year = window(&yahoo, "ES=F", "1d", (now - 365 * DAY, now), "", now);
    let holes = |name: &str| -> Vec<bool> { column(&year, name).into_iter().map(|price| price.is_none()).collect() };
    let closes = holes("close");
    assert!(closes.contains(&true) && closes.contains(&false));
    for name in ["open", "high", "low", "volume", "adjclose"] {
        assert_eq!(holes(name), closes);
    }
}

#[test]
fn an_empty_window_has_no_stamps() {
    let yahoo = Yahoo::default();
    let saturday = at("AAPL", (2024, 3, 16), (0, 0, 0));
    let now = at("AAPL", (2024, 3, 20), (12, 0, 0));
    for (interval, indicators) in
        [("1m", "{\"quote\":[{}]}"), ("1d", "{\"adjclose\":[{}],\"quote\":[{}]}"), ("60m", "{\"quote\":[{}]}")]
    {
        let empty = window(&yahoo, "AAPL", interval, (saturday, saturday + DAY), "", now);
        assert_eq!(keys(&empty), ["indicators", "meta"]);
        assert_eq!(empty["indicators"].to_string(), indicators);
        assert!(empty["meta"].get("tradingPeriods").is_none());
        assert!(empty["meta"]["chartPreviousClose"].is_number());
    }
    let future = window(&yahoo, "AAPL", "1d", (now + DAY, now + 9 * DAY), "", now);
    assert!(future.get("timestamp").is_none());
    let before = refused(&yahoo, "period1=0&period2=1000&interval=1d", now);
    let text = "Bad Request: Data doesn't exist for startDate = 0, endDate = 1000";
    assert_eq!(before, (400, text.to_owned()));
}

/// Volumes of days from one date to another, summed up.
fn volume(yahoo: &Yahoo, from: (i16, i8, i8), to: (i16, i8, i8), now: i64) -> f64 {
    let span = (at("AAPL", from, (0, 0, 0)), at("AAPL", to, (23, 0, 0)));
    prices(&window(yahoo, "AAPL", "1d", span, "", now), "volume").iter().sum()
}

#[test]
fn the_window_cuts_a_week_at_both_ends() {
    let yahoo = Yahoo::default();
    let now = at("AAPL", (2024, 6, 20), (8, 0, 0));
    // From a Wednesday to the midnight with which a Tuesday begins: that Tuesday counts.
    let span = (at("AAPL", (2024, 3, 13), (0, 0, 0)), at("AAPL", (2024, 3, 26), (0, 0, 0)));
    let weeks = window(&yahoo, "AAPL", "1wk", span, "", now);
    let monday = |day| at("AAPL", (2024, 3, day), (0, 0, 0));
    assert_eq!(stamps(&weeks), [monday(11), monday(18), monday(25)]);
    let whole = [((2024, 3, 13), (2024, 3, 15)), ((2024, 3, 18), (2024, 3, 22)), ((2024, 3, 25), (2024, 3, 26))];
    assert_eq!(prices(&weeks, "volume"), whole.map(|(from, to)| volume(&yahoo, from, to, now)));
    let before = window(&yahoo, "AAPL", "1d", (monday(12), monday(12) + DAY - 1), "", now);
    let close = prices(&before, "close")[0];
    assert!((weeks["meta"]["chartPreviousClose"].as_f64().expect("a close") - close).abs() < 5.1e-4);
}

#[test]
fn a_quarter_is_cut_at_the_month_and_a_month_not_at_all() {
    let yahoo = Yahoo::default();
    let now = at("AAPL", (2024, 6, 20), (8, 0, 0));
    let span = (at("AAPL", (2023, 12, 20), (0, 0, 0)), at("AAPL", (2024, 2, 6), (0, 0, 0)));
    let quarters = window(&yahoo, "AAPL", "3mo", span, "", now);
    assert_eq!(stamps(&quarters), [at("AAPL", (2023, 10, 1), (0, 0, 0)), at("AAPL", (2024, 1, 1), (0, 0, 0))]);
    let december = volume(&yahoo, (2023, 12, 20), (2023, 12, 31), now);
    let (january, february) =
        (volume(&yahoo, (2024, 1, 1), (2024, 1, 31), now), volume(&yahoo, (2024, 2, 1), (2024, 2, 29), now));
    assert_eq!(prices(&quarters, "volume"), [december, january + february]);
    let months = window(&yahoo, "AAPL", "1mo", span, "", now);
    assert_eq!(prices(&months, "volume"), [december, january, february]);
}

#[test]
fn weeks_end_with_today() {
    let yahoo = Yahoo::default();
    let now = at("AAPL", (2024, 3, 20), (12, 0, 0));
    let weeks = window(&yahoo, "AAPL", "1wk", (now - 14 * DAY, now), "", now);
    let stamps = stamps(&weeks);
    assert_eq!(stamps[stamps.len() - 2..], [at("AAPL", (2024, 3, 18), (0, 0, 0)), now - 1]);
    let fives = window(&yahoo, "AAPL", "5d", (now - 14 * DAY, now), "", now);
    assert_eq!(prices(&fives, "close").len(), 3);
}
