//! Refusals, in the four shapes that were seen.

use crate::{Failure, NativeError, json};
use finex_core::status::ErrorClass;
use serde_json::Value;

const JSON: &str = "application/json; charset=utf-8";

/// The code and the words of a refusal.
fn told(body: &[u8]) -> Option<(i64, String)> {
    /// Refusals are short.
    const LONGEST: usize = 4_096;
    let body: Value = serde_json::from_slice(body.get(..body.len().min(LONGEST + 1))?).ok()?;
    let status = [&body["status"], &body["error"]["status"]].into_iter().find(|status| status.is_object());
    if let Some(status) = status {
        let words = status["error_message"].as_str().unwrap_or_default();
        return Some((status["error_code"].as_i64().unwrap_or(0), words.to_owned()));
    }
    let words = body["error"].as_str()?;
    Some((body["status"].as_i64().unwrap_or(0), words.to_owned()))
}

pub(super) fn classify(status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
    if let Some((code, words)) = told(body) {
        return Some(match (code, status) {
            (429, _) | (_, 429) => ErrorClass::Rate,
            (10_012, _) => ErrorClass::OutOfWindow,
            (10_005, _) => ErrorClass::Plan,
            (10_002 | 10_010 | 10_011, _) => ErrorClass::Auth,
            _ if words.contains("ot found") || words.starts_with("Could not find") => ErrorClass::NotFound,
            (_, 404) => ErrorClass::NotFound,
            (_, 401) => ErrorClass::Auth,
            (_, 403) => ErrorClass::Plan,
            (_, 400 | 422) => ErrorClass::Bad,
            _ => ErrorClass::Up,
        });
    }
    let is_page =
        content_type.starts_with("text/html") || body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
    match status {
        200 if is_page => Some(ErrorClass::Up),
        200 => None,
        429 => Some(ErrorClass::Rate),
        401 => Some(ErrorClass::Auth),
        404 if !is_page => Some(ErrorClass::NotFound),
        400 | 422 if !is_page => Some(ErrorClass::Bad),
        _ => Some(ErrorClass::Up),
    }
}

fn plain(status: u16, words: &str, reason: &str) -> NativeError {
    let body = format!("{{\"error\":{}}}", json::string(words));
    NativeError { status, body, content_type: JSON, reason: reason.to_owned() }
}

fn coded(status: u16, code: i64, words: &str, reason: &str) -> NativeError {
    let body = format!("{{\"status\":{{\"error_code\":{code},\"error_message\":{}}}}}", json::string(words));
    NativeError { status, body, content_type: JSON, reason: reason.to_owned() }
}

pub(super) fn not_found() -> NativeError {
    plain(404, "coin not found", "the id has characters that no id has")
}

pub(super) fn bad(reason: &str) -> NativeError {
    plain(422, reason, reason)
}

pub(super) fn answer(failure: &Failure) -> NativeError {
    if let Some((status, body)) = failure.native.as_ref().filter(|(_, body)| told(body.as_bytes()).is_some()) {
        return NativeError { status: *status, body: body.clone(), content_type: JSON, reason: failure.detail.clone() };
    }
    let detail = failure.detail.as_str();
    match failure.class {
        ErrorClass::Rate | ErrorClass::Quota => coded(
            429,
            429,
            "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe to our API plans for higher rate limits.",
            detail,
        ),
        ErrorClass::Auth => coded(
            401,
            10_002,
            "API Key Missing. Please make sure you're using the right authentication method.",
            detail,
        ),
        ErrorClass::Plan => coded(
            401,
            10_005,
            "This request is limited to PRO API subscribers. Please visit https://www.coingecko.com/en/api/pricing to subscribe.",
            detail,
        ),
        ErrorClass::OutOfWindow => coded(401, 10_012, "Your request exceeds the allowed time range.", detail),
        ErrorClass::NotFound => plain(404, "coin not found", detail),
        ErrorClass::Bad => plain(422, detail, detail),
        ErrorClass::Up => {
            let body = format!("{{\"status\":503,\"error\":{}}}", json::string(detail));
            NativeError { status: 503, body, content_type: JSON, reason: detail.to_owned() }
        }
    }
}
