//! How long what is not final may be served.

use crate::calendar::Interval;

/// A sixtieth of the bar, between one second and one minute, in milliseconds: a forming minute is at most a second
/// old, a forming hour or day at most a minute.
pub fn forming(interval: Interval, multiplier: f64) -> i64 {
    let life = (interval.nominal_len() / 60).clamp(1_000, 60_000);
    (life as f64 * multiplier.clamp(0.0, 1_000.0)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_bars_live_short() {
        let life = |name: &str| forming(name.parse().expect("an interval"), 1.0);
        assert_eq!(
            [life("1s"), life("1m"), life("5m"), life("1h"), life("1mo")],
            [1_000, 1_000, 5_000, 60_000, 60_000]
        );
        assert_eq!(forming("1h".parse().expect("an interval"), 0.1), 6_000);
    }
}
