//! Bars whose past may be rewritten are compared with the provider's now and then, however completely they are held: no
//! answer tells of a split that nobody asks after.

use super::flight::Boarded;
use super::{Gateway, Request};
use crate::plan;
use crate::render::Journey;
use crate::store::catalog::Cell;
use crate::store::snapshot::Snapshot;
use finex_core::ask::Ask;
use finex_core::plan::{Anchor, Call};
use finex_core::time::{Ts, Window, WindowSet};
use std::sync::Arc;

/// Splits and dividends come overnight.
const OVERNIGHT: i64 = 86_400_000;
/// Where that came to nothing it is not tried again for so long: whatever is asked is answered from what is held.
const AGAIN: i64 = 3_600_000;
/// Held bars that are compared: neighbours that moved together tell a rewriting from a correction.
const COMPARED: usize = 4;

impl Gateway {
    /// The newest held final bars of a series that was not compared for a day, if its past may have been rewritten since.
    /// Where the provider announces what rewrites it, that tells.
    pub(super) fn unverified(&self, cell: &Cell, snapshot: &Snapshot, now: Ts) -> Option<Window> {
        if now.saturating_sub(cell.compared_at()) < OVERNIGHT || now.saturating_sub(cell.tried_at()) < AGAIN {
            return None;
        }
        cell.provider.rewritten_by(&cell.series).filter(|announced| announced.is_empty())?;
        let limits = self.limits(&cell.series).filter(|limits| !limits.whole)?;
        let opens = snapshot
            .pieces
            .iter()
            .rev()
            .flat_map(|piece| (0..piece.times.len()).rev().filter_map(|row| piece.times.get(row)));
        let compared: Vec<Ts> = opens.take(COMPARED).collect();
        let window = Window::new(*compared.last()?, compared.first()?.saturating_add(1));
        let reached = limits.depth.is_none_or(|depth| window.from > now.saturating_sub(depth) + 3_600_000);
        reached.then_some(window)
    }

    /// Compares what a request will be answered from, if that is due; says how many calls it took.
    pub(super) async fn verified(&self, request: &Request) -> u32 {
        let Some(cell) = self.tiers.catalog.get(&request.series) else { return 0 };
        let (snapshot, mut journey) = (cell.snapshot(), Journey::begin((self.clock)()));
        let asked = plan::asked(&cell, &snapshot, &request.ask, request.native, journey.now);
        let due = self.unverified(&cell, &snapshot, journey.now);
        if let Some(window) = due.filter(|_| !self.will_compare(&cell, &snapshot, &asked.ask, journey.now)) {
            self.verify(&cell, window, request, &mut journey).await;
        }
        journey.calls
    }

    /// Do the calls for an ask bring held bars once more?
    pub(super) fn will_compare(&self, cell: &Cell, snapshot: &Snapshot, ask: &Ask, now: Ts) -> bool {
        let Some(limits) = self.limits(&cell.series) else { return false };
        let Ok(planned) = plan::missing(cell, snapshot, ask, &WindowSet::default(), &limits, now) else { return false };
        let holds = |window: Window| snapshot.pieces.iter().any(|piece| !piece.times.rows_in(window).is_empty());
        planned.calls.iter().any(|planned| holds(planned.call.window))
    }

    /// Fetches them once more. Where that fails, what is held stands, and says so.
    pub(super) async fn verify(&self, cell: &Arc<Cell>, window: Window, request: &Request, journey: &mut Journey) {
        let limit = cell.grid.ceil(window.to).saturating_sub(cell.grid.index(window.from)).max(1) as u64;
        let columns = request.ask.columns;
        let call = Call { window, limit, anchor: Anchor::Both, columns, need: window, reach: window, exact: false };
        let Some(boarded) = self.board_call(cell, call, request) else { return };
        cell.note_try((self.clock)());
        let Boarded { launched, .. } = &boarded;
        journey.calls += *launched as u32;
        journey.collapsed |= *launched == 0;
        if let Err(failure) = boarded.landed().await {
            journey.warnings.push(format!("not compared with the provider for more than a day: {}", failure.detail));
        }
    }
}
