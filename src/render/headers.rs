//! What the headers say of an answer, by the standards: RFC 9211 `Cache-Status`, RFC 9111 `Age` and `Cache-Control`,
//! `ETag`, `Server-Timing`.

use super::Served;
use finex_core::status::{CacheLevel, Outcome};
use finex_core::time::Ts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CACHE_INFO: HeaderName = HeaderName::from_static("finex-cache-info");
const WARNING: HeaderName = HeaderName::from_static("finex-warning");
const PROBLEM: HeaderName = HeaderName::from_static("finex-problem");

/// Closed bars do not age: how long a client may keep an answer of nothing else, in seconds.
const FINAL_LIFE: i64 = 86_400;

/// What the headers say of an answer.
#[derive(Debug, Clone)]
pub struct Summary {
    outcome: Outcome,
    tier: CacheLevel,
    collapsed: bool,
    rows: usize,
    fetched: usize,
    calls: u32,
    saved: i64,
    /// When the oldest of what may still change was fetched, and when the first of it expires.
    loose: Option<(Ts, Ts)>,
    grows: bool,
    warnings: Vec<String>,
    now: Ts,
    started: Instant,
    fetching: Duration,
}

impl Summary {
    pub fn of(served: &Served) -> Summary {
        let journey = &served.journey;
        Summary {
            outcome: journey.outcome,
            tier: journey.tier,
            collapsed: journey.collapsed,
            rows: served.rows(),
            fetched: served.fetched(),
            calls: journey.calls,
            saved: journey.saved(),
            loose: served.loose,
            grows: served.ask.grows(journey.now, served.rows()),
            warnings: journey.warnings.clone(),
            now: journey.now,
            started: journey.started,
            fetching: journey.fetching,
        }
    }

    /// Of an answer made of both.
    pub fn with(self, other: Summary) -> Summary {
        let loose = self.loose.into_iter().chain(other.loose);
        Summary {
            outcome: together(self.outcome, other.outcome),
            tier: self.tier.max(other.tier),
            collapsed: self.collapsed || other.collapsed,
            rows: self.rows + other.rows,
            fetched: self.fetched + other.fetched,
            calls: self.calls + other.calls,
            saved: self.saved + other.saved,
            loose: loose.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))),
            grows: self.grows || other.grows,
            warnings: self.warnings.into_iter().chain(other.warnings).collect(),
            now: self.now,
            started: self.started.min(other.started),
            fetching: self.fetching.max(other.fetching),
        }
    }
}

/// Of two parts, how the whole came about.
pub fn together(a: Outcome, b: Outcome) -> Outcome {
    match (a, b) {
        (a, b) if a == b => a,
        (Outcome::Stale, _) | (_, Outcome::Stale) => Outcome::Stale,
        _ => Outcome::Partial,
    }
}

/// Writes the headers that every series answer carries.
pub fn describe(summary: &Summary, etag: &str, headers: &mut HeaderMap) {
    let now = summary.now;
    let longest = if summary.grows { 1 } else { FINAL_LIFE };
    let (age, left) = match summary.loose {
        Some((fetched_at, expires)) => ((now - fetched_at).max(0) / 1_000, (expires - now).div_euclid(1_000)),
        None => (0, longest),
    };
    let mut text = String::with_capacity(160);
    let _ = match summary.outcome {
        Outcome::Hit | Outcome::Stale => write!(text, "finex; hit; ttl={left}; detail={}", summary.tier.short()),
        Outcome::Partial => write!(text, "finex; fwd=partial; fwd-status=200; stored"),
        _ => write!(text, "finex; fwd=uri-miss; fwd-status=200; stored"),
    };
    if summary.collapsed {
        text.push_str("; collapsed");
    }
    put(headers, CACHE_STATUS, &text);
    text.clear();
    let life = if summary.outcome == Outcome::Stale { 0 } else { left.clamp(0, longest) };
    let _ = write!(text, "private, max-age={life}");
    put(headers, header::CACHE_CONTROL, &text);
    headers.insert(header::AGE, HeaderValue::from(age));
    put(headers, header::ETAG, etag);
    text.clear();
    let Summary { rows, fetched, calls, saved, .. } = summary;
    let _ = write!(text, "bars={rows}, cached={}, fetched={fetched}, calls={calls}, saved={saved}", rows - fetched);
    put(headers, CACHE_INFO, &text);
    if !summary.warnings.is_empty() {
        put(headers, WARNING, &summary.warnings.join("; "));
    }
    timing(headers, summary.fetching, summary.started.elapsed());
}

/// `Server-Timing` in milliseconds.
pub fn timing(headers: &mut HeaderMap, fetching: Duration, total: Duration) {
    let mut text = String::with_capacity(48);
    if !fetching.is_zero() {
        let _ = write!(text, "fetch;dur={:.2}, ", fetching.as_secs_f64() * 1e3);
    }
    let _ = write!(text, "total;dur={:.2}", total.as_secs_f64() * 1e3);
    put(headers, SERVER_TIMING, &text);
}

/// Headers of an answer that no cache may keep.
pub fn uncached(headers: &mut HeaderMap, status: &str) {
    put(headers, CACHE_STATUS, status);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::AGE, HeaderValue::from(0));
}

/// A validator from which rows of which fragments were taken, not from the bytes: the same rows have the same one in
/// every run.
pub fn etag(served: &Served, form: &str) -> String {
    format!("\"{:016x}-{form}\"", hash_of(served).finish())
}

/// The same for a native answer, whose envelope depends on the window and on what was last seen of the symbol.
pub fn native_etag(served: &Served) -> String {
    let mut hasher = hash_of(served);
    let native = &served.native;
    if served.cell.provider.needs_sight() {
        (served.sight.envelope.seen_at, served.notes.seen_at).hash(&mut hasher);
        (served.ask.window, native.named).hash(&mut hasher);
    }
    (native.options, served.more, served.cell.series.symbol.as_ref()).hash(&mut hasher);
    format!("\"{:016x}-n{}\"", hasher.finish(), native.shape.0)
}

/// A validator for what has several.
pub fn etag_of_all(etags: impl Iterator<Item = String>) -> String {
    let mut hasher = DefaultHasher::new();
    etags.for_each(|etag| etag.hash(&mut hasher));
    format!("\"{:016x}-b\"", hasher.finish())
}

fn hash_of(served: &Served) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    for piece in &served.pieces {
        piece.fragment.id.hash(&mut hasher);
        (piece.fragment.fetched_at, piece.rows.start, piece.rows.end, piece.is_final).hash(&mut hasher);
        if !piece.is_final {
            piece.fragment.rows().iter().for_each(|run| run.text().hash(&mut hasher));
        }
    }
    hasher
}

/// Does the client hold this version already?
pub fn unchanged(request: &HeaderMap, etag: &str) -> bool {
    let sent = request.get_all(header::IF_NONE_MATCH);
    sent.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

/// Says in finex' words what a native error hides.
pub fn problem(headers: &mut HeaderMap, reason: &str) {
    let plain: String = reason.chars().filter(|c| (' '..='~').contains(c)).take(300).collect();
    put(headers, PROBLEM, &plain);
}

/// Sets a header, unless its text cannot be one.
pub fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
