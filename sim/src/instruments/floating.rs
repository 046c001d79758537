//! Coins and currencies: what trades around the clock, or nearly.

use super::{Bar, DAY, round, utc_date};
use crate::market::Market;
use crate::prices::hash;
use jiff::civil::{Date, Weekday};

/// Something quoted in something else. Currencies rest from Friday to Sunday, 17:00 in New York.
#[derive(Debug)]
pub(crate) struct Floating {
    pub symbol: &'static str,
    price: f64,
    decimals: i32,
    /// Of a day, and how many digits of it are kept.
    volume: f64,
    volume_decimals: i32,
    pub since: i64,
    pub closes: bool,
}

static FLOATING: [Floating; 7] = [
    coin("BTCUSD", 42_000.0, 31_000.0),
    coin("ETHUSD", 2_300.0, 420_000.0),
    coin("SOLUSD", 95.0, 3_700_000.0),
    currency("EURUSD", 1.086_4, 5),
    currency("GBPUSD", 1.27, 5),
    currency("AUDUSD", 0.66, 5),
    currency("USDJPY", 148.2, 3),
];

const fn coin(symbol: &'static str, price: f64, volume: f64) -> Floating {
    Floating { symbol, price, decimals: 2, volume, volume_decimals: 8, since: 1_451_606_400, closes: false }
}

const fn currency(symbol: &'static str, price: f64, decimals: i32) -> Floating {
    Floating { symbol, price, decimals, volume: 160_000.0, volume_decimals: 0, since: 1_041_379_200, closes: true }
}

impl Floating {
    /// In whatever case and with whatever between the two: `BTC/USD`, `EUR_USD`, `btcusdt`.
    pub(super) fn find(symbol: &str) -> Option<&'static Floating> {
        let letters: String = symbol.chars().filter(char::is_ascii_alphanumeric).collect();
        let symbol = letters.to_ascii_uppercase();
        let symbol = symbol.strip_suffix('T').filter(|rest| rest.ends_with("USD")).unwrap_or(&symbol);
        FLOATING.iter().find(|floating| floating.symbol == symbol)
    }

    fn price_at(&self, at: i64) -> f64 {
        let wave = |days: f64, height: f64| (at as f64 / (days * 86_400.0) * std::f64::consts::TAU).sin() * height;
        let noise = (hash(self.symbol, at) % 2_001) as f64 / 1_000_000.0 - 0.001;
        let calm = if self.closes { 0.15 } else { 1.0 };
        self.price * (1.0 + (wave(1_460.0, 0.40) + wave(97.0, 0.10) + wave(1.0, 0.01) + noise) * calm)
    }

    /// What was traded in `[from, to)`.
    pub(crate) fn traded(&self, from: i64, to: i64, now: i64) -> Bar {
        let seen = to.min(now + 1).max(from + 1);
        let price = |at: i64| round(self.price_at(at), self.decimals);
        let (open, close, middle) = (price(from), price(seen - 1), price(from + (seen - from) / 2));
        let spread = |salt: i64| open * (hash(self.symbol, from ^ salt) % 900) as f64 / 1_000_000.0;
        let high = round(open.max(close).max(middle) + spread(1), self.decimals);
        let low = round(open.min(close).min(middle) - spread(2), self.decimals);
        let share = (seen - from) as f64 / DAY as f64 * (0.5 + (hash(self.symbol, from ^ 77) % 1_000) as f64 / 1_000.0);
        let volume = round(self.volume * share, self.volume_decimals).max(1.0);
        Bar {
            at: from,
            date: utc_date(from),
            open,
            high,
            low,
            close,
            volume,
            trades: if self.closes { volume as u64 } else { 1 + hash(self.symbol, from ^ 5) % 50_000 },
            vwap: round((open + close + middle + high + low) / 5.0, self.decimals),
            parts: 1,
        }
    }

    /// The part of at most a day during which it trades.
    pub(super) fn open_within(&self, from: i64, to: i64) -> Option<(i64, i64)> {
        let weekday = utc_date(from).weekday();
        if !self.closes || !matches!(weekday, Weekday::Friday | Weekday::Saturday | Weekday::Sunday) {
            return Some((from, to));
        }
        let (rest, again) = weekend(utc_date(from))?;
        let (from, to) = if from < rest { (from, to.min(rest)) } else { (from.max(again), to) };
        (from < to).then_some((from, to))
    }
}

/// When the weekend around a Friday, Saturday or Sunday begins and ends.
fn weekend(date: Date) -> Option<(i64, i64)> {
    let since = date.weekday().since(Weekday::Friday);
    let friday = date.checked_sub(jiff::Span::new().days(since)).ok()?;
    let sunday = friday.checked_add(jiff::Span::new().days(2)).ok()?;
    Some((new_york_evening(friday)?, new_york_evening(sunday)?))
}

/// 17:00 in New York, when a day of currencies ends and the next begins.
pub(crate) fn new_york_evening(date: Date) -> Option<i64> {
    Some(Market::find("AAPL")?.at(date.at(17, 0, 0, 0)))
}
