//! The close before an answer's first bar, where the provider's answers name one.

use super::assemble::Selected;
use super::{Gateway, Request};
use crate::render::Journey;
use crate::store::cell::Cell;
use crate::store::snapshot::{Part, Snapshot};
use finex_core::time::{Ts, Window};
use std::sync::Arc;

/// How many bars without a close are passed by on the way back to one that has it.
const FURTHER_BACK: usize = 8;
/// What is fetched of an answer for the close that it names.
const ENOUGH: i64 = 86_400_000;
/// How much younger than a provider's reach it has to be.
const MARGIN: i64 = 3_600_000;

pub(super) enum Close {
    Held(f64),
    /// The provider has said it, or names none.
    Said,
    /// It may be held, but is not in memory.
    Unread,
    /// Nothing that is held tells it: bars after the end of a session do not say how that one closed.
    Untold,
}

impl Close {
    pub(super) fn held(self) -> Option<f64> {
        if let Close::Held(close) = self { Some(close) } else { None }
    }
}

/// The way back from the bar before an answer, as far as it is held without a gap.
struct Back<'a> {
    snapshot: &'a Snapshot,
    at: Ts,
    left: usize,
    /// What it means if no close lies there.
    otherwise: Close,
}

impl<'a> Back<'a> {
    fn of(cell: &Cell, answer: &Selected<'a>) -> Option<Back<'a>> {
        let (snapshot, first) = (answer.snapshot, first(answer));
        let at = cell.provider.close_before(&cell.series, first, answer.asked.from, &snapshot.envelope)?;
        // Whoever answered a window without bars, and none before it, has said what there is to say.
        let was_said = first.is_none() && answer.asked.from.is_none_or(|from| snapshot.before(from).is_none());
        Some(Back { snapshot, at, left: FURTHER_BACK, otherwise: if was_said { Close::Said } else { Close::Untold } })
    }

    fn step(&mut self) -> Option<Part> {
        self.left = self.left.checked_sub(1)?;
        let part = self.snapshot.before(self.at)?;
        self.at = self.snapshot.times(part.source).get(part.rows.start)?;
        Some(part)
    }
}

/// Open time of an answer's first bar.
fn first(answer: &Selected<'_>) -> Option<Ts> {
    let part = answer.parts.first()?;
    answer.snapshot.times(part.source).get(part.rows.start)
}

impl Gateway {
    /// As far as memory tells.
    pub(super) fn close_before(&self, cell: &Cell, answer: &Selected<'_>) -> Close {
        let Some(mut back) = Back::of(cell, answer) else { return Close::Said };
        while let Some(part) = back.step() {
            let pieces = self.gather(answer.snapshot, std::slice::from_ref(&part));
            let Some(piece) = pieces.and_then(|mut pieces| pieces.pop()) else { return Close::Unread };
            if let Some(close) = cell.provider.close_of(piece.fragment.rows(), part.rows.start) {
                return Close::Held(close);
            }
        }
        back.otherwise
    }

    /// Wherever it is held.
    pub(super) async fn find_close_before(&self, cell: &Cell, answer: &Selected<'_>) -> Close {
        let Some(mut back) = Back::of(cell, answer) else { return Close::Said };
        while let Some(part) = back.step() {
            let Some((fragment, _)) = self.fragment_of(cell, answer.snapshot, &part).await else { break };
            if let Some(close) = cell.provider.close_of(fragment.rows(), part.rows.start) {
                return Close::Held(close);
            }
        }
        back.otherwise
    }

    /// Has the provider say it: an answer that begins with the same bar names it. Says whether there is a new word; where
    /// there is none, or none soon, the bars are served without.
    pub(super) async fn ask_close_before(
        &self,
        cell: &Arc<Cell>,
        answer: &Selected<'_>,
        request: &Request,
        journey: &mut Journey,
    ) -> bool {
        let Some(from) = first(answer).or(answer.asked.from) else { return false };
        let depth = self.limits(&cell.series).and_then(|limits| limits.depth);
        if depth.is_some_and(|depth| from < journey.now.saturating_sub(depth).saturating_add(MARGIN)) {
            return false;
        }
        let window = Window::new(from, answer.asked.ask.window.to.min(from.saturating_add(ENOUGH)));
        let Some(boarded) = self.board_window(cell, window, request) else { return false };
        journey.calls += boarded.launched as u32;
        journey.collapsed |= boarded.launched == 0;
        tokio::time::timeout(self.cache.stale_patience.0, boarded.landed()).await.is_ok_and(|landed| landed.is_ok())
    }
}
