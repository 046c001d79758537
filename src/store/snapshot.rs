//! The state of one series at one moment: immutable, swapped whole when it changes.

use super::fragment::{Fragment, FragmentId, Times};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::Grid;
use finex_core::columns::Columns;
use finex_core::envelope::Envelope;
use finex_core::plan::Held;
use finex_core::plan::coverage::Ledger;
use finex_core::series::FragmentKey;
use finex_core::terms::Terms;
use finex_core::time::{END, Ts, Window, WindowSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A fragment of final bars, wherever its rows are.
#[derive(Debug, Clone)]
pub struct Piece {
    pub id: FragmentId,
    pub key: Arc<FragmentKey>,
    pub times: Times,
    pub fetched_at: Ts,
    /// When it was last part of an answer.
    pub used: Arc<AtomicI64>,
    /// When its bars were last looked at for corrections.
    pub seen: Arc<AtomicI64>,
    /// The rows themselves, until a lasting tier has them.
    pub pending: Option<Arc<Fragment>>,
}

impl Piece {
    pub fn new(fragment: Arc<Fragment>) -> Piece {
        Piece {
            id: fragment.id,
            key: Arc::new(fragment.key.clone()),
            times: fragment.times.clone(),
            fetched_at: fragment.fetched_at,
            used: Arc::new(AtomicI64::new(fragment.fetched_at)),
            seen: Arc::new(AtomicI64::new(fragment.fetched_at)),
            pending: Some(fragment),
        }
    }
}

/// Coverage, fragments of final bars, and bars that may still change.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub version: u64,
    /// Grows with every invalidation and every new basis: what was asked for before one is not kept after it.
    pub epoch: u64,
    /// The corporate-action state of every number in here.
    pub basis: u32,
    /// What was said beside the bars.
    pub envelope: Arc<Envelope>,
    /// The row that stands for now in the place of a bar of its period.
    pub live: Option<Ts>,
    /// When the provider last corrected final bars, and how many.
    pub corrected: Option<(Ts, usize)>,
    pub ledger: Ledger,
    /// By time, without overlap.
    pub pieces: Vec<Piece>,
    /// By time, without overlap; their lives stand in the ledger.
    pub loose: Vec<Arc<Fragment>>,
    /// By how much longer lives are than they were told, for a client that takes what is past them.
    pub grace: i64,
    /// Which of the loose ones are implausible.
    pub suspect: Arc<[Ts]>,
    /// What is held of the basis before and can no longer be had: served by itself, never beside these.
    pub earlier: Option<Arc<Snapshot>>,
}

/// Rows of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub source: Source,
    pub rows: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Piece(usize),
    Loose(usize),
}

impl Held for Snapshot {
    fn count(&self, window: Window) -> u64 {
        let pieces = self.overlapping(window).map(|i| self.pieces[i].times.rows_in(window).len() as u64);
        let loose = self.loose.iter().map(|f| f.times.rows_in(window).len() as u64);
        pieces.sum::<u64>() + loose.sum::<u64>()
    }

    fn seam(&self, window: Window, bars: u64) -> Window {
        let seen = self.seen();
        let known = |from: Ts, to: Ts| seen.gaps(Window::new(from, to)).is_empty();
        let (mut from, mut to) = (window.from, window.to);
        let beside = |f: &&Arc<Fragment>| f.key.first <= window.to && window.from <= f.key.last.saturating_add(1);
        for loose in self.loose.iter().filter(beside) {
            (from, to) = (from.min(loose.key.first), to.max(loose.key.last.saturating_add(1)));
        }
        let before = self.pieces.iter().rev().filter(|p| p.key.first < from);
        let opens = before.flat_map(|p| (0..p.times.lower_bound(from)).rev().filter_map(|row| p.times.get(row)));
        let left = opens.take(bars as usize).filter(|open| known(*open, window.from.min(from))).last();
        let after = self.pieces.iter().filter(|p| p.key.last >= to);
        let opens = after.flat_map(|p| (p.times.lower_bound(to)..p.times.len()).filter_map(|row| p.times.get(row)));
        let right = opens.take(bars as usize).filter(|open| known(window.to.max(to), *open)).last();
        Window::new(left.unwrap_or(from).min(window.from), right.map_or(to, |open| open + 1).max(window.to))
    }
}

impl Snapshot {
    pub fn is_empty(&self) -> bool {
        let unknown = self.ledger.is_empty() && self.envelope.is_empty() && self.basis == 0;
        unknown && self.pieces.is_empty() && self.loose.is_empty()
    }

    /// As a client may see it that has terms of its own.
    pub fn under(self: Arc<Self>, terms: &Terms, now: Ts) -> Arc<Snapshot> {
        if terms.are_plain() {
            return self;
        }
        let (ledger, grace) = (self.ledger.under(terms, now), terms.grace());
        Arc::new(Snapshot { ledger, grace, ..Snapshot::clone(&self) })
    }

    pub(super) fn overlapping(&self, window: Window) -> Range<usize> {
        let from = self.pieces.partition_point(|p| p.key.last < window.from);
        from..self.pieces.partition_point(|p| p.key.first < window.to).max(from)
    }

    pub fn times(&self, source: Source) -> &Times {
        match source {
            Source::Piece(i) => &self.pieces[i].times,
            Source::Loose(i) => &self.loose[i].times,
        }
    }

    /// The rows of the ask's window that are here, oldest first, as many as it takes.
    pub fn select(&self, ask: &Ask) -> Vec<Part> {
        let mut parts = self.parts_in(ask.window);
        match ask.take {
            Take::All => {}
            Take::First(n) => {
                let mut left = n as usize;
                parts.retain_mut(|part| take(&mut left, part, false));
            }
            Take::Last(n) => {
                let mut left = n as usize;
                parts.reverse();
                parts.retain_mut(|part| take(&mut left, part, true));
                parts.reverse();
            }
        }
        parts
    }

    fn parts_in(&self, window: Window) -> Vec<Part> {
        let pieces = self.overlapping(window).map(|i| {
            let rows = self.pieces[i].times.rows_in(window);
            (self.pieces[i].key.first, Part { source: Source::Piece(i), rows })
        });
        let loose = self.loose.iter().enumerate();
        let loose = loose.map(|(i, f)| (f.key.first, Part { source: Source::Loose(i), rows: f.times.rows_in(window) }));
        let mut parts: Vec<(Ts, Part)> = pieces.chain(loose).filter(|(_, part)| !part.rows.is_empty()).collect();
        parts.sort_by_key(|(first, _)| *first);
        parts.into_iter().map(|(_, part)| part).collect()
    }

    /// Open time of the first and last selected bar.
    pub fn range(&self, parts: &[Part]) -> Option<(Ts, Ts)> {
        let (first, last) = (parts.first()?, parts.last()?);
        let open = |part: &Part, row| self.times(part.source).get(row);
        Some((open(first, first.rows.start)?, open(last, last.rows.end - 1)?))
    }

    /// Is the selection all that the ask wants, as far as is known at `now`?
    pub fn answers(&self, ask: &Ask, parts: &[Part], now: Ts) -> bool {
        self.answers_until(ask, parts, now, now)
    }

    /// The same as of `seen`, with lives that end after `alive_at` counted as running.
    pub fn answers_until(&self, ask: &Ask, parts: &[Part], seen: Ts, alive_at: Ts) -> bool {
        let rows: usize = parts.iter().map(|part| part.rows.len()).sum();
        let whole = Window::new(ask.window.from, ask.window.to.min(seen.saturating_add(1)));
        let needed = match (ask.take, self.range(parts)) {
            (Take::First(n), Some((_, last))) if rows as u64 >= n => Window::new(whole.from, last.saturating_add(1)),
            (Take::Last(n), Some((first, _))) if rows as u64 >= n => Window::new(first, whole.to),
            _ => whole,
        };
        needed.is_empty() || self.ledger.covers(needed, ask.columns, alive_at)
    }

    /// Notes that these rows were part of an answer.
    pub fn touch(&self, parts: &[Part], now: Ts) {
        for part in parts {
            if let Source::Piece(i) = part.source {
                self.pieces[i].used.store(now, Ordering::Relaxed);
            }
        }
    }

    /// Puts a piece in its place.
    pub fn insert(&mut self, piece: Piece) {
        let at = self.pieces.partition_point(|p| p.key.first < piece.key.first);
        self.pieces.insert(at, piece);
    }

    /// Is this very reading still part of the series?
    pub fn has(&self, piece: &Piece) -> bool {
        self.all_pieces().any(|p| p.id == piece.id && p.fetched_at == piece.fetched_at)
    }

    /// The piece that was fetched before all others, of those that reach no further back than `reach`.
    pub fn oldest_reading(&self, reach: Option<Ts>) -> Option<usize> {
        let reached = |piece: &Piece| reach.is_none_or(|reach| piece.key.first > reach);
        let pieces = self.pieces.iter().enumerate().filter(|(_, piece)| reached(piece));
        pieces.min_by_key(|(_, piece)| piece.fetched_at).map(|(at, _)| at)
    }

    /// Puts one piece in the place of several, if all of them are still here.
    pub fn swap(&mut self, old: &[Piece], new: Piece) -> bool {
        if !old.iter().all(|piece| self.pieces.iter().any(|p| p.id == piece.id && p.fetched_at == piece.fetched_at)) {
            return false;
        }
        self.pieces.retain(|piece| !old.iter().any(|o| o.id == piece.id));
        self.insert(new);
        true
    }

    pub fn holds(&self, open: Ts) -> bool {
        holds(&self.pieces, open)
    }

    /// The last bar that opens before an instant, if nothing is unknown between.
    pub fn before(&self, at: Ts) -> Option<Part> {
        let pieces = self.pieces.iter().enumerate().rev().find(|(_, p)| p.key.first < at);
        let loose = self.loose.iter().enumerate().rev().find(|(_, f)| f.key.first < at);
        let row = |times: &Times| times.lower_bound(at).checked_sub(1);
        let candidates = [
            pieces.and_then(|(i, p)| Some((Source::Piece(i), row(&p.times)?))),
            loose.and_then(|(i, f)| Some((Source::Loose(i), row(&f.times)?))),
        ];
        let open = |(source, row): &(Source, usize)| self.times(*source).get(*row);
        let (source, row) = candidates.into_iter().flatten().max_by_key(|candidate| open(candidate))?;
        let last = self.times(source).get(row)?;
        // However long ago: it is the bar before all the same.
        self.ledger
            .covers(Window::new(last, at), Columns::OHLCV, Ts::MIN)
            .then_some(Part { source, rows: row..row + 1 })
    }

    /// Windows that were answered, however long ago.
    fn seen(&self) -> WindowSet {
        self.ledger.covered(Columns::OHLCV, Ts::MIN)
    }

    /// Open times that are held in a window.
    pub fn opens(&self, window: Window) -> Vec<Ts> {
        let parts = self.parts_in(window);
        parts.iter().flat_map(|part| part.rows.clone().filter_map(|row| self.times(part.source).get(row))).collect()
    }

    /// Was history rewritten at `at`, after some of these bars were fetched?
    pub fn is_outdated(&self, at: Option<Ts>) -> bool {
        at.is_some_and(|at| self.pieces.iter().any(|piece| piece.fetched_at < at && piece.key.first < at))
    }

    /// Begins a new basis: everything that is held belongs to the old one, and is given back. What opened before `reach` is
    /// kept apart: the provider will not give it again.
    pub fn rebase(&mut self, reach: Option<Ts>) -> Vec<Piece> {
        let reach = reach.unwrap_or(Ts::MIN);
        let (precious, superseded) = std::mem::take(&mut self.pieces).into_iter().partition(|p| p.key.first < reach);
        let before = std::mem::take(self);
        *self = Snapshot {
            version: before.version,
            epoch: before.epoch + 1,
            basis: before.basis + 1,
            earlier: before.earlier.clone(),
            ..Snapshot::default()
        };
        let precious: Vec<Piece> = precious;
        if !precious.is_empty() {
            let mut ledger = before.ledger.clone();
            ledger.forget(Window::new(reach, END));
            let kept =
                Snapshot { ledger, pieces: precious, loose: Vec::new(), live: None, suspect: Arc::default(), ..before };
            self.earlier = Some(Arc::new(kept));
        }
        superseded
    }

    /// This state and those of the bases before it that are still served.
    pub fn bases(&self) -> impl Iterator<Item = &Snapshot> {
        std::iter::successors(Some(self), |snapshot| snapshot.earlier.as_deref())
    }

    /// All pieces, of whatever basis.
    pub fn all_pieces(&self) -> impl Iterator<Item = &Piece> {
        self.bases().flat_map(|snapshot| &snapshot.pieces)
    }

    /// Changes the pieces of every basis.
    pub fn change_pieces(&mut self, change: &mut impl FnMut(&mut Piece)) {
        self.pieces.iter_mut().for_each(&mut *change);
        if let Some(earlier) = &mut self.earlier {
            Arc::make_mut(earlier).change_pieces(change);
        }
    }

    /// Gives up a piece with the coverage that it backs.
    pub fn drop_piece(&mut self, id: FragmentId, grid: Grid) -> Option<Piece> {
        let Some(at) = self.pieces.iter().position(|piece| piece.id == id) else {
            let earlier = self.earlier.as_mut().filter(|earlier| earlier.all_pieces().any(|piece| piece.id == id))?;
            return Arc::make_mut(earlier).drop_piece(id, grid);
        };
        let piece = self.pieces.remove(at);
        self.ledger.forget(grid.periods(piece.key.first, piece.key.last));
        Some(piece)
    }
}

/// Is a bar among the final ones?
pub fn holds(pieces: &[Piece], open: Ts) -> bool {
    let at = pieces.partition_point(|piece| piece.key.last < open);
    pieces.get(at).is_some_and(|piece| piece.times.contains(open))
}

fn take(left: &mut usize, part: &mut Part, from_end: bool) -> bool {
    let rows = part.rows.len().min(*left);
    *left -= rows;
    part.rows = if from_end { part.rows.end - rows..part.rows.end } else { part.rows.start..part.rows.start + rows };
    rows > 0
}
