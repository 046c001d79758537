//! Going upstream: one stack per provider, and a plain way through for what is no series.

pub mod allowance;
pub mod classify;
pub mod client;
pub mod forward;
pub mod guard;
pub mod hedge;
pub mod keyring;
pub mod limiter;
pub mod quality;
pub mod retry;
pub mod session;
pub mod stack;
pub mod turns;

use crate::breaker::Breaker;
use crate::config;
use crate::observe::events::Events;
use crate::observe::metrics::{Metrics, ProviderMetrics};
use bytes::Bytes;
use finex_core::event::Event;
use finex_core::plan::{Anchor, Call};
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::{Clock, Ts};
use finex_providers::keys::Credential;
use finex_providers::manifest::Session;
use finex_providers::{Decoded, Failure, Named, Provider, Upstream};
use http::{HeaderMap, StatusCode};
use keyring::{Admission, Keyring};
use limiter::Limiter;
use quality::Quality;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tower::ServiceExt;
use turns::Who;

/// One attempt upstream.
#[derive(Clone)]
pub struct Attempt {
    pub url: String,
    pub headers: HeaderMap,
    /// In the provider's own units.
    pub cost: u32,
    /// Whose allowance it uses up, if not the gateway's.
    pub payer: Option<u64>,
    pub who: Who,
    pub trouble: Trouble,
    /// How often the circuit had opened when leave was given.
    pub leave: u64,
}

/// Whom to tell when an attempt failed and another one is made.
#[derive(Clone, Default)]
pub struct Trouble(Option<Arc<dyn Fn() + Send + Sync>>);

impl Trouble {
    pub fn new(tell: impl Fn() + Send + Sync + 'static) -> Trouble {
        Trouble(Some(Arc::new(tell)))
    }

    pub fn tell(&self) {
        if let Some(tell) = &self.0 {
            tell();
        }
    }
}

/// Neither the query nor the headers are shown: they may carry a key.
impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.split('?').next().unwrap_or_default())
    }
}

/// On whose behalf a call is made.
#[derive(Clone, Default)]
pub struct Caller {
    pub credential: Option<Arc<Credential>>,
    pub who: Who,
    pub trouble: Trouble,
}

impl Caller {
    fn key(&self) -> Option<&Credential> {
        self.credential.as_deref()
    }
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
#[derive(Debug, Clone)]
pub struct Landed {
    pub said: Decoded,
    pub at: Ts,
    /// The provider's clock, where its answer tells it.
    pub theirs: Option<Ts>,
    /// How long the provider lets its answer be kept, in milliseconds, if it says so.
    pub max_age: Option<i64>,
}

impl Landed {
    fn empty(at: Ts) -> Landed {
        Landed { said: Decoded::default(), at, theirs: None, max_age: None }
    }

    /// With what a further answer brings.
    fn followed_by(mut self, more: Decoded, headers: &HeaderMap) -> Landed {
        self.said = self.said.followed_by(more);
        self.max_age = self.max_age.into_iter().chain(max_age(headers)).min();
        self.theirs = self.theirs.into_iter().chain(date(headers)).min();
        self
    }
}

/// `max-age` of `Cache-Control`, where the answer may be kept at all.
fn max_age(headers: &HeaderMap) -> Option<i64> {
    let control = headers.get(http::header::CACHE_CONTROL)?.to_str().ok()?;
    let mut directives = control.split(',').map(str::trim);
    directives
        .find_map(|directive| directive.strip_prefix("max-age=")?.parse::<i64>().ok())
        .map(|s| s.clamp(0, 86_400) * 1_000)
}

/// `Date`, to the end of its second.
fn date(headers: &HeaderMap) -> Option<Ts> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().as_millisecond().saturating_add(999))
}

/// Everything needed to ask one provider.
pub struct Fetcher {
    pub provider: Arc<dyn Provider>,
    pub limiter: Arc<Limiter>,
    pub breaker: Breaker,
    pub quality: Quality,
    pub metrics: ProviderMetrics,
    base_url: String,
    stack: stack::Stack,
    forwarder: forward::Forwarder,
    session: Option<session::Session>,
    keyring: Keyring,
    clock: Clock,
    events: Events,
    /// Milliseconds that the last call took.
    took: AtomicI64,
    /// The last failure in words, and when.
    last_error: Mutex<Option<LastError>>,
}

/// A failure of a provider, for operators.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LastError {
    /// Milliseconds since 1970.
    pub at: Ts,
    pub class: &'static str,
    pub detail: String,
}

/// Bytes of an answer to a probe at most.
const LARGEST_PROBE: usize = 4 << 20;

/// Requests for what one call wants at most: a provider that never comes to an end is not followed for ever.
const PAGES: usize = 200;

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
        let breaker = Breaker::new(&settings.breaker, metrics.breaker_open.clone(), clock.clone());
        let base_url = manifest.base_url.trim_end_matches('/').to_owned();
        let stack = stack::build(provider.clone(), settings, limiter.clone(), breaker.clone(), metrics.clone())?;
        let agent = manifest.user_agent.as_deref();
        let forwarder = forward::Forwarder::new(settings, agent)?;
        let asks = |facts: &Session| -> Result<session::Session, reqwest::Error> {
            let http = client::builder(settings, agent).timeout(settings.timeout.attempt.0).build()?;
            Ok(session::Session::new(facts.clone(), base_url.clone(), http))
        };
        let session = manifest.session.as_ref().map(asks).transpose()?;
        let keyring = Keyring::new(manifest, settings);
        Ok(Fetcher {
            provider,
            limiter,
            breaker,
            quality: Quality::default(),
            metrics,
            base_url,
            stack,
            forwarder,
            session,
            keyring,
            clock,
            events,
            took: AtomicI64::new(0),
            last_error: Mutex::default(),
        })
    }

    /// With which key a client's request goes upstream.
    pub fn admit<'a>(&self, query: &str, header: &dyn Fn(&str) -> Option<&'a str>) -> Admission {
        self.keyring.admit(query, header)
    }

    /// May it be called for nobody: is it well, is nobody waiting for his turn, and is enough left?
    pub fn is_idle(&self) -> bool {
        self.breaker.state() == "closed" && self.limiter.is_idle() && self.limiter.is_ample(None)
    }

    /// Milliseconds that the last call took.
    pub fn took(&self) -> i64 {
        self.took.load(Ordering::Relaxed)
    }

    pub fn last_error(&self) -> Option<LastError> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a call and reads what it brings.
    pub async fn call(&self, series: &Series, call: &Call, named: Named, caller: &Caller) -> Result<Landed, Failure> {
        let upstream = self.provider.call(series, call, named, (self.clock)());
        let read = |body: &[u8]| self.provider.decode(series, call, body).map_err(|error| error.failure());
        let cost = self.provider.manifest().cost;
        let landed = self.collect(&[(series, call)], upstream, cost, caller, |_, body| read(body)).await;
        landed.into_iter().next().unwrap_or_else(|| Err(FetchError::up("there was no call").0))
    }

    /// Makes calls that differ in their symbols alone, as one request where the provider takes them so.
    pub async fn call_together(
        &self,
        calls: &[(&Series, &Call)],
        caller: &Caller,
    ) -> Option<Vec<Result<Landed, Failure>>> {
        let manifest = self.provider.manifest();
        let each = manifest.batch.is_some_and(|batch| batch.cost_each);
        let upstream = self.provider.together(calls)?;
        let cost = if each { manifest.cost.saturating_mul(calls.len() as u32) } else { manifest.cost };
        let read = |at: usize, body: &[u8]| self.provider.part(calls[at].0, calls[at].1, body);
        Some(self.collect(calls, upstream, cost, caller, read).await)
    }

    /// Asks, goes on as long as the answers say that there is more, and reads them for each of the calls.
    async fn collect(
        &self,
        calls: &[(&Series, &Call)],
        mut upstream: Upstream,
        cost: u32,
        caller: &Caller,
        read: impl Fn(usize, &[u8]) -> Result<Decoded, Failure>,
    ) -> Vec<Result<Landed, Failure>> {
        let started = Instant::now();
        // The answer speaks of the moment in which it was asked for, not of the one in which it arrived.
        let at = (self.clock)();
        let mut landed: Vec<Result<Landed, Failure>> = calls.iter().map(|_| Ok(Landed::empty(at))).collect();
        for page in 0..=PAGES {
            let answer = match self.ask(&upstream, cost, caller).await {
                _ if page == PAGES => Err(FetchError::up("the provider's answer has no end").0),
                outcome => outcome,
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(failure) => {
                    landed.iter_mut().for_each(|all| *all = Err(failure.clone()));
                    break;
                }
            };
            for (i, all) in landed.iter_mut().enumerate() {
                let so_far = std::mem::replace(all, Ok(Landed::empty(at)));
                let spoken = |mut said: Decoded| {
                    said.spoken = self.provider.spoken(calls[i].0, &upstream, &said, at).or(said.spoken);
                    said
                };
                let said = read(i, &answer.body).map(spoken).map_err(|failure| failure.scrubbed(caller.key()));
                *all = so_far.and_then(|landed| Ok(landed.followed_by(said?, &answer.headers)));
            }
            // What is counted in rows is planned page by page; of a window, and for several, all is wanted at once.
            let all = calls.first().filter(|(_, call)| calls.len() > 1 || call.anchor == Anchor::Both);
            match all.and_then(|(series, _)| self.provider.next(series, &upstream, &answer.body)) {
                Some(next) if landed.iter().any(Result::is_ok) => upstream = next,
                _ => break,
            }
        }
        let took = started.elapsed().as_millis() as i64;
        self.took.store(took, Ordering::Relaxed);
        let (provider, millis) = (self.provider.manifest().id.as_str(), started.elapsed().as_millis() as u64);
        for outcome in &landed {
            match outcome {
                Ok(landed) => {
                    self.quality.answered(true);
                    let rows = landed.said.bars.len();
                    self.events.tell(Event::Called { provider: provider.into(), rows, cost, millis });
                }
                Err(failure) => {
                    let (class, detail) = (failure.class, failure.detail.clone());
                    if class == ErrorClass::Up {
                        self.quality.answered(false);
                    }
                    let told = LastError { at: (self.clock)(), class: class.name(), detail: detail.clone() };
                    *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
                    self.events.tell(Event::Refused { provider: provider.into(), class, detail });
                }
            }
        }
        landed
    }

    async fn ask(&self, upstream: &Upstream, cost: u32, caller: &Caller) -> Result<Answer, Failure> {
        let credential = caller.key();
        let (query, headers) = self.keyring.sign(&upstream.query, credential);
        let joint = if query.is_empty() { "" } else { "?" };
        let payer = credential.and_then(Credential::payer);
        let url = format!("{}{}{joint}{query}", self.base_url, upstream.path);
        let attempt =
            Attempt { url, headers, cost, payer, who: caller.who.clone(), trouble: caller.trouble.clone(), leave: 0 };
        let outcome = self.stack.clone().oneshot(attempt).await;
        outcome.map_err(|error| FetchError::of(error).scrubbed(credential))
    }

    /// Passes a request through as it is, but for keys and the session: where one is asked for it is ours.
    ///
    /// `base` is where the client finds the provider: links in the answer lead there.
    pub async fn forward(
        &self,
        mut request: forward::Forwarded,
        base: &str,
    ) -> Result<http::Response<reqwest::Body>, Failure> {
        let key = self.keyring.replace(&mut request);
        let payer = key.as_ref().and_then(|key| key.payer());
        let manifest = self.provider.manifest();
        if manifest.echoes_keys || !manifest.links.is_empty() {
            // What is encoded cannot be searched.
            request.headers.remove(http::header::ACCEPT_ENCODING);
        }
        if let Some(key) = key.as_ref().filter(|_| manifest.echoes_keys) {
            let response = self.send_on(request, payer).await?;
            return Ok(forward::without_key(response, key).await);
        }
        if !manifest.links.is_empty() {
            let mut response = self.send_on(request, payer).await?;
            if let Some(key) = &key {
                forward::scrub_headers(response.headers_mut(), key);
            }
            let own = manifest.links.iter().chain([&self.base_url]).cloned().collect::<Vec<_>>();
            return Ok(forward::relinked(response, &own, base).await);
        }
        let mut response = self.forward_in_session(request, payer).await?;
        if let Some(key) = key {
            forward::scrub_headers(response.headers_mut(), &key);
        }
        Ok(response)
    }

    /// Asks for a path once, whatever the allowances are: to see what the provider says of them.
    pub async fn probe(&self, path_and_query: &str) -> Result<Answer, Failure> {
        let (path, query) = path_and_query.split_once('?').map_or((path_and_query, None), |(p, q)| (p, Some(q)));
        let mut request = forward::Forwarded {
            method: http::Method::GET,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: HeaderMap::new(),
            body: reqwest::Body::default(),
            who: Who::default(),
        };
        let key = self.keyring.replace(&mut request);
        let response = self.forwarder.send(&self.base_url, request).await.map_err(|e| e.0.scrubbed(key.as_deref()))?;
        let (head, body) = response.into_parts();
        let body = http_body_util::Limited::new(body, LARGEST_PROBE);
        let body = http_body_util::BodyExt::collect(body).await.map_err(|e| FetchError::up(e.to_string()).0)?;
        Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    async fn forward_in_session(
        &self,
        mut request: forward::Forwarded,
        payer: Option<u64>,
    ) -> Result<http::Response<reqwest::Body>, Failure> {
        let Some(session) = &self.session else { return self.send_on(request, payer).await };
        session.strip(&mut request);
        if !session.guards(&request.path) {
            return self.send_on(request, payer).await;
        }
        let again = request.repeated();
        let pass = session.pass(None).await.map_err(|e| e.0)?;
        session.sign(&mut request, &pass);
        let mut response = self.send_on(request, payer).await?;
        let refused = |response: &http::Response<reqwest::Body>| response.status() == StatusCode::UNAUTHORIZED;
        if let Some(mut again) = again.filter(|_| refused(&response) && session.may_help()) {
            // What was given out has expired: once more with a new one. If there is none, the refusal stands.
            if let Ok(pass) = session.pass(Some(&pass)).await {
                session.sign(&mut again, &pass);
                response = self.send_on(again, payer).await?;
                if refused(&response) {
                    session.did_not_help();
                }
            }
        }
        // Its cookies are ours, not the client's.
        response.headers_mut().remove(http::header::SET_COOKIE);
        Ok(response)
    }

    async fn send_on(
        &self,
        request: forward::Forwarded,
        payer: Option<u64>,
    ) -> Result<http::Response<reqwest::Body>, Failure> {
        let cost = self.provider.manifest().cost_of(&request.path);
        self.limiter.acquire(cost, payer, &request.who).await.map_err(|e| e.0)?;
        let sent_at = (self.clock)();
        let response = self.forwarder.send(&self.base_url, request).await.map_err(|e| e.0)?;
        self.limiter.correct(response.headers(), sent_at, payer);
        self.limiter.pause_for(response.status().as_u16(), response.headers(), payer);
        Ok(response)
    }
}
