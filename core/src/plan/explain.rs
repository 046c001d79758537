//! A plan in words and numbers.

use super::{Facts, Plan, PlannedCall};
use crate::ask::{Ask, Take};
use crate::time::Window;

/// What is held, what is missing, and what will be done about it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Explanation {
    pub held: Vec<Window>,
    pub missing: Vec<Window>,
    pub bars_held: u64,
    /// Bars on the grid; a provider that has none for a period brings fewer.
    pub bars_missing: u64,
    pub calls: Vec<PlannedCall>,
    pub cost: u32,
    /// Calls that a client without finex would make for the same answer.
    pub direct_calls: u64,
    pub saved_calls: i64,
}

pub fn explain(ask: &Ask, plan: &Plan, facts: &Facts<'_>) -> Explanation {
    let until_now = Window::new(ask.window.from, ask.window.to.min(facts.now.saturating_add(1)));
    let covered = facts.ledger.covered(ask.columns, facts.now);
    let held: Vec<Window> = covered.iter().map(|w| w.intersect(until_now)).filter(|w| !w.is_empty()).collect();
    let count: u64 = held.iter().map(|w| facts.held.count(*w)).sum();
    let bars_held = match ask.take {
        Take::All => count,
        Take::First(n) | Take::Last(n) => count.min(n),
    };
    let bars_missing: u64 = plan.calls.iter().map(|call| call.wanted).sum();
    let direct_calls = facts.limits.direct_calls(bars_held + bars_missing);
    Explanation {
        held,
        missing: plan.missing.clone(),
        bars_held,
        bars_missing,
        calls: plan.calls.clone(),
        cost: plan.cost(),
        direct_calls,
        saved_calls: direct_calls as i64 - plan.calls.len() as i64,
    }
}
