//! Placed stretches, cut into calls.

use super::gap::{Run, split};
use super::{Anchor, Call, Facts, PlannedCall};
use crate::columns::Columns;
use crate::time::Window;

pub fn cut(
    placed: &[(Run, u64)],
    missing: &[Run],
    held: &[Run],
    anchor: Anchor,
    columns: Columns,
    facts: &Facts<'_>,
) -> Vec<PlannedCall> {
    let page = facts.limits.page.max(1) as i64;
    let mut calls = Vec::new();
    for (run, _) in placed {
        let mut from = run.from;
        while from < run.to {
            let piece = Run { from, to: run.to.min(from.saturating_add(page)) };
            calls.push(describe(piece, missing, held, anchor, columns, facts));
            from = piece.to;
        }
    }
    calls
}

fn describe(
    piece: Run,
    missing: &[Run],
    held: &[Run],
    anchor: Anchor,
    columns: Columns,
    facts: &Facts<'_>,
) -> PlannedCall {
    let share = |of: &[Run]| split(piece, of).iter().filter(|(_, inside)| *inside).map(|(run, _)| run.len()).sum();
    let window = Window::new(facts.grid.open(piece.from), facts.grid.open(piece.to));
    PlannedCall {
        call: Call { window, limit: piece.len(), anchor, columns },
        wanted: share(missing),
        overlap: share(held),
        cost: facts.limits.cost,
    }
}
