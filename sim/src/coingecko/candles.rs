//! `/ohlc`: candles named by the instant at which they close, which for the newest is yet to come.

use super::chart::{LONGEST_HOURLY, bounds, too_long};
use super::coins::{Quoted, number, precision};
use super::{Ask, DAY, Keep, Problem, fresh};
use crate::facade::Reply;
use crate::json::list;
use crate::tape::pairs::{midnight, utc};
use crate::tape::slots::Slot;
use crate::tape::{Instrument, Scale, Values};
use jiff::civil::Date;

const HOUR: i64 = 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Even(i64),
    /// Four days that close on the 3rd, 7th, … 27th and on the last of a month.
    FourDays,
}

impl Length {
    /// The first close after `at`.
    fn close_after(self, at: i64) -> i64 {
        match self {
            Length::Even(step) => (at.div_euclid(step) + 1) * step,
            Length::FourDays => {
                let date = utc(at.div_euclid(1_000)).date();
                midnight(closing_day(date.tomorrow().unwrap_or(date))) * 1_000
            }
        }
    }
}

/// The closing day of the four days that `date` belongs to.
fn closing_day(date: Date) -> Date {
    let closing = date.day() + (3 - date.day()).rem_euclid(4);
    date.with().day(closing.min(date.days_in_month())).build().unwrap_or(date)
}

pub(super) fn days(ask: &Ask<'_>, id: &str) -> Result<Reply, Problem> {
    let quoted = Quoted::find(ask, id)?;
    let from = match ask.need("days")? {
        "max" => quoted.since(),
        text => {
            let known = [1, 7, 14, 30, 90, 180, 365].into_iter().find(|days: &i64| days.to_string() == text);
            ask.now - known.ok_or_else(|| Problem::Invalid("Invalid days parameter".to_owned()))? * DAY
        }
    };
    ask.may_see(from)?;
    let length = match (ask.get("interval"), ask.now - from) {
        (Some(name), _) => named(name)?,
        (None, span) if span <= 2 * DAY => Length::Even(HOUR / 2),
        (None, span) if span <= 30 * DAY => Length::Even(4 * HOUR),
        _ => Length::FourDays,
    };
    let from = from.max(quoted.since());
    if length == Length::Even(HOUR) && ask.now - from > LONGEST_HOURLY {
        return Err(too_long());
    }
    let candles = Closes { at: from, length }.take_while(|(open, _)| *open <= ask.now);
    Ok(reply(ask, &quoted, candles, Keep::of(ask.now - from)))
}

pub(super) fn range(ask: &Ask<'_>, id: &str) -> Result<Reply, Problem> {
    let quoted = Quoted::find(ask, id)?;
    let (from, to) = bounds(ask)?;
    ask.may_see(from)?;
    let length = named(ask.need("interval")?)?;
    let Length::Even(step) = length else { return Err(Problem::NoPath) };
    if step == HOUR && to - from > LONGEST_HOURLY {
        return Err(too_long());
    }
    // Whole candles, also the first.
    let start = (from.max(quoted.since() + step) - 1).div_euclid(step) * step;
    let candles = Closes { at: start, length }.take_while(|(open, close)| *close <= to && *open <= ask.now);
    Ok(reply(ask, &quoted, candles, Keep::Range))
}

fn named(interval: &str) -> Result<Length, Problem> {
    match interval {
        "daily" => Ok(Length::Even(DAY)),
        "hourly" => Ok(Length::Even(HOUR)),
        _ => Err(Problem::Invalid("invalid interval".to_owned())),
    }
}

/// Opens and closes. The first candle starts where the window does.
struct Closes {
    at: i64,
    length: Length,
}

impl Iterator for Closes {
    type Item = (i64, i64);

    fn next(&mut self) -> Option<(i64, i64)> {
        let open = self.at;
        self.at = self.length.close_after(open);
        Some((open, self.at))
    }
}

fn reply(ask: &Ask<'_>, quoted: &Quoted, candles: impl Iterator<Item = (i64, i64)>, keep: Keep) -> Reply {
    let precision = precision(ask).or(Some(if quoted.pair.quote.coin { 8 } else { 2 }));
    let instrument = Instrument::Pair(quoted.pair);
    let candle = |(open, close): (i64, i64)| {
        let date = utc(open / 1_000).date();
        let slot = Slot { from: open / 1_000, to: close / 1_000, first: date, last: date, regular: true };
        let values = instrument.values(&slot, ask.now / 1_000, &|_| Scale::AS_TRADED);
        let Values { open, high, low, close: last, .. } = values;
        let [open, high, low, last] = [open, high, low, last].map(|value| number(value, precision));
        format!("[{close},{open},{high},{low},{last}]")
    };
    fresh(list(candles.map(candle)), keep)
}
