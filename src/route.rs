//! Which request is what.

pub mod admin;
mod choice;
pub mod forward;
pub mod native;
mod params;
pub mod unified;

use crate::admin::CachedRoutes;
use crate::config::Secret;
use crate::fetch::Fetcher;
use crate::fetch::keyring::Admission;
use crate::fetch::turns::Who;
use crate::gateway::{Gateway, Request};
use crate::observe::metrics::{Metrics, RouteMetrics};
use crate::render::problem::Problem;
use crate::render::{Answer, Journey, Served, headers};
use crate::secure::{Principal, ScopeNames};
use finex_core::ask::Ask;
use finex_core::series::{Scope, Series};
use finex_core::status::Outcome;
use finex_core::terms::Terms;
use finex_providers::{Native, Provider};
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
    scopes: ScopeNames,
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
    pub fn new(
        gateway: Arc<Gateway>,
        metrics: Arc<Metrics>,
        token: Secret,
        scopes: ScopeNames,
        simulated: bool,
    ) -> Router {
        let cached = CachedRoutes { native: metrics.route("native"), unified: metrics.route("unified") };
        let (forwarded, admin) = (metrics.route("forward"), metrics.route("admin"));
        let draining = AtomicBool::new(false);
        Router { gateway, metrics, token, scopes, cached, forwarded, admin, simulated, draining }
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
        let (mut parts, body) = request.into_parts();
        let is_native = self.provided(parts.uri.path()).is_some();
        let terms = if is_native { native::take_terms(&mut parts) } else { Ok(Terms::default()) };
        let path = parts.uri.path();
        let mut answer = match self.provided(path) {
            Some((fetcher, rest)) => match self.native(&parts, fetcher, rest, terms).await {
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

    /// The provider that a path is below, and what of the path is the provider's own.
    pub(crate) fn provided<'a>(&self, path: &'a str) -> Option<(&Arc<Fetcher>, &'a str)> {
        let (id, rest) = native::split(path)?;
        let fetcher = self.gateway.fetcher(id)?;
        let repeats = fetcher.provider.manifest().prefix_repeats;
        let manifest = fetcher.provider.manifest();
        let names = manifest.aliases.iter().map(String::as_str).chain([manifest.id.as_str()]);
        Some((fetcher, if repeats { native::unprefixed(names, rest) } else { rest }))
    }

    /// An ask as its client may have it: with whose key, and whose data it is.
    pub(crate) fn request(
        &self,
        series: Arc<Series>,
        ask: Ask,
        native: Native,
        client: &Client,
        admission: &Admission,
    ) -> Request {
        let private = admission.credential.as_ref().filter(|_| admission.is_private);
        let series = match private {
            Some(key) => {
                let scope = Scope::Tenant(self.scopes.name(key.secret()));
                Arc::new(Series { scope, ..series.as_ref().clone() })
            }
            None => series,
        };
        let Client { terms, who } = client.clone();
        Request { series, ask, native, terms, who, credential: admission.credential.clone(), member: None }
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
        self.note_parts(served);
    }

    /// The same for a part of an answer.
    pub(crate) fn note_parts(&self, served: &Served) {
        let journey: &Journey = &served.journey;
        for piece in served.pieces.iter().filter(|piece| piece.is_final) {
            self.gateway.tiers.memory.reweigh(&piece.fragment);
        }
        if let Some(fetcher) = self.gateway.fetcher(&served.cell.series.provider) {
            let (rows, fetched) = (served.rows() as u64, served.fetched() as u64);
            fetcher.metrics.bars_fetched.inc_by(fetched);
            fetcher.metrics.bars_held.inc_by(rows - fetched);
            let metrics = &fetcher.metrics;
            let avoided = match journey {
                Journey { collapsed: true, .. } => &metrics.avoided_shared,
                Journey { closed: true, calls: 0, .. } => &metrics.avoided_closed,
                _ => &metrics.avoided_held,
            };
            avoided.inc_by(u64::try_from(journey.saved()).unwrap_or(0));
        }
    }
}

/// Who asks, and what it says of the age of its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    pub terms: Terms,
    pub who: Who,
}

pub(crate) fn who_asks(parts: &Parts) -> Who {
    Who { principal: parts.extensions.get::<Principal>().cloned().unwrap_or_default(), ..Who::default() }
}

/// What a client says of the age of its answer, in a header.
pub(crate) fn terms_of(headers: &HeaderMap) -> Terms {
    header_of(headers, "cache-control").map_or(Terms::default(), Terms::of_header)
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
