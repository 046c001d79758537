//! A second call where the first is slow beyond what is usual, and so much is left that it does not matter.
//!
//! After J. Dean and L. Barroso, The Tail at Scale (CACM 2013): few second calls cut the longest waits. What is usual is told
//! by the mean and the deviation of earlier calls, as TCP tells when to send again (RFC 6298).

use super::limiter::Limiter;
use super::{Answer, Attempt, BoxError};
use prometheus_client::metrics::counter::Counter;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower::{Layer, Service, ServiceExt};

/// Calls before it is known what is usual.
const ENOUGH: u32 = 20;
/// Second calls per answered call, and so many at once at most.
const SHARE: f64 = 0.05;
const MOST: f64 = 5.0;

/// How long calls take, and how many second ones they have paid for.
#[derive(Debug, Default)]
struct Pace {
    seen: u32,
    mean: f64,
    deviation: f64,
    budget: f64,
}

impl Pace {
    fn took(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let apart = seconds - self.mean;
        if self.seen == 0 {
            (self.mean, self.deviation) = (seconds, seconds / 2.0);
        } else {
            self.mean += apart / 8.0;
            self.deviation += (apart.abs() - self.deviation) / 4.0;
        }
        self.seen = self.seen.saturating_add(1);
        self.budget = (self.budget + SHARE).min(MOST);
    }

    /// How long a call may take before it is slow.
    fn usual(&self) -> Option<Duration> {
        let longest = self.mean + 4.0 * self.deviation;
        (self.seen >= ENOUGH).then(|| Duration::from_secs_f64(longest.clamp(0.01, 60.0)))
    }

    fn pay(&mut self) -> bool {
        let pays = self.budget >= 1.0;
        self.budget -= f64::from(u8::from(pays));
        pays
    }
}

#[derive(Clone)]
pub struct HedgeLayer {
    limiter: Arc<Limiter>,
    hedged: Counter,
}

impl HedgeLayer {
    pub fn new(limiter: Arc<Limiter>, hedged: Counter) -> Self {
        HedgeLayer { limiter, hedged }
    }
}

impl<S> Layer<S> for HedgeLayer {
    type Service = Hedged<S>;

    fn layer(&self, inner: S) -> Hedged<S> {
        Hedged { inner, pace: Arc::default(), limiter: self.limiter.clone(), hedged: self.hedged.clone() }
    }
}

#[derive(Clone)]
pub struct Hedged<S> {
    inner: S,
    pace: Arc<Mutex<Pace>>,
    limiter: Arc<Limiter>,
    hedged: Counter,
}

impl<S> Hedged<S> {
    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_ask_again(&self, payer: Option<u64>) -> bool {
        self.limiter.is_idle() && self.limiter.is_ample(payer) && self.pace().pay()
    }
}

impl<S> Service<Attempt> for Hedged<S>
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
        let this = self.clone();
        Box::pin(async move {
            let (started, usual) = (Instant::now(), this.pace().usual());
            let mut first = Box::pin(this.inner.clone().oneshot(attempt.clone()));
            let early = match usual {
                Some(usual) => tokio::time::timeout(usual, &mut first).await.ok(),
                None => None,
            };
            let outcome = match early {
                Some(outcome) => outcome,
                None if usual.is_some() && this.may_ask_again(attempt.payer) => {
                    this.hedged.inc();
                    let second = Box::pin(this.inner.clone().oneshot(attempt));
                    // The first that succeeds; where both fail, what failed last.
                    match futures_util::future::select_ok([first, second]).await {
                        Ok((answer, _)) => Ok(answer),
                        Err(error) => Err(error),
                    }
                }
                None => first.await,
            };
            if outcome.is_ok() {
                this.pace().took(started.elapsed());
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_is_known_after_a_while_and_few_calls_are_paid_for() {
        let mut pace = Pace::default();
        (0..ENOUGH - 1).for_each(|_| pace.took(Duration::from_millis(100)));
        assert_eq!((pace.usual(), pace.pay()), (None, false));
        (0..21).for_each(|n| pace.took(Duration::from_millis(90 + 20 * (n % 2))));
        let usual = pace.usual().expect("a time").as_millis();
        assert!((110..200).contains(&usual), "{usual}");
        // Forty calls pay for two.
        assert_eq!([pace.pay(), pace.pay(), pace.pay()], [true, true, false]);
    }
}
