//! Refusals, all of them with status 200 and as JSON, even where CSV was asked for.

use crate::{Failure, NativeError, json};
use finex_core::status::ErrorClass;
use serde::Deserialize;
use std::borrow::Cow;

const JSON: &str = "application/json";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "Information", borrow, default)]
    information: Option<Cow<'a, str>>,
    #[serde(rename = "Note", borrow, default)]
    note: Option<Cow<'a, str>>,
    #[serde(rename = "Error Message", borrow, default)]
    error: Option<Cow<'a, str>>,
}

pub(super) fn classify(status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
    /// Refusals are short; what is longer has rows.
    const LONGEST: usize = 4_096;
    let start = body.iter().find(|b| !b.is_ascii_whitespace());
    if status >= 500 || content_type.starts_with("text/html") || start == Some(&b'<') || start.is_none() {
        return Some(ErrorClass::Up);
    }
    if body.len() <= LONGEST
        && let Ok(refusal) = serde_json::from_slice::<Body<'_>>(body)
    {
        if let Some(text) = refusal.error {
            return Some(if text.contains("apikey") { ErrorClass::Auth } else { ErrorClass::NotFound });
        }
        // What was a Note became an Information in 2025, and the other way round in 2018.
        if let Some(text) = refusal.information.or(refusal.note) {
            return Some(told(&text));
        }
        // `{}` for what is unknown.
        if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok_and(|map| map.is_empty()) {
            return Some(ErrorClass::NotFound);
        }
    }
    match status {
        200 => None,
        429 => Some(ErrorClass::Rate),
        401 | 403 => Some(ErrorClass::Auth),
        _ => Some(ErrorClass::Up),
    }
}

/// The burst limit's text names the daily one too: it is told by its own words.
fn told(text: &str) -> ErrorClass {
    let says = |part: &str| text.contains(part);
    if says("per second") || says("spreading out") || says("calls per minute") {
        ErrorClass::Rate
    } else if says("premium endpoint") || says("premium feature") {
        ErrorClass::Plan
    } else if says("**demo**") {
        ErrorClass::Auth
    } else if says("detected your API key") || says("requests per day") {
        ErrorClass::Quota
    } else {
        ErrorClass::Rate
    }
}

fn shaped(status: u16, name: &str, text: &str, reason: &str) -> NativeError {
    let body = format!("{{\n    \"{name}\": {}\n}}", json::string(text));
    NativeError { status, body, content_type: JSON, reason: reason.to_owned() }
}

/// Refused without asking.
pub(super) fn invalid_call(function: &str) -> NativeError {
    let text = format!(
        "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for {function}."
    );
    shaped(200, "Error Message", &text, "the request names something that cannot be")
}

pub(super) fn answer(failure: &Failure) -> NativeError {
    if let Some((status, body)) = failure.native.as_ref()
        && serde_json::from_str::<Body<'_>>(body).is_ok()
    {
        return NativeError { status: *status, body: body.clone(), content_type: JSON, reason: failure.detail.clone() };
    }
    let detail = &failure.detail;
    match failure.class {
        ErrorClass::Rate => shaped(
            200,
            "Information",
            "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second). You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to lift the free key rate limit (25 requests per day), raise the per-second burst limit, and instantly unlock all premium endpoints",
            detail,
        ),
        ErrorClass::Quota => shaped(
            200,
            "Information",
            "Our standard API rate limit is 25 requests per day. Please subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits.",
            detail,
        ),
        ErrorClass::Auth => shaped(
            200,
            "Error Message",
            "the parameter apikey is invalid or missing. Please claim your free API key on (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds.",
            detail,
        ),
        ErrorClass::Plan => shaped(
            200,
            "Information",
            "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly unlock all premium endpoints",
            detail,
        ),
        ErrorClass::NotFound | ErrorClass::Bad | ErrorClass::OutOfWindow => NativeError {
            reason: detail.clone(),
            ..shaped(
                200,
                "Error Message",
                "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/).",
                detail,
            )
        },
        ErrorClass::Up => shaped(if failure.timed_out { 504 } else { 503 }, "Information", detail, detail),
    }
}
