//! How long what is not final may be served.

use crate::calendar::Interval;
use crate::time::Ts;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What is known of the market and the provider when an answer arrives.
#[derive(Debug, Clone, Copy)]
pub struct Market {
    pub now: Ts,
    /// When it trades again, if it is closed now.
    pub closed_until: Option<Ts>,
    /// How long the provider lets its answer be kept, in milliseconds.
    pub max_age: Option<i64>,
    /// How much wider the newest bar swings than those before it; 1 where that is not known.
    pub swing: f64,
}

/// Until when a bar may be served that still grows, in milliseconds: a sixtieth of its length, between a second and a minute,
/// and no longer than the provider says. In a market that is closed nothing grows.
pub fn forming(interval: Interval, market: Market, multiplier: f64) -> Ts {
    if let Some(open) = market.closed_until {
        return open;
    }
    let life = (interval.nominal_len() / 60).clamp(1_000, MINUTE);
    let life = (scaled(life, multiplier) as f64 / market.swing.clamp(1.0, 4.0)) as i64;
    market.now.saturating_add(market.max_age.map_or(life, |max_age| life.min(max_age)).max(SHORTEST))
}

/// Until when a bar may be served that is over and not settled: five minutes to an hour, the less, the less of the settling
/// has passed; a day where the market is closed. Never past the moment in which it is settled: then it is fetched once more,
/// for good.
pub fn unsettled(ended: Ts, settle: i64, market: Market, multiplier: f64) -> Ts {
    let age = market.now.saturating_sub(ended).max(0);
    let share = (age as f64 / settle.max(1) as f64).clamp(0.0, 1.0);
    let life = match market.closed_until {
        Some(_) => DAY as f64,
        None => (5 * MINUTE) as f64 + (HOUR - 5 * MINUTE) as f64 * share / market.swing.clamp(1.0, 4.0),
    };
    let life = scaled(life as i64, multiplier);
    let settled = ended.saturating_add(settle).max(market.now);
    let until = market.now.saturating_add(life.max(SHORTEST));
    if settled > market.now { until.min(settled) } else { until }
}

/// What arrives lives long enough for those who wait for it, whatever the provider says of keeping it.
const SHORTEST: i64 = 1_000;

fn scaled(life: i64, multiplier: f64) -> i64 {
    (life as f64 * multiplier.clamp(0.0, 1_000.0)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Market = Market { now: 0, closed_until: None, max_age: None, swing: 1.0 };
    const CLOSED: Market = Market { closed_until: Some(2 * DAY), ..OPEN };

    fn interval(name: &str) -> Interval {
        name.parse().expect("an interval")
    }

    #[test]
    fn short_bars_live_short() {
        let life = |name: &str| forming(interval(name), OPEN, 1.0);
        assert_eq!(
            [life("1s"), life("1m"), life("5m"), life("1h"), life("1mo")],
            [1_000, 1_000, 5_000, 60_000, 60_000]
        );
        assert_eq!(forming(interval("1h"), OPEN, 0.1), 6_000);
    }

    #[test]
    fn what_grows_lives_no_longer_than_the_provider_says_and_shorter_in_a_storm() {
        let market = Market { max_age: Some(10_000), ..OPEN };
        assert_eq!(forming(interval("1d"), market, 1.0), 10_000);
        assert_eq!(forming(interval("1d"), Market { max_age: Some(0), ..OPEN }, 1.0), 1_000);
        assert_eq!(forming(interval("1d"), Market { swing: 3.0, ..OPEN }, 1.0), 20_000);
        assert_eq!(forming(interval("1d"), Market { swing: 99.0, ..OPEN }, 1.0), 15_000);
    }

    #[test]
    fn in_a_closed_market_nothing_grows() {
        assert_eq!(forming(interval("1d"), CLOSED, 1.0), 2 * DAY);
    }

    #[test]
    fn what_is_over_lives_the_longer_the_more_of_its_settling_has_passed() {
        let life = |ago: i64, market| unsettled(-ago, DAY, market, 1.0) / MINUTE;
        assert_eq!([life(0, OPEN), life(DAY / 2, OPEN), life(DAY - HOUR, OPEN)], [5, 32, 57]);
        assert_eq!([life(0, CLOSED), life(12 * HOUR, CLOSED), life(20 * HOUR, CLOSED)], [1_440, 720, 240]);
        assert_eq!(life(DAY - 10 * MINUTE, OPEN), 10, "never past the moment in which it is settled");
    }
}
