//! A simulator and a gateway before it, with a clock that both share.

use finex::app::App;
use finex::config::{Config, Provider, values::Span};
use finex::edge::listener::Listening;
use finex_core::time::{Clock, Ts};
use finex_sim::Sim;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

pub const SECOND: Ts = 1_000;
pub const MINUTE: Ts = 60 * SECOND;
pub const HOUR: Ts = 60 * MINUTE;
pub const DAY: Ts = 24 * HOUR;

/// 2024-03-05T10:20:30Z, a Tuesday.
pub const NOW: Ts = 1_709_634_030_000;
/// 2024-01-01T00:00:00Z.
pub const NEW_YEAR: Ts = 1_704_067_200_000;

pub struct World {
    pub sim: Sim,
    pub app: App,
    pub folder: Arc<TempDir>,
    listening: Option<Listening>,
    now: Arc<AtomicI64>,
    /// By how much the gateway's clock is slow.
    lag: Arc<AtomicI64>,
    pub base: String,
    http: reqwest::Client,
}

/// An answer with its body read.
#[derive(Debug, Clone)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json().as_array().expect("rows").clone()
    }

    pub fn opens(&self) -> Vec<Ts> {
        self.rows().iter().map(|row| row[0].as_i64().expect("an open time")).collect()
    }

    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().expect("a code")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().expect("text"))
    }

    pub fn cache_status(&self) -> &str {
        self.header("cache-status")
    }
}

/// Settings that make trouble show quickly.
pub fn settings() -> Provider {
    let mut provider = Provider::default();
    provider.timeout.attempt = Span::millis(2_000);
    provider.timeout.total = Span::millis(4_000);
    provider.retry.base = Span::millis(5);
    provider.breaker.open_for = Span::millis(300);
    provider.patience = Span::millis(300);
    provider
}

/// Allowances that no test uses up.
fn plenty() -> BTreeMap<String, u32> {
    ["calls-1s", "calls-1m", "calls-1h", "calls-1d", "credits-1m", "credits-1d"]
        .map(|name| (name.to_owned(), 1_000_000))
        .into()
}

impl World {
    pub async fn new() -> World {
        World::with(|_| {}).await
    }

    pub async fn with(adjust: impl FnOnce(&mut Config)) -> World {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        World::at(folder, NOW, adjust).await
    }

    /// A world on a folder that may hold something already.
    pub async fn at(folder: Arc<TempDir>, now: Ts, adjust: impl FnOnce(&mut Config)) -> World {
        let now = Arc::new(AtomicI64::new(now));
        let shared = now.clone();
        let clock: Clock = Arc::new(move || shared.load(Ordering::SeqCst));
        let lag = Arc::new(AtomicI64::new(0));
        let (own, slow) = (clock.clone(), lag.clone());
        let slow: Clock = Arc::new(move || own() - slow.load(Ordering::SeqCst));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let sim = Sim::start(any, clock.clone()).await.expect("a simulator");
        let mut config = Config::default();
        config.server.listen = any.to_string();
        config.cache.l3.path = folder.path().to_owned();
        // Tests say themselves what is in memory.
        config.cache.l1.wake_up = false;
        // On a busy machine nothing is served stale for want of patience.
        config.cache.stale_patience = Span::seconds(30);
        for (id, provider) in &mut config.providers {
            *provider = Provider { base_url: format!("{}/{id}", sim.url()), limits: plenty(), ..settings() };
        }
        config.providers.insert("binance".into(), Provider { base_url: sim.url(), ..settings() });
        config.providers.insert("yahoo".into(), Provider { base_url: sim.url(), limits: plenty(), ..settings() });
        adjust(&mut config);
        let app = App::build(config, slow, false).expect("a gateway");
        let listening = app.listen().await.expect("a listener");
        let base = format!("http://{}", listening.address);
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        World { sim, app, folder, listening: Some(listening), now, lag, base, http }
    }

    /// Ends the gateway in order; what it kept stays.
    pub async fn stop(mut self) -> Arc<TempDir> {
        if let Some(listening) = self.listening.take() {
            listening.stop().await;
        }
        self.folder.clone()
    }

    pub fn advance(&self, by: Ts) {
        self.now.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the gateway's clock back, and the provider's not; below nothing it is fast.
    pub fn set_back(&self, by: Ts) {
        self.lag.store(by, Ordering::SeqCst);
    }

    pub fn now(&self) -> Ts {
        self.now.load(Ordering::SeqCst)
    }

    pub fn calls(&self) -> u64 {
        self.sim.calls()
    }

    /// Asks the gateway.
    pub async fn get(&self, path: &str) -> Got {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    pub async fn get_with(&self, path: &str, name: &str, value: &str) -> Got {
        self.send(self.http.get(format!("{}{path}", self.base)).header(name, value)).await
    }

    /// What operators are told of a provider.
    pub async fn told_of(&self, id: &str) -> Value {
        let all = self.get("/api/v1/providers").await.json();
        let all = all["providers"].as_array().expect("providers");
        all.iter().find(|told| told["id"] == id).expect("a provider").clone()
    }

    /// Asks the simulator, as a client without finex would.
    pub async fn direct(&self, path: &str) -> Got {
        self.send(self.http.get(format!("{}{path}", self.sim.url()))).await
    }

    pub fn request(&self, method: http::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.send(self.request(http::Method::POST, path).body(body.to_string())).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Got { status, headers, body: response.text().await.expect("a body") }
    }

    /// The same request through the gateway and straight, which must agree.
    pub async fn agree(&self, native: &str) -> Got {
        let through = self.get(&format!("/binance{native}")).await;
        let straight = self.direct(native).await;
        assert_eq!(through.status, straight.status, "{native}: {}", through.body);
        assert!(through.body == straight.body, "{native}:\n{}\n{}", head(&through.body), head(&straight.body));
        through
    }

    /// The same request through the gateway and straight to a provider that is mounted under its id, which must agree but
    /// for what names the answer.
    pub async fn same(&self, path: &str) -> Got {
        let straight = self.direct(path).await;
        let through = self.get(path).await;
        assert_eq!(through.status, straight.status, "{path}: {} ({})", through.body, through.header("finex-problem"));
        let (a, b) = (nameless(&through.body), nameless(&straight.body));
        let at = a.bytes().zip(b.bytes()).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
        let around = |text: &str| {
            String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(90)..(at + 160).min(text.len())]).into_owned()
        };
        assert!(a == b, "{path} ({}):\nthrough  {}\nstraight {}", through.cache_status(), around(&a), around(&b));
        assert_eq!(through.header("content-type"), straight.header("content-type"), "{path}");
        through
    }

    /// Of these open times, those at which the simulated market has a bar by now.
    pub fn truth(&self, symbol: &str, interval: &str, opens: &[Ts]) -> Vec<Ts> {
        let listing = finex_sim::prices::find(symbol).expect("a listing");
        let grid = finex_core::calendar::Grid::new(interval.parse().expect("an interval"), 0);
        let (Some(first), Some(last)) = (opens.first(), opens.last()) else { return Vec::new() };
        listing.opens(grid, *first, (*last).min(self.now())).collect()
    }

    /// Waits until everything that was begun is written down.
    pub async fn settle(&self) {
        self.app.gateway.drain().await;
    }
}

/// Without what differs from answer to answer: names, and links to the rest. How many bars a bar was put together from is
/// not known for all.
pub fn nameless(body: &str) -> String {
    ["\"request_id\":", ",\"next_url\":", "\"queryCount\":"].into_iter().fold(body.to_owned(), |text, name| {
        let Some(at) = text.find(name) else { return text };
        let behind = &text[at + name.len()..];
        let end = match behind.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(behind.len(), |end| end + 2),
            None => behind.find([',', '}']).unwrap_or(behind.len()),
        };
        format!("{}{}", &text[..at], &behind[end..])
    })
}

fn head(text: &str) -> &str {
    &text[..text.len().min(400)]
}

/// A klines path.
pub fn klines(symbol: &str, interval: &str, more: &str) -> String {
    format!("/api/v3/klines?symbol={symbol}&interval={interval}{more}")
}

/// A klines path of hours counted from the beginning of 2024, end excluded.
pub fn hours(from: i64, to: i64) -> String {
    let (start, end) = (NEW_YEAR + from * HOUR, NEW_YEAR + to * HOUR - 1);
    klines("BTCUSDT", "1h", &format!("&startTime={start}&endTime={end}&limit=1000"))
}
