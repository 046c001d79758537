//! Bad data is refused, visibly.
//!
//! A frame whose order or times cannot be right is refused whole; a single implausible row is set apart: it is
//! served, marked, and never stored as final.

use crate::calendar::Grid;
use crate::columns::{Bars, Column};
use crate::time::Ts;

/// The whole answer is not what was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("rows are not in ascending order at {0}")]
    Unsorted(Ts),
    #[error("two different rows for {0}")]
    Duplicated(Ts),
    #[error("a bar at {open} opens after now, {now}")]
    Future { open: Ts, now: Ts },
    #[error("a bar at {0} lies outside the asked range")]
    Outside(Ts),
    #[error("bars are closer together than one interval at {0}: another interval or unit than asked")]
    WrongInterval(Ts),
}

/// Rows that may be kept, and rows set apart with the rule they break.
#[derive(Debug, Default)]
pub struct Checked {
    pub sound: Bars,
    pub suspect: Bars,
    pub rules: Vec<&'static str>,
}

/// How far a provider's clock may run ahead of ours.
const SKEW: i64 = 60_000;

/// A null that is older stays one: nulls of the last days may yet get their numbers.
const NULLS_SETTLE: i64 = 3 * 86_400_000;

/// Sorts what arrived into sound and suspect rows. Exact repetitions of a row are dropped. Bars on an even grid never
/// open closer together than an interval.
pub fn check(bars: &Bars, grid: Grid, from: Ts, to: Ts, now: Ts) -> Result<Checked, Refused> {
    for row in 1..bars.len() {
        let (before, here) = (bars.times[row - 1], bars.times[row]);
        if here < before {
            return Err(Refused::Unsorted(here));
        }
        if here == before && !bars.same_row(row - 1, bars, row) {
            return Err(Refused::Duplicated(here));
        }
        if grid.even && here > before && here < grid.open(grid.index(before) + 1) && here < grid.end_of(before) {
            return Err(Refused::WrongInterval(here));
        }
    }
    if let Some(open) = bars.times.iter().find(|open| **open < from || **open >= to) {
        return Err(Refused::Outside(*open));
    }
    if let Some(open) = bars.times.iter().find(|open| **open > now.saturating_add(SKEW)) {
        return Err(Refused::Future { open: *open, now });
    }
    let repeated = |row: usize| row > 0 && bars.times[row] == bars.times[row - 1];
    let verdicts: Vec<Option<&'static str>> = (0..bars.len()).map(|row| implausible(bars, row, now)).collect();
    Ok(Checked {
        sound: bars.select(|row| !repeated(row) && verdicts[row].is_none()),
        suspect: bars.select(|row| !repeated(row) && verdicts[row].is_some()),
        rules: verdicts.into_iter().flatten().collect(),
    })
}

/// The rule that a row breaks. Negative prices are real (crude oil, April 2020); a negative volume is not.
fn implausible(bars: &Bars, row: usize, now: Ts) -> Option<&'static str> {
    let value = |column| bars.column(column).and_then(|texts| texts.value(row));
    let unreadable = bars.columns.iter().any(|(_, texts)| texts.get(row).is_some() && texts.value(row).is_none());
    if unreadable {
        return Some("not a finite number");
    }
    if bars.times[row] > now.saturating_sub(NULLS_SETTLE)
        && bars.column(Column::Close).is_some_and(|c| c.get(row).is_none())
    {
        return Some("null");
    }
    let (open, high, low, close) =
        (value(Column::Open)?, value(Column::High)?, value(Column::Low)?, value(Column::Close)?);
    if high < low {
        return Some("high below low");
    }
    if open > high || close > high || open < low || close < low {
        return Some("open or close outside high and low");
    }
    value(Column::Volume).filter(|v| *v < 0.0).map(|_| "negative volume")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn bars(rows: &[(Ts, [&str; 5])]) -> Bars {
        let mut out = Bars::with_columns([Column::Open, Column::High, Column::Low, Column::Close, Column::Volume]);
        for (ts, row) in rows {
            out.times.push(*ts);
            out.columns.iter_mut().zip(row).for_each(|((_, texts), text)| texts.push(text));
        }
        out
    }

    fn judge(rows: &[(Ts, [&str; 5])]) -> Result<Checked, Refused> {
        check(&bars(rows), Grid::new("1h".parse().expect("an interval"), 0), 0, 100 * HOUR, 50 * HOUR)
    }

    const GOOD: [&str; 5] = ["2", "3", "1", "2.5", "10"];

    #[test]
    fn frames_that_cannot_be_right_are_refused() {
        assert_eq!(judge(&[(HOUR, GOOD), (0, GOOD)]).err(), Some(Refused::Unsorted(0)));
        assert_eq!(judge(&[(0, GOOD), (0, ["2", "3", "1", "2", "10"])]).err(), Some(Refused::Duplicated(0)));
        assert_eq!(judge(&[(0, GOOD), (60_000, GOOD)]).err(), Some(Refused::WrongInterval(60_000)));
        assert_eq!(judge(&[(-HOUR, GOOD)]).err(), Some(Refused::Outside(-HOUR)));
        let future = Refused::Future { open: 60 * HOUR, now: 50 * HOUR };
        assert_eq!(judge(&[(60 * HOUR, GOOD)]).err(), Some(future));
    }

    #[test]
    fn implausible_rows_are_set_apart_one_by_one() {
        let bad = [["2", "1", "3", "2", "1"], ["9", "3", "1", "2", "1"], ["2", "3", "1", "2", "-1"]];
        for row in bad {
            let checked = judge(&[(0, GOOD), (HOUR, row), (2 * HOUR, GOOD)]).expect("a frame");
            assert_eq!((checked.sound.times, checked.suspect.times), (vec![0, 2 * HOUR], vec![HOUR]), "{row:?}");
        }
        let checked = judge(&[(0, ["2", "NaN", "1", "2", "1"])]).expect("a frame");
        assert_eq!(checked.rules, ["not a finite number"]);
    }

    #[test]
    fn negative_prices_and_exact_repetitions_are_no_fault() {
        let oil = ["-37", "-36", "-40", "-37.63", "5"];
        let checked = judge(&[(0, oil), (0, oil), (HOUR, GOOD)]).expect("a frame");
        assert_eq!((checked.sound.times, checked.suspect.len()), (vec![0, HOUR], 0));
    }
}
