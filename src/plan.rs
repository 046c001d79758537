//! Gathers the facts and asks the planner.

use crate::store::catalog::Cell;
use crate::store::snapshot::{Part, Snapshot};
use finex_core::ask::Ask;
use finex_core::plan::explain::Explanation;
use finex_core::plan::{Facts, Limits, Plan, TooLarge};
use finex_core::time::{Ts, WindowSet};

/// The rows that answer the ask, if all of it is held and alive.
pub fn held(snapshot: &Snapshot, ask: &Ask, now: Ts) -> Option<Vec<Part>> {
    let parts = snapshot.select(ask);
    snapshot.answers(ask, &parts, now).then_some(parts)
}

fn facts<'a>(cell: &Cell, snapshot: &'a Snapshot, flying: &'a WindowSet, limits: &'a Limits, now: Ts) -> Facts<'a> {
    Facts { ledger: &snapshot.ledger, held: snapshot, flying, grid: cell.grid, limits, now }
}

/// What is missing and which calls bring it.
pub fn missing(
    cell: &Cell,
    snapshot: &Snapshot,
    ask: &Ask,
    flying: &WindowSet,
    limits: &Limits,
    now: Ts,
) -> Result<Plan, TooLarge> {
    finex_core::plan::plan(std::slice::from_ref(ask), &facts(cell, snapshot, flying, limits, now))
}

/// The plan in words and numbers; calls nobody.
pub fn explain(cell: &Cell, ask: &Ask, limits: &Limits, now: Ts) -> Result<Explanation, TooLarge> {
    let (snapshot, flying) = (cell.snapshot(), WindowSet::default());
    let plan = missing(cell, &snapshot, ask, &flying, limits, now)?;
    let facts = facts(cell, &snapshot, &flying, limits, now);
    Ok(finex_core::plan::explain::explain(ask, &plan, &facts))
}
