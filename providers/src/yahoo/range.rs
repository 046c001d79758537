//! Ranges: windows that count back from the last trade, in the exchange's own time.
//!
//! Checked against 19 recorded ranges: the first bar is the one that contains the last trade's time so many calendar
//! months ago; `1d` and `5d` begin at midnight of a trading day.

use super::notes::millis;
use super::{DAY, number_fact, text_fact};
use finex_core::envelope::Envelope;
use finex_core::time::{Ts, Window};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp, Zoned};
use std::sync::OnceLock;

/// How long before now a range can begin, in days, if the last trade is at most a fortnight old.
const RANGES: [(&str, i64); 11] = [
    ("1d", 16),
    ("5d", 21),
    ("1mo", 46),
    ("3mo", 107),
    ("6mo", 199),
    ("1y", 381),
    ("2y", 746),
    ("5y", 1_842),
    ("10y", 3_668),
    ("ytd", 381),
    ("max", 36_400),
];
/// Sessions last so long where nothing is known.
const REGULAR_DAY: i64 = 6 * 3_600_000 + 1_800_000;

pub(super) fn known(name: &str) -> Option<&'static str> {
    RANGES.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// Yahoo also takes any other number of days, weeks, months or years.
pub(super) fn is_one(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    (1..=4).contains(&digits) && matches!(&name[digits..], "d" | "wk" | "mo" | "y")
}

pub(super) fn refusal(name: &str) -> String {
    let names: Vec<&str> = RANGES.iter().map(|(name, _)| *name).collect();
    format!("Invalid input - range={name} is not supported. Valid ranges: [{}]", names.join(", "))
}

/// Where a range begins at the earliest, as long as too little is known of the symbol.
pub(super) fn guess(name: &str, now: Ts) -> Ts {
    let days = RANGES.iter().find(|(known, _)| *known == name).map_or(16, |(_, days)| *days);
    now - days * DAY
}

/// The first instant that a range means, by the symbol's last trade.
pub(super) fn start(name: &str, sight: &Envelope, opens: &dyn Fn(Window) -> Vec<Ts>) -> Option<Ts> {
    let zone = zone(sight)?;
    let traded = number_fact(sight, "regularMarketTime")?;
    let traded = Timestamp::from_second(traded).ok()?.to_zoned(zone.clone());
    let back = |span: Span| traded.checked_sub(span).ok();
    let start = match name {
        "1d" => midnight(traded.date(), &zone),
        "5d" => return fifth_day(&traded, &zone, opens),
        "ytd" => midnight(traded.date().first_of_year(), &zone),
        "max" => return number_fact(sight, "firstTradeDate").and_then(millis),
        "1mo" => back(Span::new().months(1)),
        "3mo" => back(Span::new().months(3)),
        "6mo" => back(Span::new().months(6)),
        "1y" => back(Span::new().years(1)),
        "2y" => back(Span::new().years(2)),
        "5y" => back(Span::new().years(5)),
        "10y" => back(Span::new().years(10)),
        _ => None,
    };
    start.map(|zoned| zoned.timestamp().as_millisecond())
}

fn midnight(date: Date, zone: &TimeZone) -> Option<Zoned> {
    date.to_zoned(zone.clone()).ok()
}

/// Midnight of the fifth trading day, counted back from the last trade's.
fn fifth_day(traded: &Zoned, zone: &TimeZone, opens: &dyn Fn(Window) -> Vec<Ts>) -> Option<Ts> {
    let now = traded.timestamp().as_millisecond();
    let date = |open: &Ts| Timestamp::from_millisecond(*open).ok().map(|ts| ts.to_zoned(zone.clone()).date());
    let mut dates: Vec<Date> = opens(Window::new(now - 20 * DAY, now + 1)).iter().filter_map(date).collect();
    dates.push(traded.date());
    dates.sort_unstable();
    dates.dedup();
    let fifth = dates.len().checked_sub(5).map(|at| dates[at])?;
    Some(midnight(fifth, zone)?.timestamp().as_millisecond())
}

fn zone(sight: &Envelope) -> Option<TimeZone> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let name = text_fact(sight, "exchangeTimezoneName")?;
    ZONES.get_or_init(TimeZoneDatabase::bundled).get(&name).ok()
}

/// First and last instant of the session that runs now, or of the next one.
pub(super) fn session(sight: &Envelope) -> Option<(Ts, Ts)> {
    #[derive(serde::Deserialize)]
    struct Periods {
        regular: Period,
    }
    #[derive(serde::Deserialize)]
    struct Period {
        start: i64,
        end: i64,
    }
    let now: Periods = serde_json::from_str(sight.fact("currentTradingPeriod")?).ok()?;
    Some((millis(now.regular.start)?, millis(now.regular.end)?))
}

/// How long a session lasts, in milliseconds, by the one that runs now.
pub(super) fn session_len(sight: &Envelope) -> i64 {
    let len = session(sight).map_or(REGULAR_DAY, |(start, end)| end - start);
    // Markets that never close say that they close a minute before midnight.
    if len >= DAY - 60_000 { DAY } else { len.clamp(1, DAY) }
}
