//! Keeping what actually arrived: fragments, coverage and basis in one swap.

use super::Gateway;
use crate::fetch::Landed;
use crate::store::catalog::Cell;
use crate::store::fragment::Fragment;
use crate::store::snapshot::{Piece, Snapshot, holds};
use finex_core::calendar::Span;
use finex_core::columns::Bars;
use finex_core::event::{Event, Provenance};
use finex_core::plan::coverage::{Attested, Received, attest};
use finex_core::plan::{Call, ttl};
use finex_core::series::{FragmentKey, Version};
use finex_core::status::ErrorClass;
use finex_core::time::{Ts, Window};
use finex_core::truth::{finality, quality};
use finex_providers::{Failure, Shape};
use std::sync::Arc;

impl Gateway {
    /// Judges what arrived for a call and takes it into the series. What was invalidated meanwhile is not taken: those
    /// who wait will ask again.
    pub(super) fn commit(&self, cell: &Arc<Cell>, call: &Call, landed: Landed, epoch: u64) -> Result<(), Failure> {
        let admissible = cell.provider.admissible(call);
        let now = landed.at;
        let mut checked =
            quality::check(&landed.bars, cell.grid, admissible.from, admissible.to, (self.clock)().max(now))
                .map_err(|refused| bad_data(&refused.to_string()))?;
        confirm(cell, &mut checked);
        for rule in &checked.rules {
            self.events.tell(Event::Quarantined { series: cell.series.as_ref().clone(), bars: 1, rule });
        }
        let settle = cell.provider.manifest().settle;
        let received = Received {
            times: &checked.sound.times,
            suspect: &checked.suspect.times,
            rows: landed.bars.len() as u64,
            at: now,
            expires: (self.clock)().saturating_add(ttl::forming(cell.series.interval, self.cache.ttl_multiplier)),
        };
        let attested = attest(call, received, cell.grid, settle);
        let arrival = Arrival {
            cell,
            checked: &checked,
            attested: &attested,
            horizon: finality::horizon(cell.grid, settle, now),
            span: self.cache.span(cell.series.interval),
            at: now,
        };
        for piece in cell.update(|snapshot| arrival.enter(snapshot, epoch)) {
            if let Some(fragment) = piece.pending {
                self.tiers.memory.insert(fragment.clone());
                self.events.tell(Event::Stored {
                    key: fragment.key.clone(),
                    rows: fragment.len(),
                    bytes: fragment.weight(),
                    provenance: Provenance::Call,
                });
            }
        }
        Ok(())
    }
}

/// The same implausible reading twice is the provider's word: it is kept, or it would be asked for for ever.
fn confirm(cell: &Cell, checked: &mut quality::Checked) {
    let snapshot = cell.snapshot();
    let said_before = |row: usize| {
        let open = checked.suspect.times[row];
        let before = snapshot.loose.iter().find(|bar| bar.key.first == open);
        let now = cell.provider.encode(&checked.suspect.select(|r| r == row), Shape(0));
        before.is_some_and(|bar| bar.rows().text() == now.text())
    };
    let confirmed = checked.suspect.select(said_before);
    if !confirmed.is_empty() {
        checked.suspect = checked.suspect.select(|row| !said_before(row));
        checked.sound = checked.sound.overlay(&confirmed);
    }
}

/// An answer about to enter a snapshot.
struct Arrival<'a> {
    cell: &'a Cell,
    checked: &'a quality::Checked,
    attested: &'a Attested,
    horizon: Ts,
    span: Span,
    at: Ts,
}

impl Arrival<'_> {
    /// Writes rows and coverage; gives back the fragments that are new.
    fn enter(&self, snapshot: &mut Snapshot, epoch: u64) -> Vec<Piece> {
        if snapshot.epoch != epoch {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        for run in self.runs(snapshot) {
            let piece = Piece::new(Arc::new(self.fragment(&run, snapshot.basis)));
            snapshot.insert(piece.clone());
            pieces.push(piece);
        }
        // Where only emptiness was known, an implausible bar is something new, and it has to have a life that ends.
        for open in self.checked.suspect.times.iter().filter(|open| !holds(&snapshot.pieces, **open)) {
            snapshot.ledger.forget(Window::new(*open, self.cell.grid.cover_end(*open)));
        }
        snapshot.ledger.record(self.attested);
        self.enter_loose(snapshot);
        pieces
    }

    /// Final bars that are not held yet, cut at natural boundaries and around what is already there.
    fn runs(&self, snapshot: &Snapshot) -> Vec<Bars> {
        let sound = &self.checked.sound;
        let fresh: Vec<usize> = (0..sound.len())
            .filter(|row| sound.times[*row] < self.horizon && !snapshot.holds(sound.times[*row]))
            .collect();
        let together = |a: &usize, b: &usize| {
            let (a, b) = (sound.times[*a], sound.times[*b]);
            let between = Window::new(a.saturating_add(1), b);
            self.span.around(a) == self.span.around(b)
                && !snapshot.pieces.iter().any(|piece| between.contains(piece.key.first))
                && !self.checked.suspect.times.iter().any(|open| between.contains(*open))
        };
        let run = |rows: &[usize]| {
            let (first, last) = (rows[0], rows[rows.len() - 1]);
            sound.select(|row| (first..=last).contains(&row) && rows.binary_search(&row).is_ok())
        };
        fresh.chunk_by(together).map(run).collect()
    }

    /// Bars that may still change, one by one: what they replace goes.
    fn enter_loose(&self, snapshot: &mut Snapshot) {
        let spoken_of = |open: Ts| {
            let known = self.attested.known.iter().map(|k| k.window);
            known.chain(self.attested.loose.iter().map(|l| l.window)).any(|w| w.contains(open))
        };
        let pieces = &snapshot.pieces;
        snapshot.loose.retain(|bar| !spoken_of(bar.key.first) && !holds(pieces, bar.key.first));
        let forming = self.checked.sound.select(|row| self.checked.sound.times[row] >= self.horizon);
        for bars in [&forming, &self.checked.suspect] {
            for row in 0..bars.len() {
                // A bar that is held as final stays so: this answer may be older than that one.
                if holds(&snapshot.pieces, bars.times[row]) {
                    continue;
                }
                let bar = bars.select(|r| r == row);
                snapshot.loose.push(Arc::new(self.fragment(&bar, snapshot.basis)));
            }
        }
        snapshot.loose.sort_by_key(|bar| bar.key.first);
    }

    fn fragment(&self, bars: &Bars, basis: u32) -> Fragment {
        let (first, last) = finex_providers::range(bars).unwrap_or_default();
        let key = FragmentKey {
            series: self.cell.series.as_ref().clone(),
            first,
            last,
            columns: bars.set(),
            version: Version { layout: Version::LAYOUT, basis },
        };
        Fragment::new(key, bars, self.cell.grid, self.cell.provider.as_ref(), self.at)
    }
}

fn bad_data(detail: &str) -> Failure {
    Failure::new(ErrorClass::Up, format!("the provider's answer is refused: {detail}"))
}
