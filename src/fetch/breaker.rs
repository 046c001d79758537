//! The circuit breaker: failsafe's state machine, driven by our own layer.
//!
//! failsafe lets every call through while half open, records nothing for a call that is dropped, and changes state when
//! asked whether a call is permitted. So one probe at a time passes here, a dropped call counts as a failure, and the
//! state is read from what the machine announces.

use super::{Answer, Attempt, BoxError, FetchError};
use crate::config;
use failsafe::backoff::{self, Constant};
use failsafe::failure_policy::{self, ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow};
use failsafe::{Instrument, StateMachine};
use finex_core::status::ErrorClass;
use finex_providers::Failure;
use prometheus_client::metrics::gauge::Gauge;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

const CLOSED: u8 = 0;
const HALF_OPEN: u8 = 1;
const OPEN: u8 = 2;

/// Calls within the window before their success rate counts.
const ENOUGH_CALLS: u32 = 10;

type Policy = OrElse<SuccessRateOverTimeWindow<Constant>, ConsecutiveFailures<Constant>>;

#[derive(Clone)]
pub struct Breaker {
    machine: StateMachine<Policy, Announced>,
    state: Arc<AtomicU8>,
    probing: Arc<AtomicBool>,
    open_for: Duration,
}

/// Notes what the machine announces.
#[derive(Clone)]
struct Announced {
    state: Arc<AtomicU8>,
    gauge: Gauge,
}

impl Instrument for Announced {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
        self.gauge.set(1);
    }

    fn on_half_open(&self) {
        self.state.store(HALF_OPEN, Ordering::SeqCst);
    }

    fn on_closed(&self) {
        self.state.store(CLOSED, Ordering::SeqCst);
        self.gauge.set(0);
    }
}

impl Breaker {
    pub fn new(settings: &config::Breaker, gauge: Gauge) -> Breaker {
        let pause = backoff::constant(settings.open_for.0);
        let window = settings.window.0.max(Duration::from_secs(1));
        let rate =
            failure_policy::success_rate_over_time_window(settings.success_rate, ENOUGH_CALLS, window, pause.clone());
        let row = failure_policy::consecutive_failures(settings.failures, pause);
        let state = Arc::new(AtomicU8::new(CLOSED));
        let announced = Announced { state: state.clone(), gauge };
        Breaker {
            machine: StateMachine::new(failsafe::FailurePolicy::or_else(rate, row), announced),
            state,
            probing: Arc::default(),
            open_for: settings.open_for.0,
        }
    }

    /// `closed`, `half_open` or `open`; asking changes nothing.
    pub fn state(&self) -> &'static str {
        ["closed", "half_open", "open"][usize::from(self.state.load(Ordering::SeqCst).min(2))]
    }

    /// Leave to call, if there is any.
    fn permit(&self) -> Result<Permit, FetchError> {
        let probe = self.state.load(Ordering::SeqCst) != CLOSED;
        if probe && self.probing.swap(true, Ordering::SeqCst) {
            return Err(self.refusal());
        }
        if !self.machine.is_call_permitted() {
            if probe {
                self.probing.store(false, Ordering::SeqCst);
            }
            return Err(self.refusal());
        }
        Ok(Permit { breaker: self.clone(), probe, judged: false })
    }

    fn refusal(&self) -> FetchError {
        let detail = "the circuit is open: this provider failed repeatedly and is left alone for a moment";
        let seconds = self.open_for.as_secs().max(1);
        FetchError(Failure { retry_after: Some(seconds), ..FetchError::up(detail).0 })
    }
}

/// Leave for one call; it counts as a failure unless it is judged.
struct Permit {
    breaker: Breaker,
    probe: bool,
    judged: bool,
}

impl Permit {
    fn judge(mut self, healthy: bool) {
        self.judged = true;
        if healthy { self.breaker.machine.on_success() } else { self.breaker.machine.on_error() }
    }
}

impl Permit {
    /// Gives leave back unused.
    fn release(mut self) {
        self.judged = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.judged {
            self.breaker.machine.on_error();
        }
        if self.probe {
            self.breaker.probing.store(false, Ordering::SeqCst);
        }
    }
}

#[derive(Clone)]
pub struct BreakerLayer {
    breaker: Breaker,
}

impl BreakerLayer {
    pub fn new(breaker: Breaker) -> Self {
        BreakerLayer { breaker }
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, breaker: self.breaker.clone() }
    }
}

#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    breaker: Breaker,
}

impl<S> Service<Attempt> for Guarded<S>
where
    S: Service<Attempt, Response = Answer, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Readiness of what lies below is awaited after leave is given: waiting in its queue is part of the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let (breaker, inner) = (self.breaker.clone(), self.inner.clone());
        Box::pin(async move {
            let permit = breaker.permit()?;
            let outcome = tower::ServiceExt::oneshot(inner, attempt).await;
            match outcome.as_ref().map_err(|error| error.downcast_ref::<FetchError>()) {
                Ok(_) => permit.judge(true),
                // Refused by our own limiter: nobody was asked, so nothing was learnt.
                Err(Some(FetchError(failure))) if failure.class == ErrorClass::Rate && failure.native.is_none() => {
                    permit.release();
                }
                Err(failure) => permit.judge(failure.is_some_and(|e| !e.0.class.trips_breaker())),
            }
            outcome
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(open_for: Duration) -> Breaker {
        let settings =
            config::Breaker { failures: 3, open_for: config::values::Span(open_for), ..config::Breaker::default() };
        Breaker::new(&settings, Gauge::default())
    }

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.permit().expect("leave").judge(false);
        }
    }

    #[test]
    fn it_opens_lets_one_probe_through_and_closes_again() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, 3);
        assert_eq!(breaker.state(), "open");
        std::thread::sleep(Duration::from_millis(2));
        let probe = breaker.permit().expect("a probe");
        for _ in 0..50 {
            assert!(breaker.permit().is_err(), "a second probe passed");
        }
        probe.judge(true);
        assert_eq!(breaker.state(), "closed");
        assert!(breaker.permit().is_ok());
    }

    #[test]
    fn while_open_nothing_passes() {
        let breaker = breaker(Duration::from_secs(60));
        fail(&breaker, 3);
        let refused = breaker.permit().err().expect("no leave");
        assert_eq!(refused.0.retry_after, Some(60));
    }

    #[test]
    fn a_dropped_call_is_a_failure() {
        let breaker = breaker(Duration::from_secs(60));
        for _ in 0..3 {
            drop(breaker.permit().expect("leave"));
        }
        assert_eq!(breaker.state(), "open");
    }

    #[test]
    fn leave_that_was_not_used_says_nothing() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, 3);
        std::thread::sleep(Duration::from_millis(2));
        breaker.permit().expect("a probe").release();
        assert_eq!(breaker.state(), "half_open");
        assert!(breaker.permit().is_ok(), "the place of the probe is free again");
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, 3);
        std::thread::sleep(Duration::from_millis(2));
        breaker.permit().expect("a probe").judge(false);
        assert_eq!(breaker.state(), "open");
        std::thread::sleep(Duration::from_millis(2));
        assert!(breaker.permit().is_ok(), "the place of the probe is free again");
    }
}
