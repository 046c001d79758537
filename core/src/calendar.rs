//! The grid on which a series opens its bars, and the natural spans into which history is cut.

use crate::time::{Ts, Window};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::{fmt, str::FromStr};

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// A bar length in finex' own spelling: `1s 5m 4h 1d 1w 1mo` (`1m` is a minute, `1mo` a month, in any provider).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval {
    pub count: u16,
    pub unit: Unit,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown interval `{0}`: write a count and a unit, such as 1s, 5m, 4h, 1d, 1w or 1mo")]
pub struct UnknownInterval(pub String);

impl Interval {
    /// Milliseconds, where every bar has the same length; months have none.
    pub fn fixed_len(&self) -> Option<i64> {
        let unit = match self.unit {
            Unit::Second => SECOND,
            Unit::Minute => 60 * SECOND,
            Unit::Hour => 3_600 * SECOND,
            Unit::Day => DAY,
            Unit::Week => 7 * DAY,
            Unit::Month => return None,
        };
        Some(unit * i64::from(self.count))
    }

    /// Milliseconds, with a month as 30 days: for sizes and lifetimes, never for boundaries.
    pub fn nominal_len(&self) -> i64 {
        self.fixed_len().unwrap_or(30 * DAY * i64::from(self.count))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Week => "w",
            Unit::Month => "mo",
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl FromStr for Interval {
    type Err = UnknownInterval;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownInterval(text.chars().take(32).collect());
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(unknown)?;
        let unit = match &text[digits..] {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            "d" => Unit::Day,
            "w" => Unit::Week,
            "mo" => Unit::Month,
            _ => return Err(unknown()),
        };
        let count = text[..digits].parse().ok().filter(|n| (1..=1_000).contains(n)).ok_or_else(unknown)?;
        Ok(Interval { count, unit })
    }
}

/// The open times of a series, numbered: bar `i` opens at `open(i)`. A zone offset moves the boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    pub interval: Interval,
    /// Milliseconds east of UTC in which days, weeks and months begin.
    pub offset: i64,
    /// Do bars open on the grid's own marks? Where sessions decide when they open, the grid only numbers periods, and a
    /// period is known when all of it is.
    pub even: bool,
}

impl Grid {
    pub fn new(interval: Interval, offset: i64) -> Self {
        Grid { interval, offset, even: true }
    }

    /// A grid that numbers periods in UTC, in each of which a bar opens whenever its session does.
    pub fn uneven(interval: Interval) -> Self {
        Grid { interval, offset: 0, even: false }
    }

    /// The first period in which something may open at or after `ts`.
    pub fn reaching(&self, ts: Ts) -> i64 {
        if self.even { self.ceil(ts) } else { self.index(ts) }
    }

    /// The number of the period that contains `ts`.
    pub fn index(&self, ts: Ts) -> i64 {
        let local = ts.saturating_add(self.offset);
        match self.interval.fixed_len() {
            Some(len) => (local - self.phase()).div_euclid(len),
            None => month_of(local).div_euclid(i64::from(self.interval.count)),
        }
    }

    /// The number of the first period that opens at or after `ts`.
    pub fn ceil(&self, ts: Ts) -> i64 {
        let index = self.index(ts);
        if self.open(index) == ts { index } else { index + 1 }
    }

    /// When period `index` opens.
    pub fn open(&self, index: i64) -> Ts {
        match self.interval.fixed_len() {
            Some(len) => index.saturating_mul(len).saturating_add(self.phase()) - self.offset,
            None => month_open(index.saturating_mul(i64::from(self.interval.count))) - self.offset,
        }
    }

    /// The first instant after the period of a bar that opened at `open`, which need not lie on the grid.
    pub fn end_of(&self, open: Ts) -> Ts {
        match self.interval.fixed_len() {
            Some(len) => open.saturating_add(len),
            None => self.open(self.index(open) + 1),
        }
    }

    /// How far knowing of a bar goes: to the end of its period on the grid, where the next bar opens whatever this one
    /// did.
    pub fn cover_end(&self, open: Ts) -> Ts {
        self.end_of(open).min(self.open(self.index(open).saturating_add(1)))
    }

    /// The whole periods of bars that open from `first` to `last`: a call that is to bring a bar which opened off the grid
    /// begins with its period.
    pub fn periods(&self, first: Ts, last: Ts) -> Window {
        Window::new(self.open(self.index(first)).min(first), self.cover_end(last))
    }

    /// Weeks begin on Monday, and 1970 began on a Thursday.
    fn phase(&self) -> i64 {
        if self.interval.unit == Unit::Week { -3 * DAY } else { 0 }
    }
}

/// A calendar span at whose edges fragments are cut, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    Hour,
    Day,
    Month,
    Year,
    Decade,
}

impl Span {
    /// The span that contains `ts`, as `[from, to)`.
    pub fn around(self, ts: Ts) -> (Ts, Ts) {
        let months = match self {
            Span::Hour => return fixed_span(ts, 3_600 * SECOND),
            Span::Day => return fixed_span(ts, DAY),
            Span::Month => 1,
            Span::Year => 12,
            Span::Decade => 120,
        };
        let index = month_of(ts).div_euclid(months);
        (month_open(index * months), month_open((index + 1) * months))
    }
}

fn fixed_span(ts: Ts, len: i64) -> (Ts, Ts) {
    let from = ts.div_euclid(len) * len;
    (from, from.saturating_add(len))
}

/// Months since January 1970 of a local time; far-away times are clamped to the years 1 and 9998.
fn month_of(local: i64) -> i64 {
    let clamped = local.clamp(-62_135_596_800_000, 253_370_764_800_000 - DAY);
    match Timestamp::from_millisecond(clamped) {
        Ok(ts) => {
            let date = ts.to_zoned(TimeZone::UTC).date();
            (i64::from(date.year()) - 1970) * 12 + i64::from(date.month()) - 1
        }
        Err(_) => 0,
    }
}

fn month_open(months: i64) -> Ts {
    let year = (1970 + months.div_euclid(12)).clamp(1, 9998);
    let month = months.rem_euclid(12) + 1;
    Date::new(year as i16, month as i8, 1)
        .and_then(|date| date.to_zoned(TimeZone::UTC))
        .map_or(0, |zoned| zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(interval: &str, offset: i64) -> Grid {
        Grid::new(interval.parse().expect("an interval"), offset)
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let monday = 1_704_067_200_000; // 2024-01-01
        assert_eq!(grid("1w", 0).open(grid("1w", 0).index(monday)), monday);
        assert_eq!(grid("1w", 0).open(grid("1w", 0).index(monday - 1)), monday - 7 * DAY);
        assert_eq!(grid("1mo", 0).end_of(monday), 1_706_745_600_000);
        assert_eq!(grid("1mo", 0).open(grid("1mo", 0).index(monday + 5 * DAY)), monday);
    }

    #[test]
    fn minutes_and_months_stay_apart() {
        let minute: Interval = "1m".parse().expect("a minute");
        let month: Interval = "1mo".parse().expect("a month");
        assert_ne!(minute, month);
        for bad in ["", "m", "0m", "1M", "1min", "-1m", "99999h", "1m "] {
            assert!(bad.parse::<Interval>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn natural_spans_contain_their_time() {
        for span in [Span::Hour, Span::Day, Span::Month, Span::Year, Span::Decade] {
            let (from, to) = span.around(1_704_067_200_123);
            assert!(from <= 1_704_067_200_123 && 1_704_067_200_123 < to, "{span:?}");
            assert_eq!(span.around(to).0, to);
        }
    }

    proptest! {
        #[test]
        fn every_time_lies_in_its_period(
            ts in -2_000_000_000_000i64..4_000_000_000_000,
            name in prop::sample::select(vec!["1s", "1m", "5m", "1h", "4h", "1d", "3d", "1w", "1mo", "3mo"]),
            quarters in -48i64..=56,
        ) {
            let grid = grid(name, quarters * 15 * 60 * SECOND);
            let index = grid.index(ts);
            prop_assert!(grid.open(index) <= ts && ts < grid.open(index + 1));
            prop_assert_eq!(grid.index(grid.open(index)), index);
            prop_assert_eq!(grid.ceil(grid.open(index)), index);
            prop_assert_eq!(grid.end_of(grid.open(index)), grid.open(index + 1));
        }
    }
}
