//! Gathers the facts and asks the planner.

use crate::store::cell::Cell;
use crate::store::snapshot::{Part, Snapshot};
use finex_core::ask::{Ask, Take};
use finex_core::plan::explain::Explanation;
use finex_core::plan::{Anchor, Call, Facts, Limits, Plan, PlannedCall, TooLarge};
use finex_core::time::{Ts, Window, WindowSet};
use finex_providers::{Named, Native};

/// The year 1900: no bars are older.
const EARLIEST: Ts = -2_208_988_800_000;

/// An ask as it is meant at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub ask: Ask,
    /// The first instant that the client named: the bar that contains it is meant too.
    pub from: Option<Ts>,
}

/// What a client means now: a range begins where the symbol's last trade says.
pub fn asked(cell: &Cell, snapshot: &Snapshot, ask: &Ask, native: Native, now: Ts) -> Asked {
    let from = match native.named {
        Named::Ask | Named::Local { .. } => None,
        Named::Span { from, .. } => Some(from),
        Named::Range(_) => {
            let (sight, opens) = (cell.sight(), |window| snapshot.opens(window));
            let known = cell.provider.first_instant(native.named, &sight.envelope, &opens);
            known.or_else(|| Some(within_reach(cell, cell.provider.first_guess(native.named, now), now)))
        }
    };
    match (native.named, from) {
        (Named::Local { from, to }, _) => {
            let window = cell.provider.placed(&cell.series, Window::new(from, to), &cell.sight().envelope);
            Asked { ask: Ask { window, ..*ask }, from: None }
        }
        (Named::Range(_), Some(from)) => {
            let window = Window::new(cell.provider.earliest(&cell.series, from), ask.window.to);
            Asked { ask: Ask { window, ..*ask }, from: Some(from) }
        }
        _ => Asked { ask: Ask { window: since_ever(ask), ..*ask }, from },
    }
}

/// Without a beginning an ask would walk back for ever where calls name both their ends.
fn since_ever(ask: &Ask) -> Window {
    match ask.take {
        Take::Last(_) => Window::new(ask.window.from.max(EARLIEST), ask.window.to),
        _ => ask.window,
    }
}

/// A guess goes no further back than one call reaches, or the answer to the range itself would pass for one to the guess.
fn within_reach(cell: &Cell, from: Ts, now: Ts) -> Ts {
    const MARGIN: i64 = 3_600_000;
    let limits = cell.provider.limits(&cell.series, 0, 1);
    let page = i64::try_from(limits.page).unwrap_or(i64::MAX).saturating_mul(cell.series.interval.nominal_len());
    let reach = limits.depth.map_or(page, |depth| depth.min(page));
    from.max(now.saturating_sub(reach).saturating_add(MARGIN))
}

/// The rows that answer the ask, if all of it is held and alive.
pub fn held(cell: &Cell, snapshot: &Snapshot, asked: &Asked, now: Ts) -> Option<Vec<Part>> {
    let parts = snapshot.select(&asked.ask);
    snapshot.answers(&asked.ask, &parts, now).then(|| trimmed(cell, snapshot, asked, parts))
}

/// Without bars that were over before the first instant named.
pub fn trimmed(cell: &Cell, snapshot: &Snapshot, asked: &Asked, mut parts: Vec<Part>) -> Vec<Part> {
    let Some(from) = asked.from.filter(|_| asked.ask.take == Take::All) else { return parts };
    while let Some(first) = parts.first_mut() {
        let open = snapshot.times(first.source).get(first.rows.start);
        if open.is_none_or(|open| {
            open >= from || cell.provider.leads(&cell.series, open, from, &cell.sight().envelope, &snapshot.envelope)
        }) {
            break;
        }
        first.rows.start += 1;
        if first.rows.is_empty() {
            parts.remove(0);
        }
    }
    parts
}

/// Is nothing known of a symbol that no answer can be written without?
pub fn lacks_sight(cell: &Cell) -> bool {
    cell.provider.needs_sight() && cell.sight().envelope.facts.is_empty()
}

/// A call that brings no bar that is missing, but what is said of the symbol.
pub fn look(ask: &Ask, limits: &Limits, now: Ts) -> PlannedCall {
    const ENOUGH: i64 = 10 * 86_400_000;
    let window = Window::new(ask.window.from.max(ask.window.to.min(now) - ENOUGH), ask.window.to);
    let call = Call {
        window,
        limit: limits.page,
        anchor: Anchor::Both,
        columns: ask.columns,
        need: window,
        reach: window,
        exact: true,
    };
    PlannedCall { call, wanted: 0, overlap: 0, cost: limits.cost }
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
