//! One series with all that is held of it.

use super::disk::{Disk, times_of};
use super::fragment::{FragmentId, id_of};
use super::habit::Habit;
use super::ledger_file::{FragmentFile, LedgerFile};
use super::restore::Found;
use super::snapshot::{Piece, Snapshot};
use arc_swap::ArcSwap;
use finex_core::calendar::Grid;
use finex_core::envelope::Envelope;
use finex_core::plan::coverage::{Attested, Known, Reason};
use finex_core::series::{FragmentKey, Series, Version};
use finex_core::time::{Ts, Window};
use finex_providers::{Provider, Sight};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One series with its present snapshot. Reading takes no lock; changes are made one after the other.
pub struct Cell {
    pub series: Arc<Series>,
    pub provider: Arc<dyn Provider>,
    pub grid: Grid,
    snapshot: ArcSwap<Snapshot>,
    /// What was last said of the symbol, by whichever series of it.
    sight: Arc<Sighting>,
    /// When its bars were last seen to be the provider's.
    pub(super) compared_at: AtomicI64,
    /// Before when that is not to be tried.
    pub(super) next_try: AtomicI64,
    /// Are there held bars that were never compared with the others?
    pub(super) apart: AtomicBool,
    /// When the next final bars are to be looked at once more, which may have been corrected.
    pub(super) recheck_due: AtomicI64,
    changing: Mutex<()>,
    /// Is it being fetched again behind an answer?
    pub refreshing: AtomicBool,
    /// How it is asked for.
    pub habit: Habit,
    /// Held while the series is written to disk.
    pub saving: tokio::sync::Mutex<()>,
}

impl Cell {
    pub(super) fn new(series: Arc<Series>, provider: Arc<dyn Provider>, sight: Arc<Sighting>) -> Cell {
        let grid = provider.grid(&series);
        Cell {
            series,
            provider,
            grid,
            snapshot: ArcSwap::default(),
            sight,
            compared_at: AtomicI64::new(Ts::MIN),
            next_try: AtomicI64::new(Ts::MIN),
            apart: AtomicBool::new(false),
            recheck_due: AtomicI64::new(Ts::MAX),
            changing: Mutex::new(()),
            refreshing: AtomicBool::new(false),
            habit: Habit::default(),
            saving: tokio::sync::Mutex::new(()),
        }
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The corporate-action state of what is held now.
    pub fn basis(&self) -> u32 {
        self.snapshot.load().basis
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
        self.update(|snapshot| snapshot.drop_piece(id, self.grid))
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
                None => ledger.forget(self.grid.periods(piece.key.first, piece.key.last)),
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
    pub(super) fn restore(&self, found: &Found, now: Ts) -> Vec<FragmentKey> {
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
                    snapshot.ledger.forget(self.grid.periods(key.first, key.last));
                }
            }
            for (key, file) in &found.fragments {
                let window = Window::new(key.first, self.grid.cover_end(key.last));
                // Several files for one stretch, as after a crash within a compaction: the one that has all of it, else
                // those that stood before.
                let standing: Vec<Piece> = snapshot
                    .overlapping(Window::new(key.first, key.last + 1))
                    .map(|i| snapshot.pieces[i].clone())
                    .collect();
                let rows: usize = standing.iter().map(|piece| piece.times.len()).sum();
                let has_all = standing.iter().all(|p| key.first <= p.key.first && p.key.last <= key.last);
                if standing.is_empty() {
                    // Nothing is in its way.
                } else if has_all && rows <= file.rows {
                    snapshot.pieces.retain(|piece| !standing.iter().any(|p| p.id == piece.id));
                    needless.extend(standing.iter().map(|piece| piece.key.as_ref().clone()));
                } else {
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
                // By a clock that was wrong: whatever happened since may have happened after.
                let fetched_at = if file.fetched_at > now { 0 } else { file.fetched_at };
                snapshot.insert(Piece { fetched_at, ..self.piece_of(key, file) });
            }
            // Nobody knows any more which of them were compared with each other.
            self.apart.store(snapshot.pieces.len() > 1, Ordering::Relaxed);
            let oldest = snapshot.pieces.iter().map(|piece| piece.fetched_at).min();
            self.compared_at.store(oldest.unwrap_or(Ts::MIN), Ordering::Relaxed);
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
pub(super) struct Sighting(ArcSwap<Sight>);
