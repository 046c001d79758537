//! A market as it is seen at one instant: prices, rewritten by the actions that are in effect by then.

use super::actions::{self, Action, Changes, Correction, Kind};
use crate::market::{Market, Session};
use crate::prices::hash;
use std::f64::consts::TAU;

/// The numbers of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Values {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: u64,
    pub adjclose: f64,
}

impl Values {
    /// A bar without width.
    pub(crate) fn flat(price: f64) -> Values {
        Values { open: price, high: price, low: price, close: price, volume: 0, adjclose: price }
    }

    /// Another close, and as much more volume.
    fn times(self, factor: f64) -> Values {
        let close = self.close * factor;
        Values {
            close,
            high: self.high.max(close),
            low: self.low.min(close),
            volume: (self.volume as f64 * factor) as u64,
            adjclose: self.adjclose * factor,
            ..self
        }
    }

    fn then(self, next: Values) -> Values {
        Values {
            open: self.open,
            high: self.high.max(next.high),
            low: self.low.min(next.low),
            volume: self.volume + next.volume,
            ..next
        }
    }
}

/// What "now" says of a symbol.
pub(crate) struct Latest {
    pub day: Values,
    /// Time of the last regular trade.
    pub traded: i64,
    pub previous: Option<f64>,
    pub year_high: f64,
    pub year_low: f64,
}

pub(crate) struct View {
    pub market: Market,
    /// Seconds, like every instant here.
    pub now: i64,
    pub newest: Session,
    noisy: bool,
    /// Splits that happened, in effect or not: what was traded before them was traded at old prices.
    history: Vec<Action>,
    actions: Vec<Action>,
    /// By how much each action lowers the adjusted closes before it.
    adjustments: Vec<f64>,
    corrections: Vec<Correction>,
}

impl View {
    /// None before the symbol was listed. Added actions come on top of those that are built in.
    pub(crate) fn new(market: Market, now: i64, changes: Changes) -> Option<View> {
        let newest = market.newest(now)?;
        let history = actions::splits(&market);
        let actions = [history.clone(), actions::dividends(&market, now), changes.actions].concat();
        let corrections = changes.corrections.into_iter().filter(|correction| correction.from <= now).collect();
        let (adjustments, noisy) = (Vec::new(), changes.noisy);
        let mut view = View { market, now, newest, noisy, history, actions, adjustments, corrections };
        view.adjustments = view.actions.iter().map(|action| view.adjustment(action)).collect();
        Some(view)
    }

    fn adjustment(&self, action: &Action) -> f64 {
        match action.kind {
            Kind::Dividend(amount) => 1.0 - amount / self.traded_at(action.before),
            Kind::Split { .. } => 1.0,
        }
    }

    fn hash(&self, n: i64) -> u64 {
        hash(self.market.listing.symbol, n)
    }

    /// The price of a share of that time: slow waves and a little noise.
    fn traded_at(&self, ts: i64) -> f64 {
        let listing = self.market.listing;
        let phase = (self.hash(0) % 1_000) as f64 / 1_000.0;
        let wave = |period: f64, height: f64| ((ts as f64 / period + phase) * TAU).sin() * height;
        let noise = (self.hash(ts) % 2_001) as f64 / 2_000_000.0 - 0.0005;
        let moves = wave(3.1e7, 0.25) + wave(2.7e6, 0.06) + wave(9.1e4, 0.012) + wave(7.3e3, 0.003) + noise;
        let later: f64 = self.history.iter().filter(|split| split.cut > ts).map(Action::ratio).product();
        listing.price * (1.0 + moves * listing.swing) * later
    }

    /// By what prices of a bar that opens at `open` are divided.
    fn split_factor(&self, open: i64) -> f64 {
        self.actions.iter().filter(|action| action.rewrites(open, self.now)).map(Action::ratio).product()
    }

    fn dividend_factor(&self, open: i64) -> f64 {
        let adjusted = self.actions.iter().zip(&self.adjustments);
        adjusted.filter(|(action, _)| action.rewrites(open, self.now)).map(|(_, adjustment)| adjustment).product()
    }

    /// What recomputing an adjustment adds: so little that, rounded to 32 bits, it stays within 1e-7.
    fn noise(&self, open: i64) -> f64 {
        let minute = self.now.div_euclid(60);
        let wobble = (self.hash(open ^ (minute << 20)) % 2_001) as f64 / 1_000.0 - 1.0;
        1.0 + if self.noisy { wobble * 4e-8 } else { 0.0 }
    }

    /// The price at an instant, in the shares that a bar which opens at `open` is shown in.
    fn price(&self, ts: i64, open: i64) -> f64 {
        self.traded_at(ts) / self.split_factor(open)
    }

    /// The bar from `open` to `end`, or to now while it forms.
    pub(crate) fn bar(&self, open: i64, end: i64) -> Values {
        let seen = end.min(self.now).max(open);
        let factor = self.split_factor(open);
        let (first, last) = (self.traded_at(open), self.traded_at(seen));
        let spread = |salt: i64| (self.hash(open ^ salt ^ ((end - open) << 8)) % 900) as f64 / 300_000.0;
        let share = (seen - open) as f64 / 23_400.0 * (0.5 + spread(77) * 300.0);
        let volume = (self.market.listing.volume * share / self.history_ratio(open) * factor) as u64;
        Values {
            open: first / factor,
            high: first.max(last) * (1.0 + spread(1)) / factor,
            low: first.min(last) * (1.0 - spread(2)) / factor,
            close: last / factor,
            volume,
            adjclose: last / factor,
        }
    }

    /// Before a split fewer shares changed hands.
    fn history_ratio(&self, open: i64) -> f64 {
        self.history.iter().filter(|split| split.cut > open).map(Action::ratio).product()
    }

    /// A bar of an intraday grid; some futures' slots are empty, but never the one that holds the day's close.
    pub(crate) fn slot(&self, open: i64, end: i64, closing: bool) -> Option<Values> {
        let gappy = self.market.listing.gappy && !closing;
        let empty = gappy && self.hash(open ^ ((end - open) << 32)).is_multiple_of(100);
        (!empty).then(|| self.bar(open, end))
    }

    /// The bar of a whole session, with its adjusted close.
    pub(crate) fn day(&self, session: &Session) -> Values {
        let bar = self.bar(session.open, session.close);
        let factor = self.dividend_factor(session.open);
        let adjclose = if factor == 1.0 { bar.close } else { bar.close * factor * self.noise(session.open) };
        let bar = Values { adjclose, ..bar };
        self.corrected("1d", session.open, Some(bar)).unwrap_or(bar)
    }

    /// With the corrections of this bar that show by now.
    pub(crate) fn corrected(&self, granularity: &str, stamp: i64, values: Option<Values>) -> Option<Values> {
        let due = self.corrections.iter().filter(|it| it.granularity == granularity && it.stamp == stamp);
        due.fold(values, |values, correction| values.map(|values| values.times(correction.factor)))
    }

    pub(crate) fn shown_twice(&self, session: &Session) -> bool {
        self.hash(session.open ^ 0xb07).is_multiple_of(5)
    }

    /// The same where futures have holes.
    pub(crate) fn daily(&self, session: &Session) -> Option<Values> {
        let empty = self.market.listing.gappy && self.hash(session.open ^ 0xda11).is_multiple_of(31);
        (!empty).then(|| self.day(session))
    }

    /// The bar of several sessions.
    pub(crate) fn together(&self, sessions: &[Session]) -> Option<Values> {
        sessions.iter().filter_map(|session| self.daily(session)).reduce(Values::then)
    }

    pub(crate) fn open_now(&self) -> bool {
        self.now < self.newest.close
    }

    /// The last price of the newest session.
    pub(crate) fn last(&self) -> f64 {
        self.price(self.now.min(self.newest.close), self.newest.open)
    }

    /// Newest instant of regular trading. Closing auctions are reported two seconds later; a day without one ends with
    /// its last second.
    pub(crate) fn traded(&self) -> i64 {
        let Session { open, close, .. } = self.newest;
        let last = if self.market.listing.hours.1 == 1_440 { close - 1 } else { close + 2 };
        if self.now > last { last } else { (self.now - 1).max(open) }
    }

    /// The close of the last session before `date`.
    pub(crate) fn session_close_before(&self, date: jiff::civil::Date) -> Option<f64> {
        self.market.before(date).map(|session| self.day(&session).close)
    }

    /// The close of the last session before `date` whose daily bar has one.
    pub(crate) fn close_before(&self, date: jiff::civil::Date) -> Option<f64> {
        let mut session = self.market.before(date)?;
        loop {
            match self.daily(&session) {
                Some(values) => return Some(values.close),
                None => session = self.market.before(session.date)?,
            }
        }
    }

    pub(crate) fn latest(&self) -> Latest {
        let year_ago = self.market.date(self.now - 365 * 86_400);
        let days = self.market.sessions(year_ago, self.newest.date).filter(|session| session.open <= self.now);
        let days: Vec<Values> = days.map(|session| self.bar(session.open, session.close)).collect();
        Latest {
            day: self.day(&self.newest),
            traded: self.traded(),
            previous: self.session_close_before(self.newest.date),
            year_high: days.iter().fold(f64::MIN, |high, day| high.max(day.high)),
            year_low: days.iter().fold(f64::MAX, |low, day| low.min(day.low)),
        }
    }

    /// Actions that are listed by now, with the amount of a dividend in the shares of today.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Action, f64)> {
        self.actions.iter().filter(|action| action.listed(self.now)).map(|action| {
            let amount = match action.kind {
                Kind::Dividend(amount) => amount / self.split_factor(action.ex),
                Kind::Split { .. } => 0.0,
            };
            (*action, amount)
        })
    }
}
