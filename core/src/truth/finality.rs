//! Finality belongs to the bar: it is final when its period is over and the provider's settle lag has passed.

use crate::calendar::Grid;
use crate::time::Ts;

/// Bars that open before this are final at `now`.
///
/// A bar that opened at `o` is final when `end_of(o) + settle <= now`; on the grid that is every period before the
/// one that contains `now - settle`. Where bars open off the grid they end off it too, a whole interval later at most.
pub fn horizon(grid: Grid, settle: i64, now: Ts) -> Ts {
    const MONTH: i64 = 31 * 86_400_000;
    let longest = grid.interval.fixed_len().unwrap_or(MONTH * i64::from(grid.interval.count));
    let lag = if grid.even { settle } else { settle.saturating_add(longest) };
    grid.open(grid.index(now.saturating_sub(lag)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By its definition, for one bar.
    fn is_final(grid: Grid, settle: i64, open: Ts, now: Ts) -> bool {
        grid.end_of(open).saturating_add(settle) <= now
    }

    proptest! {
        #[test]
        fn the_horizon_parts_final_from_forming(
            now in 0i64..2_000_000_000_000,
            settle in 0i64..100_000,
            name in prop::sample::select(vec!["1s", "1m", "1h", "1d", "1w", "1mo"]),
            back in -3i64..3,
        ) {
            let grid = Grid::new(name.parse().expect("an interval"), 0);
            let open = grid.open(grid.index(now) + back);
            prop_assert_eq!(is_final(grid, settle, open, now), open < horizon(grid, settle, now));
        }

        #[test]
        fn off_the_grid_no_bar_is_final_before_its_own_end(
            now in 0i64..2_000_000_000_000,
            name in prop::sample::select(vec!["5m", "1d", "1w", "1mo"]),
            back in 0i64..90_000_000,
        ) {
            let grid = Grid::uneven(name.parse().expect("an interval"));
            let open = horizon(grid, 60_000, now) - 1 - back;
            let end = open + grid.interval.fixed_len().unwrap_or(31 * 86_400_000);
            prop_assert!(end + 60_000 <= now);
        }
    }
}
