//! Memory before disk.

use super::catalog::Catalog;
use super::cell::Cell;
use super::disk::Disk;
use super::fragment::Fragment;
use super::memory::Memory;
use super::snapshot::Piece;
use super::{Entry, Store, StoreError, compact};
use crate::breaker::Breaker;
use crate::config;
use crate::observe::events::Events;
use crate::observe::metrics::Metrics;
use finex_core::calendar::Span;
use finex_core::envelope::Envelope;
use finex_core::event::Event;
use finex_core::series::{FragmentKey, Series};
use finex_core::status::CacheLevel;
use finex_core::time::Window;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a client waits for the disk before the provider is asked instead.
const DISK_PATIENCE: Duration = Duration::from_secs(5);

/// A disk that fails five times in a row is left alone for two seconds.
fn of_a_disk() -> config::Breaker {
    config::Breaker { success_rate: 0.0, open_for: config::values::Span::seconds(2), ..config::Breaker::default() }
}

/// So many fragments within one natural span are made fewer.
const COMPACT_AT: usize = 8;

pub struct Tiers {
    pub memory: Memory,
    pub disk: Option<Disk>,
    pub catalog: Arc<Catalog>,
    disk_budget: u64,
    /// Of the disk.
    pub breaker: Breaker,
    /// Series with rows that the disk should have and did not take.
    behind: Mutex<HashSet<Arc<Series>>>,
    /// Are memory and disk known to be full?
    pressed: [AtomicBool; 2],
    events: Events,
    metrics: Arc<Metrics>,
}

impl Tiers {
    pub fn new(
        memory: Memory,
        disk: Option<(Disk, u64)>,
        catalog: Arc<Catalog>,
        events: Events,
        metrics: Arc<Metrics>,
    ) -> Tiers {
        let disk_budget = disk.as_ref().map_or(0, |(_, budget)| *budget);
        let memory_clock = memory.clock();
        Tiers {
            memory,
            disk: disk.map(|(disk, _)| disk),
            catalog,
            disk_budget,
            breaker: Breaker::new(&of_a_disk(), metrics.disk_breaker.clone(), memory_clock),
            behind: Mutex::default(),
            pressed: Default::default(),
            events,
            metrics,
        }
    }

    /// A fragment that is in memory.
    pub fn peek(&self, piece: &Piece) -> Option<Arc<Fragment>> {
        piece.pending.clone().or_else(|| self.memory.peek(piece.id))
    }

    /// A fragment from the fastest tier that has it. What no tier has, or what fails its proof, is given up with its
    /// coverage.
    pub async fn load(&self, cell: &Cell, piece: &Piece) -> Option<(Arc<Fragment>, CacheLevel)> {
        if let Some(fragment) = self.peek(piece) {
            return Some((fragment, CacheLevel::L1Memory));
        }
        let disk = self.disk.as_ref();
        let found = match disk {
            Some(disk) => self.read(disk, &piece.key).await,
            None => Ok(None),
        };
        let why = match found {
            Ok(Some(entry)) if entry.fragment.times == piece.times => {
                // Meanwhile the series may hold something newer under this key.
                if cell.snapshot().has(piece) {
                    self.memory.insert(entry.fragment.clone());
                }
                return Some((entry.fragment, CacheLevel::L3Database));
            }
            Ok(Some(_)) => "its rows are not those that the ledger names".to_owned(),
            Err(StoreError::LeftAlone) => {
                cell.drop_piece(piece.id);
                return None;
            }
            // A disk that cannot be read now may be read later: the file stays, and until then the provider is asked.
            Err(StoreError::Io(error)) => {
                self.fail(&StoreError::Io(error));
                cell.drop_piece(piece.id);
                return None;
            }
            Ok(None) => "no tier has it".to_owned(),
            Err(error) => {
                self.metrics.disk_errors.inc();
                error.to_string()
            }
        };
        // Another snapshot may already know better, as after a compaction.
        if cell.drop_piece(piece.id).is_some() {
            self.events.tell(Event::Dropped { key: piece.key.as_ref().clone(), why });
            self.discard(piece).await;
        }
        None
    }

    /// Reads a fragment, unless the disk failed repeatedly just now; it is not waited for longer than a client would like to.
    async fn read(&self, disk: &Disk, key: &FragmentKey) -> Result<Option<Entry>, StoreError> {
        let permit = self.breaker.permit().map_err(|_| StoreError::LeftAlone)?;
        let late = || StoreError::Io(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let outcome = tokio::time::timeout(DISK_PATIENCE, disk.get(key)).await.unwrap_or_else(|_| Err(late()));
        permit.judge(!outcome.as_ref().is_err_and(StoreError::is_trouble));
        outcome
    }

    /// Writes one, in the same way; writing takes as long as it takes, since nobody waits for it.
    async fn write(&self, disk: &Disk, entry: Entry) -> Result<(), StoreError> {
        let permit = self.breaker.permit().map_err(|_| StoreError::LeftAlone)?;
        let outcome = disk.put(entry).await;
        permit.judge(!outcome.as_ref().is_err_and(StoreError::is_trouble));
        outcome
    }

    async fn discard(&self, piece: &Piece) {
        self.memory.remove(piece.id);
        if let Some(disk) = &self.disk
            && let Err(error) = disk.delete(&piece.key).await
        {
            self.fail(&error);
        }
    }

    /// Writes what is not on disk yet, then the ledger; makes room and order while at it. What the disk did not take earlier
    /// is tried again once it takes something.
    pub async fn save(&self, cell: &Arc<Cell>, span: impl Fn(&Cell) -> Span) {
        if !self.save_one(cell, span(cell)).await {
            return;
        }
        let behind: Vec<Arc<Series>> = self.behind().drain().collect();
        let mut late = behind.into_iter();
        while let Some(series) = late.next() {
            let Some(cell) = self.catalog.get(&series) else { continue };
            if !self.save_one(&cell, span(&cell)).await {
                // It put itself back; so do those that were not tried.
                self.behind().extend(late);
                break;
            }
        }
    }

    /// Tries again what the disk did not take; says whether nothing of it is left.
    pub async fn catch_up(&self, span: impl Fn(&Cell) -> Span) -> bool {
        let late = self.behind().iter().next().cloned();
        let Some(series) = late else { return true };
        match self.catalog.get(&series) {
            Some(cell) => self.save(&cell, span).await,
            None => drop(self.behind().remove(&series)),
        }
        self.behind().is_empty()
    }

    fn behind(&self) -> MutexGuard<'_, HashSet<Arc<Series>>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Did the disk take everything?
    async fn save_one(&self, cell: &Arc<Cell>, span: Span) -> bool {
        let _one_at_a_time = cell.saving.lock().await;
        let snapshot = cell.snapshot();
        let Some(disk) = &self.disk else {
            let pending: Vec<Arc<Fragment>> = snapshot.all_pieces().filter_map(|piece| piece.pending.clone()).collect();
            self.settle(cell, &pending);
            return true;
        };
        let missing = |piece: &&Piece| piece.pending.is_some() || disk.file(piece.id).is_none();
        let unsaved: Vec<Arc<Fragment>> =
            snapshot.all_pieces().filter(missing).filter_map(|piece| self.peek(piece)).collect();
        let mut taken = true;
        for fragment in &unsaved {
            let entry = Entry::lasting(fragment.clone(), notes_of(cell, fragment));
            if let Err(error) = self.write(disk, entry).await {
                self.fail(&error);
                self.behind().insert(cell.series.clone());
                taken = false;
            }
        }
        self.settle(cell, &unsaved);
        let replaced = self.compact(cell, disk, span).await;
        taken &= self.save_ledger(cell, disk).await;
        for piece in &replaced {
            self.discard(piece).await;
        }
        self.make_room(disk).await;
        self.measure();
        taken
    }

    /// These rows are held by the tiers from now on, no longer by the snapshot.
    fn settle(&self, cell: &Cell, saved: &[Arc<Fragment>]) {
        let is_this =
            |piece: &Piece, saved: &Arc<Fragment>| piece.pending.as_ref().is_some_and(|p| Arc::ptr_eq(p, saved));
        cell.update(|snapshot| {
            snapshot.change_pieces(&mut |piece| {
                if saved.iter().any(|fragment| is_this(piece, fragment)) {
                    piece.pending = None;
                }
            });
        });
    }

    /// Was it taken? Else it is tried again with what else the disk did not take.
    async fn save_ledger(&self, cell: &Cell, disk: &Disk) -> bool {
        let saved = disk.save_ledger(cell.series.clone(), cell.ledger_file(disk)).await;
        if let Err(error) = &saved {
            self.fail(error);
            self.behind().insert(cell.series.clone());
        }
        saved.is_ok()
    }

    /// Drops pieces for good, wherever they are, and writes the ledger without them. Files go first: a file that no
    /// ledger names vouches for itself, and would come back after a crash.
    pub async fn delete(&self, cell: &Cell, pieces: &[Piece]) {
        let _one_at_a_time = cell.saving.lock().await;
        let snapshot = cell.snapshot();
        for piece in pieces.iter().filter(|piece| !snapshot.all_pieces().any(|p| p.id == piece.id)) {
            self.discard(piece).await;
        }
        if let Some(disk) = &self.disk {
            self.save_ledger(cell, disk).await;
        }
        self.measure();
    }

    /// Takes pieces of an older basis out of service. Their files stay, under a name that no reader takes for current.
    pub async fn supersede(&self, cell: &Cell, pieces: &[Piece]) {
        if pieces.is_empty() {
            return;
        }
        // What is being written just now must not come back under its old name.
        let _one_at_a_time = cell.saving.lock().await;
        for piece in pieces {
            self.memory.remove(piece.id);
            if let Some(disk) = &self.disk
                && let Err(error) = disk.supersede(&piece.key).await
            {
                self.fail(&error);
            }
        }
        if let Some(disk) = &self.disk {
            self.save_ledger(cell, disk).await;
        }
    }

    /// Makes one fragment of those that follow one another within a natural span; says which it replaced.
    async fn compact(&self, cell: &Arc<Cell>, disk: &Disk, span: Span) -> Vec<Piece> {
        let mut replaced = Vec::new();
        let epoch = cell.snapshot().epoch;
        for run in crowded(cell, span) {
            let mut fragments = Vec::with_capacity(run.len());
            for piece in &run {
                fragments.extend(self.load(cell, piece).await.map(|(fragment, _)| fragment));
            }
            if fragments.len() != run.len() {
                continue;
            }
            let Some(merged) = compact::merge(&fragments, cell.grid, cell.provider.as_ref()) else { continue };
            let merged = Arc::new(merged);
            let entry = Entry::lasting(merged.clone(), notes_of(cell, &merged));
            if let Err(error) = self.write(disk, entry).await {
                self.fail(&error);
                continue;
            }
            self.memory.insert(merged.clone());
            let merged = Piece { pending: None, ..Piece::new(merged) };
            let seen = run.iter().map(|piece| piece.seen.load(Ordering::Relaxed)).min();
            merged.seen.store(seen.unwrap_or(merged.fetched_at), Ordering::Relaxed);
            let swapped = cell.update(|snapshot| snapshot.epoch == epoch && snapshot.swap(&run, merged.clone()));
            // What was invalidated meanwhile must not come back in a larger piece.
            if swapped { replaced.extend(run) } else { self.discard(&merged).await }
        }
        replaced
    }

    /// The budget may be smaller than it was when the disk was written.
    pub async fn keep_within_budget(&self) {
        if let Some(disk) = &self.disk {
            self.make_room(disk).await;
            self.measure();
        }
    }

    /// Above its budget the disk gives up what was not used for longest, of one day what is cheapest to have again; nothing
    /// that its provider does not give again.
    async fn make_room(&self, disk: &Disk) {
        let (bytes, _) = disk.usage();
        if bytes <= self.disk_budget {
            return;
        }
        let excess = bytes - self.disk_budget / 20 * 19;
        let mut freed = 0;
        // What nobody reads goes first.
        while freed < excess
            && let Some(bytes) = disk.drop_aside().await
        {
            freed += bytes;
        }
        for (cell, piece) in self.catalog.least_wanted() {
            if freed >= excess {
                break;
            }
            let Some(file) = disk.file(piece.id) else { continue };
            if cell.reach(self.memory.now()).is_some_and(|reach| piece.key.first < reach) {
                continue;
            }
            if cell.drop_piece(piece.id).is_some() {
                freed += file.bytes;
                self.metrics.disk_evictions.inc();
                self.discard(&piece).await;
                self.save_ledger(&cell, disk).await;
            }
        }
    }

    fn fail(&self, error: &StoreError) {
        if matches!(error, StoreError::LeftAlone) {
            return;
        }
        self.metrics.disk_errors.inc();
        tracing::error!(%error, "the disk tier failed; going on without");
    }

    /// Brings the gauges up to date, and tells when a tier fills up.
    pub fn measure(&self) {
        let (bytes, entries) = self.memory.usage();
        self.metrics.memory_bytes.set(bytes as i64);
        self.metrics.memory_entries.set(entries as i64);
        self.metrics.memory_budget.set(self.memory.budget() as i64);
        self.press(CacheLevel::L1Memory, bytes, self.memory.budget());
        if let Some(disk) = &self.disk {
            let (bytes, entries) = disk.usage();
            self.metrics.disk_bytes.set(bytes as i64);
            self.metrics.disk_entries.set(entries as i64);
            self.metrics.disk_budget.set(self.disk_budget as i64);
            self.metrics.disk_behind.set(self.behind().len() as i64);
            self.press(CacheLevel::L3Database, bytes, self.disk_budget);
        }
    }

    /// Told once as a tier fills up, and again when it had been emptier in between.
    fn press(&self, level: CacheLevel, bytes: u64, budget: u64) {
        let pressed = &self.pressed[usize::from(level == CacheLevel::L3Database)];
        if bytes < budget / 10 * 8 {
            pressed.store(false, Ordering::Relaxed);
        } else if bytes > budget / 100 * 95 && !pressed.swap(true, Ordering::Relaxed) {
            self.events.tell(Event::Pressed { level, bytes, budget });
        }
    }
}

/// What was said beside the bars of a fragment, with the sessions around its first and last one.
fn notes_of(cell: &Cell, fragment: &Fragment) -> Arc<Envelope> {
    const DAY: i64 = 86_400_000;
    let FragmentKey { first, last, version, .. } = &fragment.key;
    let window = Window::new(first.saturating_sub(DAY), cell.grid.cover_end(*last).saturating_add(DAY));
    let snapshot = cell.snapshot();
    let own = snapshot.bases().find(|snapshot| snapshot.basis == version.basis);
    own.map(|own| Arc::new(own.envelope.within(window))).unwrap_or_default()
}

/// Runs of fragments in one natural span that follow one another, where there are too many.
fn crowded(cell: &Cell, span: Span) -> Vec<Vec<Piece>> {
    let snapshot = cell.snapshot();
    let mut spans: Vec<Vec<Piece>> = Vec::new();
    for piece in &snapshot.pieces {
        let home = span.around(piece.key.first);
        match spans.last_mut() {
            Some(run) if run.first().is_some_and(|p| span.around(p.key.first) == home) => run.push(piece.clone()),
            _ => spans.push(vec![piece.clone()]),
        }
    }
    let follows = |a: &Piece, b: &Piece| {
        let between = Window::new(a.key.last, b.key.first);
        a.key.columns == b.key.columns
            && a.key.version == b.key.version
            && !snapshot.loose.iter().any(|loose| between.contains(loose.key.first))
            && snapshot.ledger.known().iter().any(|known| known.window.covers(between))
    };
    let crowded = spans.into_iter().filter(|run| run.len() > COMPACT_AT);
    crowded
        .flat_map(|run| run.chunk_by(follows).map(<[Piece]>::to_vec).collect::<Vec<_>>())
        .filter(|r| r.len() > 1)
        .collect()
}
