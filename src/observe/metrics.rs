//! Counters, gauges and histograms, with bounded labels: no symbol, path or key ever becomes one.

use finex_core::status::Outcome;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

type Labels = Vec<(&'static str, String)>;

/// Seconds; the limits that are promised anywhere are edges.
const EDGES: [f64; 16] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.001_5, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
    10.0,
];

/// A histogram of atomics: recording takes no lock.
#[derive(Debug, Clone, Default)]
pub struct Timings(Arc<TimingsInner>);

#[derive(Debug, Default)]
struct TimingsInner {
    buckets: [AtomicU64; EDGES.len() + 1],
    sum_ns: AtomicU64,
    count: AtomicU64,
}

impl Timings {
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = EDGES.iter().position(|edge| seconds <= *edge).unwrap_or(EDGES.len());
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum_ns.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        self.0.count.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    pub fn mean_ms(&self) -> f64 {
        let count = self.0.count.load(Ordering::Relaxed).max(1);
        self.0.sum_ns.load(Ordering::Relaxed) as f64 / count as f64 / 1e6
    }
}

impl EncodeMetric for Timings {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let edges = EDGES.into_iter().chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> =
            edges.zip(&self.0.buckets).map(|(edge, n)| (edge, n.load(Ordering::Relaxed))).collect();
        let sum = self.0.sum_ns.load(Ordering::Relaxed) as f64 / 1e9;
        let count = buckets.iter().map(|(_, n)| n).sum();
        encoder.encode_histogram::<[(&str, &str); 0]>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl TypedMetric for Timings {
    const TYPE: MetricType = MetricType::Histogram;
}

/// Counters of one route, looked up once.
#[derive(Debug, Clone)]
pub struct RouteMetrics {
    by_outcome: [Counter; 6],
    pub seconds: Timings,
}

impl RouteMetrics {
    pub fn count(&self, outcome: Outcome) {
        self.by_outcome[outcome as usize].inc();
    }

    pub fn get(&self, outcome: Outcome) -> u64 {
        self.by_outcome[outcome as usize].get()
    }
}

/// Counters of one provider, looked up once.
#[derive(Debug, Clone)]
pub struct ProviderMetrics {
    pub calls_ok: Counter,
    pub calls_failed: Counter,
    pub calls_limited: Counter,
    /// Since the bars were held, or since a call for somebody else brought them.
    pub avoided_held: Counter,
    pub avoided_shared: Counter,
    /// Since nothing can have opened, or since it was said that there is no such symbol.
    pub avoided_closed: Counter,
    pub avoided_unknown: Counter,
    /// Answers given in the place of another provider.
    pub stood_in: Counter,
    /// Second calls where the first was slow.
    pub hedged: Counter,
    /// Calls made before anybody asked, and what became of them.
    pub ahead_made: Counter,
    pub ahead_used: Counter,
    pub ahead_wasted: Counter,
    pub cost: Counter,
    pub seconds: Timings,
    pub received_bytes: Counter,
    pub bars_held: Counter,
    pub bars_fetched: Counter,
    pub breaker_open: Gauge,
}

impl ProviderMetrics {
    /// Calls that direct clients would have made more.
    pub fn avoided(&self) -> u64 {
        let by = [&self.avoided_held, &self.avoided_shared, &self.avoided_closed, &self.avoided_unknown];
        by.into_iter().map(Counter::get).sum()
    }
}

pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Timings>,
    calls: Family<Labels, Counter>,
    avoided: Family<Labels, Counter>,
    stood_in: Family<Labels, Counter>,
    hedged: Family<Labels, Counter>,
    ahead: Family<Labels, Counter>,
    cost: Family<Labels, Counter>,
    call_seconds: Family<Labels, Timings>,
    received: Family<Labels, Counter>,
    bars: Family<Labels, Counter>,
    breaker: Family<Labels, Gauge>,
    quota: Family<Labels, Gauge>,
    quota_limit: Family<Labels, Gauge>,
    pub in_flight: Gauge<i64, AtomicI64>,
    pub memory_bytes: Gauge,
    pub memory_entries: Gauge,
    pub disk_bytes: Gauge,
    pub disk_entries: Gauge,
    pub memory_budget: Gauge,
    pub disk_budget: Gauge,
    pub disk_behind: Gauge,
    pub evictions: Counter,
    pub disk_evictions: Counter,
    pub disk_errors: Counter,
    pub disk_breaker: Gauge,
    pub invalidations: Counter,
    pub dropped_fragments: Counter,
    pub rejected_bars: Counter,
    pub corrected_bars: Counter,
    pub panics: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Family::default(),
            calls: Family::default(),
            avoided: Family::default(),
            stood_in: Family::default(),
            hedged: Family::default(),
            ahead: Family::default(),
            cost: Family::default(),
            call_seconds: Family::default(),
            received: Family::default(),
            bars: Family::default(),
            breaker: Family::default(),
            quota: Family::default(),
            quota_limit: Family::default(),
            in_flight: Gauge::default(),
            memory_bytes: Gauge::default(),
            memory_entries: Gauge::default(),
            disk_bytes: Gauge::default(),
            disk_entries: Gauge::default(),
            memory_budget: Gauge::default(),
            disk_budget: Gauge::default(),
            disk_behind: Gauge::default(),
            evictions: Counter::default(),
            disk_evictions: Counter::default(),
            disk_errors: Counter::default(),
            disk_breaker: Gauge::default(),
            invalidations: Counter::default(),
            dropped_fragments: Counter::default(),
            rejected_bars: Counter::default(),
            corrected_bars: Counter::default(),
            panics: Counter::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let r = &mut self.registry;
        r.register("finex_http_requests", "Requests answered", self.requests.clone());
        r.register("finex_http_request_duration_seconds", "Time to answer", self.seconds.clone());
        r.register("finex_http_requests_in_flight", "Requests under way", self.in_flight.clone());
        r.register("finex_upstream_requests", "Calls made to providers", self.calls.clone());
        r.register(
            "finex_upstream_requests_avoided",
            "Calls a direct client would have made more",
            self.avoided.clone(),
        );
        r.register("finex_prefetch_requests", "Calls made before anybody asked", self.ahead.clone());
        r.register("finex_upstream_hedged", "Second calls where the first was slow", self.hedged.clone());
        let stood_in = self.stood_in.clone();
        r.register("finex_upstream_stood_in", "Answers given in the place of another provider", stood_in);
        r.register("finex_upstream_cost", "Spent in the provider's own units", self.cost.clone());
        r.register("finex_upstream_request_duration_seconds", "Time of a call", self.call_seconds.clone());
        r.register("finex_upstream_received_bytes", "Bytes received from providers", self.received.clone());
        r.register("finex_plan_bars", "Bars in answers, by where they came from", self.bars.clone());
        r.register("finex_breaker_open", "1 while a provider's circuit is open", self.breaker.clone());
        r.register("finex_quota_used", "Used of the current window", self.quota.clone());
        r.register("finex_quota_limit", "Allowed in a window", self.quota_limit.clone());
        r.register("finex_cache_memory_bytes", "Bytes of encoded rows in memory", self.memory_bytes.clone());
        r.register("finex_cache_memory_fragments", "Fragments in memory", self.memory_entries.clone());
        r.register("finex_cache_disk_bytes", "Bytes of stored fragments", self.disk_bytes.clone());
        r.register("finex_cache_disk_fragments", "Stored fragments", self.disk_entries.clone());
        r.register("finex_cache_memory_budget_bytes", "Bytes that memory may hold", self.memory_budget.clone());
        r.register("finex_cache_disk_budget_bytes", "Bytes that the disk may hold", self.disk_budget.clone());
        r.register("finex_cache_disk_behind", "Series with bars that the disk did not take", self.disk_behind.clone());
        r.register("finex_cache_evictions", "Fragments that left memory for space", self.evictions.clone());
        r.register("finex_cache_disk_evictions", "Fragments that left the disk for space", self.disk_evictions.clone());
        r.register("finex_cache_disk_errors", "Failures of the disk tier", self.disk_errors.clone());
        r.register("finex_cache_disk_breaker_open", "Is the disk left alone?", self.disk_breaker.clone());
        r.register("finex_cache_invalidations", "Invalidations carried out", self.invalidations.clone());
        r.register(
            "finex_cache_dropped_fragments",
            "Fragments that failed their proof",
            self.dropped_fragments.clone(),
        );
        let corrected = self.corrected_bars.clone();
        r.register(
            "finex_data_corrected_bars",
            "Final bars for which the provider gave other numbers later",
            corrected,
        );
        r.register("finex_data_rejected_bars", "Bars set apart as implausible", self.rejected_bars.clone());
        r.register("finex_panics", "Panics contained", self.panics.clone());
        self
    }

    pub fn route(&self, route: &'static str) -> RouteMetrics {
        let outcomes = [Outcome::Hit, Outcome::Partial, Outcome::Miss, Outcome::Stale, Outcome::Bypass, Outcome::Error];
        let counter = |outcome: Outcome| {
            let labels = vec![("route", route.to_owned()), ("cache", outcome.name().to_owned())];
            self.requests.get_or_create(&labels).clone()
        };
        let seconds = self.seconds.get_or_create(&vec![("route", route.to_owned())]).clone();
        RouteMetrics { by_outcome: outcomes.map(counter), seconds }
    }

    pub fn provider(&self, id: &str) -> ProviderMetrics {
        let with = |more: Option<(&'static str, &str)>| -> Labels {
            let more = more.map(|(name, value)| (name, value.to_owned()));
            [("provider", id.to_owned())].into_iter().chain(more).collect()
        };
        let calls = |outcome| self.calls.get_or_create(&with(Some(("outcome", outcome)))).clone();
        let bars = |source| self.bars.get_or_create(&with(Some(("source", source)))).clone();
        let ahead = |state| self.ahead.get_or_create(&with(Some(("state", state)))).clone();
        let avoided = |reason| self.avoided.get_or_create(&with(Some(("reason", reason)))).clone();
        ProviderMetrics {
            calls_ok: calls("ok"),
            calls_failed: calls("error"),
            calls_limited: calls("rate_limited"),
            avoided_held: avoided("held"),
            avoided_shared: avoided("shared"),
            avoided_closed: avoided("closed"),
            avoided_unknown: avoided("unknown"),
            ahead_made: ahead("made"),
            ahead_used: ahead("used"),
            ahead_wasted: ahead("wasted"),
            hedged: self.hedged.get_or_create(&with(None)).clone(),
            stood_in: self.stood_in.get_or_create(&with(None)).clone(),
            cost: self.cost.get_or_create(&with(None)).clone(),
            seconds: self.call_seconds.get_or_create(&with(None)).clone(),
            received_bytes: self.received.get_or_create(&with(None)).clone(),
            bars_held: bars("cached"),
            bars_fetched: bars("fetched"),
            breaker_open: self.breaker.get_or_create(&with(None)).clone(),
        }
    }

    /// Notes how an allowance stands.
    pub fn quota(&self, provider: &str, window: &str, used: u32, limit: u32) {
        let labels = vec![("provider", provider.to_owned()), ("window", window.to_owned())];
        self.quota.get_or_create(&labels).set(i64::from(used));
        self.quota_limit.get_or_create(&labels).set(i64::from(limit));
    }

    /// The exposition that Prometheus reads.
    pub fn text(&self) -> String {
        let mut out = String::new();
        match encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(_) => String::new(),
        }
    }
}
