//! What the headers say of an answer, by the standards: RFC 9211 `Cache-Status`, RFC 9111 `Age` and `Cache-Control`,
//! `ETag`, `Server-Timing`.

use super::Served;
use finex_core::status::Outcome;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CACHE_INFO: HeaderName = HeaderName::from_static("finex-cache-info");
const PROBLEM: HeaderName = HeaderName::from_static("finex-problem");

/// Closed bars do not age: how long a client may keep an answer of nothing else, in seconds.
const FINAL_LIFE: i64 = 86_400;

/// Writes the headers that every series answer carries.
pub fn describe(served: &Served, etag: &str, headers: &mut HeaderMap) {
    let journey = &served.journey;
    let now = journey.now;
    let (age, left) = match served.loose {
        Some((fetched_at, expires)) => ((now - fetched_at).max(0) / 1_000, (expires - now).div_euclid(1_000)),
        None => (0, FINAL_LIFE),
    };
    let mut text = String::with_capacity(160);
    let _ = match journey.outcome {
        Outcome::Hit | Outcome::Stale => write!(text, "finex; hit; ttl={left}; detail={}", journey.tier.short()),
        Outcome::Partial => write!(text, "finex; fwd=partial; fwd-status=200; stored"),
        _ => write!(text, "finex; fwd=uri-miss; fwd-status=200; stored"),
    };
    if journey.collapsed {
        text.push_str("; collapsed");
    }
    put(headers, CACHE_STATUS, &text);
    text.clear();
    let moves = served.ask.grows(now, served.rows());
    let life = if journey.outcome == Outcome::Stale { 0 } else { left.clamp(0, if moves { 1 } else { FINAL_LIFE }) };
    let _ = write!(text, "private, max-age={life}");
    put(headers, header::CACHE_CONTROL, &text);
    headers.insert(header::AGE, HeaderValue::from(age));
    put(headers, header::ETAG, etag);
    text.clear();
    let rows = served.rows();
    let fetched = served.fetched();
    let _ = write!(
        text,
        "bars={rows}, cached={}, fetched={fetched}, calls={}, saved={}",
        rows - fetched,
        journey.calls,
        journey.saved()
    );
    put(headers, CACHE_INFO, &text);
    timing(headers, journey.fetching, journey.started.elapsed());
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
        (served.sight.envelope.seen_at, served.notes.seen_at, native.options).hash(&mut hasher);
        (served.ask.window, native.named).hash(&mut hasher);
    }
    format!("\"{:016x}-n{}\"", hasher.finish(), native.shape.0)
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
