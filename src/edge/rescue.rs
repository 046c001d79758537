//! Every failure of the inbound stack as an answer.

use crate::render::Answer;
use crate::render::problem::Problem;
use http::StatusCode;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The place where errors of inbound layers become answers; nothing else chooses their status.
fn rescue(outcome: Result<Answer, BoxError>) -> Answer {
    outcome.unwrap_or_else(|error| {
        let (slug, title, status, detail) = if error.is::<tower::load_shed::error::Overloaded>() {
            let detail = "more requests are under way than server.max_in_flight allows";
            ("overloaded", "Too many requests are under way", StatusCode::SERVICE_UNAVAILABLE, detail)
        } else {
            ("internal", "Something went wrong here", StatusCode::INTERNAL_SERVER_ERROR, "see the log")
        };
        Problem { retry_after: Some(1), ..Problem::new(slug, title, status, detail) }.answer()
    })
}

/// Puts [`rescue`] around the layers below.
#[derive(Clone)]
pub struct RescueLayer;

impl<S> Layer<S> for RescueLayer {
    type Service = Rescue<S>;

    fn layer(&self, inner: S) -> Rescue<S> {
        Rescue { inner }
    }
}

#[derive(Clone)]
pub struct Rescue<S> {
    inner: S,
}

impl<S, R> Service<R> for Rescue<S>
where
    S: Service<R, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Shedding is always ready: it refuses when called.
        self.inner.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let answer = self.inner.call(request);
        Box::pin(async move { Ok(rescue(answer.await)) })
    }
}

/// The answer in place of one whose making panicked.
pub fn panicked() -> Answer {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Problem::new("internal", "Something went wrong here", status, "the fault is logged").answer()
}
