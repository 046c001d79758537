//! What operators ask for.

use super::{Client, Local, Router, header_of, params, provider, reads, unified};
use crate::admin::{cache_stats, providers};
use crate::breaker::ByHand;
use crate::gateway::invalidate::Invalidation;
use crate::render::problem::Problem;
use crate::render::{Answer, AnswerBody, headers};
use crate::secure::{Denied, may_change};
use bytes::Bytes;
use finex_core::calendar::Interval;
use finex_core::series::{Series, encode_part};
use finex_core::time::{BEGINNING, END, Window};
use finex_providers::{NativeRequest, Recognised};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

const LARGEST_BODY: usize = 64 * 1024;

/// `{"pattern":"finex:BTCUSDT:1h:*","from":…,"to":…,"dry_run":true}`, or provider, symbol and interval by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InvalidateBody {
    pattern: Option<String>,
    provider: Option<String>,
    symbol: Option<String>,
    interval: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    reason: String,
}

/// Symbols of one job at most.
const MOST_SYMBOLS: usize = 500;

/// `{"provider":"binance","symbols":["BTCUSDT"],"interval":"1h","from":"2020-01-01"}`, up to now or to `to`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarmBody {
    provider: String,
    symbols: Vec<String>,
    interval: String,
    from: String,
    to: Option<String>,
}

/// `{"state":"open"}`, `"closed"` or `"auto"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakerBody {
    state: ByHand,
}

impl Router {
    pub(super) async fn admin<B>(&self, parts: &Parts, body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = parts.uri.path();
        if path == "/api/v1/cache/invalidate" {
            return self.invalidate(parts, body).await.unwrap_or_else(Problem::answer);
        }
        if path == "/api/v1/cache/warm" && parts.method == http::Method::POST {
            return self.warm(parts, body).await.unwrap_or_else(Problem::answer);
        }
        if let Some(id) = path.strip_prefix("/api/v1/providers/").and_then(|rest| rest.strip_suffix("/breaker")) {
            return self.set_breaker(parts, id, body).await.unwrap_or_else(Problem::answer);
        }
        self.look(parts).unwrap_or_else(Problem::answer)
    }

    fn look(&self, parts: &Parts) -> Result<Answer, Problem> {
        let path = parts.uri.path();
        let known = matches!(
            path,
            "/" | "/healthz"
                | "/readyz"
                | "/metrics"
                | "/api/v1/cache/stats"
                | "/api/v1/cache/warm"
                | "/api/v1/providers"
                | "/api/v1/explain"
        );
        if !known {
            return Err(Problem::not_found("see / for what there is"));
        }
        reads(parts)?;
        match path {
            "/" => Ok(json(StatusCode::OK, &self.map())),
            "/healthz" => Ok(text("text/plain; charset=utf-8", "ok\n".into())),
            "/readyz" if self.is_draining() => Ok(json(StatusCode::SERVICE_UNAVAILABLE, &json!({ "ready": false }))),
            "/readyz" => Ok(json(StatusCode::OK, &json!({ "ready": true }))),
            "/metrics" => {
                self.gateway.tiers.measure();
                for fetcher in self.gateway.fetchers() {
                    for usage in fetcher.limiter.usage() {
                        let id = &fetcher.provider.manifest().id;
                        self.metrics.quota(id, &usage.window, usage.used, usage.limit);
                    }
                }
                Ok(text("application/openmetrics-text; version=1.0.0; charset=utf-8", self.metrics.text()))
            }
            "/api/v1/cache/stats" => {
                Ok(json(StatusCode::OK, &cache_stats(&self.gateway.tiers, &self.cached, &self.metrics)))
            }
            "/api/v1/cache/warm" => Ok(json(StatusCode::OK, &json!({ "jobs": self.gateway.warmings() }))),
            "/api/v1/providers" => Ok(json(StatusCode::OK, &providers(self.gateway.fetchers()))),
            _ => self.explain(parts),
        }
    }

    /// Where things are.
    fn map(&self) -> Value {
        let native: Vec<String> = self.gateway.fetchers().map(|f| format!("/{}/…", f.provider.manifest().id)).collect();
        json!({
            "finex": env!("CARGO_PKG_VERSION"),
            "native": native,
            "unified": ["/api/v1/market-data/{symbol}/history", "/api/v1/market-data/{symbol}/latest"],
            "explain": "/api/v1/explain?url={a native or unified URL}",
            "operators": ["/api/v1/cache/stats", "/api/v1/providers", "/metrics", "/healthz", "/readyz"],
            "changes": ["POST /api/v1/cache/invalidate", "POST /api/v1/cache/warm", "POST /api/v1/providers/{id}/breaker"],
        })
    }

    fn explain(&self, parts: &Parts) -> Result<Answer, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let url = query.strip_prefix("url=").ok_or_else(|| Problem::parameter("url", "give the URL to explain"))?;
        // A URL that is not encoded is taken whole, with its own parameters.
        let encoded = !url.contains(['&', '?']);
        let url = if encoded { percent_decode_str(url).decode_utf8_lossy().into_owned() } else { url.to_owned() };
        self.explain_url(&url, parts).map(|explained| json(StatusCode::OK, &explained))
    }

    /// Explains a native or unified URL; calls nobody.
    pub fn explain_url(&self, url: &str, parts: &Parts) -> Result<Value, Problem> {
        let local = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        let request = match self.provided(path) {
            Some((fetcher, rest)) => {
                let header = |name: &str| header_of(&parts.headers, name);
                let now = (self.gateway.clock)();
                let native = NativeRequest { method: "GET", path: rest, query, header: &header, now };
                let admission = fetcher.admit(query, &header);
                match fetcher.provider.recognise(&native) {
                    Recognised::Series(ask) => {
                        self.request(ask.series, ask.ask, ask.native, &Client::default(), &admission)
                    }
                    Recognised::Batch(batch) => {
                        let members = batch.members.into_iter().filter_map(|(name, member)| Some((name, member.ok()?)));
                        let explained = members.map(|(name, ask)| {
                            let request = self.request(ask.series, ask.ask, ask.native, &Client::default(), &admission);
                            let provider = request.series.provider.clone();
                            let plan = self.gateway.explain(&request);
                            plan.map(|plan| (name, plan)).map_err(|failure| Problem::of(&failure, &provider))
                        });
                        let plans: serde_json::Map<String, Value> = explained.collect::<Result<_, _>>()?;
                        return Ok(json!({ "batch": plans }));
                    }
                    Recognised::Local(_) => {
                        return Ok(json!({ "local": true, "why": "sessions are the gateway's business" }));
                    }
                    Recognised::Refused(error) => return Err(Problem::parameter("url", error.reason)),
                    Recognised::Forward => return Ok(json!({ "forwarded": true, "why": "it is no series" })),
                }
            }
            None if path.starts_with("/api/v1/market-data/") => {
                let (symbol, _) = unified::target(path)?;
                self.history_of(&symbol, query, false, parts)?.chosen.request
            }
            None => return Err(Problem::parameter("url", "it is neither native nor unified")),
        };
        let provider = request.series.provider.clone();
        self.gateway.explain(&request).map_err(|failure| Problem::of(&failure, &provider))
    }

    /// Opens or closes a provider's circuit by hand, or leaves it to itself.
    async fn set_breaker<B>(&self, parts: &Parts, id: &str, body: B) -> Result<Answer, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let wanted: BreakerBody = self.read_change(parts, body).await?;
        let fetcher = self.gateway.fetcher(id);
        let fetcher = fetcher.ok_or_else(|| Problem::not_found("there is no provider of this name"))?;
        fetcher.breaker.set(wanted.state);
        let (state, by_hand) = (fetcher.breaker.state(), fetcher.breaker.is_held_open());
        Ok(json(StatusCode::OK, &json!({ "provider": id, "state": state, "by_hand": by_hand })))
    }

    /// Begins to fetch ahead of time.
    async fn warm<B>(&self, parts: &Parts, body: B) -> Result<Answer, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let wanted: WarmBody = self.read_change(parts, body).await?;
        let (series, window) = self.to_warm(&wanted)?;
        let job = self.gateway.warm(series, window).ok_or_else(|| {
            let detail = "too many jobs are under way: wait until one of them is done";
            Problem::new("too-many-jobs", "There is too much to fetch", StatusCode::TOO_MANY_REQUESTS, detail)
        })?;
        Ok(json(StatusCode::ACCEPTED, &serde_json::to_value(job.progress()).unwrap_or_default()))
    }

    fn to_warm(&self, wanted: &WarmBody) -> Result<(Vec<Arc<Series>>, Window), Problem> {
        let provider = provider(&self.gateway, &wanted.provider)
            .ok_or_else(|| Problem::parameter("provider", "there is no provider of this name"))?;
        if wanted.symbols.is_empty() || wanted.symbols.len() > MOST_SYMBOLS {
            return Err(Problem::parameter("symbols", format!("give 1 to {MOST_SYMBOLS} symbols")));
        }
        let interval: Interval =
            wanted.interval.parse().map_err(|unknown: finex_core::calendar::UnknownInterval| {
                Problem::parameter("interval", unknown.to_string())
            })?;
        let now = (self.gateway.clock)();
        let time = |name: &str, text: &str| {
            params::parse_time(text, now).ok_or_else(|| Problem::parameter(name, "it is no time"))
        };
        let to = wanted.to.as_deref().map_or(Ok(now), |text| time("to", text))?;
        let window = Window::new(time("from", &wanted.from)?, to);
        if window.is_empty() {
            return Err(Problem::parameter("from", "it is not before `to`"));
        }
        let one = |symbol: &String| {
            let refused =
                |unsupported: finex_providers::Unsupported| Problem::parameter("symbols", unsupported.to_string());
            provider.series(symbol, interval).map(Arc::new).map_err(refused)
        };
        Ok((wanted.symbols.iter().map(one).collect::<Result<_, _>>()?, window))
    }

    /// The body of a request that changes state, from somebody who may.
    async fn read_change<B, T>(&self, parts: &Parts, body: B) -> Result<T, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        T: serde::de::DeserializeOwned,
    {
        let local = parts.extensions.get::<Local>().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |local| local.0);
        may_change(&parts.method, &parts.headers, &self.token, local).map_err(denied)?;
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| {
            let detail = format!("a request has at most {LARGEST_BODY} bytes");
            Problem::new("too-large", "The request is too large", StatusCode::PAYLOAD_TOO_LARGE, detail)
        })?;
        serde_json::from_slice(&body.to_bytes()).map_err(|e| Problem::parameter("body", e.to_string()))
    }

    async fn invalidate<B>(&self, parts: &Parts, body: B) -> Result<Answer, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let wanted: InvalidateBody = self.read_change(parts, body).await?;
        let wanted = invalidation(wanted, (self.gateway.clock)())?;
        let done = self.gateway.invalidate(&wanted).await;
        Ok(json(StatusCode::OK, &serde_json::to_value(done).unwrap_or_default()))
    }
}

fn invalidation(body: InvalidateBody, now: i64) -> Result<Invalidation, Problem> {
    let part = |text: &Option<String>| text.as_deref().map_or("*".to_owned(), encode_part);
    let named = body.provider.is_some() || body.symbol.is_some() || body.interval.is_some();
    let pattern = match (body.pattern, named) {
        (Some(pattern), false) if pattern.len() <= 1_024 => pattern,
        (Some(_), false) => return Err(Problem::parameter("pattern", "it has at most 1024 characters")),
        (None, true) => {
            format!("finex:{}:{}:*:*:{}:*", part(&body.symbol), part(&body.interval), part(&body.provider))
        }
        _ => return Err(Problem::parameter("pattern", "give a pattern, or provider, symbol or interval")),
    };
    let time = |name: &str, text: Option<String>, default: i64| match text {
        None => Ok(default),
        Some(text) => params::parse_time(&text, now).ok_or_else(|| Problem::parameter(name, "it is no time")),
    };
    let window = Window::new(time("from", body.from, BEGINNING)?, time("to", body.to, END)?);
    if window.is_empty() {
        return Err(Problem::parameter("from", "it is not before `to`"));
    }
    Ok(Invalidation { pattern, window, dry_run: body.dry_run, reason: body.reason.chars().take(200).collect() })
}

fn denied(denied: Denied) -> Problem {
    let status = match denied {
        Denied::Method => StatusCode::METHOD_NOT_ALLOWED,
        Denied::WrongToken => StatusCode::UNAUTHORIZED,
        Denied::Host => StatusCode::MISDIRECTED_REQUEST,
        Denied::NoToken | Denied::Origin => StatusCode::FORBIDDEN,
    };
    Problem::new("key-not-allowed", "This changes state and is not allowed", status, denied.to_string())
}

fn json(status: StatusCode, value: &Value) -> Answer {
    let mut answer = text("application/json", format!("{value:#}\n"));
    *answer.status_mut() = status;
    answer
}

fn text(content_type: &'static str, body: String) -> Answer {
    let mut answer = Answer::new(AnswerBody::from(body));
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers::uncached(head, "finex; fwd=bypass");
    answer
}
