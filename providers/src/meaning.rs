//! What the bars of the unified API mean, where several providers tell of one tape: those whose bars mean the same can
//! stand in for one another.
//!
//! Stocks of the United States have one consolidated tape. Currencies and coins have none, so nobody stands in there: the
//! price of another venue is another price.

use finex_core::time::{BEGINNING, END, Ts, Window};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};

/// For which actions of a company past prices are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjusted {
    /// As traded.
    Raw,
    Splits,
    /// Splits and dividends.
    All,
}

/// Which trades of a day are in its bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    /// A day by its official prices.
    Day,
    Regular,
    Extended,
}

/// What bars of some intervals are, as a manifest has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Means {
    pub intervals: Vec<String>,
    pub adjusted: Adjusted,
    pub hours: Hours,
    /// When its days open, as `09:30 America/New_York`; at midnight in UTC unless it is named.
    #[serde(default)]
    pub opens: Opens,
}

/// A time of the day in a zone.
#[derive(Debug, Clone)]
pub struct Opens {
    at: Time,
    zone: TimeZone,
}

impl Default for Opens {
    fn default() -> Opens {
        Opens { at: Time::midnight(), zone: TimeZone::UTC }
    }
}

impl<'de> Deserialize<'de> for Opens {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Opens, D::Error> {
        let text = String::deserialize(source)?;
        let wrong = || de::Error::custom(format!("`{text}` is no time of a zone, as `09:30 America/New_York`"));
        let (at, zone) = text.split_once(' ').ok_or_else(wrong)?;
        let at = format!("{at}:00").parse().map_err(|_| wrong())?;
        Ok(Opens { at, zone: TimeZone::get(zone).map_err(|_| wrong())? })
    }
}

impl Opens {
    /// When the day of this date opens.
    fn on(&self, date: Date) -> Option<Ts> {
        let open = date.to_datetime(self.at).to_zoned(self.zone.clone()).ok()?;
        Some(open.timestamp().as_millisecond())
    }

    /// The first date whose day opens at this instant or later.
    fn first(&self, from: Ts) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(from).ok()?;
        let date = self.zone.to_datetime(at).date();
        if self.on(date)? >= from { Some(date) } else { date.tomorrow().ok() }
    }

    /// The window in which the same days open elsewhere.
    pub fn moved(&self, window: Window, elsewhere: &Opens) -> Window {
        let edge = |ts: Ts| match self.first(ts).and_then(|date| elsewhere.on(date)) {
            Some(moved) if ts > BEGINNING && ts < END => moved,
            _ => ts,
        };
        Window::new(edge(window.from), edge(window.to))
    }
}
