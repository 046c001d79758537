//! Keeps within a provider's allowances.
//!
//! governor spreads calls; beside it a count per calendar window follows what the provider's own headers report, since
//! other processes share the allowance, and a pause is kept where the provider asked for one.

use super::{Answer, Attempt, BoxError, FetchError};
use crate::config;
use finex_core::status::ErrorClass;
use finex_core::time::{Clock, Ts};
use finex_providers::manifest::{Manifest, RateWindow};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderName};
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower::{Layer, Service};

/// Where a refusal of what lasts for a day or a month names no pause.
const QUOTA_PAUSE: u64 = 3_600;

pub struct Limiter {
    windows: Vec<Allowance>,
    /// Until then the provider wants to be left alone.
    paused_until: AtomicI64,
    /// The same for clients with keys of their own, whose allowances are theirs: only the provider counts them.
    paused_payers: papaya::HashMap<u64, Ts>,
    patience: Duration,
    /// Where a refusal names no pause.
    rate_pause: u64,
    clock: Clock,
}

/// One allowance per calendar window.
struct Allowance {
    spec: RateWindow,
    /// Headers that report it, first the provider's own.
    names: Vec<HeaderName>,
    spread: DefaultDirectRateLimiter,
    usable: u32,
    /// Number of the window (upper half) and what is used of it (lower half).
    used: AtomicU64,
}

/// An allowance as it stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Usage {
    pub window: String,
    pub limit: u32,
    pub used: u32,
    pub left: u32,
    pub resets_in_seconds: i64,
}

impl Allowance {
    fn new(spec: &RateWindow, reserve: f64) -> Allowance {
        let usable = ((f64::from(spec.quota) * (1.0 - reserve)).ceil() as u32).max(1);
        let burst = NonZeroU32::new(usable).unwrap_or(NonZeroU32::MIN);
        let period = Duration::from_millis(spec.window.max(1) as u64) / usable;
        let quota = Quota::with_period(period.max(Duration::from_nanos(1))).unwrap_or(Quota::per_second(burst));
        let spread = RateLimiter::direct(quota.allow_burst(burst));
        let names = spec.header.iter().chain(&spec.also).filter_map(|name| name.parse().ok()).collect();
        Allowance { spec: spec.clone(), names, spread, usable, used: AtomicU64::new(0) }
    }

    fn number(&self, now: Ts) -> u64 {
        now.div_euclid(self.spec.window.max(1)) as u64 & 0xffff_ffff
    }

    fn used(&self, now: Ts) -> u32 {
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

    fn reset_in(&self, now: Ts) -> i64 {
        let window = self.spec.window.max(1);
        window - now.rem_euclid(window)
    }

    /// How long to wait before `cost` may be spent; nothing if it has been.
    fn try_spend(&self, cost: NonZeroU32, now: Ts) -> Option<Duration> {
        // What costs more than all that may be used is let through when nothing is: the provider will tell.
        let cost = cost.min(NonZeroU32::new(self.usable).unwrap_or(NonZeroU32::MIN));
        if self.used(now).saturating_add(cost.get()) > self.usable {
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
}

impl Limiter {
    pub fn new(manifest: &Manifest, settings: &config::Provider, clock: Clock) -> Limiter {
        let windows = manifest.limits.iter().map(|spec| Allowance::new(spec, settings.reserve)).collect();
        Limiter {
            windows,
            paused_until: AtomicI64::new(0),
            paused_payers: papaya::HashMap::new(),
            patience: settings.patience.0,
            rate_pause: manifest.rate_pause.unsigned_abs().div_ceil(1_000),
            clock,
        }
    }

    /// Waits for leave to spend `cost`, up to the patience of the settings. A payer has an allowance of its own.
    pub async fn acquire(&self, cost: u32, payer: Option<u64>) -> Result<(), FetchError> {
        let started = Instant::now();
        loop {
            let wait = match payer {
                Some(payer) => self.paused_payer(payer),
                None => self.try_acquire(cost),
            };
            let Some(wait) = wait else { return Ok(()) };
            if started.elapsed() + wait > self.patience {
                let seconds = wait.as_secs() + 1;
                return Err(FetchError::rate(format!("the provider's allowance is used up for {seconds} s"), seconds));
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn paused_payer(&self, payer: u64) -> Option<Duration> {
        let left = self.paused_payers.pin().get(&payer)?.saturating_sub((self.clock)());
        (left > 0).then(|| Duration::from_millis(left as u64))
    }

    fn try_acquire(&self, cost: u32) -> Option<Duration> {
        let now = (self.clock)();
        let paused = self.paused_until.load(Ordering::Relaxed) - now;
        if paused > 0 {
            return Some(Duration::from_millis(paused as u64));
        }
        let cost = NonZeroU32::new(cost)?;
        if let Some(wait) = self.windows.iter().find_map(|window| window.try_spend(cost, now)) {
            return Some(wait);
        }
        self.windows.iter().for_each(|window| window.change(now, |used| used.saturating_add(cost.get())));
        None
    }

    /// Adopts what the provider says is used: others may share the allowance. A negative figure means nothing.
    /// So does one that was reported for a window that is over by now.
    pub fn correct(&self, headers: &HeaderMap, sent_at: Ts, payer: Option<u64>) {
        if payer.is_some() {
            return;
        }
        let now = (self.clock)();
        for window in self.windows.iter().filter(|window| window.number(sent_at) == window.number(now)) {
            let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
            let used = window.names.first().and_then(|name| number(name.as_str()));
            // What is left counts against the allowance that the provider names, or else against the one we know.
            let left = window.spec.left_header.as_deref().and_then(number).map(|left| {
                let limit = window.spec.limit_header.as_deref().and_then(number).unwrap_or(window.spec.quota);
                limit.min(window.spec.quota).saturating_sub(left)
            });
            if let Some(reported) = used.or(left) {
                window.change(now, |used| used.max(reported));
            }
        }
    }

    /// Keeps the pause that a refusal asks for.
    pub fn pause_for(&self, status: u16, headers: &HeaderMap, payer: Option<u64>) {
        if matches!(status, 429 | 418) {
            let seconds = headers.get(http::header::RETRY_AFTER).and_then(|v| v.to_str().ok());
            self.pause(seconds.and_then(|v| v.trim().parse().ok()), payer);
        }
    }

    fn pause(&self, seconds: Option<u64>, payer: Option<u64>) {
        /// Keys that are invented must not fill the memory.
        const MOST_PAYERS: usize = 10_000;
        let seconds = seconds.unwrap_or(self.rate_pause).min(7 * 86_400);
        let now = (self.clock)();
        let until = now.saturating_add(seconds as i64 * 1_000);
        let Some(payer) = payer else {
            self.paused_until.fetch_max(until, Ordering::Relaxed);
            return;
        };
        let payers = self.paused_payers.pin();
        if payers.len() >= MOST_PAYERS {
            payers.retain(|_, until| *until > now);
        }
        if payers.len() < MOST_PAYERS {
            payers.insert(payer, until);
        }
    }

    /// Headers under which clients read what is used, with live figures.
    pub fn report(&self, headers: &mut HeaderMap) {
        let now = (self.clock)();
        for window in &self.windows {
            for name in &window.names {
                headers.insert(name.clone(), window.used(now).into());
            }
            let spec = &window.spec;
            let reset = now.saturating_add(window.reset_in(now)).div_euclid(1_000);
            let figures = [
                (&spec.limit_header, i64::from(spec.quota)),
                (&spec.left_header, i64::from(spec.quota.saturating_sub(window.used(now)))),
                (&spec.reset_header, reset),
            ];
            for (name, figure) in figures {
                if let Some(name) = name.as_deref().and_then(|name| name.parse::<HeaderName>().ok()) {
                    headers.insert(name, figure.into());
                }
            }
        }
    }

    pub fn usage(&self) -> Vec<Usage> {
        let now = (self.clock)();
        let usage = self.windows.iter().map(|window| {
            let used = window.used(now);
            Usage {
                window: window.spec.name.clone(),
                limit: window.spec.quota,
                used,
                left: window.spec.quota.saturating_sub(used),
                resets_in_seconds: window.reset_in(now) / 1_000,
            }
        });
        usage.collect()
    }

    /// Milliseconds of the pause that is left.
    pub fn paused(&self) -> i64 {
        (self.paused_until.load(Ordering::Relaxed) - (self.clock)()).max(0)
    }
}

#[derive(Clone)]
pub struct LimiterLayer {
    limiter: Arc<Limiter>,
}

impl LimiterLayer {
    pub fn new(limiter: Arc<Limiter>) -> Self {
        LimiterLayer { limiter }
    }
}

impl<S> Layer<S> for LimiterLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, limiter: self.limiter.clone() }
    }
}

#[derive(Clone)]
pub struct Limited<S> {
    inner: S,
    limiter: Arc<Limiter>,
}

impl<S> Service<Attempt> for Limited<S>
where
    S: Service<Attempt, Response = Answer, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let (limiter, inner) = (self.limiter.clone(), self.inner.clone());
        Box::pin(async move {
            let payer = attempt.payer;
            limiter.acquire(attempt.cost, payer).await?;
            let sent_at = (limiter.clock)();
            let outcome = tower::ServiceExt::oneshot(inner, attempt).await;
            match &outcome {
                Ok(answer) => limiter.correct(&answer.headers, sent_at, payer),
                Err(error) => {
                    let refused = error.downcast_ref::<FetchError>().map(|e| &e.0);
                    match refused.filter(|f| f.native.is_some()) {
                        Some(failure) if failure.class == ErrorClass::Rate => limiter.pause(failure.retry_after, payer),
                        Some(failure) if failure.class == ErrorClass::Quota => {
                            limiter.pause(failure.retry_after.or(Some(QUOTA_PAUSE)), payer);
                        }
                        _ => {}
                    }
                }
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI64;

    fn limiter(quota: u32, reserve: f64) -> (Limiter, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let clock = now.clone();
        let binance = finex_providers::binance::Binance::new(&|_| {});
        let mut facts = finex_providers::Provider::manifest(&binance).clone();
        facts.limits[0].quota = quota;
        let settings = config::Provider { reserve, ..config::Provider::default() };
        (Limiter::new(&facts, &settings, Arc::new(move || clock.load(Ordering::SeqCst))), now)
    }

    #[test]
    fn it_spends_up_to_the_allowance_and_no_further() {
        let (limiter, now) = limiter(100, 0.1);
        let spent = (0..100).filter(|_| limiter.try_acquire(2).is_none()).count();
        assert_eq!(spent, 45);
        assert_eq!(limiter.usage()[0].used, 90);
        now.fetch_add(60_000, Ordering::SeqCst);
        assert_eq!(limiter.usage()[0].used, 0);
    }

    #[test]
    fn the_providers_own_count_is_the_truth() {
        let (limiter, now) = limiter(6_000, 0.0);
        let mut headers = HeaderMap::new();
        headers.insert("x-mbx-used-weight-1m", 5_999.into());
        limiter.correct(&headers, now.load(Ordering::SeqCst), None);
        assert!(limiter.try_acquire(2).is_some());
        headers.insert("x-mbx-used-weight-1m", http::HeaderValue::from_static("-1"));
        limiter.correct(&headers, now.load(Ordering::SeqCst), None);
        assert_eq!(limiter.usage()[0].used, 5_999);
        let sent_at = now.fetch_add(60_000, Ordering::SeqCst);
        headers.insert("x-mbx-used-weight-1m", 5_999.into());
        limiter.correct(&headers, sent_at, None);
        assert_eq!(limiter.usage()[0].used, 0, "that was the minute before");
    }

    #[test]
    fn a_pause_is_kept() {
        let (limiter, now) = limiter(6_000, 0.0);
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", 30.into());
        limiter.pause_for(429, &headers, None);
        assert_eq!(limiter.try_acquire(1), Some(Duration::from_secs(30)));
        now.fetch_add(30_000, Ordering::SeqCst);
        assert_eq!(limiter.try_acquire(1), None);
    }
}
