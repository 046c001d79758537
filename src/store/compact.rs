//! Many small fragments made one.

use super::fragment::Fragment;
use finex_core::calendar::Grid;
use finex_core::columns::Bars;
use finex_core::series::FragmentKey;
use finex_providers::Provider;
use std::sync::Arc;

/// One fragment with the rows of all, or none where that would change, lose or invent a row.
///
/// The fragments are of one series and in order. Doing it twice gives the same fragment.
pub fn merge(fragments: &[Arc<Fragment>], grid: Grid, provider: &dyn Provider) -> Option<Fragment> {
    let (first, last) = (fragments.first()?, fragments.last()?);
    let mut bars: Option<Bars> = None;
    for fragment in fragments {
        let rows = provider.reread(&fragment.key.series, fragment.rows()).ok()?;
        bars = Some(match bars {
            None => rows,
            Some(before) => before.overlay(&rows),
        });
    }
    let bars = bars?;
    let key = FragmentKey { first: first.key.first, last: last.key.last, ..first.key.clone() };
    let fetched_at = fragments.iter().map(|f| f.fetched_at).min()?;
    let merged = Fragment::new(key, &bars, grid, provider, fetched_at);
    let rows: usize = fragments.iter().map(|f| f.len()).sum();
    let in_order = bars.times.windows(2).all(|pair| pair[0] < pair[1]);
    let whole = finex_providers::range(&bars) == Some((merged.key.first, merged.key.last));
    (merged.len() == rows && in_order && whole).then_some(merged)
}
