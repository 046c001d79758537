//! Windows that a provider refuses although its facts allow them, as where a plan reaches less far: they are halved until they
//! are answered, and from then on calls are no longer than that.

use finex_core::calendar::{Grid, Interval};
use finex_core::plan::Call;
use finex_core::series::Series;
use finex_core::time::Window;
use std::sync::Arc;

/// Halvings of one call at most.
pub(super) const DEEPEST: u32 = 5;

/// Periods that calls of a provider and an interval may span, where that was found out.
#[derive(Default)]
pub(super) struct Learned(papaya::HashMap<(Arc<str>, Interval), u64>);

impl Learned {
    pub(super) fn page(&self, series: &Series) -> Option<u64> {
        self.0.pin().get(&(series.provider.clone(), series.interval)).copied()
    }

    pub(super) fn note(&self, series: &Series, periods: u64) {
        let shortest = |known: Option<&u64>| known.map_or(periods, |known| periods.min(*known)).max(1);
        let known = self.0.pin();
        let key = (series.provider.clone(), series.interval);
        let page = shortest(known.get(&key));
        known.insert(key, page);
        let provider = series.provider.as_ref();
        tracing::warn!(provider, interval = %series.interval, page, "calls are shorter from now on: a longer one was refused");
    }
}

pub(super) fn periods(window: Window, grid: Grid) -> u64 {
    u64::try_from(grid.index(window.to.saturating_sub(1)) - grid.index(window.from) + 1).unwrap_or(1)
}

/// The older and the newer half of a call; none of a single period.
pub(super) fn halves(call: &Call, grid: Grid) -> Option<[Call; 2]> {
    let first = grid.index(call.window.from);
    let middle = grid.open(first + i64::try_from(periods(call.window, grid)).ok()? / 2);
    let both = [Window::new(call.window.from, middle), Window::new(middle, call.window.to)];
    let split = both.iter().all(|window| !window.is_empty());
    split.then(|| both.map(|window| Call { window, need: window, reach: window, ..*call }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use finex_core::columns::Columns;
    use finex_core::plan::Anchor;

    #[test]
    fn a_call_is_halved_between_periods_until_one_is_left() {
        let hour = 3_600_000;
        let grid = Grid::new("1h".parse().expect("an interval"), 0);
        let window = Window::new(0, 5 * hour);
        let (anchor, columns) = (Anchor::Both, Columns::OHLCV);
        let call = Call { window, limit: 9, anchor, columns, need: window, reach: window, exact: false };
        let [older, newer] = halves(&call, grid).expect("halves");
        assert_eq!((older.window, newer.window), (Window::new(0, 2 * hour), Window::new(2 * hour, 5 * hour)));
        assert_eq!(halves(&Call { window: Window::new(0, hour), ..call }, grid), None);
    }
}
