//! Splits and dividends, and from when they show.

use crate::market::Market;
use finex_core::time::Ts;
use jiff::civil::{Date, date};

/// From when an action is seen, in milliseconds of the simulated clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// From when `events` lists it.
    pub event_at: Ts,
    /// From when prices are rewritten.
    pub prices_at: Ts,
    /// Until `whole_at` only bars that open at or after this are rewritten: an adjustment in part.
    pub only_from: Option<Ts>,
    pub whole_at: Ts,
}

impl Effect {
    /// Event and prices at once.
    pub fn now(at: Ts) -> Effect {
        Effect::late(at, at)
    }

    /// The event is listed before, or after, prices are rewritten.
    pub fn late(event_at: Ts, prices_at: Ts) -> Effect {
        Effect { event_at, prices_at, only_from: None, whole_at: prices_at }
    }

    /// Bars before `only_from` keep their old prices until `whole_at`.
    pub fn partly(at: Ts, only_from: Ts, whole_at: Ts) -> Effect {
        Effect { event_at: at, prices_at: at, only_from: Some(only_from), whole_at }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Split {
        numerator: u32,
        denominator: u32,
    },
    /// As declared, in the shares of its time.
    Dividend(f64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Action {
    pub kind: Kind,
    /// Session open of the ex-date.
    pub ex: i64,
    /// Bars that open before this are rewritten.
    pub cut: i64,
    /// The session before the ex-date, whose close a dividend is measured by.
    pub before: i64,
    effect: Effect,
}

/// A bar that was given another close later on.
#[derive(Debug, Clone)]
pub(crate) struct Correction {
    pub granularity: &'static str,
    pub stamp: i64,
    pub factor: f64,
    /// Seconds from when it shows.
    pub from: i64,
}

/// What a test changed about a symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub actions: Vec<Action>,
    pub corrections: Vec<Correction>,
    /// Whether adjusted closes wobble.
    pub noisy: bool,
}

impl Action {
    /// None if the exchange never opens around `ex`.
    pub(crate) fn new(market: &Market, ex: Date, kind: Kind, effect: Option<Effect>) -> Option<Action> {
        let session = market.on_or_after(ex)?;
        let before = market.before(session.date)?.close;
        let effect = effect.unwrap_or(Effect::now(session.open * 1_000));
        Some(Action { kind, ex: session.open, cut: session.pre, before, effect })
    }

    pub(crate) fn listed(&self, now: i64) -> bool {
        seconds(self.effect.event_at) <= now
    }

    /// Whether it rewrites the bar that opens at `open`, as seen at `now`.
    pub(crate) fn rewrites(&self, open: i64, now: i64) -> bool {
        let partly = now < seconds(self.effect.whole_at);
        let spared = partly && self.effect.only_from.is_some_and(|from| open < seconds(from));
        open < self.cut && seconds(self.effect.prices_at) <= now && !spared
    }

    pub(crate) fn ratio(&self) -> f64 {
        match self.kind {
            Kind::Split { numerator, denominator } => f64::from(numerator) / f64::from(denominator.max(1)),
            Kind::Dividend(_) => 1.0,
        }
    }
}

fn seconds(ts: Ts) -> i64 {
    ts.div_euclid(1_000)
}

/// Splits that happened, whatever a test adds.
pub(crate) fn splits(market: &Market) -> Vec<Action> {
    let dates: &[(Date, u32)] = match market.listing.symbol {
        "AAPL" => &[(date(2014, 6, 9), 7), (date(2020, 8, 31), 4)],
        "NVDA" => &[(date(2024, 6, 10), 10)],
        "TSLA" => &[(date(2020, 8, 31), 5), (date(2022, 8, 25), 3)],
        _ => &[],
    };
    let split = |(ex, numerator): &(Date, u32)| {
        Action::new(market, *ex, Kind::Split { numerator: *numerator, denominator: 1 }, None)
    };
    dates.iter().filter_map(split).collect()
}

/// Dividends that happened by `now`: one a quarter since 2012, the same today whatever was split since.
pub(crate) fn dividends(market: &Market, now: i64) -> Vec<Action> {
    let (day, amount) = match market.listing.symbol {
        "AAPL" => (9, 0.24),
        "MSFT" => (17, 0.75),
        "IBM" => (8, 1.66),
        _ => return Vec::new(),
    };
    let splits = splits(market);
    let quarters = (2012..=market.date(now).year()).flat_map(|year| [2, 5, 8, 11].map(|month| date(year, month, day)));
    let dividend = |ex: Date| {
        let later: f64 = splits.iter().filter(|split| split.cut > market.midnight(ex)).map(Action::ratio).product();
        Action::new(market, ex, Kind::Dividend(amount * later), None)
    };
    quarters.filter_map(dividend).filter(|action| action.ex <= now).collect()
}
