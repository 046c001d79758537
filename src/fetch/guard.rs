//! The layers that ask the circuit breaker for leave: before a call waits for anything, and once more behind all waiting.

use super::{Answer, Attempt, BoxError, FetchError};
use crate::breaker::{Breaker, LeftAlone};
use finex_core::status::ErrorClass;
use finex_providers::Failure;
use futures_util::future::Either;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};

fn refusal(LeftAlone { why, seconds }: LeftAlone) -> FetchError {
    FetchError(Failure { retry_after: Some(seconds), ..FetchError::up(why).0 })
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

    fn call(&mut self, mut attempt: Attempt) -> Self::Future {
        let (breaker, inner) = (self.breaker.clone(), self.inner.clone());
        Box::pin(async move {
            attempt.leave = breaker.opened();
            let permit = breaker.permit().map_err(refusal)?;
            let outcome = tower::ServiceExt::oneshot(inner, attempt).await;
            if outcome.as_ref().is_err_and(|error| error.is::<Overtaken>()) {
                permit.release();
                return Err(refusal(breaker.refusal()).into());
            }
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

/// The circuit opened while a call waited for its turn: leave that was given before is worth nothing.
#[derive(Debug, thiserror::Error)]
#[error("the circuit opened meanwhile")]
struct Overtaken;

/// Looks once more, behind all waiting: those in a queue must not call a provider that failed those before them.
#[derive(Clone)]
pub struct RecheckLayer {
    breaker: Breaker,
}

impl RecheckLayer {
    pub fn new(breaker: Breaker) -> Self {
        RecheckLayer { breaker }
    }
}

impl<S> Layer<S> for RecheckLayer {
    type Service = Rechecked<S>;

    fn layer(&self, inner: S) -> Rechecked<S> {
        Rechecked { inner, breaker: self.breaker.clone() }
    }
}

#[derive(Clone)]
pub struct Rechecked<S> {
    inner: S,
    breaker: Breaker,
}

impl<S> Service<Attempt> for Rechecked<S>
where
    S: Service<Attempt, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Either<std::future::Ready<Result<Answer, BoxError>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        match self.breaker.opened() == attempt.leave {
            true => Either::Right(self.inner.call(attempt)),
            false => Either::Left(std::future::ready(Err(Overtaken.into()))),
        }
    }
}
