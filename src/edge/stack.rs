//! The inbound stack, outermost layer first.

use super::{check, rescue};
use crate::render::Answer;
use crate::route::Router;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Request};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Service, ServiceBuilder};
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

const REQUEST_ID: HeaderName = HeaderName::from_static("finex-request-id");

pub fn build(
    router: Arc<Router>,
    max_in_flight: usize,
) -> impl Service<
    Request<Incoming>,
    Response = http::Response<impl http_body::Body<Data = bytes::Bytes, Error = reqwest::Error> + Send + 'static>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send {
    ServiceBuilder::new()
        // Every request has a name before anything is said about it.
        .layer(SetRequestIdLayer::new(REQUEST_ID, Names::default()))
        // A span per request, silent unless the log asks for it; never the query, which may carry a key.
        .layer(TraceLayer::new_for_http().make_span_with(span))
        // The name goes back to the client.
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        // Errors of the layers below become answers.
        .layer(rescue::RescueLayer)
        // Beyond the limit a request is turned away at once instead of waiting in a queue.
        .load_shed()
        .concurrency_limit(max_in_flight.max(1))
        .service(Front { router })
}

fn span<B>(request: &Request<B>) -> tracing::Span {
    tracing::debug_span!("request", method = %request.method(), path = request.uri().path())
}

/// Names that are unique in this process and differ between processes.
#[derive(Clone)]
struct Names {
    process: u32,
    next: Arc<std::sync::atomic::AtomicU64>,
}

impl Default for Names {
    fn default() -> Self {
        Names { process: fastrand::u32(..), next: Arc::default() }
    }
}

impl MakeRequestId for Names {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let n = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        HeaderValue::from_str(&format!("{:08x}-{n:x}", self.process)).ok().map(RequestId::new)
    }
}

/// The router as a service: what it cannot read is refused, and a panic ends one request, not the connection.
#[derive(Clone)]
struct Front {
    router: Arc<Router>,
}

impl Service<Request<Incoming>> for Front {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let router = self.router.clone();
        Box::pin(async move {
            if let Some(refused) = check::refuse(&request) {
                return Ok(refused);
            }
            router.metrics.in_flight.inc();
            let outcome = AssertUnwindSafe(router.route(request)).catch_unwind().await;
            router.metrics.in_flight.dec();
            Ok(outcome.unwrap_or_else(|_| {
                router.metrics.panics.inc();
                rescue::panicked()
            }))
        })
    }
}
