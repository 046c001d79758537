//! The fewest calls that bring everything missing.

use super::gap::Run;

/// Missing runs in order, overlaps and touching ones made one.
pub fn normalise(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort();
    let mut out: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs.into_iter().filter(|run| !run.is_empty()) {
        match out.last_mut() {
            Some(last) if run.from <= last.to => last.to = last.to.max(run.to),
            _ => out.push(run),
        }
    }
    out
}

/// A stretch that takes a whole number of calls, `calls * page` long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub need: Run,
    pub calls: u64,
}

/// Groups missing runs greedily from the left: a call begins at the first period still missing and reaches as far as
/// it can, over held bars too where that spares a call. Calls that follow one another inside one run are one segment.
pub fn segments(missing: &[Run], page: u64) -> Vec<Segment> {
    let page = page.max(1) as i64;
    let mut out: Vec<Segment> = Vec::new();
    let mut reach = i64::MIN;
    for run in missing {
        let mut from = run.from;
        if from < reach {
            from = reach.min(run.to);
            if let Some(last) = out.last_mut() {
                last.need.to = from;
            }
        }
        if from == run.to {
            continue;
        }
        let calls = (run.to - from + page - 1) / page;
        let joins = from > run.from || (from == reach && out.last().is_some_and(|last| last.need.to == from));
        match out.last_mut().filter(|_| joins) {
            Some(last) => {
                last.need.to = run.to;
                last.calls += calls as u64;
            }
            None => out.push(Segment { need: Run { from, to: run.to }, calls: calls as u64 }),
        }
        reach = from + calls * page;
    }
    out
}

/// How many calls of `page` bars cover everything missing, at the least.
pub fn optimum(missing: &[Run], page: u64) -> u64 {
    let page = page.max(1) as i64;
    let (mut reach, mut calls) = (i64::MIN, 0u64);
    for run in missing {
        let from = run.from.max(reach);
        if from < run.to {
            let more = (run.to - from).saturating_add(page - 1) / page;
            calls += more as u64;
            reach = from.saturating_add(more.saturating_mul(page));
        }
    }
    calls
}
