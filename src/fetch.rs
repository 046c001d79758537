//! Going upstream: one stack per provider, and a plain way through for what is no series.

pub mod breaker;
pub mod classify;
pub mod client;
pub mod forward;
pub mod limiter;
pub mod retry;
pub mod session;
pub mod stack;

use crate::config;
use crate::observe::events::Events;
use crate::observe::metrics::{Metrics, ProviderMetrics};
use breaker::Breaker;
use bytes::Bytes;
use finex_core::event::Event;
use finex_core::plan::Call;
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::{Clock, Ts};
use finex_providers::manifest::Session;
use finex_providers::{Decoded, Failure, Named, Provider};
use http::{HeaderMap, StatusCode};
use limiter::Limiter;
use std::sync::Arc;
use std::time::Instant;
use tower::ServiceExt;

/// One attempt upstream.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub url: String,
    /// In the provider's own units.
    pub cost: u32,
}

/// What came back, the body whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A failure on its way through the stack.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {}", .0.class.name(), .0.detail)]
pub struct FetchError(pub Failure);

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl FetchError {
    pub fn up(detail: impl Into<String>) -> FetchError {
        FetchError(Failure::new(ErrorClass::Up, detail))
    }

    pub fn timed_out(detail: &str) -> FetchError {
        FetchError(Failure { timed_out: true, ..FetchError::up(detail).0 })
    }

    pub fn rate(detail: String, retry_after: u64) -> FetchError {
        FetchError(Failure { class: ErrorClass::Rate, retry_after: Some(retry_after), ..FetchError::up(detail).0 })
    }

    /// The failure behind any error of the stack.
    pub fn of(error: BoxError) -> Failure {
        if error.is::<tower::timeout::error::Elapsed>() {
            return FetchError::timed_out("the provider did not answer in time").0;
        }
        match error.downcast::<FetchError>() {
            Ok(own) => own.0,
            Err(other) => FetchError::up(other.to_string()).0,
        }
    }
}

/// What came back for a call.
#[derive(Debug)]
pub struct Landed {
    pub said: Decoded,
    pub at: Ts,
    /// How long the provider lets its answer be kept, in milliseconds, if it says so.
    pub max_age: Option<i64>,
}

/// `max-age` of `Cache-Control`, where the answer may be kept at all.
fn max_age(headers: &HeaderMap) -> Option<i64> {
    let control = headers.get(http::header::CACHE_CONTROL)?.to_str().ok()?;
    let mut directives = control.split(',').map(str::trim);
    directives
        .find_map(|directive| directive.strip_prefix("max-age=")?.parse::<i64>().ok())
        .map(|s| s.clamp(0, 86_400) * 1_000)
}

/// Everything needed to ask one provider.
pub struct Fetcher {
    pub provider: Arc<dyn Provider>,
    pub limiter: Arc<Limiter>,
    pub breaker: Breaker,
    pub metrics: ProviderMetrics,
    base_url: String,
    stack: stack::Stack,
    forwarder: forward::Forwarder,
    session: Option<session::Session>,
    clock: Clock,
    events: Events,
}

impl Fetcher {
    pub fn new(
        provider: Arc<dyn Provider>,
        settings: &config::Provider,
        clock: Clock,
        metrics: &Metrics,
        events: Events,
    ) -> Result<Fetcher, reqwest::Error> {
        let manifest = provider.manifest();
        let metrics = metrics.provider(&manifest.id);
        let limiter = Arc::new(Limiter::new(manifest, settings, clock.clone()));
        let breaker = Breaker::new(&settings.breaker, metrics.breaker_open.clone());
        let base_url = manifest.base_url.trim_end_matches('/').to_owned();
        let stack = stack::build(provider.clone(), settings, limiter.clone(), breaker.clone(), metrics.clone())?;
        let agent = manifest.user_agent.as_deref();
        let forwarder = forward::Forwarder::new(settings, agent)?;
        let asks = |facts: &Session| -> Result<session::Session, reqwest::Error> {
            let http = client::builder(settings, agent).timeout(settings.timeout.attempt.0).build()?;
            Ok(session::Session::new(facts.clone(), base_url.clone(), http))
        };
        let session = manifest.session.as_ref().map(asks).transpose()?;
        Ok(Fetcher { provider, limiter, breaker, metrics, base_url, stack, forwarder, session, clock, events })
    }

    /// Makes a call and reads what it brings.
    pub async fn call(&self, series: &Series, call: &Call, named: Named) -> Result<Landed, Failure> {
        let started = Instant::now();
        let cost = self.provider.manifest().cost;
        let upstream = self.provider.call(series, call, named);
        let attempt = Attempt { url: format!("{}{}?{}", self.base_url, upstream.path, upstream.query), cost };
        // The answer speaks of the moment in which it was asked for, not of the one in which it arrived.
        let at = (self.clock)();
        let outcome = self.stack.clone().oneshot(attempt).await.map_err(FetchError::of);
        let landed = outcome.and_then(|answer| {
            let said = self.provider.decode(series, call, &answer.body).map_err(|e| FetchError::up(e.to_string()).0)?;
            Ok(Landed { said, at, max_age: max_age(&answer.headers) })
        });
        match &landed {
            Ok(landed) => self.events.tell(Event::Called {
                provider: series.provider.clone(),
                rows: landed.said.bars.len(),
                cost,
                millis: started.elapsed().as_millis() as u64,
            }),
            Err(failure) => self.events.tell(Event::Refused {
                provider: series.provider.clone(),
                class: failure.class,
                detail: failure.detail.clone(),
            }),
        }
        landed
    }

    /// Passes a request through as it is, but for the session: where one is asked for it is ours.
    pub async fn forward(&self, mut request: forward::Forwarded) -> Result<http::Response<reqwest::Body>, Failure> {
        let Some(session) = &self.session else { return self.send_on(request).await };
        session.strip(&mut request);
        if !session.guards(&request.path) {
            return self.send_on(request).await;
        }
        let again = request.repeated();
        let pass = session.pass(None).await.map_err(|e| e.0)?;
        session.sign(&mut request, &pass);
        let mut response = self.send_on(request).await?;
        let refused = |response: &http::Response<reqwest::Body>| response.status() == StatusCode::UNAUTHORIZED;
        if let Some(mut again) = again.filter(|_| refused(&response) && session.may_help()) {
            // What was given out has expired: once more with a new one. If there is none, the refusal stands.
            if let Ok(pass) = session.pass(Some(&pass)).await {
                session.sign(&mut again, &pass);
                response = self.send_on(again).await?;
                if refused(&response) {
                    session.did_not_help();
                }
            }
        }
        // Its cookies are ours, not the client's.
        response.headers_mut().remove(http::header::SET_COOKIE);
        Ok(response)
    }

    async fn send_on(&self, request: forward::Forwarded) -> Result<http::Response<reqwest::Body>, Failure> {
        let cost = self.provider.manifest().cost_of(&request.path);
        self.limiter.acquire(cost).await.map_err(|e| e.0)?;
        let sent_at = (self.clock)();
        let response = self.forwarder.send(&self.base_url, request).await.map_err(|e| e.0)?;
        self.limiter.correct(response.headers(), sent_at);
        self.limiter.pause_for(response.status().as_u16(), response.headers());
        Ok(response)
    }
}
