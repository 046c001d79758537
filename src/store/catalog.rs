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
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
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
    /// Are there held bars that were never compared with the others?
    apart: AtomicBool,
    /// When the next final bars are to be looked at once more, which may have been corrected.
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
            apart: AtomicBool::new(false),
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

    /// Takes note of what an answer that came at `at` compares: held bars with their provider's word, if it brings some of
    /// them. As long as there are stretches that were never compared with each other, only the oldest one's reading proves
    /// that nothing was rewritten since any was made.
    pub fn note_comparison(&self, snapshot: &Snapshot, fresh: &[Ts], at: Ts) {
        let brings = |piece: &Piece| fresh.iter().any(|open| piece.times.contains(*open));
        let oldest = snapshot.oldest_reading(self.reach(at)).map(|at| &snapshot.pieces[at]);
        if oldest.is_none_or(brings) {
            self.apart.store(false, Ordering::Relaxed);
        } else if !snapshot.pieces.iter().any(brings) {
            self.apart.store(true, Ordering::Relaxed);
        }
        if !self.is_apart() {
            self.compared_at.fetch_max(at, Ordering::Relaxed);
        }
    }

    /// Are there held bars that were never compared with the others?
    pub fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    pub fn tried_at(&self) -> Ts {
        self.tried_at.load(Ordering::Relaxed)
    }

    pub fn note_try(&self, at: Ts) {
        self.tried_at.fetch_max(at, Ordering::Relaxed);
    }

    /// Notes that the bars of a window were looked at once more.
    pub fn note_recheck(&self, at: Ts, window: Window) {
        let snapshot = self.snapshot();
        let looked_at = |piece: &&Piece| self.due(piece, at).is_some_and(|due| window.covers(due));
        for piece in snapshot.pieces.iter().filter(looked_at) {
            piece.seen.fetch_max(at, Ordering::Relaxed);
        }
        self.plan_recheck(&snapshot);
    }

    /// The bars that are to be looked at once more by now, if there are any.
    pub fn to_recheck(&self, now: Ts) -> Option<Window> {
        let due = now >= self.recheck_due.load(Ordering::Relaxed);
        let snapshot = due.then(|| self.snapshot())?;
        // With the bar before: the first one of an answer corrects nothing.
        let window = snapshot.pieces.iter().filter_map(|piece| self.due(piece, now)).reduce(|a, b| a.hull(b))?;
        Some(Window::new(self.grid.open(self.grid.index(window.from) - 1), window.to))
    }

    /// The bars of a piece that are to be looked at once more by now.
    fn due(&self, piece: &Piece, now: Ts) -> Option<Window> {
        let windows = self.rechecks(piece).map(|(row, age)| {
            let rows = row..self.first_over_after(piece, now.saturating_sub(age)).max(row);
            let last = rows.end.checked_sub(1).and_then(|row| piece.times.get(row));
            let opens = piece.times.get(rows.start).zip(last).filter(|_| !rows.is_empty());
            opens.map(|(first, last)| Window::new(first, last + 1))
        });
        windows.flatten().reduce(|a, b| a.hull(b))
    }

    /// For each age at which a piece's bars are looked at again, a day's bars at a time: the first row that was younger when
    /// they were last seen.
    fn rechecks<'a>(&'a self, piece: &'a Piece) -> impl Iterator<Item = (usize, i64)> + 'a {
        let seen = piece.seen.load(Ordering::Relaxed);
        let ages = self.provider.manifest().recheck.iter();
        let row = move |age: &i64| self.first_over_after(piece, seen.saturating_sub(*age));
        ages.map(move |age| (row(age), *age)).filter(|(row, _)| *row < piece.times.len())
    }

    /// The first row whose day was not over at an instant.
    fn first_over_after(&self, piece: &Piece, at: Ts) -> usize {
        let (mut from, mut to) = (0, piece.times.len());
        while from < to {
            let row = from.midpoint(to);
            let over = piece.times.get(row).is_some_and(|open| self.day_is_over(open) <= at);
            (from, to) = if over { (row + 1, to) } else { (from, row) };
        }
        from
    }

    /// When the day of a bar is over, or that of its end where it is longer.
    fn day_is_over(&self, open: Ts) -> Ts {
        const DAY: i64 = 86_400_000;
        let end = if self.grid.interval.nominal_len() > DAY { self.grid.end_of(open) } else { open.saturating_add(1) };
        end.saturating_add(DAY - 1).div_euclid(DAY) * DAY
    }

    fn plan_recheck(&self, snapshot: &Snapshot) {
        let due = |piece: &Piece, row: usize| piece.times.get(row).map(|open| self.day_is_over(open));
        let rechecks = snapshot.pieces.iter().flat_map(|piece| self.rechecks(piece).map(move |next| (piece, next)));
        let due = rechecks.filter_map(|(piece, (row, age))| Some(due(piece, row)?.saturating_add(age)));
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
                self.compared_at.fetch_max(file.fetched_at, Ordering::Relaxed);
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
            self.apart.store(snapshot.pieces.len() > 1, Ordering::Relaxed);
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
            seen: Arc::new(file.fetched_at.into()),
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
