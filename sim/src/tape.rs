//! What stocks, currencies and coins traded, cut into the periods that providers speak of, newest first.

pub(crate) mod adjustments;
pub(crate) mod pairs;
pub(crate) mod slots;
#[cfg(test)]
mod tests;

use crate::market::Session;
use crate::stocks::Stock;
use jiff::civil::{Date, DateTime};
use pairs::Pair;
use slots::{Period, Slot};

/// Values of one bar, in units of the quote currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Values {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

/// What prices and volumes of a day are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub price: f64,
    pub volume: f64,
}

impl Scale {
    pub(crate) const AS_TRADED: Scale = Scale { price: 1.0, volume: 1.0 };
}

impl Values {
    fn scaled(self, by: Scale) -> Values {
        if by == Scale::AS_TRADED {
            return self;
        }
        Values {
            open: self.open * by.price,
            high: self.high * by.price,
            low: self.low * by.price,
            close: self.close * by.price,
            volume: (self.volume * by.volume).round(),
        }
    }

    fn then(self, next: Values) -> Values {
        Values {
            open: self.open,
            high: self.high.max(next.high),
            low: self.low.min(next.low),
            close: next.close,
            volume: self.volume + next.volume,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Instrument {
    Stock(Box<Stock>),
    Pair(Pair),
}

impl Instrument {
    /// Seconds as the clock of the exchange shows them; that of currencies and coins is UTC.
    pub(crate) fn local(&self, at: i64) -> DateTime {
        match self {
            Instrument::Stock(stock) => stock.market.local(at),
            Instrument::Pair(_) => pairs::utc(at),
        }
    }

    /// The instant at which the clock of the exchange shows this.
    pub(crate) fn at(&self, local: DateTime) -> i64 {
        match self {
            Instrument::Stock(stock) => stock.market.at(local),
            Instrument::Pair(_) => pairs::at(local),
        }
    }

    pub(crate) fn first_trade(&self) -> i64 {
        match self {
            Instrument::Stock(stock) => stock.market.listing.first_trade,
            Instrument::Pair(pair) => pair.since(),
        }
    }

    /// The session of a day. Currencies have one on Sunday evening that no daily bar shows: `whole` leaves it out.
    fn session(&self, date: Date, whole: bool) -> Option<Session> {
        match self {
            Instrument::Stock(stock) => stock.market.session(date),
            Instrument::Pair(pair) => pair.session(date, whole),
        }
    }

    /// What has started to trade by `until`, newest first.
    pub(crate) fn slots(&self, period: Period, extended: bool, until: i64) -> Box<dyn Iterator<Item = Slot> + '_> {
        slots::back(self, period, extended, until)
    }

    pub(crate) fn values(&self, slot: &Slot, now: i64, scale: &dyn Fn(Date) -> Scale) -> Values {
        if slot.first == slot.last {
            return self.traded(slot.from, slot.to, now).scaled(scale(slot.first));
        }
        let days = slots::days(slot.first, slot.last).filter_map(|date| self.session(date, true));
        let days = days.filter(|day| day.open <= now);
        let values = days.map(|day| self.traded(day.open, day.close, now).scaled(scale(day.date)));
        values.reduce(Values::then).unwrap_or_else(|| self.traded(slot.from, slot.to, now))
    }

    fn traded(&self, from: i64, to: i64, now: i64) -> Values {
        let dollars = |price: i64| price as f64 / 10_000.0;
        match self {
            Instrument::Stock(stock) => {
                let traded = stock.traded(from, to, now);
                Values {
                    open: dollars(traded.open),
                    high: dollars(traded.high),
                    low: dollars(traded.low),
                    close: dollars(traded.close),
                    volume: traded.volume as f64,
                }
            }
            Instrument::Pair(pair) => pair.traded(from, to, now),
        }
    }
}
