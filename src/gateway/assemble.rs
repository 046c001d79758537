//! Rows of several fragments as one answer.

use super::{Gateway, Request};
use crate::render::{Journey, Piece, Served};
use crate::store::catalog::Cell;
use crate::store::snapshot::{Part, Snapshot, Source};
use finex_core::ask::{Ask, Take};
use finex_core::status::{CacheLevel, Outcome};
use finex_core::time::{Ts, Window};
use std::sync::Arc;

impl Gateway {
    /// The rows, if every fragment is in memory.
    pub(super) fn gather(&self, snapshot: &Snapshot, parts: &[Part]) -> Option<Vec<Piece>> {
        let piece = |part: &Part| {
            let (fragment, is_final) = match part.source {
                Source::Piece(i) => (self.tiers.peek(&snapshot.pieces[i])?, true),
                Source::Loose(i) => (snapshot.loose[i].clone(), false),
            };
            Some(Piece { fragment, rows: part.rows.clone(), is_final })
        };
        parts.iter().map(piece).collect()
    }

    /// The rows, wherever they are; none if a fragment was lost, whose coverage is then gone too.
    pub(super) async fn assemble(
        &self,
        cell: &Arc<Cell>,
        snapshot: &Snapshot,
        parts: &[Part],
        request: &Request,
        journey: &mut Journey,
        before: &Snapshot,
    ) -> Option<Served> {
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            let (fragment, level, is_final) = match part.source {
                Source::Piece(i) => match self.tiers.load(cell, &snapshot.pieces[i]).await {
                    Some((fragment, level)) => (fragment, level, true),
                    // The others are tried all the same: what else is lost is fetched in one go.
                    None => continue,
                },
                Source::Loose(i) => (snapshot.loose[i].clone(), CacheLevel::L1Memory, false),
            };
            journey.tier = journey.tier.max(level);
            pieces.push(Piece { fragment, rows: part.rows.clone(), is_final });
        }
        if pieces.len() < parts.len() {
            return None;
        }
        snapshot.touch(parts, journey.now);
        let mut served = self.complete(cell, snapshot, pieces, request, journey.clone());
        if served.journey.outcome == Outcome::Hit && (served.journey.calls > 0 || served.journey.collapsed) {
            served.journey.fetched = served.pieces.iter().map(|piece| new_rows(piece, before)).sum();
            let all_new = served.fetched() == served.rows();
            served.journey.outcome = if all_new { Outcome::Miss } else { Outcome::Partial };
        }
        Some(served)
    }

    pub(super) fn complete(
        &self,
        cell: &Arc<Cell>,
        snapshot: &Snapshot,
        pieces: Vec<Piece>,
        request: &Request,
        journey: Journey,
    ) -> Served {
        let page = self.limits(&cell.series.provider).map_or(1, |limits| limits.page.max(1));
        let loose = life(snapshot, &pieces, &request.ask);
        let mut served = Served { cell: cell.clone(), ask: request.ask, pieces, journey, loose };
        served.journey.direct_calls = (served.rows() as u64).div_ceil(page).max(1);
        served
    }
}

/// How many of these bars were not held before.
fn new_rows(piece: &Piece, before: &Snapshot) -> usize {
    if !piece.is_final {
        return usize::from(!before.loose.iter().any(|bar| Arc::ptr_eq(bar, &piece.fragment)));
    }
    let opens = piece.rows.clone().filter_map(|row| piece.fragment.times.get(row));
    opens.filter(|open| !before.holds(*open)).count()
}

/// When the oldest of what may still change was fetched, and when the first of it expires: bars, and stretches without
/// any that the answer speaks of.
fn life(snapshot: &Snapshot, pieces: &[Piece], ask: &Ask) -> Option<(Ts, Ts)> {
    let rows: usize = pieces.iter().map(|piece| piece.rows.len()).sum();
    let last = pieces.last().and_then(|piece| piece.fragment.times.get(piece.rows.end - 1));
    let enough = matches!(ask.take, Take::First(n) if rows as u64 >= n);
    let to = last.filter(|_| enough).map_or(ask.window.to, |open| open + 1);
    let first = pieces.first().and_then(|piece| piece.fragment.times.get(piece.rows.start));
    let from = if matches!(ask.take, Take::Last(_)) { first.unwrap_or(ask.window.from) } else { ask.window.from };
    let spoken_of = Window::new(from, to.min(ask.window.to));
    let loose = snapshot.ledger.loose().iter().filter(|l| l.window.overlaps(spoken_of));
    loose.map(|l| (l.fetched_at, l.expires)).reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
}
