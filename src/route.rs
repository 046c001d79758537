//! Which request is what.

pub mod admin;
pub mod forward;
pub mod native;
pub mod unified;

use crate::admin::CachedRoutes;
use crate::config::Secret;
use crate::gateway::Gateway;
use crate::observe::metrics::{Metrics, RouteMetrics};
use crate::render::problem::Problem;
use crate::render::{Answer, Journey, Served, headers};
use finex_core::status::Outcome;
use finex_providers::Provider;
use http::{HeaderMap, HeaderValue, Method, StatusCode, request::Parts};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Everything that answers.
pub struct Router {
    pub gateway: Arc<Gateway>,
    pub metrics: Arc<Metrics>,
    pub(crate) token: Secret,
    pub(crate) cached: CachedRoutes,
    forwarded: RouteMetrics,
    admin: RouteMetrics,
    /// Are the providers simulated? Then every answer says so.
    simulated: bool,
    draining: AtomicBool,
}

/// The address on which a request arrived.
#[derive(Debug, Clone, Copy)]
pub struct Local(pub IpAddr);

impl Router {
    pub fn new(gateway: Arc<Gateway>, metrics: Arc<Metrics>, token: Secret, simulated: bool) -> Router {
        let cached = CachedRoutes { native: metrics.route("native"), unified: metrics.route("unified") };
        let (forwarded, admin) = (metrics.route("forward"), metrics.route("admin"));
        Router { gateway, metrics, token, cached, forwarded, admin, simulated, draining: AtomicBool::new(false) }
    }

    /// From now on `/readyz` says no.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub async fn route<B>(&self, request: http::Request<B>) -> Answer
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let mut answer = match native::split(path).and_then(|(id, rest)| Some((self.gateway.fetcher(id)?, rest))) {
            Some((fetcher, rest)) => match self.native(&parts, fetcher.provider.as_ref(), rest).await {
                Some(answer) => self.counted(&self.cached.native, answer, started),
                None => {
                    let answer = self.forward(&parts, body, fetcher, rest).await;
                    self.counted(&self.forwarded, answer, started)
                }
            },
            None if path.starts_with("/api/v1/market-data/") => {
                self.counted(&self.cached.unified, self.unified(&parts).await, started)
            }
            None => {
                let answer = self.admin(&parts, body).await;
                self.counted(&self.admin, answer, started)
            }
        };
        if self.simulated {
            answer.headers_mut().insert("finex-simulated", HeaderValue::from_static("?1"));
        }
        answer
    }

    fn counted(&self, route: &RouteMetrics, mut answer: Answer, started: Instant) -> Answer {
        let took = started.elapsed();
        let outcome = answer.extensions_mut().remove::<Outcome>();
        route.count(outcome.unwrap_or(if answer.status().is_success() { Outcome::Bypass } else { Outcome::Error }));
        route.seconds.observe(took);
        if !answer.headers().contains_key("server-timing") {
            headers::timing(answer.headers_mut(), Default::default(), took);
        }
        answer
    }

    /// Notes what an answer cost and spared, in memory too: rendering may have worked out a form for the first time.
    pub(crate) fn note(&self, served: &Served, answer: &mut Answer) {
        let journey: &Journey = &served.journey;
        answer.extensions_mut().insert(journey.outcome);
        for piece in served.pieces.iter().filter(|piece| piece.is_final) {
            self.gateway.tiers.memory.reweigh(&piece.fragment);
        }
        if let Some(fetcher) = self.gateway.fetcher(&served.cell.series.provider) {
            let (rows, fetched) = (served.rows() as u64, served.fetched() as u64);
            fetcher.metrics.bars_fetched.inc_by(fetched);
            fetcher.metrics.bars_held.inc_by(rows - fetched);
            fetcher.metrics.avoided.inc_by(u64::try_from(journey.saved()).unwrap_or(0));
        }
    }
}

/// The only methods that read.
pub(crate) fn reads(parts: &Parts) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let detail = "this only reads: use GET or HEAD";
    Err(Problem::new("method-not-allowed", "The method is not allowed", StatusCode::METHOD_NOT_ALLOWED, detail))
}

pub(crate) fn header_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Finds the provider that a manifest id names.
pub(crate) fn provider<'a>(gateway: &'a Gateway, id: &str) -> Option<&'a Arc<dyn Provider>> {
    gateway.fetcher(id).map(|fetcher| &fetcher.provider)
}
