//! Keeps within a provider's allowances: who may call, when, and in whose turn.

use super::allowance::{Allowance, Spent, Usage};
use super::turns::{Turns, Who};
use super::{Answer, Attempt, BoxError, FetchError};
use crate::config;
use finex_core::status::ErrorClass;
use finex_core::time::{Clock, Ts};
use finex_providers::manifest::{Manifest, RateWindow};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower::{Layer, Service};

/// Where a refusal of what lasts for a day or a month names no pause.
const QUOTA_PAUSE: u64 = 3_600;
/// Keys that are invented must not fill the memory.
const MOST_PAYERS: usize = 10_000;

/// The right to spend something of a provider's allowances. One process grants it by itself; several share it through another
/// implementation.
pub trait Allowances: Send + Sync {
    /// Spends `cost` of all of them, or of none and says how long to wait.
    fn lease<'a>(&'a self, cost: NonZeroU32, now: Ts) -> Pin<Box<dyn Future<Output = Option<Duration>> + Send + 'a>>;
}

/// Allowances that nobody else counts.
struct Own(Vec<Arc<Allowance>>);

impl Own {
    fn new(specs: &[RateWindow], reserve: f64) -> Own {
        Own(specs.iter().map(|spec| Arc::new(Allowance::new(spec, reserve))).collect())
    }

    /// What holds for a client with a key of its own as well: what is counted by address. How much its plan allows is known to
    /// the provider alone.
    fn of_the_address(&self) -> Own {
        Own(self.0.iter().filter(|shared| shared.is_of_the_address()).cloned().collect())
    }

    fn try_spend(&self, cost: NonZeroU32, now: Ts) -> Option<Duration> {
        if let Some(wait) = self.0.iter().find_map(|window| window.take(cost, now)) {
            return Some(wait);
        }
        self.0.iter().for_each(|window| window.spend(cost, now));
        None
    }
}

impl Allowances for Own {
    fn lease<'a>(&'a self, cost: NonZeroU32, now: Ts) -> Pin<Box<dyn Future<Output = Option<Duration>> + Send + 'a>> {
        Box::pin(std::future::ready(self.try_spend(cost, now)))
    }
}

/// One of those whose allowances are counted apart: the gateway, or a client with a key of its own.
struct Payer {
    allowances: Own,
    /// Until then the provider wants to be left alone.
    paused_until: AtomicI64,
    turns: Turns,
}

impl Payer {
    fn new(allowances: Own) -> Payer {
        Payer { allowances, paused_until: AtomicI64::new(0), turns: Turns::default() }
    }

    fn pause_left(&self, now: Ts) -> i64 {
        (self.paused_until.load(Ordering::Relaxed) - now).max(0)
    }

    async fn lease(&self, cost: u32, now: Ts) -> Option<Duration> {
        let paused = self.pause_left(now);
        if paused > 0 {
            return Some(Duration::from_millis(paused as u64));
        }
        self.allowances.lease(NonZeroU32::new(cost)?, now).await
    }
}

/// What has to be known after a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub spent: BTreeMap<String, Spent>,
    pub paused_until: Ts,
}

pub struct Limiter {
    gateway: Arc<Payer>,
    payers: papaya::HashMap<u64, Arc<Payer>>,
    patience: Duration,
    /// Where a refusal names no pause.
    rate_pause: u64,
    clock: Clock,
}

impl Limiter {
    pub fn new(manifest: &Manifest, settings: &config::Provider, clock: Clock) -> Limiter {
        Limiter {
            gateway: Arc::new(Payer::new(Own::new(&manifest.limits, settings.reserve))),
            payers: papaya::HashMap::new(),
            patience: settings.patience.0,
            rate_pause: manifest.rate_pause.unsigned_abs().div_ceil(1_000),
            clock,
        }
    }

    fn payer(&self, payer: Option<u64>) -> Arc<Payer> {
        let Some(id) = payer else { return self.gateway.clone() };
        let payers = self.payers.pin();
        if let Some(known) = payers.get(&id) {
            return known.clone();
        }
        if payers.len() >= MOST_PAYERS {
            let now = (self.clock)();
            payers.retain(|_, payer| payer.pause_left(now) > 0 || Arc::strong_count(payer) > 1);
        }
        let fresh = || Arc::new(Payer::new(self.gateway.allowances.of_the_address()));
        if payers.len() >= MOST_PAYERS { fresh() } else { payers.get_or_insert_with(id, fresh).clone() }
    }

    /// Waits for leave to spend `cost`, up to the patience of the settings and in turn.
    pub async fn acquire(&self, cost: u32, payer: Option<u64>, who: &Who) -> Result<(), FetchError> {
        let (started, paying) = (Instant::now(), self.payer(payer));
        if paying.turns.is_empty() && paying.lease(cost, (self.clock)()).await.is_none() {
            return Ok(());
        }
        let refusal = |wait: Duration| {
            let seconds = wait.as_secs() + 1;
            FetchError::rate(format!("the provider's allowance is used up for {seconds} s"), seconds)
        };
        let turn = paying.turns.join(who);
        loop {
            let left = self.patience.saturating_sub(started.elapsed());
            if tokio::time::timeout(left, turn.comes()).await.is_err() {
                return Err(refusal(self.patience));
            }
            let Some(wait) = paying.lease(cost, (self.clock)()).await else {
                turn.take(cost);
                return Ok(());
            };
            if started.elapsed() + wait > self.patience {
                return Err(refusal(wait));
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Seconds until a plan of such a cost can be afforded, where an allowance that is long to reset has less left: better
    /// nothing than half.
    pub fn lacks(&self, cost: u32, payer: Option<u64>) -> Option<u64> {
        let now = (self.clock)();
        let payer = self.payer(payer);
        let long = payer.allowances.0.iter().filter(|window| window.is_long() && !window.affords(cost, now));
        long.map(|window| window.reset_in(now).unsigned_abs().div_ceil(1_000)).max()
    }

    /// Is so much left that something may be spent ahead of time?
    pub fn is_ample(&self, payer: Option<u64>) -> bool {
        const ENOUGH: f64 = 0.25;
        let now = (self.clock)();
        let payer = self.payer(payer);
        payer.pause_left(now) == 0 && payer.allowances.0.iter().all(|window| window.left_share(now) >= ENOUGH)
    }

    /// Is nobody waiting?
    pub fn is_idle(&self) -> bool {
        self.gateway.turns.is_empty()
    }

    /// Is what is not spent within this lost? Short allowances always are.
    pub fn expires_within(&self, millis: i64) -> bool {
        let now = (self.clock)();
        self.gateway.allowances.0.iter().all(|window| window.reset_in(now) <= millis)
    }

    /// Adopts what the provider says is used: others may share the allowance.
    pub fn correct(&self, headers: &HeaderMap, sent_at: Ts, payer: Option<u64>) {
        let now = (self.clock)();
        self.payer(payer).allowances.0.iter().for_each(|window| window.correct(headers, sent_at, now));
    }

    /// Keeps the pause that a refusal asks for.
    pub fn pause_for(&self, status: u16, headers: &HeaderMap, payer: Option<u64>) {
        if matches!(status, 429 | 418) {
            let seconds = headers.get(http::header::RETRY_AFTER).and_then(|v| v.to_str().ok());
            self.pause(seconds.and_then(|v| v.trim().parse().ok()), payer);
        }
    }

    fn pause(&self, seconds: Option<u64>, payer: Option<u64>) {
        let seconds = seconds.unwrap_or(self.rate_pause).min(7 * 86_400);
        let until = (self.clock)().saturating_add(seconds as i64 * 1_000);
        self.payer(payer).paused_until.fetch_max(until, Ordering::Relaxed);
    }

    /// Headers under which clients read what is used, with live figures.
    pub fn report(&self, headers: &mut HeaderMap) {
        let now = (self.clock)();
        self.gateway.allowances.0.iter().for_each(|window| window.report(headers, now));
    }

    pub fn usage(&self) -> Vec<Usage> {
        let now = (self.clock)();
        self.gateway.allowances.0.iter().map(|window| window.usage(now)).collect()
    }

    /// Milliseconds of the pause that is left.
    pub fn paused(&self) -> i64 {
        self.gateway.pause_left((self.clock)())
    }

    /// What has to be known after a restart.
    pub fn kept(&self) -> Kept {
        let spent = self.gateway.allowances.0.iter().map(|window| (window.spec.name.clone(), window.spent()));
        Kept { spent: spent.collect(), paused_until: self.gateway.paused_until.load(Ordering::Relaxed) }
    }

    /// Takes over what was known before a restart. A pause that lies too far ahead was noted by a clock that was wrong.
    pub fn restore(&self, kept: &Kept) {
        for window in &self.gateway.allowances.0 {
            if let Some(spent) = kept.spent.get(&window.spec.name) {
                window.restore(*spent);
            }
        }
        let latest = (self.clock)().saturating_add(7 * 86_400_000);
        self.gateway.paused_until.store(kept.paused_until.min(latest), Ordering::Relaxed);
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
            limiter.acquire(attempt.cost, payer, &attempt.who).await?;
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

    fn limiter(quota: u32, reserve: f64) -> (Arc<Limiter>, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let clock = now.clone();
        let binance = finex_providers::binance::Binance::new(&|_| {});
        let mut facts = finex_providers::Provider::manifest(&binance).clone();
        facts.limits[0].quota = quota;
        let patience = config::values::Span::millis(50);
        let settings = config::Provider { reserve, patience, ..config::Provider::default() };
        (Arc::new(Limiter::new(&facts, &settings, Arc::new(move || clock.load(Ordering::SeqCst)))), now)
    }

    async fn spend(limiter: &Limiter, cost: u32, payer: Option<u64>) -> Option<Duration> {
        limiter.payer(payer).lease(cost, (limiter.clock)()).await
    }

    #[tokio::test]
    async fn it_spends_up_to_the_allowance_and_no_further() {
        let (limiter, now) = limiter(100, 0.1);
        let mut spent = 0;
        while spend(&limiter, 2, None).await.is_none() {
            spent += 1;
        }
        assert_eq!((spent, limiter.usage()[0].used, limiter.is_ample(None)), (45, 90, false));
        assert_eq!(limiter.acquire(2, None, &Who::default()).await.map_err(|e| e.0.class), Err(ErrorClass::Rate));
        now.fetch_add(60_000, Ordering::SeqCst);
        assert_eq!(limiter.usage()[0].used, 0);
    }

    #[tokio::test]
    async fn the_providers_own_count_is_the_truth() {
        let (limiter, now) = limiter(6_000, 0.0);
        let mut headers = HeaderMap::new();
        headers.insert("x-mbx-used-weight-1m", 5_999.into());
        limiter.correct(&headers, now.load(Ordering::SeqCst), None);
        assert!(spend(&limiter, 2, None).await.is_some());
        headers.insert("x-mbx-used-weight-1m", http::HeaderValue::from_static("-1"));
        limiter.correct(&headers, now.load(Ordering::SeqCst), None);
        assert_eq!(limiter.usage()[0].used, 5_999);
        let sent_at = now.fetch_add(60_000, Ordering::SeqCst);
        headers.insert("x-mbx-used-weight-1m", 5_999.into());
        limiter.correct(&headers, sent_at, None);
        assert_eq!(limiter.usage()[0].used, 0, "that was the minute before");
    }

    #[tokio::test]
    async fn a_pause_is_kept_over_a_restart_too() {
        let (before, now) = limiter(6_000, 0.0);
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", 30.into());
        before.pause_for(418, &headers, None);
        assert_eq!(spend(&before, 1, None).await, Some(Duration::from_secs(30)));
        let (after, _) = limiter(6_000, 0.0);
        after.restore(&before.kept());
        assert_eq!(spend(&after, 1, None).await, Some(Duration::from_secs(30)));
        now.fetch_add(30_000, Ordering::SeqCst);
        assert_eq!(spend(&before, 1, None).await, None);
    }

    #[tokio::test]
    async fn a_clients_own_key_spends_nothing_of_ours_unless_addresses_are_counted() {
        for (per, left) in
            [(finex_providers::manifest::Per::Key, true), (finex_providers::manifest::Per::Address, false)]
        {
            let (limiter, _) = limiter(4, 0.0);
            let specs: Vec<RateWindow> =
                limiter.gateway.allowances.0.iter().map(|a| RateWindow { per, ..a.spec.clone() }).collect();
            let limiter = Limiter {
                gateway: Arc::new(Payer::new(Own::new(&specs, 0.0))),
                payers: papaya::HashMap::new(),
                patience: Duration::ZERO,
                rate_pause: 1,
                clock: limiter.clock.clone(),
            };
            assert_eq!(spend(&limiter, 4, None).await, None);
            assert_eq!(spend(&limiter, 4, Some(7)).await.is_none(), left);
            limiter.pause(Some(5), Some(7));
            assert_eq!((limiter.paused(), spend(&limiter, 1, Some(7)).await), (0, Some(Duration::from_secs(5))));
        }
    }
}
