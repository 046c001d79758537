//! On which days an exchange stays closed.

use jiff::civil::{Date, Weekday};

/// NYSE holidays as month · 100 + day.
const CLOSED: [(i16, &[i16]); 5] = [
    (2022, &[117, 221, 415, 530, 620, 704, 905, 1124, 1226]),
    (2023, &[102, 116, 220, 407, 529, 619, 704, 904, 1123, 1225]),
    (2024, &[101, 115, 219, 329, 527, 619, 704, 902, 1128, 1225]),
    (2025, &[101, 109, 120, 217, 418, 526, 619, 704, 901, 1127, 1225]),
    (2026, &[101, 119, 216, 403, 525, 619, 703, 907, 1126, 1225]),
];
/// Days that end at 13:00.
const HALF: [(i16, &[i16]); 5] = [
    (2022, &[1125]),
    (2023, &[703, 1124]),
    (2024, &[703, 1129, 1224]),
    (2025, &[703, 1128, 1224]),
    (2026, &[1127, 1224]),
];

/// Whether the day is a half one; `None` if New York does not trade at all. Outside the listed years only the fixed
/// holidays count.
pub(crate) fn new_york(date: Date) -> Option<bool> {
    let day = i16::from(date.month()) * 100 + i16::from(date.day());
    let listed = |table: &[(i16, &[i16])]| {
        table.iter().find(|(year, _)| *year == date.year()).map(|(_, days)| days.contains(&day))
    };
    let thanksgiving = date.month() == 11 && date.weekday() == Weekday::Thursday && (22..=28).contains(&date.day());
    let closed = listed(&CLOSED).unwrap_or(matches!(day, 101 | 704 | 1225) || thanksgiving);
    (!weekend(date) && !closed).then(|| listed(&HALF).unwrap_or(false))
}

/// The same for everybody else, who knows no half days.
pub(crate) fn elsewhere(date: Date) -> Option<bool> {
    let closed = weekend(date) || matches!((date.month(), date.day()), (1, 1) | (12, 25));
    (!closed).then_some(false)
}

fn weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}
