//! The HTTP server of the simulated providers: which of them answers, the path tells.

use crate::alpaca::Alpaca;
use crate::alphavantage::AlphaVantage;
use crate::binance;
use crate::body::{Flush, Gone, SimBody};
use crate::coingecko::CoinGecko;
use crate::facade::{self, Account, Facade};
use crate::faults::{Fault, Faults};
use crate::finnhub::Finnhub;
use crate::fred::Fred;
use crate::polygon::Polygon;
use crate::stocks::Stocks;
use crate::tiingo::Tiingo;
use crate::twelvedata::TwelveData;
use crate::yahoo::{self, Yahoo};
use bytes::Bytes;
use finex_core::time::{Clock, Ts};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Running simulated providers. They stop when dropped.
pub struct Sim {
    state: Arc<State>,
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    clock: Clock,
    faults: Faults,
    received: Mutex<Vec<Received>>,
    series_calls: AtomicU64,
    weight: Mutex<Weight>,
    quota: AtomicU64,
    latency_ms: AtomicU64,
    yahoo: Yahoo,
    stocks: Stocks,
    mounts: Vec<Mount>,
}

/// A provider under its id.
struct Mount {
    id: &'static str,
    facade: Box<dyn Facade>,
    account: Account,
    calls: AtomicU64,
}

fn mounts() -> Vec<Mount> {
    let mount = |id, facade| Mount { id, facade, account: Account::default(), calls: AtomicU64::new(0) };
    vec![
        mount("alphavantage", Box::new(AlphaVantage)),
        mount("coingecko", Box::new(CoinGecko)),
        mount("twelvedata", Box::new(TwelveData)),
        mount("polygon", Box::new(Polygon)),
        mount("tiingo", Box::new(Tiingo)),
        mount("alpaca", Box::new(Alpaca)),
        mount("finnhub", Box::new(Finnhub)),
        mount("fred", Box::new(Fred)),
    ]
}

/// `/polygon/v2/aggs` as what is mounted and the rest. A prefix that comes twice is taken off twice: some clients put the
/// path of a link behind their base URL again.
fn mounted<'a>(path: &'a str, id: &str) -> Option<&'a str> {
    let under = |path: &'a str| path.strip_prefix('/')?.strip_prefix(id).filter(|rest| rest.starts_with('/'));
    let rest = under(path)?;
    Some(under(rest).unwrap_or(rest))
}

#[derive(Default)]
struct Weight {
    minute: i64,
    used: u64,
    refused: u64,
}

impl Sim {
    /// Listens on `address`; port 0 takes any.
    pub async fn start(address: SocketAddr, clock: Clock) -> io::Result<Sim> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            clock,
            faults: Faults::default(),
            received: Mutex::default(),
            series_calls: AtomicU64::new(0),
            weight: Mutex::default(),
            quota: AtomicU64::new(6_000),
            latency_ms: AtomicU64::new(0),
            yahoo: Yahoo::default(),
            stocks: Stocks::default(),
            mounts: mounts(),
        });
        let task = tokio::spawn(accept(listener, state.clone()));
        Ok(Sim { state, address, task })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    pub fn yahoo(&self) -> &Yahoo {
        &self.state.yahoo
    }

    /// What tests add to the history of stocks, Yahoo's apart.
    pub fn stocks(&self) -> &Stocks {
        &self.state.stocks
    }

    /// The account of a mounted provider.
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.state.mounts.iter().find(|mount| mount.id == id).map(|mount| &mount.account)
    }

    /// Series requests that a mounted provider has seen so far, faulty ones included.
    pub fn calls_of(&self, id: &str) -> u64 {
        let mount = self.state.mounts.iter().find(|mount| mount.id == id);
        mount.map_or(0, |mount| mount.calls.load(Ordering::SeqCst))
    }

    /// Series requests of all providers seen so far, faulty ones included.
    pub fn calls(&self) -> u64 {
        self.state.series_calls.load(Ordering::SeqCst)
    }

    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// Request weight allowed per minute.
    pub fn set_quota(&self, weight: u64) {
        self.state.quota.store(weight, Ordering::SeqCst);
    }

    /// How long every answer takes.
    pub fn set_latency(&self, latency: Duration) {
        self.state.latency_ms.store(latency.as_millis() as u64, Ordering::SeqCst);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let _ = stream.set_nodelay(true);
        connections.spawn(async move {
            let service = service_fn(move |request| dated(request, state.clone()));
            let _ = hyper::server::conn::http1::Builder::new()
                .auto_date_header(false)
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// With the time at the provider's, which is that of the simulation.
async fn dated(request: Request<Incoming>, state: Arc<State>) -> Result<Response<SimBody>, Gone> {
    let clock = state.clock.clone();
    let mut response = answer(request, state).await?;
    if let Ok(now) = jiff::Timestamp::from_millisecond(clock()) {
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert(http::header::DATE, header(&date));
    }
    Ok(response)
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<SimBody>, Gone> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let now = (state.clock)();
    lock(&state.received).push(Received {
        method: parts.method.to_string(),
        path: path.clone(),
        query: query.clone(),
        headers: parts.headers.clone(),
        body: body.clone(),
    });
    let latency = state.latency_ms.load(Ordering::SeqCst);
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    for mount in &state.mounts {
        if let Some(rest) = mounted(&path, mount.id) {
            return facade(&parts, rest, mount, &state, now).await;
        }
    }
    let bare = ["binance", "yahoo"].into_iter().find_map(|id| mounted(&path, id));
    let path = bare.unwrap_or(&path).to_owned();
    if yahoo::serves(&path) {
        return yahoo(&parts, &path, &state, now).await;
    }
    let used = spend(&state, binance::weight(&path), now);
    if path == "/sim/calls" {
        let calls = format!("{{\"series\":{}}}", state.series_calls.load(Ordering::SeqCst));
        return Ok(respond(200, "application/json", SimBody::whole(calls), used));
    }
    if path == "/echo" {
        return Ok(echo(&parts, body, used));
    }
    if !binance::is_series(&path) {
        let other = binance::other(&path, &query, now);
        return Ok(respond(other.status, "application/json;charset=UTF-8", SimBody::whole(other.body), used));
    }
    state.series_calls.fetch_add(1, Ordering::SeqCst);
    let quota = state.quota.load(Ordering::SeqCst);
    if used > quota {
        return Ok(limited(&state, used, now));
    }
    let unit = parts.headers.get("x-mbx-time-unit").and_then(|v| v.to_str().ok());
    series(&path, &query, unit, &state, now, used).await
}

async fn series(
    path: &str,
    query: &str,
    unit: Option<&str>,
    state: &State,
    now: Ts,
    used: u64,
) -> Result<Response<SimBody>, Gone> {
    const JSON: &str = "application/json;charset=UTF-8";
    let fault = state.faults.take();
    let binance = |status: u16, content_type: &str, body: SimBody| respond(status, content_type, body, used);
    if let Some(response) = trouble(fault.as_ref(), JSON, binance).await? {
        return Ok(response);
    }
    let query = match binance::read_query(path, query, unit) {
        Ok(query) => query,
        Err(error) => return Ok(binance(error.status, JSON, SimBody::whole(error.body))),
    };
    let body = query.body(now, fault.as_ref());
    Ok(binance(200, JSON, SimBody::spoiled(body, fault.as_ref(), Flush::No)))
}

async fn facade(
    parts: &http::request::Parts,
    path: &str,
    mount: &Mount,
    state: &State,
    now: Ts,
) -> Result<Response<SimBody>, Gone> {
    const JSON: &str = "application/json";
    let query = parts.uri.query().unwrap_or_default();
    let mut fault = None;
    // Double slashes mean one.
    let path = path.replace("//", "/");
    if mount.facade.is_series(&path, query) {
        state.series_calls.fetch_add(1, Ordering::SeqCst);
        mount.calls.fetch_add(1, Ordering::SeqCst);
        fault = state.faults.take();
    }
    if let Some(response) = trouble(fault.as_ref(), JSON, plain).await? {
        return Ok(response);
    }
    let host = parts.headers.get("host").and_then(|v| v.to_str().ok()).unwrap_or("localhost");
    let reply = mount.facade.answer(&facade::Request {
        path: &path,
        query,
        headers: &parts.headers,
        now,
        base: &format!("http://{host}/{}", mount.id),
        account: &mount.account,
        stocks: &state.stocks,
    });
    let spoil = fault.filter(|_| reply.status == 200);
    let mut response =
        plain(reply.status, reply.content_type, SimBody::spoiled(reply.body, spoil.as_ref(), Flush::Yes));
    for (name, value) in reply.headers {
        response.headers_mut().append(name, header(&value));
    }
    Ok(response)
}

async fn yahoo(parts: &http::request::Parts, path: &str, state: &State, now: Ts) -> Result<Response<SimBody>, Gone> {
    let query = parts.uri.query().unwrap_or_default();
    let mut fault = None;
    if yahoo::is_series(path) {
        state.series_calls.fetch_add(1, Ordering::SeqCst);
        fault = state.faults.take();
    }
    if let Some(response) = trouble(fault.as_ref(), yahoo::JSON, plain).await? {
        return Ok(response);
    }
    let answer = state.yahoo.answer(parts.method.as_str(), path, query, &parts.headers, now, fault.as_ref());
    let answer = answer.ok_or(Gone)?;
    let spoil = fault.filter(|_| answer.status == 200);
    let mut response =
        plain(answer.status, answer.content_type, SimBody::spoiled(answer.body, spoil.as_ref(), Flush::Yes));
    for (name, value) in answer.headers {
        response.headers_mut().append(name, header(&value));
    }
    Ok(response)
}

/// What a fault makes of an answer before its rows matter: none if they do. `respond` writes as the provider does.
async fn trouble(
    fault: Option<&Fault>,
    json: &str,
    respond: impl Fn(u16, &str, SimBody) -> Response<SimBody>,
) -> Result<Option<Response<SimBody>>, Gone> {
    Ok(Some(match fault {
        Some(Fault::Slow(delay)) => {
            tokio::time::sleep(*delay).await;
            return Ok(None);
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Reset) => return Err(Gone),
        Some(Fault::Status { status, content_type, body, retry_after }) => {
            let mut response = respond(*status, content_type, SimBody::whole(body.clone()));
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", (*seconds).into());
            }
            response
        }
        Some(Fault::Html) => {
            let page = "<!doctype html><html><body>Please wait</body></html>";
            respond(200, "text/html", SimBody::whole(page.into()))
        }
        Some(Fault::Foreign) => respond(200, json, SimBody::whole("{\"prices\":[[1,2.5]]}".into())),
        Some(Fault::Redirect(to)) => {
            let mut response = respond(302, "text/plain", SimBody::whole(String::new()));
            if let Ok(to) = to.parse() {
                response.headers_mut().insert("location", to);
            }
            response
        }
        Some(Fault::Endless) => respond(200, json, SimBody::Endless),
        _ => return Ok(None),
    }))
}

fn spend(state: &State, weight: u32, now: Ts) -> u64 {
    let mut spent = lock(&state.weight);
    let minute = now.div_euclid(60_000);
    if spent.minute != minute {
        *spent = Weight { minute, ..Weight::default() };
    }
    spent.used += u64::from(weight);
    spent.used
}

/// 429 until the minute is over; whoever goes on asking is banned.
fn limited(state: &State, used: u64, now: Ts) -> Response<SimBody> {
    let mut spent = lock(&state.weight);
    spent.refused += 1;
    let left = 60 - now.rem_euclid(60_000) / 1_000;
    let (status, seconds, msg) = if spent.refused > 5 {
        (418, 120, format!("Way too much request weight used; IP banned until {}.", now + 120_000))
    } else {
        (429, left, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.".to_owned())
    };
    let body = binance::error(status, -1003, &msg).body;
    let mut response = respond(status, "application/json;charset=UTF-8", SimBody::whole(body), used);
    response.headers_mut().insert("retry-after", seconds.into());
    response
}

fn echo(parts: &http::request::Parts, body: Bytes, used: u64) -> Response<SimBody> {
    let mut response = respond(207, "application/octet-stream", SimBody::Whole(Some(body)), used);
    response.headers_mut().insert("x-echo-method", header(parts.method.as_str()));
    response.headers_mut().insert("x-echo-query", header(parts.uri.query().unwrap_or_default()));
    response.headers_mut().insert("set-cookie", header("sim=1; Path=/"));
    response.headers_mut().insert("keep-alive", header("timeout=5"));
    response
}

fn header(text: &str) -> http::HeaderValue {
    http::HeaderValue::from_str(text).unwrap_or(http::HeaderValue::from_static("?"))
}

fn plain(status: u16, content_type: &str, body: SimBody) -> Response<SimBody> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    response.headers_mut().insert("content-type", header(content_type));
    response
}

/// As Binance does: never to be kept, and with the request weight that is used up.
fn respond(status: u16, content_type: &str, body: SimBody, used: u64) -> Response<SimBody> {
    let mut response = plain(status, content_type, body);
    let headers = response.headers_mut();
    headers.insert("cache-control", header("no-cache, no-store, must-revalidate"));
    headers.insert("x-mbx-used-weight", used.into());
    headers.insert("x-mbx-used-weight-1m", used.into());
    headers.insert("x-mbx-uuid", header("5133ad60-7f26-4a05-8ddb-22f4a2d3cf51"));
    response
}
