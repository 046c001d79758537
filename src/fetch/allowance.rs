//! One allowance of a provider: so much in a window of the calendar, as the provider counts it.

use finex_core::time::Ts;
use finex_providers::manifest::{MONTH, Per, RateWindow};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const DAY: i64 = 86_400_000;
/// What resets within this is waited for; what takes longer is used up.
const LONG: i64 = 3_600_000;

/// governor spreads calls; beside it a count per window of the calendar follows what the provider's own headers report, since
/// other processes share the allowance.
pub struct Allowance {
    pub spec: RateWindow,
    /// Where its days and months begin.
    zone: TimeZone,
    /// Headers that report it, first the provider's own.
    names: Vec<HeaderName>,
    spread: DefaultDirectRateLimiter,
    usable: u32,
    /// Number of the window (upper half) and what is used of it (lower half).
    used: AtomicU64,
}

/// An allowance as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Usage {
    pub window: String,
    pub limit: u32,
    pub used: u32,
    pub left: u32,
    pub resets_in_seconds: i64,
    /// When it is used up if the window goes on as it began; none if it will not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exhausted_in_seconds: Option<i64>,
}

/// What was used of a window, for the time after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub window: u64,
    pub used: u32,
}

impl Allowance {
    /// `reserve` is the share that is left to others.
    pub fn new(spec: &RateWindow, reserve: f64) -> Allowance {
        let usable = ((f64::from(spec.quota) * (1.0 - reserve)).ceil() as u32).max(1);
        let burst = NonZeroU32::new(usable).unwrap_or(NonZeroU32::MIN);
        let period = Duration::from_millis(spec.window.max(1) as u64) / usable;
        let quota = Quota::with_period(period.max(Duration::from_nanos(1))).unwrap_or(Quota::per_second(burst));
        let spread = RateLimiter::direct(quota.allow_burst(burst));
        let names = spec.header.iter().chain(&spec.also).filter_map(|name| name.parse().ok()).collect();
        let zone = spec.zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        Allowance { spec: spec.clone(), zone, names, spread, usable, used: AtomicU64::new(0) }
    }

    /// Is it counted for each address, whatever key a call is made with?
    pub fn is_of_the_address(&self) -> bool {
        self.spec.per == Per::Address
    }

    /// Will it be long until it resets?
    pub fn is_long(&self) -> bool {
        self.spec.window >= LONG
    }

    /// First and last instant of the window around `now`; days and months are those of the provider's zone.
    fn around(&self, now: Ts) -> (Ts, Ts) {
        let window = self.spec.window.max(1);
        let plain = || (now - now.rem_euclid(window), now - now.rem_euclid(window) + window);
        if window != MONTH && (window != DAY || self.zone == TimeZone::UTC) {
            return plain();
        }
        let Ok(instant) = jiff::Timestamp::from_millisecond(now) else { return plain() };
        let today = instant.to_zoned(self.zone.clone()).date();
        let (first, next) = match window {
            MONTH => (today.first_of_month(), today.last_of_month().tomorrow()),
            _ => (today, today.tomorrow()),
        };
        let at = |date: jiff::civil::Date| Some(date.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond());
        next.ok().and_then(|next| Some((at(first)?, at(next)?))).unwrap_or_else(plain)
    }

    /// Seconds since 1970 at which the window began: the same number means the same window.
    fn number(&self, now: Ts) -> u64 {
        (self.around(now).0.div_euclid(1_000)) as u64 & 0xffff_ffff
    }

    pub fn used(&self, now: Ts) -> u32 {
        let packed = self.used.load(Ordering::Relaxed);
        if packed >> 32 == self.number(now) { packed as u32 } else { 0 }
    }

    fn change(&self, now: Ts, change: impl Fn(u32) -> u32) {
        let number = self.number(now);
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |packed| {
            let used = if packed >> 32 == number { packed as u32 } else { 0 };
            Some(number << 32 | u64::from(change(used)))
        });
    }

    pub fn spend(&self, cost: NonZeroU32, now: Ts) {
        self.change(now, |used| used.saturating_add(cost.get()));
    }

    /// Milliseconds until it begins anew.
    pub fn reset_in(&self, now: Ts) -> i64 {
        self.around(now).1 - now
    }

    /// Is there so much left of what may be used?
    pub fn affords(&self, cost: u32, now: Ts) -> bool {
        self.used(now).saturating_add(cost) <= self.usable
    }

    /// The share of what may be used that is left.
    pub fn left_share(&self, now: Ts) -> f64 {
        1.0 - f64::from(self.used(now)) / f64::from(self.usable)
    }

    /// How long to wait before `cost` may be spent; nothing if governor has taken it.
    pub fn take(&self, cost: NonZeroU32, now: Ts) -> Option<Duration> {
        // What costs more than all that may be used is let through when nothing is: the provider will tell.
        let cost = cost.min(NonZeroU32::new(self.usable).unwrap_or(NonZeroU32::MIN));
        if !self.affords(cost.get(), now) {
            return Some(Duration::from_millis(self.reset_in(now).max(1) as u64));
        }
        match self.spread.check_n(cost) {
            Ok(Ok(())) => None,
            Ok(Err(not_until)) => {
                let clock = governor::clock::DefaultClock::default();
                Some(not_until.wait_time_from(governor::clock::Clock::now(&clock)).max(Duration::from_millis(1)))
            }
            // Cannot be: the cost was cut to the burst. The provider will tell.
            Err(_) => None,
        }
    }

    /// Adopts what the provider says is used, unless that speaks of a window that is over by now. A negative figure means
    /// nothing.
    pub fn correct(&self, headers: &HeaderMap, sent_at: Ts, now: Ts) {
        if self.number(sent_at) != self.number(now) {
            return;
        }
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
        let used = self.names.first().and_then(|name| number(name.as_str()));
        // What is left counts against the allowance that the provider names, or else against the one we know.
        let left = self.spec.left_header.as_deref().and_then(number).map(|left| {
            let limit = self.spec.limit_header.as_deref().and_then(number).unwrap_or(self.spec.quota);
            limit.min(self.spec.quota).saturating_sub(left)
        });
        if let Some(reported) = used.or(left) {
            self.change(now, |used| used.max(reported));
        }
    }

    /// Headers under which clients read what is used.
    pub fn report(&self, headers: &mut HeaderMap, now: Ts) {
        for name in &self.names {
            headers.insert(name.clone(), self.used(now).into());
        }
        let spec = &self.spec;
        let reset = now.saturating_add(self.reset_in(now)).div_euclid(1_000);
        let figures = [
            (&spec.limit_header, i64::from(spec.quota)),
            (&spec.left_header, i64::from(spec.quota.saturating_sub(self.used(now)))),
            (&spec.reset_header, reset),
        ];
        for (name, figure) in figures {
            if let Some(name) = name.as_deref().and_then(|name| name.parse::<HeaderName>().ok()) {
                headers.insert(name, figure.into());
            }
        }
    }

    pub fn usage(&self, now: Ts) -> Usage {
        let (used, (from, to)) = (self.used(now), self.around(now));
        let left = self.spec.quota.saturating_sub(used);
        let exhausted_in = (used > 0).then(|| (now - from).max(1) as f64 * f64::from(left) / f64::from(used));
        Usage {
            window: self.spec.name.clone(),
            limit: self.spec.quota,
            used,
            left,
            resets_in_seconds: (to - now) / 1_000,
            exhausted_in_seconds: exhausted_in.filter(|ms| *ms < (to - now) as f64).map(|ms| (ms / 1_000.0) as i64),
        }
    }

    pub fn spent(&self) -> Spent {
        let packed = self.used.load(Ordering::Relaxed);
        Spent { window: packed >> 32, used: packed as u32 }
    }

    /// Takes over what was used before a restart; of a window that is over by now it means nothing.
    pub fn restore(&self, spent: Spent) {
        self.used.store((spent.window & 0xffff_ffff) << 32 | u64::from(spent.used), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(window: i64, zone: Option<&str>) -> Allowance {
        let text =
            format!("name = \"x\"\nquota = 100\nwindow = \"{}s\"", if window == MONTH { 1 } else { window / 1_000 });
        let mut spec: RateWindow = toml::from_str(&text).expect("a window");
        spec.window = window;
        spec.zone = zone.map(str::to_owned);
        Allowance::new(&spec, 0.0)
    }

    fn at(text: &str) -> Ts {
        text.parse::<jiff::Timestamp>().expect("a time").as_millisecond()
    }

    #[test]
    fn days_and_months_begin_where_the_provider_counts_them() {
        // New York puts its clocks forward on 10 March 2024.
        let day = allowance(DAY, Some("America/New_York"));
        for (now, hours) in [("2024-03-10T04:00:00Z", 1), ("2024-03-10T05:00:00Z", 23), ("2024-03-11T04:00:00Z", 24)] {
            assert_eq!(day.reset_in(at(now)), hours * 3_600_000, "{now}");
        }
        let month = allowance(MONTH, None);
        assert_eq!(month.reset_in(at("2024-02-28T00:00:00Z")), 2 * DAY);
        assert_eq!(allowance(DAY, None).reset_in(at("2024-02-28T23:00:00Z")), 3_600_000);
        let cost = NonZeroU32::MIN;
        month.spend(cost, at("2024-02-01T00:00:00Z"));
        assert_eq!([month.used(at("2024-02-29T23:59:59Z")), month.used(at("2024-03-01T00:00:00Z"))], [1, 0]);
    }

    #[test]
    fn what_was_spent_is_taken_over_and_its_end_foreseen() {
        let (now, before) = (at("2024-02-28T06:00:00Z"), allowance(DAY, None));
        (0..50).for_each(|_| before.spend(NonZeroU32::MIN, now));
        let after = allowance(DAY, None);
        after.restore(before.spent());
        // Half of it in a quarter of the day.
        assert_eq!((after.used(now), after.usage(now).exhausted_in_seconds), (50, Some(6 * 3_600)));
        assert_eq!((after.affords(50, now), after.affords(51, now)), (true, false));
        assert_eq!((after.used(now + DAY), after.usage(now + DAY).exhausted_in_seconds), (0, None));
    }
}
