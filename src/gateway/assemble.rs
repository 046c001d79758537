//! Rows of several fragments as one answer.

use super::{Gateway, Request};
use crate::plan::Asked;
use crate::render::{Journey, Piece, Served};
use crate::store::cell::Cell;
use crate::store::fragment::Fragment;
use crate::store::snapshot::{Part, Snapshot, Source};
use finex_core::ask::{Ask, Take};
use finex_core::status::{CacheLevel, Outcome};
use finex_core::time::{Ts, Window};
use std::sync::Arc;

/// The rows of an answer, in the state of the series that they were found in.
pub(super) struct Selected<'a> {
    pub snapshot: &'a Snapshot,
    pub parts: Vec<Part>,
    pub asked: Asked,
}

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
        answer: &Selected<'_>,
        request: &Request,
        journey: &mut Journey,
        before: &Snapshot,
    ) -> Option<Served> {
        let mut pieces = Vec::with_capacity(answer.parts.len());
        for part in &answer.parts {
            // The others are tried all the same: what else is lost is fetched in one go.
            let Some((fragment, level)) = self.fragment_of(cell, answer.snapshot, part).await else { continue };
            journey.tier = journey.tier.max(level);
            pieces.push(Piece { fragment, rows: part.rows.clone(), is_final: matches!(part.source, Source::Piece(_)) });
        }
        if pieces.len() < answer.parts.len() {
            return None;
        }
        let close = self.find_close_before(cell, answer).await.held();
        answer.snapshot.touch(&answer.parts, journey.now);
        if let Some((_, bars)) = answer.snapshot.corrected.filter(|(at, _)| *at >= journey.now) {
            journey.warnings.push(format!("the provider has corrected {bars} of the bars that were held"));
        }
        if answer.snapshot.basis < cell.snapshot().basis {
            journey.warnings.push(
                "these bars are from before a split or dividend was applied; the provider does not give them any more"
                    .to_owned(),
            );
        }
        let mut served = self.complete(cell, answer, pieces, close, request, journey.clone());
        if served.journey.outcome == Outcome::Hit && (served.journey.calls > 0 || served.journey.collapsed) {
            served.journey.fetched = served.pieces.iter().map(|piece| new_rows(piece, before)).sum();
            let all_new = served.fetched() == served.rows();
            served.journey.outcome = if all_new { Outcome::Miss } else { Outcome::Partial };
        }
        Some(served)
    }

    pub(super) async fn fragment_of(
        &self,
        cell: &Cell,
        snapshot: &Snapshot,
        part: &Part,
    ) -> Option<(Arc<Fragment>, CacheLevel)> {
        match part.source {
            Source::Piece(i) => self.tiers.load(cell, &snapshot.pieces[i]).await,
            Source::Loose(i) => Some((snapshot.loose[i].clone(), CacheLevel::L1Memory)),
        }
    }

    pub(super) fn complete(
        &self,
        cell: &Arc<Cell>,
        answer: &Selected<'_>,
        pieces: Vec<Piece>,
        before: Option<f64>,
        request: &Request,
        journey: Journey,
    ) -> Served {
        let ask = answer.asked.ask;
        let loose = life(answer.snapshot, &pieces, &ask);
        let mut journey = journey;
        let odd = answer.snapshot.suspect.iter().filter(|open| ask.window.contains(**open)).count();
        if odd > 0 {
            journey
                .warnings
                .push(format!("{odd} implausible bars of this window are served as they came and not kept"));
        }
        let is_current = answer.snapshot.basis == cell.basis();
        if is_current && self.is_due(cell, journey.now) && pieces.iter().any(|piece| piece.is_final) {
            let warning =
                "not compared with the provider for more than a day: a split or dividend may have rewritten these bars";
            journey.warnings.push(warning.to_owned());
        }
        let (notes, sight) = (answer.snapshot.envelope.clone(), cell.sight());
        let native = request.native;
        let to = ask.window.to;
        let ends_before = |live: Ts| {
            let same_period = live >= to && cell.grid.index(live) == cell.grid.index(to.saturating_sub(1));
            same_period && cell.provider.opened_before(live, to, &sight.envelope)
        };
        let cuts_live = answer.snapshot.live.is_some_and(ends_before);
        if journey.outcome == Outcome::Hit && loose.is_some_and(|(_, expires)| expires <= journey.now) {
            journey.outcome = Outcome::Stale;
            journey
                .warnings
                .push("these bars are past their life, as was asked for; they are fetched again".to_owned());
        }
        let mut served = Served {
            cuts_live,
            cell: cell.clone(),
            ask,
            native,
            pieces,
            journey,
            loose,
            before,
            more: None,
            notes,
            sight,
        };
        let limits = self.limits(&cell.series);
        served.journey.direct_calls = limits.map_or(1, |limits| limits.direct_calls(served.rows() as u64));
        served
    }
}

/// How many of these bars were not held before.
fn new_rows(piece: &Piece, before: &Snapshot) -> usize {
    if !piece.is_final {
        let held = before.loose.iter().any(|run| Arc::ptr_eq(run, &piece.fragment));
        return if held { 0 } else { piece.rows.len() };
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
    loose.map(|l| (l.fetched_at, l.expires.saturating_sub(snapshot.grace))).reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
}
