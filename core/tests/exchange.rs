//! The calendar against the library that it was written from, and against days that people remember.
#![allow(clippy::expect_used)]

use finex_core::exchange::Exchange;
use finex_core::time::{BEGINNING, END, Ts, Window};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use std::sync::LazyLock;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const ALL: [&str; 8] = ["XNYS", "XLON", "XETR", "XFRA", "XTKS", "XHKG", "24/5", "24/7"];

/// The table's sessions of one month with the same hours: an exchange, stretches in UTC and days.
struct Row {
    exchange: &'static str,
    year: &'static str,
    stretches: Vec<Vec<Window>>,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| lines().filter(|words| words[1].len() == 7).map(row).collect());

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    include_str!("sessions.txt").lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect())
}

fn row(words: Vec<&'static str>) -> Row {
    let day = |day: &&str| words[2].split(',').map(|hours| stretch(&format!("{}-{day}", words[1]), hours)).collect();
    Row { exchange: words[0], year: &words[1][..4], stretches: words[3..].iter().map(day).collect() }
}

fn stretch(date: &str, hours: &str) -> Window {
    let (open, close) = hours.split_once('-').expect("hours");
    Window::new(utc(&format!("{date} {open}")), utc(&format!("{date} {close}")))
}

fn utc(text: &str) -> Ts {
    let time: jiff::civil::DateTime = text.parse().expect("a time");
    TimeZone::UTC.to_timestamp(time).expect("an instant").as_millisecond()
}

/// The same on the clock of a zone.
fn on(zone: &str, text: &str) -> Ts {
    let time: jiff::civil::DateTime = text.parse().expect("a time");
    let zone = TimeZoneDatabase::bundled().get(zone).expect("a zone");
    zone.to_timestamp(time).expect("an instant").as_millisecond()
}

fn exchange(name: &str) -> &'static Exchange {
    Exchange::find(name).expect("an exchange")
}

fn year(year: &str) -> Window {
    let next = year.parse::<i16>().expect("a year") + 1;
    Window::new(utc(&format!("{year}-01-01")), utc(&format!("{next}-01-01")))
}

/// What the table has of an exchange and a year: stretches, and sessions over lunch.
fn tabled(exchange: &str, year: &str) -> (Vec<Window>, Vec<Window>) {
    let days =
        || TABLE.iter().filter(|row| row.exchange == exchange && row.year == year).flat_map(|row| &row.stretches);
    let mut stretches: Vec<Window> = days().flatten().copied().collect();
    let mut sessions: Vec<Window> = days().map(|day| Window::new(day[0].from, day[day.len() - 1].to)).collect();
    stretches.sort();
    sessions.sort();
    (stretches, sessions)
}

/// How long an exchange is open on the day that begins at midnight UTC; none of ours trades regularly at that hour.
fn open_on(name: &str, date: &str) -> i64 {
    let day = Window::new(utc(date), utc(date) + DAY);
    exchange(name).sessions(day).map(|session| session.to - session.from).sum()
}

#[test]
fn every_session_is_where_the_library_has_it() {
    let mut years: Vec<_> = TABLE.iter().map(|row| (row.exchange, row.year)).collect();
    years.dedup();
    assert!(years.len() >= 30);
    for (name, in_year) in years {
        let (stretches, sessions) = tabled(name, in_year);
        assert!(exchange(name).stretches(year(in_year)).eq(stretches), "{name} {in_year}");
        assert!(exchange(name).sessions(year(in_year)).eq(sessions), "{name} {in_year}");
    }
}

#[test]
fn every_year_has_as_many_sessions_as_the_library_counts() {
    let counts: Vec<_> = lines().filter(|words| words[1].len() == 4).collect();
    assert!(counts.len() > 200);
    for words in counts {
        let count = exchange(words[0]).sessions(year(words[1])).count();
        assert_eq!(count.to_string(), words[2], "{} {}", words[0], words[1]);
    }
}

#[test]
fn providers_names_are_known() {
    assert_eq!(Exchange::all().iter().map(Exchange::name).collect::<Vec<_>>(), ALL);
    for (name, mic) in [
        ("NMS", "XNYS"),
        ("nasdaq", "XNYS"),
        (" NYSE Arca ", "XNYS"),
        ("XNGS", "XNYS"),
        ("OTC Markets OTCPK", "XNYS"),
        ("LSE", "XLON"),
        ("GER", "XETR"),
        ("FRA", "XFRA"),
        ("JPX", "XTKS"),
        ("HKG", "XHKG"),
        ("CCY", "24/5"),
        ("Forex", "24/5"),
        ("CCC", "24/7"),
        ("Coinbase Pro", "24/7"),
    ] {
        assert_eq!(exchange(name).name(), mic, "{name}");
    }
    for unknown in ["", "CMX", "TOR", "YHD", "NASDAQ,"] {
        assert!(Exchange::find(unknown).is_none(), "{unknown}");
    }
}

#[test]
fn no_name_belongs_to_two() {
    let text = include_str!("../calendars/sessions.txt");
    let names = text.lines().filter_map(|line| line.strip_prefix("names ")).flat_map(|names| names.split(", "));
    let mut names: Vec<String> = names.map(str::to_lowercase).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn days_on_which_new_york_was_closed_or_closed_early() {
    for closed in [
        "2001-09-11",
        "2001-09-12",
        "2001-09-13",
        "2001-09-14",
        "2004-06-11",
        "2007-01-02",
        "2012-10-29",
        "2012-10-30",
        "2018-12-05",
        "2022-06-20",
        "2024-03-29",
        "2025-01-09",
        "2026-07-03",
    ] {
        assert_eq!(open_on("NYSE", closed), 0, "{closed}");
    }
    for half in ["2019-07-03", "2024-07-03", "2023-11-24", "2024-11-29", "2024-12-24", "2025-07-03"] {
        assert_eq!(open_on("NYSE", half), 3 * HOUR + 30 * MINUTE, "{half}");
    }
    for whole in ["2001-09-10", "2001-09-17", "2012-10-31", "2021-12-31", "2025-01-08"] {
        assert_eq!(open_on("NYSE", whole), 6 * HOUR + 30 * MINUTE, "{whole}");
    }
}

#[test]
fn days_on_which_others_were_closed() {
    for (name, closed) in [
        ("LSE", "2011-04-29"),
        ("LSE", "2020-05-08"),
        ("LSE", "2022-06-03"),
        ("LSE", "2022-09-19"),
        ("LSE", "2023-05-08"),
        ("GER", "2017-10-31"),
        ("FRA", "2024-05-01"),
        ("TYO", "2020-10-01"),
        ("TYO", "2024-01-03"),
        ("HKG", "2017-08-23"),
        ("HKG", "2020-10-13"),
        ("HKG", "2023-07-17"),
        ("HKG", "2024-09-06"),
    ] {
        assert_eq!(open_on(name, closed), 0, "{name} {closed}");
    }
    let long = Window::new(on("Asia/Tokyo", "2019-04-27"), on("Asia/Tokyo", "2019-05-07"));
    assert_eq!(exchange("TYO").trades(long, 8 * HOUR), Some(false));
    assert_eq!(exchange("TYO").next_open(long.from), Some(on("Asia/Tokyo", "2019-05-07 09:00")));
    assert_eq!(exchange("TYO").last_close(long.to), Some(on("Asia/Tokyo", "2019-04-26 15:00")));
}

#[test]
fn hours_change() {
    let closes = |name, zone, date: &str, time: &str| {
        let close = exchange(name).last_close(on(zone, date) + DAY);
        assert_eq!(close, Some(on(zone, &format!("{date} {time}"))), "{name} {date}");
    };
    closes("TYO", "Asia/Tokyo", "2024-11-01", "15:00");
    closes("TYO", "Asia/Tokyo", "2024-11-05", "15:30");
    closes("GER", "Europe/Berlin", "2000-06-01", "17:30");
    closes("GER", "Europe/Berlin", "2000-06-02", "20:00");
    closes("GER", "Europe/Berlin", "2003-10-31", "20:00");
    closes("GER", "Europe/Berlin", "2003-11-03", "17:30");
    closes("GER", "Europe/Berlin", "2024-12-30", "14:00");
    closes("HKG", "Asia/Hong_Kong", "2010-12-31", "12:30");
    closes("HKG", "Asia/Hong_Kong", "2024-02-09", "12:00");
    let afternoon = |date: &str| {
        let day = on("Asia/Hong_Kong", date);
        let parts: Vec<Window> = exchange("HKG").stretches(Window::new(day, day + DAY)).collect();
        parts.iter().map(|part| ((part.from - day) / MINUTE, (part.to - day) / MINUTE)).collect::<Vec<_>>()
    };
    assert_eq!(afternoon("2011-03-04"), [(600, 750), (870, 960)]);
    assert_eq!(afternoon("2011-03-07"), [(570, 720), (810, 960)]);
    assert_eq!(afternoon("2012-03-05"), [(570, 720), (780, 960)]);
}

/// Between the Sundays on which America and Europe change their clocks, New York opens an hour earlier for London.
#[test]
fn clocks_change_on_different_sundays() {
    for (date, new_york, london) in [
        ("2024-03-08", "14:30", "08:00"),
        ("2024-03-11", "13:30", "08:00"),
        ("2024-04-02", "13:30", "07:00"),
        ("2024-10-25", "13:30", "07:00"),
        ("2024-10-28", "13:30", "08:00"),
        ("2024-11-04", "14:30", "08:00"),
    ] {
        let open = |name| exchange(name).next_open(utc(date));
        assert_eq!(open("NYSE"), Some(utc(&format!("{date} {new_york}"))), "{date}");
        assert_eq!(open("LSE"), Some(utc(&format!("{date} {london}"))), "{date}");
    }
}

#[test]
fn margins_reach_before_the_open_and_after_the_close() {
    let nyse = exchange("NYSE");
    let at = |text, len| Window::new(on("America/New_York", text), on("America/New_York", text) + len);
    let early = at("2024-07-05 04:00", HOUR); // a Friday after a holiday
    assert_eq!(nyse.trades(early, 0), Some(false));
    assert_eq!(nyse.trades(early, 5 * HOUR + 30 * MINUTE), Some(true));
    assert_eq!(nyse.trades(at("2024-07-05 03:00", HOUR), 5 * HOUR + 30 * MINUTE), Some(false));
    assert_eq!(nyse.trades(at("2024-07-05 16:00", HOUR), 0), Some(false));
    assert_eq!(nyse.trades(at("2024-07-05 16:00", HOUR), 1), Some(true));
    assert_eq!(nyse.trades(at("2024-07-05 20:00", 48 * HOUR), 4 * HOUR), Some(false));
    assert_eq!(nyse.trades(at("2024-07-05 12:00", 0), 4 * HOUR), Some(false));
}

#[test]
fn the_week_of_foreign_exchange_is_one_session() {
    let forex = exchange("Forex");
    let at = |text: &str| on("America/New_York", text);
    let week = Window::new(at("2024-03-03 17:00"), at("2024-03-08 17:00"));
    let next = Window::new(at("2024-03-10 17:00"), at("2024-03-15 17:00"));
    assert_eq!(next.to - next.from, 5 * DAY);
    assert!(forex.sessions(Window::new(at("2024-03-06 03:00"), at("2024-03-11"))).eq([week, next]));
    assert!(forex.sessions(Window::new(week.to - 1, week.to)).eq([week]));
    assert_eq!(forex.trades(Window::new(week.to, next.from), 0), Some(false));
    assert_eq!(forex.trades(Window::new(week.to, next.from + 1), 0), Some(true));
    assert_eq!(forex.trades(Window::new(week.to, next.from), 1), Some(true));
    assert_eq!(forex.next_open(week.from + 1), Some(next.from));
    assert_eq!(forex.last_close(next.to - 1), Some(week.to));
    let first = forex.known().from;
    assert_eq!(forex.trades(Window::new(first, first + HOUR), 0), Some(true), "1971 began on a Friday");
}

#[test]
fn what_never_closes_has_a_session_a_day() {
    let crypto = exchange("CCC");
    let noon = utc("2024-02-29 12:00");
    assert_eq!(crypto.trades(Window::new(noon, noon + 1), 0), Some(true));
    assert!(crypto.sessions(Window::new(noon, noon + 1)).eq([Window::new(noon - DAY / 2, noon + DAY / 2)]));
    assert_eq!(crypto.next_open(noon), Some(noon + DAY / 2));
    assert_eq!(crypto.last_close(noon), Some(noon - DAY / 2));
    assert_eq!(crypto.trades(Window::ALL, 0), Some(true));
}

#[test]
fn beyond_its_years_the_calendar_knows_nothing() {
    for name in ALL {
        let exchange = exchange(name);
        let Window { from, to } = exchange.known();
        assert_eq!(exchange.trades(Window::new(from - 30 * DAY, from - 29 * DAY), 0), None, "{name}");
        assert_eq!(exchange.trades(Window::new(to + 29 * DAY, to + 30 * DAY), 0), None, "{name}");
        assert_eq!(exchange.next_open(from - 1), None, "{name}");
        assert_eq!(exchange.next_open(to), None, "{name}");
        assert_eq!(exchange.last_close(to + 1), None, "{name}");
        assert!(exchange.last_close(to).is_some() && exchange.next_open(from).is_some(), "{name}");
        assert_eq!(exchange.trades(Window::ALL, 0), Some(true), "{name}");
        for far in [i64::MIN, BEGINNING, END, i64::MAX] {
            let around = Window::new(far.saturating_sub(1), far.saturating_add(1));
            assert_ne!(exchange.trades(around, i64::MAX / 2), Some(false), "{name} {far}");
            assert!(exchange.next_open(far).is_none() && exchange.last_close(far).is_none(), "{name} {far}");
        }
    }
}

fn any_exchange() -> impl Strategy<Value = &'static Exchange> {
    prop::sample::select(ALL.to_vec()).prop_map(exchange)
}

proptest! {
    #[test]
    fn answers_agree_with_the_table(
        name in prop::sample::select(vec!["XNYS", "XLON", "XETR", "XTKS", "XHKG"]),
        in_year in prop::sample::select(vec!["2013", "2019", "2020", "2024", "2026"]),
        minute in 10 * 1440i64..355 * 1440,
        len in prop_oneof![1..600i64, 1..8_000i64],
        margin in prop_oneof![Just(0i64), 0..400i64],
    ) {
        let (_, sessions) = tabled(name, in_year);
        let from = year(in_year).from + minute * MINUTE;
        let window = Window::new(from, from + len * MINUTE);
        let widened = |s: &Window| Window::new(s.from - margin * MINUTE, s.to + margin * MINUTE);
        let exchange = exchange(name);
        prop_assert_eq!(
            exchange.trades(window, margin * MINUTE),
            Some(sessions.iter().any(|session| widened(session).overlaps(window)))
        );
        prop_assert!(exchange.sessions(window).eq(sessions.iter().copied().filter(|s| s.overlaps(window))));
        prop_assert_eq!(exchange.next_open(from), sessions.iter().map(|s| s.from).find(|open| *open >= from));
        prop_assert_eq!(exchange.last_close(from), sessions.iter().map(|s| s.to).rfind(|close| *close <= from));
    }

    #[test]
    fn sessions_ascend_and_hold_their_stretches(
        exchange in any_exchange(),
        from in 300_000_000_000i64..2_000_000_000_000,
        days in 0i64..90,
    ) {
        let window = Window::new(from, from + days * DAY);
        let sessions: Vec<Window> = exchange.sessions(window).collect();
        prop_assert!(sessions.iter().all(|session| session.overlaps(window)));
        prop_assert!(sessions.windows(2).all(|two| two[0].to <= two[1].from));
        for stretch in exchange.stretches(window) {
            prop_assert!(sessions.iter().any(|session| session.covers(stretch)));
        }
    }
}
