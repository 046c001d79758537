//! What currencies and coins cost in each other: a pure function of the pair and the time.

use super::Values;
use crate::market::Session;
use crate::prices::hash;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

#[derive(Debug, PartialEq)]
pub(crate) struct Asset {
    pub code: &'static str,
    pub name: &'static str,
    pub coin: bool,
    /// Dollars around which it moves, and by how much of them.
    dollars: f64,
    swing: f64,
    /// When it was first traded, in seconds.
    since: i64,
    /// Units that change hands in a day.
    volume: f64,
}

const fn currency(code: &'static str, name: &'static str, dollars: f64) -> Asset {
    // Not before 2007-03-19, the first day that is offered of any pair of currencies.
    Asset { code, name, coin: false, dollars, swing: 0.2, since: 1_174_262_400, volume: 0.0 }
}

const fn coin(code: &'static str, name: &'static str, dollars: f64, since: i64, volume: f64) -> Asset {
    Asset { code, name, coin: true, dollars, swing: 1.0, since, volume }
}

pub(crate) static ASSETS: [Asset; 10] = [
    Asset { swing: 0.0, ..currency("USD", "US Dollar", 1.0) },
    currency("EUR", "Euro", 1.0864),
    currency("GBP", "British Pound Sterling", 1.2671),
    currency("JPY", "Japanese Yen", 0.006_678),
    currency("CHF", "Swiss Franc", 1.1352),
    currency("CAD", "Canadian Dollar", 0.7401),
    currency("AUD", "Australian Dollar", 0.6565),
    coin("BTC", "Bitcoin", 42_000.0, 1_367_107_200, 24_000.0),
    coin("ETH", "Ethereum", 2_300.0, 1_438_905_600, 380_000.0),
    coin("SOL", "Solana", 95.0, 1_586_563_200, 5_200_000.0),
];

pub(crate) fn asset(code: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.code.eq_ignore_ascii_case(code))
}

impl Asset {
    fn dollars_at(&self, at: i64) -> f64 {
        let phase = (hash(self.code, 0) % 1_000) as f64 / 1_000.0;
        let wave =
            |days: f64, height: f64| ((at as f64 / (days * 86_400.0) + phase) * std::f64::consts::TAU).sin() * height;
        let noise = (hash(self.code, at) % 2_001) as f64 / 1_000_000.0 - 0.001;
        let moves = wave(1_117.0, 0.30) + wave(83.0, 0.08) + wave(1.3, 0.012) + noise;
        self.dollars * (1.0 + moves * self.swing)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    pub base: &'static Asset,
    pub quote: &'static Asset,
}

pub(crate) fn utc(at: i64) -> DateTime {
    TimeZone::UTC.to_datetime(Timestamp::from_second(at).unwrap_or_default())
}

pub(crate) fn at(local: DateTime) -> i64 {
    TimeZone::UTC.to_timestamp(local).map_or(0, |at| at.as_second())
}

pub(crate) fn midnight(date: Date) -> i64 {
    at(date.at(0, 0, 0, 0))
}

impl Pair {
    /// In whatever case; nothing is quoted in itself.
    pub(crate) fn find(base: &str, quote: &str) -> Option<Pair> {
        let pair = Pair { base: asset(base)?, quote: asset(quote)? };
        (pair.base != pair.quote).then_some(pair)
    }

    pub(crate) fn has_coin(&self) -> bool {
        self.base.coin || self.quote.coin
    }

    pub(crate) fn since(&self) -> i64 {
        self.base.since.max(self.quote.since)
    }

    pub(crate) fn price_at(&self, at: i64) -> f64 {
        self.base.dollars_at(at) / self.quote.dollars_at(at)
    }

    /// Coins trade around the clock, currencies from Sunday 22:00 to Friday 22:00 UTC.
    pub(super) fn session(&self, date: Date, whole: bool) -> Option<Session> {
        let midnight = midnight(date);
        let evening = midnight + 22 * 3_600;
        let (open, close) = match date.weekday() {
            _ if self.has_coin() => (midnight, midnight + 86_400),
            Weekday::Sunday if !whole => (evening, midnight + 86_400),
            Weekday::Saturday | Weekday::Sunday => return None,
            Weekday::Friday => (midnight, evening),
            _ => (midnight, midnight + 86_400),
        };
        (open >= self.since()).then_some(Session { date, pre: open, open, close, post: close })
    }

    pub(super) fn traded(&self, from: i64, to: i64, now: i64) -> Values {
        let seen = to.min(now + 1).max(from + 1);
        let (open, close) = (self.price_at(from), self.price_at(seen - 1));
        let middle = self.price_at(from + (seen - from) / 2);
        let spread =
            |salt: i64| open * self.base.swing.max(0.1) * (hash(self.base.code, from ^ salt) % 900) as f64 / 1e6;
        let share = (seen - from) as f64 / 86_400.0;
        let volume = self.base.volume * share * (0.5 + (hash(self.base.code, from ^ 77) % 1_000) as f64 / 1_000.0);
        Values {
            open,
            high: open.max(close).max(middle) + spread(1),
            low: open.min(close).min(middle) - spread(2),
            close,
            volume,
        }
    }
}
