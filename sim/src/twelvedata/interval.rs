//! The intervals that are offered.

use super::Problem;
use crate::tape::slots::Period;

const INTERVALS: [(&str, Period); 12] = [
    ("1min", Period::Minutes(1)),
    ("5min", Period::Minutes(5)),
    ("15min", Period::Minutes(15)),
    ("30min", Period::Minutes(30)),
    ("45min", Period::Minutes(45)),
    ("1h", Period::Minutes(60)),
    ("2h", Period::Minutes(120)),
    ("4h", Period::Minutes(240)),
    ("8h", Period::Minutes(480)),
    ("1day", Period::Day),
    ("1week", Period::Week),
    ("1month", Period::Month),
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub name: &'static str,
    pub period: Period,
}

impl Interval {
    pub(super) fn read(text: Option<&str>) -> Result<Interval, Problem> {
        let text = text.unwrap_or_default();
        let found = INTERVALS.iter().find(|(name, _)| *name == text);
        found.map(|(name, period)| Interval { name, period: *period }).ok_or_else(|| unknown(text))
    }

    pub(super) fn intraday(&self) -> bool {
        matches!(self.period, Period::Minutes(_))
    }

    /// Only these are offered before and after the session.
    pub(super) fn extended(&self) -> bool {
        matches!(self.period, Period::Minutes(1 | 5 | 15 | 30))
    }
}

fn unknown(text: &str) -> Problem {
    let names: Vec<&str> = INTERVALS.iter().map(|(name, _)| *name).collect();
    Problem::new(400, format!("Invalid **interval** provided: {text}. Supported intervals: {}", names.join(", ")))
}
