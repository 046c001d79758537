//! An immutable run of bars as received, already written as its provider writes them.

use finex_core::calendar::Grid;
use finex_core::columns::Bars;
use finex_core::event::Provenance;
use finex_core::series::FragmentKey;
use finex_core::time::{Ts, Window};
use finex_providers::rows::{Rows, Runs};
use finex_providers::{Provider, Shape};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Open times of a run: by their numbers on the grid where they have no hole, else one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Times {
    Regular { grid: Grid, first: i64, rows: usize },
    Listed(Arc<[Ts]>),
}

impl Times {
    pub fn new(times: &[Ts], grid: Grid) -> Times {
        let first = times.first().map_or(0, |open| grid.index(*open));
        let regular = times.iter().enumerate().all(|(i, open)| grid.open(first + i as i64) == *open);
        if regular { Times::Regular { grid, first, rows: times.len() } } else { Times::Listed(times.into()) }
    }

    pub fn len(&self) -> usize {
        match self {
            Times::Regular { rows, .. } => *rows,
            Times::Listed(times) => times.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, row: usize) -> Option<Ts> {
        match self {
            Times::Regular { grid, first, rows } => (row < *rows).then(|| grid.open(first + row as i64)),
            Times::Listed(times) => times.get(row).copied(),
        }
    }

    /// The first row that opens at or after `ts`.
    pub fn lower_bound(&self, ts: Ts) -> usize {
        match self {
            Times::Regular { grid, first, rows } => {
                grid.ceil(ts).saturating_sub(*first).clamp(0, *rows as i64) as usize
            }
            Times::Listed(times) => times.partition_point(|open| *open < ts),
        }
    }

    pub fn contains(&self, ts: Ts) -> bool {
        self.get(self.lower_bound(ts)) == Some(ts)
    }

    pub fn rows_in(&self, window: Window) -> std::ops::Range<usize> {
        let from = self.lower_bound(window.from);
        from..self.lower_bound(window.to).max(from)
    }

    pub fn iter(&self) -> impl Iterator<Item = Ts> {
        (0..self.len()).filter_map(|row| self.get(row))
    }
}

/// Ways in which the unified API writes rows; each is worked out once, when first asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
}

/// Shapes that are kept beside the first; one that finds no place is written anew each time.
const SHAPES: usize = 4;

#[derive(Debug)]
pub struct Fragment {
    pub key: FragmentKey,
    pub id: FragmentId,
    pub times: Times,
    pub fetched_at: Ts,
    pub provenance: Provenance,
    rows: Runs,
    /// The native rows in other shapes, as they were asked for.
    reshaped: [OnceLock<(Shape, Runs)>; SHAPES],
    forms: [OnceLock<Rows>; 2],
    columns: OnceLock<Vec<Rows>>,
    /// What it weighed when memory last took it in.
    weighed: AtomicUsize,
}

/// A hash of the key: what memory knows a fragment by.
pub type FragmentId = u128;

impl Fragment {
    /// Encodes bars, which are not empty and in order.
    pub fn new(key: FragmentKey, bars: &Bars, grid: Grid, provider: &dyn Provider, fetched_at: Ts) -> Fragment {
        let rows = provider.encode(&key.series, bars, Shape(0));
        let times = Times::new(&bars.times, grid);
        Fragment {
            id: id_of(&key),
            key,
            times,
            fetched_at,
            provenance: Provenance::Call,
            rows,
            reshaped: Default::default(),
            forms: Default::default(),
            columns: OnceLock::new(),
            weighed: AtomicUsize::new(0),
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows as they are kept.
    pub fn rows(&self) -> &Runs {
        &self.rows
    }

    /// The native rows in a shape, made by `make` when it is first wanted and is not the one that is kept.
    pub fn shaped(&self, shape: Shape, make: impl Fn() -> Runs) -> Cow<'_, Runs> {
        if shape == Shape(0) {
            return Cow::Borrowed(&self.rows);
        }
        for place in &self.reshaped {
            let (kept, runs) = place.get_or_init(|| (shape, make()));
            if *kept == shape {
                return Cow::Borrowed(runs);
            }
        }
        Cow::Owned(make())
    }

    /// The rows in another form, made by `make` when it is first wanted.
    pub fn form(&self, form: Form, make: impl FnOnce() -> Rows) -> &Rows {
        self.forms[form as usize].get_or_init(make)
    }

    /// The rows as runs of values, a run per column.
    pub fn columns(&self, make: impl FnOnce() -> Vec<Rows>) -> &[Rows] {
        self.columns.get_or_init(make)
    }

    /// Weighs it for memory.
    pub fn weigh(&self) -> usize {
        let weight = self.weight();
        self.weighed.store(weight, Ordering::Relaxed);
        weight
    }

    /// Was a form worked out since it was weighed?
    pub fn grew(&self) -> bool {
        self.weight() > self.weighed.load(Ordering::Relaxed)
    }

    /// Bytes of memory held, forms worked out so far included.
    pub fn weight(&self) -> usize {
        let forms = self.forms.iter().filter_map(OnceLock::get).map(Rows::weight).sum::<usize>();
        let columns = self.columns.get().map_or(0, |runs| runs.iter().map(Rows::weight).sum());
        let times = match &self.times {
            Times::Regular { .. } => 0,
            Times::Listed(times) => std::mem::size_of_val(times.as_ref()),
        };
        let reshaped: usize = self.reshaped.iter().filter_map(OnceLock::get).map(|(_, runs)| runs.weight()).sum();
        size_of::<Fragment>() + self.rows.weight() + reshaped + forms + columns + times + 256
    }
}

pub fn id_of(key: &FragmentKey) -> FragmentId {
    let hash = blake3::hash(key.to_string().as_bytes());
    let mut first = [0; 16];
    first.copy_from_slice(&hash.as_bytes()[..16]);
    FragmentId::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn times_answer_alike_whether_regular_or_listed() {
        let grid = Grid::new("1h".parse().expect("an interval"), 0);
        let regular = Times::new(&[HOUR, 2 * HOUR, 3 * HOUR], grid);
        assert!(matches!(regular, Times::Regular { .. }));
        let listed = Times::Listed([HOUR, 2 * HOUR, 3 * HOUR].into());
        for ts in [0, HOUR - 1, HOUR, HOUR + 1, 3 * HOUR, 9 * HOUR, finex_core::time::BEGINNING, finex_core::time::END]
        {
            assert_eq!(regular.lower_bound(ts), listed.lower_bound(ts), "{ts}");
            assert_eq!(regular.contains(ts), listed.contains(ts), "{ts}");
        }
        assert!(matches!(Times::new(&[HOUR, 3 * HOUR], grid), Times::Listed(_)));
    }
}
