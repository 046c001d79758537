//! Bars that are not shown under their opening.

use super::{DAY, Way};
use crate::endpoint::Label;
use crate::shape::Table;
use finex_core::calendar::{Grid, Interval, Unit};
use finex_core::time::Ts;

/// The table of an endpoint, for bars of an interval.
pub(super) fn table(way: &Way, interval: Interval) -> Table {
    type Rule = fn(Ts) -> Ts;
    let (opens, label): (Rule, Rule) = match (way.facts.label, interval.unit, interval.count) {
        (Label::LastWeekday, Unit::Week, 1) => (open_of_week, last_weekday_of_week),
        (Label::LastWeekday, Unit::Month, 1) => (open_of_month, last_weekday_of_month),
        (Label::LastWeekday, Unit::Month, 12) => (open_of_year, last_weekday_of_year),
        _ => return way.table.clone(),
    };
    Table { opens, label, ..way.table.clone() }
}

fn grid(unit: Unit, count: u16) -> Grid {
    Grid::new(Interval { count, unit }, 0)
}

fn open(grid: Grid, ts: Ts) -> Ts {
    grid.open(grid.index(ts))
}

fn last_weekday(grid: Grid, ts: Ts) -> Ts {
    let last = grid.open(grid.index(ts) + 1) - DAY;
    // 1970 began on a Thursday: 0 is Monday.
    match (last.div_euclid(DAY) + 3).rem_euclid(7) {
        6 => last - 2 * DAY,
        5 => last - DAY,
        _ => last,
    }
}

fn open_of_week(ts: Ts) -> Ts {
    open(grid(Unit::Week, 1), ts)
}

fn last_weekday_of_week(ts: Ts) -> Ts {
    last_weekday(grid(Unit::Week, 1), ts)
}

fn open_of_month(ts: Ts) -> Ts {
    open(grid(Unit::Month, 1), ts)
}

fn last_weekday_of_month(ts: Ts) -> Ts {
    last_weekday(grid(Unit::Month, 1), ts)
}

fn open_of_year(ts: Ts) -> Ts {
    open(grid(Unit::Month, 12), ts)
}

fn last_weekday_of_year(ts: Ts) -> Ts {
    last_weekday(grid(Unit::Month, 12), ts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_months_and_years_end_on_weekdays() {
        let day = |text: &str| crate::stamp::date(text).expect("a day");
        assert_eq!(last_weekday_of_week(day("2024-03-05")), day("2024-03-08"));
        assert_eq!(open_of_week(day("2024-03-08")), day("2024-03-04"));
        assert_eq!(last_weekday_of_month(day("2024-03-05")), day("2024-03-29"));
        assert_eq!(last_weekday_of_month(day("2024-06-30")), day("2024-06-28"));
        assert_eq!(last_weekday_of_year(day("2023-06-30")), day("2023-12-29"));
        assert_eq!(open_of_year(day("2023-12-29")), day("2023-01-01"));
    }
}
