//! Warming at set times, and after a start: what is held on disk comes into memory bit by bit.

use super::Gateway;
use chrono::{DateTime, Utc};
use croner::Cron;
use finex_core::series::Series;
use finex_core::time::{Ts, Window};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked what is due.
const LOOK: Duration = Duration::from_millis(500);
/// Between one fragment and the next that is read after a start, so that clients do not notice.
const BETWEEN: Duration = Duration::from_millis(2);

/// What is fetched ahead of time again and again.
pub struct Schedule {
    pub series: Vec<Arc<Series>>,
    /// How far back from the moment it is due, in milliseconds.
    pub since: i64,
    /// Minute, hour, day, month and weekday, in UTC.
    pub times: Cron,
}

impl Schedule {
    /// The first time after an instant.
    fn next(&self, after: Ts) -> Option<Ts> {
        let after: DateTime<Utc> = DateTime::from_timestamp_millis(after)?;
        let next = self.times.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp_millis())
    }
}

impl Gateway {
    /// Begins each job when it is due, as long as there is a gateway. What was due while there was none is made up for by
    /// the next: its window reaches back.
    pub fn follow_schedules(&self, schedules: Vec<Schedule>) {
        if schedules.is_empty() {
            return;
        }
        let (gateway, begun) = (self.me.clone(), (self.clock)());
        let due: Mutex<Vec<Option<Ts>>> = Mutex::new(schedules.iter().map(|schedule| schedule.next(begun)).collect());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(gateway) = gateway.upgrade() else { return };
                let now = (gateway.clock)();
                for (schedule, due) in
                    schedules.iter().zip(due.lock().unwrap_or_else(PoisonError::into_inner).iter_mut())
                {
                    if due.is_some_and(|due| due <= now) {
                        gateway.begin(schedule, now);
                        *due = schedule.next(now);
                    }
                }
            }
        });
    }

    fn begin(&self, schedule: &Schedule, now: Ts) {
        let window = Window::new(now.saturating_sub(schedule.since), now);
        if self.warm(schedule.series.clone(), window).is_none() {
            let provider = schedule.series.first().map_or("", |series| series.provider.as_ref());
            tracing::warn!(provider, "a scheduled job was left out: too many are under way");
        }
    }

    /// Reads from disk what was used last, up to half of what memory may hold.
    pub fn wake_up(&self) {
        let gateway = self.me.clone();
        tokio::spawn(async move {
            let Some(standing) = gateway.upgrade() else { return };
            let wanted = standing.tiers.catalog.least_wanted();
            drop(standing);
            for (cell, piece) in wanted.into_iter().rev() {
                let Some(standing) = gateway.upgrade() else { return };
                let memory = &standing.tiers.memory;
                if memory.usage().0 >= memory.budget() / 2 {
                    return;
                }
                // What cannot be read is given up as for a client.
                standing.tiers.load(&cell, &piece).await;
                drop(standing);
                tokio::time::sleep(BETWEEN).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn times_are_those_of_cron_in_utc() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond();
        let next = |times: &str, after: &str| {
            let times = Cron::from_str(times).expect("times");
            Schedule { series: Vec::new(), since: 0, times }.next(at(after))
        };
        assert_eq!(next("0 6 * * *", "2024-03-05T10:20:30Z"), Some(at("2024-03-06T06:00:00Z")));
        assert_eq!(next("0 6 * * *", "2024-03-05T06:00:00Z"), Some(at("2024-03-06T06:00:00Z")));
        assert_eq!(next("30 21 * * 1-5", "2024-03-08T22:00:00Z"), Some(at("2024-03-11T21:30:00Z")));
    }
}
