//! The HTTP server of a simulated provider.

use crate::binance;
use crate::faults::{Fault, Faults};
use bytes::Bytes;
use finex_core::time::{Clock, Ts};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Sleep;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A running simulated Binance. It stops when dropped.
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

    /// Series requests seen so far, faulty ones included.
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
            let service = service_fn(move |request| answer(request, state.clone()));
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gone")
    }
}

impl std::error::Error for Gone {}

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
    match &fault {
        Some(Fault::Slow(delay)) => tokio::time::sleep(*delay).await,
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Reset) => return Err(Gone),
        Some(Fault::Status { status, content_type, body, retry_after }) => {
            let mut response = respond(*status, content_type, SimBody::whole(body.clone()), used);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", (*seconds).into());
            }
            return Ok(response);
        }
        Some(Fault::Html) => {
            let page = "<!doctype html><html><body>Please wait</body></html>";
            return Ok(respond(200, "text/html", SimBody::whole(page.into()), used));
        }
        Some(Fault::Foreign) => {
            return Ok(respond(200, JSON, SimBody::whole("{\"prices\":[[1,2.5]]}".into()), used));
        }
        Some(Fault::Redirect(to)) => {
            let mut response = respond(302, "text/plain", SimBody::whole(String::new()), used);
            if let Ok(to) = to.parse() {
                response.headers_mut().insert("location", to);
            }
            return Ok(response);
        }
        Some(Fault::Endless) => return Ok(respond(200, JSON, SimBody::Endless, used)),
        _ => {}
    }
    let query = match binance::read_query(path, query, unit) {
        Ok(query) => query,
        Err(error) => return Ok(respond(error.status, JSON, SimBody::whole(error.body), used)),
    };
    let body = query.body(now, fault.as_ref());
    let body = match fault {
        Some(Fault::Cut) => SimBody::Cut(Some(Bytes::from(body[..body.len() / 2].to_owned())), body.len() as u64),
        Some(Fault::Drip(pause)) => SimBody::Drip(Bytes::from(body), pause, None),
        _ => SimBody::whole(body),
    };
    Ok(respond(200, JSON, body, used))
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

fn respond(status: u16, content_type: &str, body: SimBody, used: u64) -> Response<SimBody> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert("content-type", header(content_type));
    headers.insert("cache-control", header("no-cache, no-store, must-revalidate"));
    headers.insert("x-mbx-used-weight", used.into());
    headers.insert("x-mbx-used-weight-1m", used.into());
    headers.insert("x-mbx-uuid", header("5133ad60-7f26-4a05-8ddb-22f4a2d3cf51"));
    response
}

/// A body that may misbehave.
enum SimBody {
    Whole(Option<Bytes>),
    Cut(Option<Bytes>, u64),
    Drip(Bytes, Duration, Option<Pin<Box<Sleep>>>),
    Endless,
}

impl SimBody {
    fn whole(text: String) -> SimBody {
        SimBody::Whole(Some(Bytes::from(text)))
    }
}

impl http_body::Body for SimBody {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        match self.get_mut() {
            SimBody::Whole(body) => Poll::Ready(body.take().map(|b| Ok(Frame::data(b)))),
            SimBody::Cut(body, _) => Poll::Ready(Some(body.take().map(Frame::data).ok_or(Gone))),
            SimBody::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 16_384]))))),
            SimBody::Drip(left, pause, sleep) => {
                if left.is_empty() {
                    return Poll::Ready(None);
                }
                let waiting = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(*pause)));
                if waiting.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                *sleep = None;
                let piece = left.split_to(left.len().min(64));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            SimBody::Whole(body) => http_body::SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
            SimBody::Cut(_, promised) => http_body::SizeHint::with_exact(*promised),
            SimBody::Drip(left, ..) => http_body::SizeHint::with_exact(left.len() as u64),
            SimBody::Endless => http_body::SizeHint::default(),
        }
    }
}
