//! How a series is asked for, as far as that tells what will be asked for next. It is noted with every ask, so without a
//! lock; two at once may spoil a guess, never an answer.

use finex_core::time::{Ts, Window};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Adjoining windows in a row before the next is foreseen.
const STEPS: i64 = 2;
/// From which likelihood on a series is expected in the next period, in thousandths: that of two periods in a row.
const LIKELY: i64 = 400;
/// The likelihood is the mean over about so many periods.
const MEMORY: i64 = 4;

#[derive(Debug, Default)]
pub struct Habit {
    from: AtomicI64,
    to: AtomicI64,
    /// Steps of a scan; below nothing it goes back in time.
    steps: AtomicI64,
    period: AtomicI64,
    likely: AtomicI64,
    /// When it was last asked for.
    pub asked_at: AtomicI64,
    /// What was fetched ahead of time and not asked for yet.
    pub ahead: AtomicI64,
}

impl Habit {
    /// Notes the window of an answer. The one beside it, if this is a scan.
    pub fn steps_on(&self, window: Window) -> Option<Window> {
        let (from, to) = (self.from.swap(window.from, Relaxed), self.to.swap(window.to, Relaxed));
        if (from, to) == (window.from, window.to) {
            return None;
        }
        let before = self.steps.load(Relaxed);
        let steps = match (window.from == to, window.to == from) {
            (true, _) => before.max(0) + 1,
            (_, true) => before.min(0) - 1,
            _ => 0,
        };
        self.steps.store(steps, Relaxed);
        let len = window.to.saturating_sub(window.from);
        if steps >= STEPS {
            Some(Window::new(window.to, window.to.saturating_add(len)))
        } else {
            (steps <= -STEPS).then(|| Window::new(window.from.saturating_sub(len), window.from))
        }
    }

    /// Notes that the newest bar was asked for in a period. Once per period, whether it is likely to be in the next.
    pub fn follows(&self, period: i64) -> bool {
        let before = self.period.swap(period, Relaxed);
        if before == period {
            return false;
        }
        let likely = faded(self.likely.load(Relaxed), period.saturating_sub(before)) + 1_000 / MEMORY;
        self.likely.store(likely, Relaxed);
        likely >= LIKELY
    }

    /// Is it still likely, although nobody asked since?
    pub fn is_followed(&self, period: i64) -> bool {
        faded(self.likely.load(Relaxed), period.saturating_sub(self.period.load(Relaxed))) >= LIKELY
    }

    pub fn note(&self, now: Ts) {
        self.asked_at.store(now, Relaxed);
    }
}

fn faded(likely: i64, periods: i64) -> i64 {
    (0..periods.clamp(0, 30)).fold(likely, |likely, _| likely - likely / MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_known_by_its_third_window_in_either_direction() {
        let habit = Habit::default();
        let window = |n: i64| Window::new(n * 10, n * 10 + 10);
        let seen: Vec<Option<Window>> = [7, 8, 8, 9, 3, 2, 1].map(|n| habit.steps_on(window(n))).into();
        assert_eq!(seen, [None, None, None, Some(window(10)), None, None, Some(window(0))]);
    }

    #[test]
    fn who_asks_period_by_period_is_expected_in_the_next() {
        let habit = Habit::default();
        assert_eq!([10, 10, 11, 11, 12].map(|period| habit.follows(period)), [false, false, true, false, true]);
        // Now and then is no habit.
        assert_eq!([60, 70, 80].map(|period| habit.follows(period)), [false; 3]);
        // Who always asked may miss some.
        (100..120).for_each(|period| assert!(habit.follows(period) || period < 102));
        assert_eq!([120, 121, 122, 123].map(|period| habit.is_followed(period)), [true, true, true, false]);
    }
}
