//! What an ask lacks, in numbers of the grid.

use super::Facts;
use crate::ask::{Ask, Take};
use crate::columns::Columns;
use crate::time::{Ts, Window, WindowSet};

/// Periods `from..to` of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub from: i64,
    pub to: i64,
}

impl Run {
    pub fn len(&self) -> u64 {
        self.to.saturating_sub(self.from).max(0) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }
}

#[derive(Debug, Default)]
pub struct Gaps {
    pub missing: Vec<Run>,
    /// What has to be there before the ask can be answered and is not yet: missing or under way.
    pub awaited: Vec<Window>,
    /// The columns to fetch for what is missing.
    pub columns: Columns,
}

/// Walks the ask's window in its direction until it has what it takes.
pub fn resolve(ask: &Ask, facts: &Facts<'_>) -> Gaps {
    // An exact answer may end within a period.
    let until_now = ask.window.intersect(Window::new(ask.window.from, end_of_now(facts)));
    if ask.take == Take::All && facts.ledger.covers(until_now, ask.columns, facts.now) {
        return Gaps::default();
    }
    let whole = on_grid(ask.window, facts);
    let landed = runs(&facts.ledger.covered(ask.columns, facts.now), facts);
    let known = known(ask.columns, facts);
    let mut gaps = Gaps { columns: missing_columns(ask, facts), ..Gaps::default() };
    let mut need = match ask.take {
        Take::All => u64::MAX,
        Take::First(n) | Take::Last(n) => n,
    };
    let backwards = matches!(ask.take, Take::Last(_));
    let mut parts = split(whole, &landed);
    if backwards {
        parts.reverse();
    }
    for (part, is_held) in parts {
        if need == 0 {
            break;
        }
        if is_held {
            let window = Window::new(facts.grid.open(part.from), facts.grid.open(part.to)).intersect(ask.window);
            need = if need == u64::MAX { need } else { need.saturating_sub(facts.held.count(window)) };
            continue;
        }
        let part = shorten(part, facts.limits.periods(need), backwards);
        need = if need == u64::MAX { need } else { need.saturating_sub(facts.limits.bars(part.len())) };
        gaps.awaited.push(Window::new(facts.grid.open(part.from), facts.grid.open(part.to)));
        gaps.missing.extend(split(part, &known).into_iter().filter(|(_, held)| !held).map(|(run, _)| run));
    }
    gaps
}

/// Runs that are answered or under way, which no call needs to bring.
pub fn known(columns: Columns, facts: &Facts<'_>) -> Vec<Run> {
    let mut set = facts.ledger.covered(columns, facts.now);
    facts.flying.iter().for_each(|w| set.insert(w));
    runs(&set, facts)
}

/// The periods of a window that can hold a bar by now. A window inside one period stands for that period: bars have
/// been seen off the grid.
fn on_grid(window: Window, facts: &Facts<'_>) -> Run {
    let window = window.intersect(Window::new(window.from, facts.now.saturating_add(1)));
    if window.is_empty() {
        return Run { from: 0, to: 0 };
    }
    let run = Run { from: facts.grid.reaching(window.from), to: facts.grid.ceil(window.to) };
    if run.is_empty() { Run { from: run.from - 1, to: run.from } } else { run }
}

fn runs(set: &WindowSet, facts: &Facts<'_>) -> Vec<Run> {
    let run = |w: Window| Run { from: facts.grid.ceil(w.from), to: facts.grid.reaching(w.to) };
    set.iter().map(run).filter(|run| !run.is_empty()).collect()
}

/// `whole` as alternating parts, each within `held` or outside.
pub fn split(whole: Run, held: &[Run]) -> Vec<(Run, bool)> {
    let mut parts = Vec::new();
    let mut at = whole.from;
    let start = held.partition_point(|h| h.to <= whole.from);
    for h in held[start..].iter().take_while(|h| h.from < whole.to) {
        let inside = Run { from: h.from.max(whole.from), to: h.to.min(whole.to) };
        parts.push((Run { from: at, to: inside.from }, false));
        parts.push((inside, true));
        at = inside.to;
    }
    parts.push((Run { from: at, to: whole.to }, false));
    parts.retain(|(run, _)| !run.is_empty());
    parts
}

fn shorten(run: Run, need: u64, backwards: bool) -> Run {
    let len = run.len().min(need).min(i64::MAX as u64) as i64;
    if backwards { Run { from: run.to - len, ..run } } else { Run { to: run.from + len, ..run } }
}

/// Where the whole window lacks only some columns, those alone are fetched.
fn missing_columns(ask: &Ask, facts: &Facts<'_>) -> Columns {
    let window = Window::new(ask.window.from, ask.window.to.min(end_of_now(facts)));
    let lacking =
        ask.columns.iter().filter(|column| !facts.ledger.covers(window, [*column].into_iter().collect(), facts.now));
    lacking.collect()
}

fn end_of_now(facts: &Facts<'_>) -> Ts {
    facts.now.saturating_add(1)
}
