//! Which provider's bars of a share mean what another one's do, and how each has to be asked for them.

use crate::manifest::Manifest;
use crate::meaning::{Adjusted, Hours, Means};
use finex_core::calendar::Interval;
use finex_core::time::Window;

/// A share as every provider of its tape means it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    ticker: String,
    /// The letter of its class.
    class: Option<char>,
    interval: Interval,
    adjusted: Adjusted,
    hours: Hours,
}

impl Manifest {
    /// What bars of a symbol mean; none where there is no tape, or where the manifest does not say.
    pub fn meaning(&self, symbol: &str, interval: Interval) -> Option<Meaning> {
        let means = self.means_of(interval)?;
        let (ticker, class) = match self.symbols.class.and_then(|mark| symbol.rsplit_once(mark)) {
            Some((ticker, class)) => {
                let mut letters = class.chars();
                (ticker, Some(letters.next().filter(|c| c.is_ascii_uppercase() && letters.next().is_none())?))
            }
            None => (symbol, None),
        };
        let is_ticker = (1..=5).contains(&ticker.len()) && ticker.bytes().all(|b| b.is_ascii_uppercase());
        let Means { adjusted, hours, .. } = *means;
        is_ticker.then(|| Meaning { ticker: ticker.to_owned(), class, interval, adjusted, hours })
    }

    /// How this provider writes a share whose bars mean this; none if its bars mean something else.
    pub fn spelled(&self, meaning: &Meaning) -> Option<String> {
        let own = self.means_of(meaning.interval)?;
        if (own.adjusted, own.hours) != (meaning.adjusted, meaning.hours) {
            return None;
        }
        match meaning.class {
            None => Some(meaning.ticker.clone()),
            Some(class) => Some(format!("{}{}{class}", meaning.ticker, self.symbols.class?)),
        }
    }

    /// A window of our bars as another provider has to be asked for the same ones.
    pub fn window_at(&self, other: &Manifest, interval: Interval, window: Window) -> Window {
        match (self.means_of(interval), other.means_of(interval)) {
            (Some(own), Some(theirs)) if own.hours == Hours::Day => own.opens.moved(window, &theirs.opens),
            _ => window,
        }
    }

    fn means_of(&self, interval: Interval) -> Option<&Means> {
        let name = interval.to_string();
        self.means.iter().find(|means| means.intervals.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;

    fn day() -> Interval {
        "1d".parse().expect("an interval")
    }

    fn spelled(from: &str, symbol: &str, to: &str) -> Option<String> {
        let registry = Registry::builtin(|_| {});
        let manifest = |id: &str| registry.get(id).expect("a provider").manifest();
        manifest(to).spelled(&manifest(from).meaning(symbol, day())?)
    }

    #[test]
    fn a_share_is_spelled_as_each_provider_does() {
        assert_eq!(spelled("yahoo", "AAPL", "polygon").as_deref(), Some("AAPL"));
        assert_eq!(spelled("yahoo", "BRK-B", "polygon").as_deref(), Some("BRK.B"));
        assert_eq!(spelled("polygon", "BRK.B", "yahoo").as_deref(), Some("BRK-B"));
        assert_eq!(spelled("tiingo", "BRK-B", "alpaca").as_deref(), Some("BRK.B"));
    }

    #[test]
    fn other_meanings_and_other_markets_have_no_stand_in() {
        assert_eq!(spelled("yahoo", "AAPL", "tiingo"), None, "adjusted for splits, and as traded");
        for (provider, symbol) in [
            ("yahoo", "VOD.L"),
            ("yahoo", "BTC-USD"),
            ("yahoo", "^GSPC"),
            ("yahoo", "ES=F"),
            ("polygon", "X:BTCUSD"),
            ("finnhub", "VOD.L"),
            ("binance", "BTCUSDT"),
            ("coingecko", "bitcoin"),
            ("twelvedata", "EUR/USD"),
        ] {
            let manifest = Registry::builtin(|_| {}).get(provider).expect("a provider").manifest().clone();
            assert_eq!(manifest.meaning(symbol, day()), None, "{provider} {symbol}");
        }
    }

    #[test]
    fn the_same_days_are_asked_for_whenever_they_open() {
        let registry = Registry::builtin(|_| {});
        let manifest = |id: &str| registry.get(id).expect("a provider").manifest();
        let ts = |text: &str| text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond();
        // Noon in London: the day of Yahoo opens later, that of Twelve Data has opened. Daylight saving begins on the tenth.
        let window = Window::new(ts("2024-03-08T12:00:00Z"), ts("2024-03-12T13:30:01Z"));
        let days = Window::new(ts("2024-03-08T00:00:00Z"), ts("2024-03-13T00:00:00Z"));
        assert_eq!(manifest("yahoo").window_at(manifest("twelvedata"), day(), window), days);
        let opens = Window::new(ts("2024-03-08T14:30:00Z"), ts("2024-03-13T13:30:00Z"));
        assert_eq!(manifest("twelvedata").window_at(manifest("yahoo"), day(), days), opens);
        assert_eq!(manifest("twelvedata").window_at(manifest("yahoo"), day(), Window::ALL), Window::ALL);
    }
}
