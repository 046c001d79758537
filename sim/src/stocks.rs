//! Stocks of New York as they traded: prices in ten-thousandths of a dollar, a pure function of symbol and time, with the
//! splits and dividends by which others adjust them.

use crate::market::{Market, Session};
use crate::prices::hash;
use finex_core::time::Ts;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Values of one bar as traded; prices in 1/10,000 dollar, volume in shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traded {
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    pub volume: u64,
    pub trades: u64,
    pub vwap: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Action {
    Split {
        numerator: u32,
        denominator: u32,
    },
    /// In dollars per share of its day.
    Dividend(f64),
}

/// A listed stock. Instants are seconds.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    pub market: Market,
    /// By ex-date, oldest first; announced ones too.
    pub actions: Vec<(Date, Action)>,
    /// Of those, what a test added: it changes what is traded from then on, not what was traded before.
    added: Vec<(Date, Action)>,
    /// The splits alone: they are asked for with every price.
    splits: Vec<(Date, Action)>,
}

/// What tests add to the history of stocks.
#[derive(Debug, Default)]
pub struct Stocks(Mutex<HashMap<String, Vec<(Date, Action)>>>);

const SPLITS: [(&str, i16, i8, i8, u32); 4] =
    [("AAPL", 2014, 6, 9, 7), ("AAPL", 2020, 8, 31, 4), ("NVDA", 2021, 7, 20, 4), ("NVDA", 2024, 6, 10, 10)];

impl Stocks {
    /// A split that takes effect with the session of its ex-date; false if the symbol is not listed.
    pub fn add_split(&self, symbol: &str, ex: (i16, i8, i8), numerator: u32, denominator: u32) -> bool {
        self.add(symbol, ex, Action::Split { numerator, denominator })
    }

    pub fn add_dividend(&self, symbol: &str, ex: (i16, i8, i8), dollars: f64) -> bool {
        self.add(symbol, ex, Action::Dividend(dollars))
    }

    fn add(&self, symbol: &str, (year, month, day): (i16, i8, i8), action: Action) -> bool {
        let (Some(stock), Ok(date)) = (self.find(symbol), Date::new(year, month, day)) else { return false };
        let symbol = stock.market.listing.symbol.to_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(symbol).or_default().push((date, action));
        true
    }

    /// A stock of New York, in whatever case; share classes with a dot or a dash.
    pub(crate) fn find(&self, symbol: &str) -> Option<Stock> {
        let market = Market::find(&symbol.replace('.', "-"))?;
        if market.listing.zone != "America/New_York" || market.listing.extended.is_none() {
            return None;
        }
        let symbol = market.listing.symbol;
        let mut actions: Vec<(Date, Action)> = SPLITS
            .iter()
            .filter(|(name, ..)| *name == symbol)
            .filter_map(|(_, y, m, d, n)| {
                Some((Date::new(*y, *m, *d).ok()?, Action::Split { numerator: *n, denominator: 1 }))
            })
            .collect();
        actions.extend(dividends(&market));
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let added: Vec<(Date, Action)> = all.get(symbol).cloned().unwrap_or_default();
        actions.extend(&added);
        actions.sort_by_key(|(date, _)| *date);
        let splits = actions.iter().filter(|(_, action)| matches!(action, Action::Split { .. })).copied().collect();
        Some(Stock { market, actions, added, splits })
    }
}

/// Every stock but the youngest pays a little on the second Friday of February, May, August and November.
fn dividends(market: &Market) -> Vec<(Date, Action)> {
    let since = market.date(market.listing.first_trade).year().max(2000);
    let days = (since + 1..2030).flat_map(|year| [2i8, 5, 8, 11].map(|month| (year, month)));
    let friday = |(year, month): (i16, i8)| {
        let first = Date::new(year, month, 8).ok()?;
        let friday = (0..7).filter_map(|n| first.checked_add(jiff::Span::new().days(n)).ok());
        friday.into_iter().find(|date| date.weekday() == jiff::civil::Weekday::Friday)
    };
    let cents = |date: Date| 0.2 + f64::from(date.year() - 2000) * 0.005;
    days.filter_map(friday).map(|date| (date, Action::Dividend(cents(date)))).collect()
}

impl Stock {
    /// Price at an instant, in ten-thousandths: slow waves and a little noise around the price of its listing.
    fn price_at(&self, at: i64) -> i64 {
        let listing = self.market.listing;
        let wave = |days: f64, height: f64| (at as f64 / (days * 86_400.0) * std::f64::consts::TAU).sin() * height;
        let noise = (hash(listing.symbol, at) % 2_001) as f64 / 1_000_000.0 - 0.001;
        let factor = 1.0 + wave(1_460.0, 0.30) + wave(97.0, 0.08) + wave(1.0, 0.01) + noise;
        // As traded: what is dear today was dearer before it was split.
        let then = self.shares(self.market.date(at));
        // To the cent, as shares are quoted.
        ((listing.price * factor * then * 100.0).round() as i64).max(1) * 100
    }

    /// What was traded in `[from, to)`, which lies within one session. `Some` for every instant of trading hours.
    pub(crate) fn traded(&self, from: i64, to: i64, now: i64) -> Traded {
        let symbol = self.market.listing.symbol;
        let seen = to.min(now + 1).max(from + 1);
        let (open, close) = (self.price_at(from), self.price_at(seen - 1));
        let middle = self.price_at(from + (seen - from) / 2);
        let spread = |salt: i64| open * (hash(symbol, from ^ salt) % 900) as i64 / 1_000_000 / 100 * 100;
        let share = (seen - from) as f64 / 23_400.0;
        let unsplit = self.shares(self.market.date(from));
        let volume = self.market.listing.volume * share * (0.5 + (hash(symbol, from ^ 77) % 1_000) as f64 / 1_000.0);
        let (high, low) = (open.max(close).max(middle) + spread(1), open.min(close).min(middle) - spread(2));
        Traded {
            open,
            high,
            low,
            close,
            volume: (volume / unsplit) as u64 + 1,
            trades: 1 + hash(symbol, from ^ 5) % 5_000,
            vwap: (open + close + middle + high + low) / 5,
        }
    }

    /// The day of a session, from its opening to its close.
    pub(crate) fn day(&self, session: &Session, now: i64) -> Traded {
        self.traded(session.open, session.close, now)
    }

    /// Shares at the end of `until` for one share on `date`: the product of the splits between, those of `date` not
    /// counted. A price of `date` divided by it is what it would have been in today's shares.
    pub(crate) fn split_factor(&self, date: Date, until: Date) -> f64 {
        product(&self.actions, |ex| ex > date && ex <= until)
    }

    /// By how much a share of `date` is worth more than the price around which its listing moves.
    fn shares(&self, date: Date) -> f64 {
        let all = product(&self.splits, |ex| ex > date) / product(&self.added, |ex| ex > date);
        all / product(&self.added, |ex| ex <= date)
    }

    /// By what a price of `date` is multiplied for the dividends paid after it, until the end of `until`.
    pub(crate) fn dividend_factor(&self, date: Date, until: Date) -> f64 {
        let between = self.actions.iter().filter(|(ex, _)| *ex > date && *ex <= until);
        between.fold(1.0, |factor, (ex, action)| match (action, self.market.before(*ex)) {
            (Action::Dividend(amount), Some(before)) => {
                let close = self.day(&before, i64::MAX / 2).close as f64 / 10_000.0;
                factor * (1.0 - amount / close).max(0.01)
            }
            _ => factor,
        })
    }

    /// The last day whose splits and dividends have taken effect.
    pub(crate) fn effective(&self, now: Ts) -> Date {
        let now = now.div_euclid(1_000);
        self.market.newest(now).map_or(self.market.date(now), |session| session.date)
    }
}

/// The shares that splits of some days make of one.
fn product(actions: &[(Date, Action)], of: impl Fn(Date) -> bool) -> f64 {
    actions.iter().filter(|(ex, _)| of(*ex)).fold(1.0, |factor, (_, action)| match action {
        Action::Split { numerator, denominator } => factor * f64::from(*numerator) / f64::from(*denominator),
        Action::Dividend(_) => factor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn history_is_as_traded_and_splits_are_known_apart() {
        let stock = Stocks::default().find("nvda").expect("listed");
        let close = |y, m, d| stock.day(&stock.market.session(date(y, m, d)).expect("open"), i64::MAX / 2).close;
        let ratio = close(2024, 6, 7) as f64 / close(2024, 6, 10) as f64;
        assert!((9.0..11.0).contains(&ratio), "{ratio}");
        assert_eq!(stock.split_factor(date(2024, 6, 7), date(2024, 6, 10)), 10.0);
        assert_eq!(stock.split_factor(date(2024, 6, 10), date(2030, 1, 1)), 1.0);
    }

    #[test]
    fn bars_are_sound() {
        let stock = Stocks::default().find("AAPL").expect("listed");
        let session = stock.market.session(date(2024, 2, 1)).expect("open");
        for minute in 0..390 {
            let bar = stock.traded(session.open + minute * 60, session.open + minute * 60 + 60, i64::MAX / 2);
            assert!(
                bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close) && bar.low > 0,
                "{bar:?}"
            );
        }
        let factor = stock.dividend_factor(date(2023, 1, 3), date(2024, 2, 1));
        assert!((0.9..1.0).contains(&factor), "{factor}");
    }
}
