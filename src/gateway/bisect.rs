//! Windows that a provider refuses although its facts allow them, as where a plan reaches less far: they are halved until they
//! are answered, and from then on calls are no longer than that, for a month: plans change.

use finex_core::calendar::{Grid, Interval};
use finex_core::plan::Call;
use finex_core::series::Series;
use finex_core::time::{Ts, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Halvings of one call at most.
pub(super) const DEEPEST: u32 = 5;

const LASTS: i64 = 30 * 86_400_000;

/// The periods that a call may span, and when that was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    periods: u64,
    since: Ts,
}

impl Page {
    fn holds(&self, now: Ts) -> bool {
        (self.since..self.since.saturating_add(LASTS)).contains(&now)
    }
}

/// How long calls of a provider and an interval may be, where that was found out.
#[derive(Default)]
pub(super) struct Learned(papaya::HashMap<(Arc<str>, Interval), Page>);

impl Learned {
    pub(super) fn page(&self, series: &Series, now: Ts) -> Option<u64> {
        let known = self.0.pin();
        let page = known.get(&(series.provider.clone(), series.interval)).filter(|page| page.holds(now))?;
        Some(page.periods)
    }

    pub(super) fn note(&self, series: &Series, periods: u64, now: Ts) {
        let periods = self.page(series, now).map_or(periods, |known| periods.min(known)).max(1);
        self.0.pin().insert((series.provider.clone(), series.interval), Page { periods, since: now });
        let provider = series.provider.as_ref();
        tracing::warn!(provider, interval = %series.interval, periods, "calls are shorter from now on: a longer one was refused");
    }

    /// What is known of a provider, by interval.
    pub(super) fn of(&self, provider: &str) -> BTreeMap<String, Page> {
        let known = self.0.pin();
        let of_it = known.iter().filter(|((of, _), _)| of.as_ref() == provider);
        of_it.map(|((_, interval), page)| (interval.to_string(), *page)).collect()
    }

    /// Takes over what was known before a restart; what is no interval is passed by.
    pub(super) fn restore(&self, provider: &str, pages: &BTreeMap<String, Page>) {
        for (interval, page) in pages {
            if let Ok(interval) = interval.parse() {
                self.0.pin().insert((provider.into(), interval), Page { periods: page.periods.max(1), ..*page });
            }
        }
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
