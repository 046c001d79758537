//! What a hole will cost, sooner or later.
//!
//! Asks come in random order and each must be answered with the fewest calls *now*; so a hole of whole pages rarely
//! closes with as many calls as it has pages: an ask across two pages takes one from the middle and leaves two odd
//! ends. The expected number of calls until a hole is closed obeys
//! `W(h) = E[ 1 + min over placements ( W(left) + W(right) ) ]`, which is solved here once, on a sixteenth of a page,
//! for asks of up to three quarters of a page, each place and size as likely.

use std::sync::OnceLock;

const UNITS: usize = 16;
const LONGEST_ASK: usize = 12;
const PAGES: usize = 12;

/// Expected calls to close a hole of `len` bars.
pub fn worth(len: i64, page: i64) -> f64 {
    let table = TABLE.get_or_init(solve);
    let exact = len.max(0) as f64 / page.max(1) as f64 * UNITS as f64;
    let last = table.len() - 1;
    // Beyond the table each further page costs what its last one did.
    let per_page = table[last] - table[last - UNITS];
    let beyond = ((exact - last as f64) / UNITS as f64).ceil().max(0.0);
    let inside = exact - beyond * UNITS as f64;
    let at = (inside.floor().max(0.0) as usize).min(last);
    let next = (at + 1).min(last);
    let share = inside - at as f64;
    // A hole of a little more than whole pages costs a call more: round up at the step, not across it.
    let between = if at.is_multiple_of(UNITS) && share > 0.0 {
        table[next]
    } else {
        table[at] + (table[next] - table[at]) * share
    };
    between + beyond * per_page
}

/// Expected calls per bar of a stretch without end.
pub fn slope(page: i64) -> f64 {
    let table = TABLE.get_or_init(solve);
    let last = table.len() - 1;
    (table[last] - table[last - UNITS]) / page.max(1) as f64
}

static TABLE: OnceLock<Vec<f64>> = OnceLock::new();

fn solve() -> Vec<f64> {
    let mut table = vec![0.0; PAGES * UNITS + 1];
    for hole in 1..table.len() {
        table[hole] = if hole <= UNITS { 1.0 } else { 1.0 + mean_of_best(&table, hole) };
    }
    table
}

/// Over all asks that touch the hole, the mean of what is left to pay after the best placement.
fn mean_of_best(table: &[f64], hole: usize) -> f64 {
    let left_over: Vec<f64> = (0..=hole - UNITS).map(|from| table[from] + table[hole - UNITS - from]).collect();
    let (mut sum, mut asks) = (0.0, 0);
    for size in 1..=LONGEST_ASK {
        for end in 1..hole + size {
            let (first, last) = (end.saturating_sub(size), end.min(hole));
            let lowest = last.saturating_sub(UNITS);
            let highest = first.min(hole - UNITS);
            sum += left_over[lowest.min(highest)..=highest].iter().copied().fold(f64::INFINITY, f64::min);
            asks += 1;
        }
    }
    sum / f64::from(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_worth_at_least_its_pages_and_more_the_longer_it_is() {
        let mut before = 0.0;
        for len in (0..40_000).step_by(37) {
            let now = worth(len, 1_000);
            assert!(now >= (len as f64 / 1_000.0).ceil() - 1e-9, "{len}: {now}");
            assert!(now >= before - 1e-9, "{len}: {now} after {before}");
            before = now;
        }
        assert!(worth(1_000, 1_000) == 1.0 && worth(0, 1_000) == 0.0);
        assert!(worth(18_000, 1_000) < 20.0);
    }
}
