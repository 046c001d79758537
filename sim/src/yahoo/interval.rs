//! Intervals and ranges as Yahoo names them.

use super::view::View;
use jiff::Span;
use jiff::civil::{Date, Weekday};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds.
    Slot(i64),
    Day,
    FiveDays,
    Week,
    Months(i8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub name: &'static str,
    pub unit: Unit,
}

pub(crate) const INTERVALS: [Interval; 14] = [
    Interval { name: "1m", unit: Unit::Slot(60) },
    Interval { name: "2m", unit: Unit::Slot(120) },
    Interval { name: "5m", unit: Unit::Slot(300) },
    Interval { name: "15m", unit: Unit::Slot(900) },
    Interval { name: "30m", unit: Unit::Slot(1_800) },
    Interval { name: "60m", unit: Unit::Slot(3_600) },
    Interval { name: "90m", unit: Unit::Slot(5_400) },
    Interval { name: "1h", unit: Unit::Slot(3_600) },
    Interval { name: "4h", unit: Unit::Slot(14_400) },
    Interval { name: "1d", unit: Unit::Day },
    Interval { name: "5d", unit: Unit::FiveDays },
    Interval { name: "1wk", unit: Unit::Week },
    Interval { name: "1mo", unit: Unit::Months(1) },
    Interval { name: "3mo", unit: Unit::Months(3) },
];

pub(crate) const RANGES: [&str; 11] = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"];

const DAY: i64 = 86_400;

impl Interval {
    pub(crate) fn find(name: &str) -> Option<Interval> {
        INTERVALS.into_iter().find(|interval| interval.name == name)
    }

    pub(crate) fn intraday(&self) -> bool {
        matches!(self.unit, Unit::Slot(_))
    }

    /// 60m calls itself 1h.
    pub(crate) fn granularity(&self) -> &'static str {
        if self.name == "60m" { "1h" } else { self.name }
    }

    /// The first day of the week, month or quarter of `date`.
    pub(crate) fn label(&self, date: Date) -> Date {
        match self.unit {
            Unit::Week => {
                let back = date.weekday().since(Weekday::Monday);
                date.saturating_sub(Span::new().days(back))
            }
            Unit::Months(count) => {
                let month = (date.month() - 1) / count * count + 1;
                Date::new(date.year(), month, 1).unwrap_or(date)
            }
            _ => date,
        }
    }

    /// Why Yahoo refuses the window, if it does. Ranges are of its own making and get a week's grace: two years back from
    /// a Friday's last trade would otherwise be refused on the Saturday, and five sessions with a holiday among them.
    pub(crate) fn refusal(&self, from: i64, to: i64, now: i64, is_range: bool) -> Option<String> {
        let window = format!("{} data not available for startTime={from} and endTime={to}.", self.name);
        let Unit::Slot(seconds) = self.unit else {
            let years = to.saturating_sub(from) > 36_525 * DAY;
            return years.then(|| {
                format!("{window} Only 100 years worth of day granularity data are allowed to be fetched per request.")
            });
        };
        let days = match seconds {
            60 => 30,
            3_600 | 14_400 => 730,
            _ => 60,
        };
        let grace = if is_range { 7 * DAY } else { 0 };
        if from < now - days * DAY - grace {
            return Some(format!("{window} The requested range must be within the last {days} days."));
        }
        (seconds == 60 && to.saturating_sub(from) > 8 * DAY + grace).then(|| {
            format!("{window} Only 8 days worth of 1m granularity data are allowed to be fetched per request.")
        })
    }
}

/// Where a range begins, counted back from the last trade.
pub(crate) fn range_start(range: &str, view: &View) -> Option<i64> {
    let market = &view.market;
    let traded = market.local(view.traded());
    let back = |span: Span| market.at(traded.saturating_sub(span));
    let months = |count: i64| back(Span::new().months(count));
    Some(match range {
        "1d" => market.midnight(view.newest.date),
        "5d" => {
            let mut date = view.newest.date;
            for _ in 0..4 {
                date = market.before(date).map_or(date, |session| session.date);
            }
            market.midnight(date)
        }
        "1mo" => months(1),
        "3mo" => months(3),
        "6mo" => months(6),
        "1y" => months(12),
        "2y" => months(24),
        "5y" => months(60),
        "10y" => months(120),
        "ytd" => market.midnight(traded.date().first_of_year()),
        "max" => market.listing.first_trade,
        _ => return None,
    })
}
