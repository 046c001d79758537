//! The series that are known.

use super::cell::{Cell, Sighting};
use super::disk::Disk;
use super::snapshot::Piece;
use finex_core::series::{Scope, Series};
use finex_core::time::Ts;
use finex_providers::{Provider, Registry};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// So many series are remembered for having no bars.
const MOST_HOLLOW: usize = 1_000;

/// A provider and one of its symbols, as those see it whose data it is.
type Symbol = (Arc<str>, Arc<str>, Scope);

/// All series, found without a lock.
pub struct Catalog {
    cells: papaya::HashMap<Arc<Series>, Arc<Cell>>,
    /// Symbols of which something is known beside their bars.
    sights: papaya::HashMap<Symbol, Arc<Sighting>>,
    /// Series of which emptiness is all that is known, the oldest first: anybody can invent more of them.
    hollow: Mutex<VecDeque<Arc<Series>>>,
    registry: Registry,
}

fn symbol(provider: &dyn Provider, series: &Series) -> Symbol {
    (series.provider.clone(), provider.known_as(series), series.scope.clone())
}

impl Catalog {
    pub fn new(registry: Registry) -> Catalog {
        Catalog { cells: papaya::HashMap::new(), sights: papaya::HashMap::new(), hollow: Mutex::default(), registry }
    }

    /// Restores every series that a disk has; says how many.
    pub fn restore(&self, disk: &Disk, now: Ts) -> usize {
        let found = disk.load();
        for series in &found {
            if let Some(cell) = self.cell(&Arc::new(series.series.clone())) {
                cell.see(&series.ledger.envelope);
                for needless in cell.restore(series, now) {
                    if let Err(error) = disk.remove_fragment(&needless) {
                        tracing::error!(key = %needless, %error, "a needless file stays");
                    }
                }
            }
        }
        found.len()
    }

    pub fn get(&self, series: &Series) -> Option<Arc<Cell>> {
        self.cells.pin().get(series).cloned()
    }

    /// The cell of a series, or an empty one that is not kept; none if its provider is unknown.
    pub fn view(&self, series: &Arc<Series>) -> Option<Arc<Cell>> {
        let fresh = || {
            let provider = self.registry.get(&series.provider)?.clone();
            let sight = self.sights.pin().get(&symbol(provider.as_ref(), series)).cloned().unwrap_or_default();
            Some(Arc::new(Cell::new(series.clone(), provider, sight)))
        };
        self.get(series).or_else(fresh)
    }

    /// Is this the cell that stands for its series?
    pub fn stands(&self, cell: &Arc<Cell>) -> bool {
        self.cells.pin().get(&cell.series).is_some_and(|standing| Arc::ptr_eq(standing, cell))
    }

    /// The cell of a series, made if need be; none if its provider is unknown.
    pub fn cell(&self, series: &Arc<Series>) -> Option<Arc<Cell>> {
        let cells = self.cells.pin();
        if let Some(cell) = cells.get(series.as_ref()) {
            return Some(cell.clone());
        }
        let provider = self.registry.get(&series.provider)?.clone();
        let make = || {
            let sight = self.sights.pin().get_or_insert_with(symbol(provider.as_ref(), series), Arc::default).clone();
            Arc::new(Cell::new(series.clone(), provider.clone(), sight))
        };
        Some(cells.get_or_insert_with(series.clone(), make).clone())
    }

    /// Forgets a series of which no bar is held, so that invented symbols leave no trace.
    pub fn forget_hollow(&self, series: &Arc<Series>) {
        let _ = self.cells.pin().remove_if(series.as_ref(), |_, cell| cell.is_hollow());
        if let Some(provider) = self.registry.get(&series.provider) {
            // Nor does a symbol that no series is left of.
            let unseen = |sight: &Arc<Sighting>| Arc::strong_count(sight) == 1;
            let _ = self.sights.pin().remove_if(&symbol(provider.as_ref(), series), |_, sight| unseen(sight));
        }
    }

    /// Notes that nothing but emptiness is known of a series; says which one has to go for it.
    pub fn note_hollow(&self, series: &Arc<Series>) -> Option<Arc<Series>> {
        let mut hollow = self.hollow.lock().unwrap_or_else(PoisonError::into_inner);
        if !hollow.contains(series) {
            hollow.push_back(series.clone());
        }
        if hollow.len() > MOST_HOLLOW { hollow.pop_front() } else { None }
    }

    /// Are bars held of the symbol of a series, whichever they are?
    pub fn has_bars_of(&self, cell: &Cell) -> bool {
        let wanted = symbol(cell.provider.as_ref(), &cell.series);
        let cells = self.cells.pin();
        let bars = |other: &&Arc<Cell>| !other.is_hollow() && symbol(other.provider.as_ref(), &other.series) == wanted;
        cells.values().filter(|other| other.series.provider == wanted.0).any(|other| bars(&other))
    }

    pub fn all(&self) -> Vec<Arc<Cell>> {
        self.cells.pin().values().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.cells.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// All pieces in the order in which they leave the disk: by the day of their last use, those that are cheap to have again
    /// before those of which a provider gives few a day.
    pub fn least_wanted(&self) -> Vec<(Arc<Cell>, Piece)> {
        let pieces = self.all().into_iter().flat_map(|cell| {
            let pieces: Vec<Piece> = cell.snapshot().pieces.clone();
            let dear = cell.provider.manifest().share_of_a_day();
            pieces.into_iter().map(move |piece| (piece.used.load(Ordering::Relaxed), dear, cell.clone(), piece))
        });
        let mut all: Vec<_> = pieces.collect();
        let day = |used: Ts| used.div_euclid(86_400_000);
        all.sort_by(|a, b| day(a.0).cmp(&day(b.0)).then(a.1.total_cmp(&b.1)).then(a.0.cmp(&b.0)));
        all.into_iter().map(|(_, _, cell, piece)| (cell, piece)).collect()
    }
}
