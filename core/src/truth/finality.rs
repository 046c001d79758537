//! Finality belongs to the bar: it is final when its period is over and the provider's settle lag has passed.

use crate::calendar::Grid;
use crate::time::Ts;

/// Bars that open before this are final at `now`.
///
/// A bar that opened at `o` is final when `end_of(o) + settle <= now`; on the grid that is every period before the
/// one that contains `now - settle`.
pub fn horizon(grid: Grid, settle: i64, now: Ts) -> Ts {
    grid.open(grid.index(now.saturating_sub(settle)))
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
    }
}
