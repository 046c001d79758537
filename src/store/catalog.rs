//! The series that are known, each with its state.

use super::disk::{Disk, times_of};
use super::fragment::{FragmentId, id_of};
use super::ledger_file::{FragmentFile, LedgerFile};
use super::restore::Found;
use super::snapshot::{Piece, Snapshot};
use arc_swap::ArcSwap;
use finex_core::calendar::Grid;
use finex_core::envelope::Envelope;
use finex_core::plan::coverage::{Attested, Known, Reason};
use finex_core::series::{FragmentKey, Scope, Series, Version};
use finex_core::time::{Ts, Window};
use finex_providers::{Provider, Registry, Sight};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// So many series are remembered for having no bars.
const MOST_HOLLOW: usize = 1_000;

/// One series with its present snapshot. Reading takes no lock; changes are made one after the other.
pub struct Cell {
    pub series: Arc<Series>,
    pub provider: Arc<dyn Provider>,
    pub grid: Grid,
    snapshot: ArcSwap<Snapshot>,
    /// What was last said of the symbol, by whichever series of it.
    sight: Arc<Sighting>,
    /// When its bars were last seen to be the provider's.
    compared_at: AtomicI64,
    /// When that was last tried.
    tried_at: AtomicI64,
    /// When final bars that may have been corrected were last looked at once more, and when the next of them are due.
    rechecked_at: AtomicI64,
    recheck_due: AtomicI64,
    changing: Mutex<()>,
    /// Held while the series is written to disk.
    pub saving: tokio::sync::Mutex<()>,
}

impl Cell {
    fn new(series: Arc<Series>, provider: Arc<dyn Provider>, sight: Arc<Sighting>) -> Cell {
        let grid = provider.grid(&series);
        Cell {
            series,
            provider,
            grid,
            snapshot: ArcSwap::default(),
            sight,
            compared_at: AtomicI64::new(Ts::MIN),
            tried_at: AtomicI64::new(Ts::MIN),
            rechecked_at: AtomicI64::new(Ts::MIN),
            recheck_due: AtomicI64::new(Ts::MAX),
            changing: Mutex::new(()),
            saving: tokio::sync::Mutex::new(()),
        }
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    pub fn is_empty(&self) -> bool {
        self.snapshot.load().is_empty()
    }

    /// Is no bar of it held for good, and was none ever?
    pub fn is_hollow(&self) -> bool {
        let snapshot = self.snapshot.load();
        snapshot.pieces.is_empty() && snapshot.basis == 0
    }

    /// Before which instant the provider gives nothing any more, if it has such a limit.
    pub fn reach(&self, now: Ts) -> Option<Ts> {
        self.provider.limits(&self.series, 0, 1).depth.map(|depth| now.saturating_sub(depth))
    }

    /// The newest that was said of the symbol.
    pub fn sight(&self) -> Arc<Sight> {
        self.sight.0.load_full()
    }

    /// Takes over what an answer says of the symbol.
    pub fn see(&self, envelope: &Envelope) {
        if envelope.is_empty() {
            return;
        }
        self.sight.0.rcu(|held| {
            let mut newest = held.envelope.clone();
            newest.learn(envelope);
            Sight { written: self.provider.portray(&newest), envelope: newest }
        });
    }

    /// When history was last rewritten by an action, as far as the symbol's answers tell.
    pub fn rewritten_at(&self) -> Option<Ts> {
        self.sight.0.load().envelope.acted(self.provider.rewritten_by(&self.series)?)
    }

    /// When held bars were last compared with an answer of the provider's; or when the first were fetched.
    pub fn compared_at(&self) -> Ts {
        self.compared_at.load(Ordering::Relaxed)
    }

    pub fn note_comparison(&self, at: Ts) {
        self.compared_at.fetch_max(at, Ordering::Relaxed);
    }

    pub fn tried_at(&self) -> Ts {
        self.tried_at.load(Ordering::Relaxed)
    }

    pub fn note_try(&self, at: Ts) {
        self.tried_at.fetch_max(at, Ordering::Relaxed);
    }

    pub fn note_recheck(&self, at: Ts) {
        self.rechecked_at.fetch_max(at, Ordering::Relaxed);
        self.plan_recheck(&self.snapshot.load());
    }

    /// The bars that are to be looked at once more by now, if there are any.
    pub fn to_recheck(&self, now: Ts) -> Option<Window> {
        let due = now >= self.recheck_due.load(Ordering::Relaxed);
        let snapshot = due.then(|| self.snapshot())?;
        let windows = snapshot.pieces.iter().flat_map(|piece| self.rechecks(piece)).filter_map(|(from, age)| {
            // Bars that end within these bounds were younger when they were seen, and are that old now.
            let ended = Window::new(from, now.saturating_sub(age).saturating_add(1));
            let opens = |w: &Window| Window::new(self.grid.open(self.grid.index(w.from) - 1), w.to);
            (!ended.is_empty()).then(|| opens(&ended))
        });
        windows.reduce(|a, b| a.hull(b))
    }

    /// For each age at which a piece's bars are looked at again: the end of the first one that was younger when seen.
    fn rechecks<'a>(&'a self, piece: &'a Piece) -> impl Iterator<Item = (Ts, i64)> + 'a {
        let seen = piece.fetched_at.max(self.rechecked_at.load(Ordering::Relaxed));
        self.provider.manifest().recheck.iter().filter_map(move |age| {
            let since = seen.saturating_sub(*age);
            let row = piece.times.lower_bound(self.grid.open(self.grid.index(since)));
            let ends =
                (row..piece.times.len()).filter_map(|row| piece.times.get(row)).map(|open| self.grid.end_of(open));
            ends.take(3).find(|end| *end > since).map(|end| (end, *age))
        })
    }

    fn plan_recheck(&self, snapshot: &Snapshot) {
        let due =
            snapshot.pieces.iter().flat_map(|piece| self.rechecks(piece)).map(|(end, age)| end.saturating_add(age));
        self.recheck_due.store(due.min().unwrap_or(Ts::MAX), Ordering::Relaxed);
    }

    /// Changes a copy of the snapshot and swaps it in.
    pub fn update<R>(&self, change: impl FnOnce(&mut Snapshot) -> R) -> R {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Snapshot::clone(&self.snapshot.load());
        let result = change(&mut next);
        next.version += 1;
        self.plan_recheck(&next);
        self.snapshot.store(Arc::new(next));
        result
    }

    /// Gives up a fragment and the coverage that it backs.
    pub fn drop_piece(&self, id: FragmentId) -> Option<Piece> {
        self.update(|snapshot| snapshot.drop_piece(id, |last| self.grid.cover_end(last)))
    }

    /// What may be written down: coverage that needs no fragment, or one that the disk has.
    pub fn ledger_file(&self, disk: &Disk) -> LedgerFile {
        self.ledger_of(&self.snapshot(), disk)
    }

    fn ledger_of(&self, snapshot: &Snapshot, disk: &Disk) -> LedgerFile {
        let mut ledger = snapshot.ledger.clone();
        let mut fragments = Vec::new();
        for piece in &snapshot.pieces {
            match disk.file(piece.id) {
                Some(file) => fragments.push(FragmentFile::of(
                    &piece.key,
                    &piece.times,
                    piece.fetched_at,
                    file.checksum,
                    file.bytes,
                )),
                None => ledger.forget(Window::new(piece.key.first, self.grid.cover_end(piece.key.last))),
            }
        }
        LedgerFile {
            layout: Version::LAYOUT,
            basis: snapshot.basis,
            known: ledger.known().to_vec(),
            fragments,
            envelope: snapshot.envelope.as_ref().clone(),
            earlier: snapshot.earlier.as_ref().map(|earlier| Box::new(self.ledger_of(earlier, disk))),
            ..LedgerFile::default()
        }
    }

    /// Takes over what was found on disk: a window whose fragment is gone is no longer known, and a fragment that no
    /// window mentions vouches for its own range. Says which fragments stand in the place of others and are not needed.
    fn restore(&self, found: &Found) -> Vec<FragmentKey> {
        self.update(|snapshot| {
            let mut needless = Vec::new();
            snapshot.basis = found.ledger.basis;
            snapshot.earlier = found.ledger.earlier.as_ref().map(|earlier| Arc::new(self.restored(earlier)));
            snapshot.envelope = Arc::new(found.ledger.envelope.clone());
            let known: Vec<Known> = found.ledger.known.clone();
            snapshot.ledger.record(&Attested { known, ..Attested::default() });
            let here: HashSet<&str> = found.fragments.iter().map(|(_, file)| file.checksum.as_str()).collect();
            for lost in found.ledger.fragments.iter().filter(|file| !here.contains(file.checksum.as_str())) {
                if let Ok(key) = lost.key.parse::<FragmentKey>() {
                    snapshot.ledger.forget(Window::new(key.first, self.grid.cover_end(key.last)));
                }
            }
            for (key, file) in &found.fragments {
                self.note_comparison(file.fetched_at);
                let window = Window::new(key.first, self.grid.cover_end(key.last));
                // Several files for one stretch, as after a crash within a compaction: the one that has all of it, else
                // those that stood before.
                let overlaps = |piece: &&Piece| piece.key.first <= key.last && key.first <= piece.key.last;
                let standing: Vec<Piece> = snapshot.pieces.iter().filter(overlaps).cloned().collect();
                let rows: usize = standing.iter().map(|piece| piece.times.len()).sum();
                let has_all = standing.iter().all(|p| key.first <= p.key.first && p.key.last <= key.last);
                if has_all && rows <= file.rows {
                    snapshot.pieces.retain(|piece| !standing.iter().any(|p| p.id == piece.id));
                    needless.extend(standing.iter().map(|piece| piece.key.as_ref().clone()));
                } else if !standing.is_empty() {
                    snapshot.ledger.forget(window);
                    for piece in &standing {
                        let window = Window::new(piece.key.first, self.grid.cover_end(piece.key.last));
                        let (columns, fetched_at) = (piece.key.columns, piece.fetched_at);
                        let entry = Known { window, columns, reason: Reason::Data, fetched_at };
                        snapshot.ledger.record(&Attested { known: vec![entry], ..Attested::default() });
                    }
                    needless.push(key.clone());
                    continue;
                }
                let entry = Known { window, columns: key.columns, reason: Reason::Data, fetched_at: file.fetched_at };
                snapshot.ledger.record(&Attested { known: vec![entry], ..Attested::default() });
                snapshot.insert(self.piece_of(key, file));
            }
            needless
        })
    }
}

impl Cell {
    /// What is held of a basis before the present one: as it was written down, since nothing is added to it.
    fn restored(&self, ledger: &LedgerFile) -> Snapshot {
        let mut snapshot =
            Snapshot { basis: ledger.basis, envelope: Arc::new(ledger.envelope.clone()), ..Snapshot::default() };
        snapshot.ledger.record(&Attested { known: ledger.known.clone(), ..Attested::default() });
        for file in &ledger.fragments {
            if let Ok(key) = file.key.parse::<FragmentKey>() {
                snapshot.insert(self.piece_of(&key, file));
            }
        }
        snapshot.earlier = ledger.earlier.as_ref().map(|earlier| Arc::new(self.restored(earlier)));
        snapshot
    }

    fn piece_of(&self, key: &FragmentKey, file: &FragmentFile) -> Piece {
        Piece {
            id: id_of(key),
            key: Arc::new(key.clone()),
            times: times_of(key, file, self.grid),
            fetched_at: file.fetched_at,
            used: Arc::new(file.fetched_at.into()),
            pending: None,
        }
    }
}

/// What was last said of a symbol.
#[derive(Default)]
struct Sighting(ArcSwap<Sight>);

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
    pub fn restore(&self, disk: &Disk) -> usize {
        let found = disk.load();
        for series in &found {
            if let Some(cell) = self.cell(&Arc::new(series.series.clone())) {
                cell.see(&series.ledger.envelope);
                for needless in cell.restore(series) {
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

    pub fn all(&self) -> Vec<Arc<Cell>> {
        self.cells.pin().values().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.cells.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Pieces with the time of their last use, for choosing what leaves the disk.
    pub fn by_use(&self) -> Vec<(Ts, Arc<Cell>, Piece)> {
        let pieces = self.all().into_iter().flat_map(|cell| {
            let snapshot = cell.snapshot();
            let pieces: Vec<Piece> = snapshot.pieces.clone();
            pieces.into_iter().map(move |piece| (piece.used.load(Ordering::Relaxed), cell.clone(), piece))
        });
        let mut all: Vec<_> = pieces.collect();
        all.sort_by_key(|(used, ..)| *used);
        all
    }
}
