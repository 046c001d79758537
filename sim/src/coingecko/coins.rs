//! The coins, and what they are worth.

use super::{Ask, Problem};
use crate::json::shortest;
use crate::prices::hash;
use crate::tape::pairs::{Asset, Pair, asset};

#[derive(Debug)]
pub(super) struct Coin {
    pub id: &'static str,
    pub symbol: &'static str,
    pub name: &'static str,
    pub rank: u32,
    /// Coins in circulation, and of those that change hands in a day.
    pub supply: f64,
    turnover: f64,
}

pub(super) static COINS: [Coin; 3] = [
    Coin { id: "bitcoin", symbol: "btc", name: "Bitcoin", rank: 1, supply: 19_600_000.0, turnover: 480_000.0 },
    Coin { id: "ethereum", symbol: "eth", name: "Ethereum", rank: 2, supply: 120_200_000.0, turnover: 5_900_000.0 },
    Coin { id: "solana", symbol: "sol", name: "Solana", rank: 5, supply: 436_000_000.0, turnover: 21_000_000.0 },
];

const CURRENCIES: [&str; 3] = ["usd", "eur", "btc"];

pub(super) fn currency(code: &str) -> Option<&'static Asset> {
    let known = CURRENCIES.iter().any(|known| known.eq_ignore_ascii_case(code));
    known.then(|| asset(code)).flatten()
}

/// A coin in a currency. All its instants are milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quoted {
    pub coin: &'static Coin,
    pub pair: Pair,
}

impl Coin {
    pub(super) fn find(id: &str) -> Result<&'static Coin, Problem> {
        COINS.iter().find(|coin| coin.id == id).ok_or(Problem::NoCoin)
    }

    pub(super) fn quoted(&'static self, quote: &'static Asset) -> Option<Quoted> {
        Some(Quoted { coin: self, pair: Pair { base: asset(self.symbol)?, quote } })
    }
}

impl Quoted {
    pub(super) fn find(ask: &Ask<'_>, id: &str) -> Result<Quoted, Problem> {
        let currency =
            currency(ask.need("vs_currency")?).ok_or_else(|| Problem::Invalid("invalid vs_currency".to_owned()))?;
        Coin::find(id)?.quoted(currency).ok_or(Problem::NoCoin)
    }

    pub(super) fn since(&self) -> i64 {
        self.pair.since() * 1_000
    }

    pub(super) fn price(&self, at: i64) -> f64 {
        self.pair.price_at(at.div_euclid(1_000))
    }

    /// Coins are added all the time.
    pub(super) fn market_cap(&self, at: i64) -> f64 {
        self.price(at) * self.coin.supply * (1.0 + (at - 1_700_000_000_000) as f64 / 1.6e12)
    }

    /// Of the day before.
    pub(super) fn volume(&self, at: i64) -> f64 {
        let busy = 0.7 + (hash(self.coin.id, at.div_euclid(60_000)) % 1_000) as f64 / 2_000.0;
        self.price(at) * self.coin.turnover * busy
    }
}

/// Rounded to so many decimals, if to any.
pub(super) fn number(value: f64, precision: Option<i32>) -> String {
    match precision {
        Some(decimals) => {
            let scale = 10f64.powi(decimals);
            shortest((value * scale).round() / scale)
        }
        None => shortest(value),
    }
}

/// `full`, or a count of decimals.
pub(super) fn precision(ask: &Ask<'_>) -> Option<i32> {
    ask.get("precision").and_then(|text| text.parse().ok()).filter(|decimals| (0..=18).contains(decimals))
}
