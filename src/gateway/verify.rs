//! What is held is compared with the provider's word now and then, however completely it is held: bars whose past may be
//! rewritten once a day, and final bars at the ages at which their provider may have corrected them.

use super::{Gateway, Request};
use crate::plan;
use crate::render::Journey;
use crate::store::cell::Cell;
use crate::store::snapshot::Snapshot;
use finex_core::ask::Ask;
use finex_core::time::{Ts, Window, WindowSet};
use std::sync::Arc;

/// Splits and dividends come overnight.
const OVERNIGHT: i64 = 86_400_000;
/// Where a provider failed it is not asked again for so long, and where it has nothing to compare with: whatever is asked is
/// answered from what is held, and marked.
const AFTER_FAILURE: i64 = 60_000;
const AFTER_NOTHING: i64 = 3_600_000;
/// Held bars that are compared: neighbours that moved together tell a rewriting from a correction.
const COMPARED: usize = 4;

/// Comparisons for one client: where the provider has nothing to compare with there is no end to it.
pub(super) const COMPARISONS: u32 = 3;

impl Gateway {
    /// The held final bars that have to be compared with the provider's before an ask is served.
    pub(super) fn unverified(&self, cell: &Cell, snapshot: &Snapshot, ask: &Ask, now: Ts) -> Option<Window> {
        if cell.is_waiting(now) {
            return None;
        }
        let recheck = cell.to_recheck(now).filter(|window| window.overlaps(ask.window));
        if recheck.is_none() && cell.was_compared(now, OVERNIGHT) {
            return None;
        }
        let limits = self.limits(&cell.series)?;
        let reach = limits.depth.map(|depth| now.saturating_sub(depth).saturating_add(AFTER_NOTHING));
        let reached = |window: &Window| reach.is_none_or(|reach| window.from > reach);
        let page = i64::try_from(limits.page).unwrap_or(i64::MAX);
        let newest_page = |window: Window| {
            let first = cell.grid.open(cell.grid.ceil(window.to).saturating_sub(page));
            Window::new(window.from.max(first), window.to)
        };
        let recheck = recheck.filter(|_| !limits.whole).map(newest_page);
        let compared = match limits.whole {
            true => self.is_due(cell, now).then_some(ask.window).filter(|_| !snapshot.pieces.is_empty()),
            false => self.is_due(cell, now).then(|| compared(cell, snapshot, reach)).flatten(),
        };
        [recheck, compared].into_iter().flatten().filter(reached).reduce(|a, b| a.hull(b))
    }

    /// Was a series whose past may be rewritten not compared for a day? No answer tells of a split that nobody asks after.
    pub(super) fn is_due(&self, cell: &Cell, now: Ts) -> bool {
        !cell.was_compared(now, OVERNIGHT) && cell.provider.rewritten_by(&cell.series).is_some()
    }

    /// Compares what a request will be answered from, if that is due; says how many calls it took.
    pub(super) async fn verified(&self, request: &Request) -> u32 {
        let Some(cell) = self.tiers.catalog.get(&request.series) else { return 0 };
        let mut journey = Journey::begin((self.clock)());
        for _ in 0..COMPARISONS {
            let snapshot = cell.snapshot();
            let asked = plan::asked(&cell, &snapshot, &request.ask, request.native, journey.now);
            // What the calendar knows to be empty is not fetched, so no call for it will compare anything.
            self.pass_by_closed(&cell, &snapshot, &asked.ask, journey.now);
            let Some(window) = self.to_compare(&cell, &asked.ask, journey.now).await else { break };
            self.verify(&cell, window, request, &mut journey).await;
        }
        journey.calls
    }

    /// The window to compare before an ask is served, of bars that can be read: what is lost proves nothing.
    pub(super) async fn to_compare(&self, cell: &Arc<Cell>, ask: &Ask, now: Ts) -> Option<Window> {
        loop {
            let snapshot = cell.snapshot();
            let window = self.verification(cell, &snapshot, ask, now)?;
            let mut readable = true;
            for piece in snapshot.pieces.iter().filter(|piece| !piece.times.rows_in(window).is_empty()) {
                readable &= self.tiers.load(cell, piece).await.is_some();
            }
            if readable {
                return Some(window);
            }
        }
    }

    /// The window of the call that verifies what an ask will be answered from; none if nothing is due, or if the calls that
    /// the ask needs anyway compare as they are.
    fn verification(&self, cell: &Cell, snapshot: &Snapshot, ask: &Ask, now: Ts) -> Option<Window> {
        let due = self.unverified(cell, snapshot, ask, now)?;
        let limits = self.limits(&cell.series)?;
        // What is held is answered without a call, though the planner, which sees whole periods, may think of one.
        let is_held = snapshot.answers(ask, &snapshot.select(ask), now);
        let planned = (!is_held).then(|| plan::missing(cell, snapshot, ask, &WindowSet::default(), &limits, now));
        let planned = planned.and_then(Result::ok);
        let planned: Vec<Window> =
            planned.map_or(Vec::new(), |plan| plan.calls.iter().map(|p| p.call.window).collect());
        let reach = cell.reach(now);
        let only = snapshot.oldest_reading(reach).filter(|_| cell.is_apart());
        let pieces = || snapshot.pieces.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
        let holds = |window: &Window| pieces().any(|(_, piece)| !piece.times.rows_in(*window).is_empty());
        if cell.to_recheck(now).is_none_or(|recheck| !recheck.overlaps(due)) {
            return (!planned.iter().any(holds)).then_some(due);
        }
        // What is looked at again and what is missing beside it come in one call.
        let page = i64::try_from(limits.page).unwrap_or(i64::MAX);
        let fits = |w: Window| cell.grid.ceil(w.to).saturating_sub(cell.grid.index(w.from)) <= page;
        Some(planned.into_iter().fold(due, |all, w| if fits(all.hull(w)) { all.hull(w) } else { all }))
    }

    /// Takes note that the provider has nothing to compare held bars with.
    pub(super) fn give_up_comparing(&self, cell: &Cell, now: Ts) {
        cell.put_off(now.saturating_add(AFTER_NOTHING));
    }

    /// Fetches them once more. Where that fails, what is held stands, and says so. Whoever comes meanwhile waits for the same
    /// word.
    pub(super) async fn verify(&self, cell: &Arc<Cell>, window: Window, request: &Request, journey: &mut Journey) {
        let after_failure = || cell.put_off((self.clock)().saturating_add(AFTER_FAILURE));
        let Some(boarded) = self.board_window(cell, window, request) else {
            if self.tiers.catalog.stands(cell) {
                after_failure();
            }
            return;
        };
        let launched = boarded.launched;
        journey.calls += launched as u32;
        journey.collapsed |= launched == 0;
        let looked_at = (self.clock)();
        match boarded.landed().await {
            // What another call brought may be less.
            Ok(()) if launched == 0 => {}
            Ok(()) => cell.note_recheck(looked_at, window),
            Err(_) => after_failure(),
        }
    }
}

/// The newest bars; where some were never compared with the others, the newest of the oldest reading.
fn compared(cell: &Cell, snapshot: &Snapshot, reach: Option<Ts>) -> Option<Window> {
    let last = match cell.is_apart() {
        true => snapshot.oldest_reading(reach)?,
        false => snapshot.pieces.len().checked_sub(1)?,
    };
    let pieces = snapshot.pieces[..=last].iter().rev();
    let opens = pieces.flat_map(|piece| (0..piece.times.len()).rev().filter_map(|row| piece.times.get(row)));
    let compared: Vec<Ts> = opens.filter(|open| reach.is_none_or(|reach| *open > reach)).take(COMPARED).collect();
    Some(Window::new(*compared.last()?, compared.first()?.saturating_add(1)))
}
