//! Tells data from refusals, before anything can be kept.

use super::{Answer, Attempt, BoxError, FetchError};
use crate::observe::metrics::ProviderMetrics;
use finex_core::status::ErrorClass;
use finex_providers::{Failure, Provider};
use http::header;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tower::{Layer, Service};

#[derive(Clone)]
pub struct ClassifyLayer {
    provider: Arc<dyn Provider>,
    metrics: ProviderMetrics,
}

impl ClassifyLayer {
    pub fn new(provider: Arc<dyn Provider>, metrics: ProviderMetrics) -> Self {
        ClassifyLayer { provider, metrics }
    }
}

impl<S> Layer<S> for ClassifyLayer {
    type Service = Classify<S>;

    fn layer(&self, inner: S) -> Classify<S> {
        Classify { inner, judge: self.clone() }
    }
}

#[derive(Clone)]
pub struct Classify<S> {
    inner: S,
    judge: ClassifyLayer,
}

impl ClassifyLayer {
    fn judge(&self, answer: Answer, cost: u32) -> Result<Answer, FetchError> {
        self.metrics.cost.inc_by(u64::from(cost));
        self.metrics.received_bytes.inc_by(answer.body.len() as u64);
        let text = |name| answer.headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok());
        let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
        let Some(class) = self.provider.classify(answer.status.as_u16(), content_type, &answer.body) else {
            self.metrics.calls_ok.inc();
            return Ok(answer);
        };
        let limited = matches!(class, ErrorClass::Rate | ErrorClass::Quota);
        if limited {
            self.metrics.calls_limited.inc()
        } else {
            self.metrics.calls_failed.inc()
        };
        let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(4_096)]).into_owned();
        Err(FetchError(Failure {
            class,
            detail: format!("{} answered {}", self.provider.manifest().name, answer.status),
            retry_after: text(header::RETRY_AFTER).and_then(|v| v.trim().parse().ok()),
            native: Some((answer.status.as_u16(), body)),
            timed_out: false,
            pass_on: false,
        }))
    }
}

impl<S> Service<Attempt> for Classify<S>
where
    S: Service<Attempt, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let (judge, cost, started) = (self.judge.clone(), attempt.cost, Instant::now());
        let sent = self.inner.call(attempt);
        Box::pin(async move {
            let outcome = sent.await;
            judge.metrics.seconds.observe(started.elapsed());
            match outcome {
                Ok(answer) => Ok(judge.judge(answer, cost)?),
                Err(error) => {
                    judge.metrics.calls_failed.inc();
                    Err(error)
                }
            }
        })
    }
}
