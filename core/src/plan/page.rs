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
    let edge = facts.limits.apart.map(|apart| facts.grid.index(facts.now.saturating_sub(apart)));
    let mut calls = Vec::new();
    for (run, _) in placed {
        let mut from = run.from;
        while from < run.to {
            let to = run.to.min(from.saturating_add(page));
            let piece = Run { from, to: edge.filter(|edge| (from + 1..to).contains(edge)).unwrap_or(to) };
            let call = describe(piece, missing, held, anchor, columns, facts);
            // Beyond that edge a call of its own would only be widened into.
            if edge.is_none() || call.wanted > 0 {
                calls.push(call);
            }
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
    let lacking: Vec<Run> =
        split(piece, missing).into_iter().filter(|(_, inside)| *inside).map(|(run, _)| run).collect();
    let need = match (lacking.first(), lacking.last()) {
        (Some(first), Some(last)) => Window::new(facts.grid.open(first.from), facts.grid.open(last.to)),
        _ => window,
    };
    PlannedCall {
        call: Call { window: sewn(window, need, facts), limit: piece.len(), anchor, columns, need, exact: false },
        wanted: share(missing),
        overlap: share(held),
        cost: facts.limits.cost,
    }
}

/// The window with its seams. Where that is more than a call may ask for, what it was widened by is given up first.
fn sewn(window: Window, need: Window, facts: &Facts<'_>) -> Window {
    let limits = facts.limits;
    if limits.seam == 0 {
        return window;
    }
    let page = i64::try_from(limits.page).unwrap_or(i64::MAX);
    let periods = |w: Window| facts.grid.ceil(w.to).saturating_sub(facts.grid.index(w.from));
    let reached =
        |w: Window| limits.depth.is_none_or(|depth| w.from >= facts.now.saturating_sub(depth) || w.from >= window.from);
    let sewn = facts.held.seam(window, limits.seam);
    let excess = periods(sewn) - page;
    let shorter = |w: Window| match sewn.from < window.from {
        true => Window::new(w.from, facts.grid.open(facts.grid.ceil(w.to) - excess).max(need.to)),
        false => Window::new(facts.grid.open(facts.grid.index(w.from) + excess).min(need.from), w.to),
    };
    let fitting = if excess > 0 { shorter(sewn) } else { sewn };
    if reached(fitting) && periods(fitting) <= page { fitting } else { window }
}
