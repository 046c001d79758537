//! Days together: weeks, months and what is made of them.

use super::{Bar, merge};
use jiff::Span;
use jiff::civil::{Date, Weekday};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    /// By the day it begins with.
    Week(Weekday),
    /// As many of them as fit into a year without rest.
    Months(i8),
}

impl Unit {
    /// The first day of the unit around `date`.
    pub(crate) fn floor(self, date: Date) -> Date {
        match self {
            Unit::Day => date,
            Unit::Week(first) => {
                let since = date.weekday().since(first);
                date.checked_sub(Span::new().days(since)).unwrap_or(date)
            }
            Unit::Months(count) => {
                let month = (date.month() - 1) / count * count + 1;
                Date::new(date.year(), month, 1).unwrap_or(date)
            }
        }
    }

    /// The first day of the unit that comes `count` later.
    pub(crate) fn later(self, first: Date, count: i64) -> Date {
        let span = match self {
            Unit::Day => Span::new().try_days(count),
            Unit::Week(_) => Span::new().try_weeks(count),
            Unit::Months(months) => Span::new().try_months(count.saturating_mul(i64::from(months))),
        };
        span.and_then(|span| first.checked_add(span)).unwrap_or(Date::MAX)
    }
}

/// Days, oldest first, in groups of `count` units from `anchor` on, with the first day of each.
pub(crate) fn group(days: &[Bar], unit: Unit, count: i64, anchor: Date) -> Vec<(Date, Bar)> {
    let mut groups = Vec::new();
    let (mut first, mut rest) = (anchor, days);
    while let Some(day) = rest.first() {
        let mut next = unit.later(first, count);
        while next <= day.date && next < Date::MAX {
            first = next;
            next = unit.later(first, count);
        }
        let (group, others) = rest.split_at(rest.partition_point(|day| day.date < next).max(1));
        groups.extend(merge(group).map(|bar| (first, bar)));
        rest = others;
    }
    groups
}
