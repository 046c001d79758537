//! What traded, as bars: stocks of New York, coins and currencies, cut the way a provider wants them.
//!
//! All instants are seconds. A bar is a pure function of its instrument, its span and of now.

mod adjustment;
pub(crate) mod base64;
mod floating;
mod period;

pub(crate) use adjustment::Adjustment;
pub(crate) use floating::{Floating, new_york_evening};
pub(crate) use period::{Unit, group};

use crate::prices::hash;
use crate::stocks::{Stock, Stocks, Traded};
use jiff::civil::Date;

pub(crate) const DAY: i64 = 86_400;

/// One bar, labelled `at`; prices in the currency that is quoted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub at: i64,
    /// The day on which it began, where the instrument trades.
    pub date: Date,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
    pub trades: u64,
    pub vwap: f64,
    /// Of how many minutes or days it is made.
    pub parts: usize,
}

impl Bar {
    /// With prices divided and the volume multiplied, rounded to some decimals.
    pub(crate) fn divided(self, price: f64, volume: f64, decimals: i32) -> Bar {
        let by = |value: f64| round(value / price, decimals);
        Bar {
            open: by(self.open),
            high: by(self.high),
            low: by(self.low),
            close: by(self.close),
            vwap: by(self.vwap),
            volume: round(self.volume * volume, 8),
            ..self
        }
    }
}

pub(crate) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// Later bars together with earlier ones. None for none.
pub(crate) fn merge(bars: &[Bar]) -> Option<Bar> {
    let (first, last) = (bars.first()?, bars.last()?);
    let volume: f64 = bars.iter().map(|bar| bar.volume).sum();
    let paid: f64 = bars.iter().map(|bar| bar.vwap * bar.volume).sum();
    Some(Bar {
        high: bars.iter().fold(first.high, |high, bar| high.max(bar.high)),
        low: bars.iter().fold(first.low, |low, bar| low.min(bar.low)),
        close: last.close,
        volume: round(volume, 8),
        trades: bars.iter().map(|bar| bar.trades).sum(),
        vwap: if volume > 0.0 { round(paid / volume, 4) } else { first.vwap },
        parts: bars.iter().map(|bar| bar.parts).sum(),
        ..*first
    })
}

/// How a day is cut: into bars of `width` seconds from midnight on, whose labels lie in `[from, to]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub width: i64,
    /// Before the opening and after the close too.
    pub extended: bool,
    pub from: i64,
    pub to: i64,
    pub newest_first: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Instrument {
    Stock(Stock),
    Floating(&'static Floating),
}

impl Instrument {
    pub(crate) fn stock(stocks: &Stocks, symbol: &str) -> Option<Instrument> {
        stocks.find(symbol).map(Instrument::Stock)
    }

    pub(crate) fn coin(symbol: &str) -> Option<Instrument> {
        Floating::find(symbol).filter(|floating| !floating.closes).map(Instrument::Floating)
    }

    pub(crate) fn currency(symbol: &str) -> Option<Instrument> {
        Floating::find(symbol).filter(|floating| floating.closes).map(Instrument::Floating)
    }

    /// Days begin at midnight in New York for stocks, in Greenwich for what has no home.
    pub(crate) fn midnight(&self, date: Date) -> i64 {
        match self {
            Instrument::Stock(stock) => stock.market.midnight(date),
            Instrument::Floating(_) => utc_midnight(date),
        }
    }

    pub(crate) fn date(&self, at: i64) -> Date {
        match self {
            Instrument::Stock(stock) => stock.market.date(at),
            Instrument::Floating(_) => utc_date(at),
        }
    }

    /// Days from `from` to `to`, as far as there are any by now, as they traded, oldest first.
    pub(crate) fn days(&self, from: Date, to: Date, now: i64) -> Vec<Bar> {
        let dates = self.dates(from, to, now);
        dates.into_iter().filter_map(|date| self.day(date, now)).collect()
    }

    fn day(&self, date: Date, now: i64) -> Option<Bar> {
        let midnight = self.midnight(date);
        let bar = match self {
            Instrument::Stock(stock) => {
                let session = stock.market.session(date).filter(|session| session.open <= now)?;
                of_stock(stock.day(&session, now), midnight, date)
            }
            Instrument::Floating(floating) => {
                let (from, to) = floating.open_within(midnight, midnight + DAY)?;
                (from <= now).then(|| floating.traded(from, to, now))?
            }
        };
        Some(Bar { at: midnight, date, parts: 1, ..bar })
    }

    /// Bars within days, as they traded, by and by: minutes without trades are left out.
    pub(crate) fn intraday(&self, cut: Cut, now: i64) -> impl Iterator<Item = Bar> {
        let mut dates = self.dates(self.date(cut.from), self.date(cut.to), now);
        if cut.newest_first {
            dates.reverse();
        }
        let instrument = self.clone();
        dates.into_iter().flat_map(move |date| {
            let mut bars = instrument.within(date, cut, now);
            if cut.newest_first {
                bars.reverse();
            }
            bars
        })
    }

    fn within(&self, date: Date, cut: Cut, now: i64) -> Vec<Bar> {
        let midnight = self.midnight(date);
        let Some((first, last)) = self.hours(date, cut.extended) else { return Vec::new() };
        let start = midnight + (first - midnight) / cut.width * cut.width;
        let end = last.min(now + 1).min(cut.to.saturating_add(1));
        let labels = (0..).map(|n| start + n * cut.width).take_while(|at| *at < end);
        labels
            .filter(|at| *at >= cut.from)
            .filter_map(|at| {
                let (from, to) = (at.max(first), (at + cut.width).min(last));
                let parts = (from..to.min(now + 1)).step_by(60).filter(|minute| self.has_trades(*minute)).count();
                let bar = (parts > 0).then(|| self.traded(from, to, now, date))?;
                Some(Bar { at, date, parts, ..bar })
            })
            .collect()
    }

    fn dates(&self, from: Date, to: Date, now: i64) -> Vec<Date> {
        let since = match self {
            Instrument::Stock(stock) => stock.market.date(stock.market.listing.first_trade),
            Instrument::Floating(floating) => utc_date(floating.since),
        };
        let last = to.min(self.date(now));
        from.max(since).series(jiff::Span::new().days(1)).take_while(|date| *date <= last).collect()
    }

    fn hours(&self, date: Date, extended: bool) -> Option<(i64, i64)> {
        match self {
            Instrument::Stock(stock) => {
                let session = stock.market.session(date)?;
                Some(if extended { (session.pre, session.post) } else { (session.open, session.close) })
            }
            Instrument::Floating(floating) => {
                floating.open_within(self.midnight(date), self.midnight(date).saturating_add(DAY))
            }
        }
    }

    fn traded(&self, from: i64, to: i64, now: i64, date: Date) -> Bar {
        match self {
            Instrument::Stock(stock) => of_stock(stock.traded(from, to, now), from, date),
            Instrument::Floating(floating) => floating.traded(from, to, now),
        }
    }

    /// Early and late minutes see few trades, the others nearly always some.
    fn has_trades(&self, minute: i64) -> bool {
        let minute = minute.div_euclid(60) * 60;
        match self {
            Instrument::Stock(stock) => {
                let local = stock.market.local(minute).time();
                let (hour, minutes) = (i16::from(local.hour()), i16::from(local.minute()));
                let regular = (570..960).contains(&(hour * 60 + minutes));
                hash(stock.market.listing.symbol, minute ^ 21) % 100 < if regular { 98 } else { 40 }
            }
            Instrument::Floating(floating) => hash(floating.symbol, minute ^ 21) % 100 < 97,
        }
    }
}

fn of_stock(traded: Traded, at: i64, date: Date) -> Bar {
    let dollars = |price: i64| price as f64 / 10_000.0;
    Bar {
        at,
        date,
        open: dollars(traded.open),
        high: dollars(traded.high),
        low: dollars(traded.low),
        close: dollars(traded.close),
        volume: traded.volume as f64,
        trades: traded.trades,
        vwap: dollars(traded.vwap),
        parts: 1,
    }
}

pub(crate) fn utc_midnight(date: Date) -> i64 {
    date.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_second())
}

pub(crate) fn utc_date(at: i64) -> Date {
    let at = jiff::Timestamp::from_second(at.clamp(-60_000_000_000, 250_000_000_000)).unwrap_or_default();
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

/// An instant as `2024-01-02T14:30:00`, in Greenwich.
pub(crate) fn utc_text(at: i64) -> String {
    let date = utc_date(at);
    let second = at - utc_midnight(date);
    format!("{date}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// A date, or an instant with its offset, as seconds; of an instant the rest of its second is dropped.
pub(crate) fn instant(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond().div_euclid(1_000))
}

/// Dates beyond all trading are brought nearer, so that there is an instant for them in every zone.
pub(crate) fn date(text: &str) -> Option<Date> {
    let parsed: Option<Date> = (text.len() == 10).then(|| text.parse().ok()).flatten();
    parsed.map(|date| date.clamp(Date::constant(1800, 1, 1), Date::constant(9000, 1, 1)))
}

#[cfg(test)]
mod tests;
