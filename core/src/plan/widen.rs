//! A call that costs the same for ten bars as for a thousand asks for a thousand.
//!
//! The number of calls is fixed; only the slack of each is spent. A stretch is placed where the holes that it leaves on
//! both sides will cost least together, next to what is held if there is a choice, else on whole pages of the grid.

use super::Facts;
use super::gap::Run;
use super::merge::Segment;
use super::worth::{slope, worth};

/// Where each segment is fetched: at least its need, at most its calls' reach.
pub fn place(segments: &[Segment], held: &[Run], facts: &Facts<'_>) -> Vec<(Run, u64)> {
    let widened = facts.limits.widened();
    let wall = facts.grid.index(facts.now) + 1;
    let mut out: Vec<(Run, u64)> = Vec::with_capacity(segments.len());
    for (i, segment) in segments.iter().enumerate() {
        let reach = (segment.calls * facts.limits.page).min(segment.need.len().max(segment.calls * widened));
        let before = out.last().map(|(run, _)| run.to);
        let left = held.iter().rev().map(|h| h.to).find(|to| *to <= segment.need.from);
        let left = left.max(super::reach::wall(facts).map(|wall| wall.min(segment.need.from)));
        let right = held.iter().map(|h| h.from).find(|from| *from >= segment.need.to);
        let next = segments.get(i + 1).map(|s| s.need.from);
        let hole = Hole {
            left: left.max(before),
            right: right.into_iter().chain(next).chain([wall]).filter(|r| *r >= segment.need.to).min(),
        };
        out.push((fit(segment.need, reach as i64, hole, facts.limits.page as i64), segment.calls));
    }
    out
}

/// What is free around a segment: up to held stretches, or to now; nothing is known of the far left.
#[derive(Debug, Clone, Copy)]
struct Hole {
    left: Option<i64>,
    right: Option<i64>,
}

fn fit(need: Run, reach: i64, hole: Hole, page: i64) -> Run {
    let lowest = hole.left.unwrap_or(i64::MIN).max(need.to - reach);
    let highest = need.from.min(hole.right.unwrap_or(i64::MAX).saturating_sub(reach));
    if lowest >= highest {
        // The hole is smaller than the reach: all of it.
        let from = lowest.min(need.from);
        let to = hole.right.unwrap_or(need.to).clamp(need.to, from.saturating_add(reach).max(need.to));
        return Run { from, to };
    }
    if let (None, Some(right)) = (hole.left, hole.right) {
        // Nothing is held to the left: whole pages counted from what is on the right waste nothing, and asks that come
        // at the same time agree on them.
        let from = right - reach - (right - reach - lowest) / page * page;
        if from <= highest {
            return Run { from, to: from + reach };
        }
    }
    let best =
        candidates(reach, hole, page, lowest, highest).into_iter().min_by_key(|from| rank(*from, reach, hole, page));
    let from = best.unwrap_or(highest);
    Run { from, to: from + reach }
}

/// Starts worth considering: beside what is held, a whole number of pages from it, on whole pages of the grid, and some
/// between.
fn candidates(reach: i64, hole: Hole, page: i64, lowest: i64, highest: i64) -> Vec<i64> {
    const BETWEEN: i64 = 16;
    let mut starts = vec![lowest, highest, highest.div_euclid(page) * page];
    starts.extend((1..BETWEEN).map(|i| lowest + (highest - lowest) * i / BETWEEN));
    starts.extend(hole.left.map(|left| left + (highest - left) / page * page));
    starts.extend(hole.right.map(|right| right - reach - (right - reach - lowest) / page * page));
    starts.retain(|from| (lowest..=highest).contains(from));
    starts
}

/// Less is better: what the holes left and right will cost; then edges that touch nothing held, and being off the pages
/// of the grid.
fn rank(from: i64, reach: i64, hole: Hole, page: i64) -> (i64, i64, i64) {
    let left = hole.left.map(|left| from - left);
    let right = hole.right.map(|right| right - from - reach);
    let known: f64 = left.into_iter().chain(right).map(|gap| worth(gap, page)).sum();
    // To the left of everything known the stretch is as long as it is; only where it ends differs.
    let endless = if left.is_none() { from as f64 * slope(page) } else { 0.0 };
    let loose_edges = i64::from(left != Some(0)) + i64::from(right != Some(0));
    let cost = ((known + endless) * 1e6).round() as i64;
    (cost, loose_edges, i64::from(from.rem_euclid(page) != 0))
}
