//! Placed stretches, cut into calls.

use super::gap::{Run, split};
use super::{Anchor, Call, Facts, PlannedCall};
use crate::ask::Ask;
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

/// The last call in the direction of the asks may go on to their end: how many bars a window holds was a guess, and a
/// provider that counts rows passes by what is empty.
pub fn let_out(calls: &mut [PlannedCall], anchor: Anchor, asks: &[Ask], facts: &Facts<'_>) {
    let now = facts.grid.open(facts.grid.index(facts.now).saturating_add(1));
    let end = asks.iter().map(|ask| ask.window.to).max().unwrap_or(now).min(now);
    let beginning = asks.iter().map(|ask| ask.window.from).min().unwrap_or(now);
    let edge = facts.limits.apart.map(|apart| facts.grid.open(facts.grid.index(facts.now.saturating_sub(apart))));
    match anchor {
        Anchor::Start => {
            let Some(PlannedCall { call, .. }) = calls.last_mut() else { return };
            let end = edge.filter(|edge| call.window.to <= *edge).map_or(end, |edge| edge.min(end));
            call.reach.to = call.window.to.max(end);
        }
        Anchor::End => {
            let Some(PlannedCall { call, .. }) = calls.first_mut() else { return };
            let beginning = edge.filter(|edge| call.window.from >= *edge).map_or(beginning, |edge| edge.max(beginning));
            call.reach.from = call.window.from.min(beginning);
        }
        Anchor::Both => {}
    }
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
    let sewn = sewn(window, need, facts);
    PlannedCall {
        call: Call { window: sewn, limit: piece.len(), anchor, columns, need, reach: sewn, exact: false },
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
