//! When held final bars were last seen to be the provider's, and which of them are to be looked at once more.

use super::cell::Cell;
use super::snapshot::{Piece, Snapshot};
use finex_core::time::{Ts, Window};
use std::sync::atomic::Ordering;

impl Cell {
    /// Were held bars compared with an answer of the provider's, or the first fetched, less than so long ago? What is said to
    /// have been in the future was not.
    pub fn was_compared(&self, now: Ts, ago: i64) -> bool {
        let at = self.compared_at.load(Ordering::Relaxed);
        at <= now && now.saturating_sub(at) < ago
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

    /// Is it of no use to compare held bars now?
    pub fn is_waiting(&self, now: Ts) -> bool {
        now < self.next_try.load(Ordering::Relaxed)
    }

    /// Puts off what came to nothing.
    pub fn put_off(&self, until: Ts) {
        self.next_try.fetch_max(until, Ordering::Relaxed);
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

    pub(super) fn plan_recheck(&self, snapshot: &Snapshot) {
        let due = |piece: &Piece, row: usize| piece.times.get(row).map(|open| self.day_is_over(open));
        let rechecks = snapshot.pieces.iter().flat_map(|piece| self.rechecks(piece).map(move |next| (piece, next)));
        let due = rechecks.filter_map(|(piece, (row, age))| Some(due(piece, row)?.saturating_add(age)));
        self.recheck_due.store(due.min().unwrap_or(Ts::MAX), Ordering::Relaxed);
    }
}
