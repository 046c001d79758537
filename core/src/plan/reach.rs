//! What a provider does not answer: it reaches so far back from now, and so much in one call.
//!
//! A window that is not wholly held and lies beyond is asked for as it is, neither widened nor cut into pieces that the
//! provider would have answered one by one: the refusal is the provider's own. So is a window whose answer is one piece.

use super::gap::Run;
use super::{Anchor, Call, Facts, PlannedCall};
use crate::ask::{Ask, Take};
use crate::columns::Columns;
use crate::time::Window;

/// Reach is measured from the moment in which a call arrives: what is widened stays clear of the edge.
const MARGIN: i64 = 3_600_000;

/// The earliest period that a call may be widened to.
pub fn wall(facts: &Facts<'_>) -> Option<i64> {
    facts.limits.depth.map(|depth| facts.grid.ceil(facts.now.saturating_sub(depth).saturating_add(MARGIN)))
}

/// The asks themselves as calls, if one of them is beyond what other calls could bring.
pub fn beyond(asks: &[Ask], missing: &[Run], columns: Columns, facts: &Facts<'_>) -> Option<Vec<PlannedCall>> {
    let limits = facts.limits;
    let first = missing.first().filter(|_| limits.strict || limits.whole)?;
    let bounded: Vec<Window> =
        asks.iter().filter(|ask| ask.take == Take::All).map(|ask| until_now(ask, facts)).collect();
    let periods = |w: &Window| facts.grid.index(w.to.saturating_sub(1)).saturating_sub(facts.grid.index(w.from));
    let too_long = |w: &Window| periods(w) > i64::try_from(limits.page).unwrap_or(i64::MAX);
    let from = facts.grid.open(first.from);
    // Calls begin with the period, a little before what is asked for.
    let too_old = limits.depth.is_some_and(|depth| from < facts.now.saturating_sub(depth));
    let beyond = bounded.iter().any(|w| limits.whole || too_long(w) || too_old);
    beyond.then(|| bounded.iter().map(|w| exactly(*w, missing, columns, facts)).collect())
}

fn until_now(ask: &Ask, facts: &Facts<'_>) -> Window {
    let now = facts.grid.open(facts.grid.index(facts.now).saturating_add(1));
    Window::new(ask.window.from, ask.window.to.min(now.max(ask.window.from.saturating_add(1))))
}

fn exactly(window: Window, missing: &[Run], columns: Columns, facts: &Facts<'_>) -> PlannedCall {
    let limit = facts.grid.ceil(window.to).saturating_sub(facts.grid.index(window.from)).max(1) as u64;
    PlannedCall {
        call: Call { window, limit, anchor: Anchor::Both, columns, need: window, reach: window, exact: true },
        wanted: missing.iter().map(Run::len).sum(),
        overlap: 0,
        cost: facts.limits.cost,
    }
}
