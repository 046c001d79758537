//! What operators look at. Nothing here calls a provider.

use crate::fetch::Fetcher;
use crate::observe::metrics::{Metrics, RouteMetrics};
use crate::store::tiers::Tiers;
use finex_core::status::{CacheLevel, Outcome};
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes whose answers may come from the cache.
pub struct CachedRoutes {
    pub native: RouteMetrics,
    pub unified: RouteMetrics,
}

/// `GET /api/v1/cache/stats`, with the field names of the original specification.
pub fn cache_stats(tiers: &Tiers, routes: &CachedRoutes, metrics: &Metrics) -> Value {
    tiers.measure();
    let count = |outcome| routes.native.get(outcome) + routes.unified.get(outcome);
    let (hits, partial, misses) = (count(Outcome::Hit), count(Outcome::Partial), count(Outcome::Miss));
    let (stale, errors) = (count(Outcome::Stale), count(Outcome::Error));
    let total = hits + partial + misses + stale + errors;
    let (memory_bytes, memory_entries) = tiers.memory.usage();
    let (disk_bytes, disk_entries) = tiers.disk.as_ref().map_or((0, 0), |disk| disk.usage());
    let bars: usize = tiers
        .catalog
        .all()
        .iter()
        .map(|cell| cell.snapshot().pieces.iter().map(|p| p.times.len()).sum::<usize>())
        .sum();
    json!({
        "total_requests": total,
        "cache_hits": hits + stale,
        "cache_misses": partial + misses + errors,
        "hit_ratio": if total == 0 { 0.0 } else { (hits + stale) as f64 / total as f64 },
        "average_latency_ms": (routes.native.seconds.mean_ms() * routes.native.seconds.count() as f64
            + routes.unified.seconds.mean_ms() * routes.unified.seconds.count() as f64)
            / (routes.native.seconds.count() + routes.unified.seconds.count()).max(1) as f64,
        "memory_usage_mb": memory_bytes as f64 / f64::from(1 << 20),
        "eviction_count": metrics.evictions.get(),
        "partial_hits": partial,
        "stale_answers": stale,
        "errors": errors,
        "series": tiers.catalog.len(),
        "bars": bars,
        "rejected_bars": metrics.rejected_bars.get(),
        "corrected_bars": metrics.corrected_bars.get(),
        "dropped_fragments": metrics.dropped_fragments.get(),
        "levels": [
            { "level": CacheLevel::L1Memory, "entries": memory_entries, "bytes": memory_bytes },
            { "level": CacheLevel::L3Database, "entries": disk_entries, "bytes": disk_bytes,
              "evictions": metrics.disk_evictions.get(), "errors": metrics.disk_errors.get(),
              "breaker": { "state": tiers.breaker.state(), "history": tiers.breaker.history() } },
        ],
    })
}

/// `GET /api/v1/providers`: allowances, breaker, calls made and avoided.
pub fn providers<'a>(fetchers: impl Iterator<Item = &'a Arc<Fetcher>>) -> Value {
    let one = |fetcher: &Arc<Fetcher>| {
        let (manifest, metrics) = (fetcher.provider.manifest(), &fetcher.metrics);
        json!({
            "id": manifest.id,
            "name": manifest.name,
            "prefix": format!("/{}", manifest.id),
            "breaker": {
                "state": fetcher.breaker.state(),
                "by_hand": fetcher.breaker.is_held_open(),
                "history": fetcher.breaker.history(),
            },
            "last_error": fetcher.last_error(),
            "quality": {
                "score": fetcher.quality.shares().score(),
                "shares": fetcher.quality.shares(),
            },
            "paused_ms": fetcher.limiter.paused(),
            "windows": fetcher.limiter.usage(),
            "intervals": manifest.intervals.keys().map(ToString::to_string).collect::<Vec<_>>(),
            "calls": {
                "ok": metrics.calls_ok.get(),
                "failed": metrics.calls_failed.get(),
                "rate_limited": metrics.calls_limited.get(),
                "avoided": metrics.avoided(),
                "avoided_by": {
                    "held": metrics.avoided_held.get(),
                    "shared": metrics.avoided_shared.get(),
                    "closed": metrics.avoided_closed.get(),
                    "unknown": metrics.avoided_unknown.get(),
                },
            },
            "calls_ahead": {
                "made": metrics.ahead_made.get(),
                "used": metrics.ahead_used.get(),
                "wasted": metrics.ahead_wasted.get(),
            },
            // In the provider's own units.
            "spend": {
                "made": metrics.cost.get(),
                "avoided": metrics.avoided() * u64::from(manifest.cost),
            },
            "latency_ms": { "mean": metrics.seconds.mean_ms(), "last": fetcher.took() },
        })
    };
    json!({ "providers": fetchers.map(one).collect::<Vec<_>>() })
}
