//! Adjusted history has a basis: a split or dividend rewrites every earlier bar, and two bases never meet in an answer.
//!
//! A call beside held bars fetches some of them again. Where they come back with other numbers, two cases are told
//! apart: one bar by itself was corrected; neighbours that moved by the same factor were rewritten.

use crate::calendar::Grid;
use crate::columns::{Bars, Column, Texts};
use crate::time::Ts;

/// Relative difference below which two readings are one. Recorded Yahoo closes scatter by up to 4.3e-7 between readings
/// of the same basis, and the smallest dividend among them moved prices by 9.4e-4.
pub const TOLERANCE: f64 = 1e-5;
/// How far the factors of two neighbours may differ and still be one event: rounding of small prices.
const SAME_FACTOR: f64 = 1e-3;
/// So many bars in common tell a correction from a rewriting.
const ENOUGH: usize = 3;

/// What the bars in common say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// Single bars differ.
    Corrected(usize),
    Rebased,
}

/// Compares held final bars with a later reading of the series.
pub fn judge(held: &Bars, fresh: &Bars) -> Verdict {
    let factors = factors(held, fresh);
    let moved = |factor: &[f64; 2]| factor.iter().any(|f| (f - 1.0).abs() > TOLERANCE);
    let alike = |a: f64, b: f64| (a / b - 1.0).abs() < SAME_FACTOR;
    let differing = factors.iter().filter(|f| moved(f)).count();
    let together = factors.windows(2).any(|pair| {
        moved(&pair[0]) && moved(&pair[1]) && alike(pair[0][0], pair[1][0]) && alike(pair[0][1], pair[1][1])
    });
    // An action may lie between the oldest bar in common and the next.
    let oldest = factors.first().is_some_and(moved);
    match differing {
        0 => Verdict::Same,
        _ if together || oldest || factors.len() < ENOUGH => Verdict::Rebased,
        n => Verdict::Corrected(n),
    }
}

/// The rows of a later reading that tell other numbers of bars that are held, or that lie between them where there was none.
/// A number is not taken back for none, nor a bar.
pub fn corrections(held: &Bars, fresh: &Bars, grid: Grid) -> Bars {
    let is_another = |open: Ts, row: usize| grid.index(open) != grid.index(fresh.times[row]);
    let differs = |row: usize| {
        let at = held.times.partition_point(|open| *open < fresh.times[row]);
        match held.times.get(at) == fresh.times.get(row) {
            true => tells_otherwise(held, at, fresh, row),
            // Another time for a bar that is held makes no second one of it.
            false => at > 0 && at < held.len() && [at - 1, at].iter().all(|at| is_another(held.times[*at], row)),
        }
    };
    fresh.select(differs)
}

fn tells_otherwise(held: &Bars, held_row: usize, fresh: &Bars, row: usize) -> bool {
    let taken_back = |(column, texts): &(Column, Texts)| {
        texts.value(row).is_none() && held.column(*column).is_some_and(|before| before.value(held_row).is_some())
    };
    let moved = |(column, texts): &(Column, Texts)| match (
        held.column(*column).and_then(|t| t.value(held_row)),
        texts.value(row),
    ) {
        (None, new) => new.is_some(),
        (Some(old), Some(new)) => (new - old).abs() > TOLERANCE * old.abs(),
        (Some(_), None) => false,
    };
    !fresh.columns.iter().any(taken_back) && fresh.columns.iter().any(moved)
}

/// New over old, of close and adjusted close, for the bars in common that have numbers.
fn factors(held: &Bars, fresh: &Bars) -> Vec<[f64; 2]> {
    let mut out = Vec::new();
    let mut row = 0;
    for (other, open) in fresh.times.iter().enumerate() {
        while held.times.get(row).is_some_and(|t| t < open) {
            row += 1;
        }
        if held.times.get(row) != Some(open) {
            continue;
        }
        let factor = |column| quotient(fresh.column(column), other, held.column(column), row);
        if let Some(close) = factor(Column::Close) {
            out.push([close, factor(Column::AdjClose).unwrap_or(close)]);
        }
    }
    out
}

fn quotient(new: Option<&Texts>, new_row: usize, old: Option<&Texts>, old_row: usize) -> Option<f64> {
    let (new, old) = (new?.value(new_row)?, old?.value(old_row)?);
    Some(if new == old { 1.0 } else { new / old }).filter(|q| q.is_finite() && *q > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(rows: &[(f64, f64)]) -> Bars {
        let mut out = Bars::with_columns([Column::Close, Column::AdjClose]);
        for (i, (close, adjusted)) in rows.iter().enumerate() {
            out.times.push(i as i64 * 86_400_000);
            out.columns[0].1.push(&close.to_string());
            out.columns[1].1.push(&adjusted.to_string());
        }
        out
    }

    const HELD: [(f64, f64); 4] = [(100.0, 98.0), (101.0, 99.0), (102.0, 100.0), (50.0, 49.0)];

    fn verdict(change: impl Fn(usize, (f64, f64)) -> (f64, f64)) -> Verdict {
        let fresh: Vec<_> = HELD.iter().enumerate().map(|(i, row)| change(i, *row)).collect();
        judge(&bars(&HELD), &bars(&fresh))
    }

    #[test]
    fn noise_is_no_change_and_a_dividend_is_one() {
        assert_eq!(verdict(|i, (c, a)| (c, a * (1.0 + 4e-7 * (i % 2) as f64))), Verdict::Same);
        assert_eq!(verdict(|_, (c, a)| (c, a * 0.9991)), Verdict::Rebased);
        assert_eq!(verdict(|_, (c, a)| (c / 4.0, a / 4.0)), Verdict::Rebased);
    }

    #[test]
    fn a_split_in_part_is_a_new_basis_and_one_odd_bar_is_not() {
        assert_eq!(verdict(|i, (c, a)| if i < 2 { (c / 3.0, a / 3.0) } else { (c, a) }), Verdict::Rebased);
        assert_eq!(verdict(|i, (c, a)| if i == 1 { (c * 1.01, a) } else { (c, a) }), Verdict::Corrected(1));
    }

    #[test]
    fn a_later_reading_corrects_single_bars_and_takes_no_number_back() {
        let grid = Grid::new("1d".parse().expect("an interval"), 0);
        let held = bars(&HELD);
        let mut fresh = bars(&[(100.0, 98.0), (101.5, 99.0), (102.0, 100.000_01), (50.0, 49.0)]);
        assert_eq!(corrections(&held, &fresh, grid).times, [86_400_000]);
        fresh.columns[0].1 = Texts::default();
        (0..4).for_each(|_| fresh.columns[0].1.push_null());
        assert!(corrections(&held, &fresh, grid).is_empty());
        assert_eq!(corrections(&fresh, &held, grid).len(), 4, "what was null has numbers now");
        let later = bars(&[(1.0, 1.0); 5]).select(|row| row == 4);
        assert!(
            corrections(&held, &later, grid).is_empty(),
            "a bar beyond those that are held is none that is corrected"
        );
        let sparse = held.select(|row| row != 2);
        assert_eq!(corrections(&sparse, &held, grid).times, [2 * 86_400_000], "a bar that came late");
        let mut moved = held.clone();
        moved.times[2] += 3_600_000;
        assert!(corrections(&held, &moved, grid).is_empty(), "the same bar by another time");
    }

    #[test]
    fn where_little_is_in_common_any_difference_counts() {
        let one = |close| bars(&[(close, close)]);
        assert_eq!(judge(&one(100.0), &one(100.0)), Verdict::Same);
        assert_eq!(judge(&one(100.0), &one(99.9)), Verdict::Rebased);
        assert_eq!(judge(&bars(&[]), &one(99.9)), Verdict::Same);
    }
}
