//! Yahoo's refusals: what kind each is, and how it is written.

use crate::{Failure, NativeError};
use finex_core::status::ErrorClass;
use serde::Deserialize;
use serde_json::json;
use std::borrow::Cow;

const JSON: &str = "application/json;charset=utf-8";
/// A page of data is longer than this before it gets to its first row.
const SHORT: usize = 4_096;

/// `{"chart":{"result":…,"error":{"code":…,"description":…}}}`, or `finance` in the place of `chart`.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow, alias = "finance")]
    chart: Chart<'a>,
}

#[derive(Deserialize)]
struct Chart<'a> {
    #[serde(borrow)]
    error: Option<Error<'a>>,
}

#[derive(Deserialize)]
struct Error<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow, default)]
    description: Cow<'a, str>,
}

fn error_of(body: &[u8]) -> Option<Error<'_>> {
    if body.len() > SHORT {
        return None;
    }
    serde_json::from_slice::<ErrorBody<'_>>(body).ok()?.chart.error
}

pub(super) fn classify(status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    let throttled = body.len() <= SHORT && String::from_utf8_lossy(body).contains("Too Many Requests");
    if status == 429 || throttled {
        return Some(ErrorClass::Rate);
    }
    if let Some(error) = error_of(body) {
        return Some(class_of(status, &error));
    }
    match (status, first) {
        (200, Some(b'{')) if !content_type.starts_with("text/html") => None,
        (401 | 403, _) => Some(ErrorClass::Auth),
        _ => Some(ErrorClass::Up),
    }
}

fn class_of(status: u16, error: &Error<'_>) -> ErrorClass {
    let sliding = ["must be within the last", "days worth of", "years worth of"];
    match (status, error.code.as_ref()) {
        (401, _) | (_, "Unauthorized" | "Invalid Crumb" | "Invalid Cookie") => ErrorClass::Auth,
        (404, _) | (_, "Not Found") => ErrorClass::NotFound,
        (422, _) if sliding.iter().any(|text| error.description.contains(text)) => ErrorClass::OutOfWindow,
        (400 | 422, _) => ErrorClass::Bad,
        _ => ErrorClass::Up,
    }
}

fn refusal(status: u16, code: &str, description: &str) -> NativeError {
    let body = json!({ "chart": { "result": null, "error": { "code": code, "description": description } } });
    NativeError { status, body: body.to_string(), content_type: JSON, reason: description.to_owned() }
}

pub(super) fn bad_request(description: &str) -> NativeError {
    refusal(400, "Bad Request", description)
}

pub(super) fn unprocessable(description: &str) -> NativeError {
    refusal(422, "Unprocessable Entity", description)
}

pub(super) fn not_found(reason: &str) -> NativeError {
    NativeError { reason: reason.to_owned(), ..refusal(404, "Not Found", "No data found, symbol may be delisted") }
}

/// The provider's own words where it had some, else those that it would have used.
pub(super) fn answer(failure: &Failure) -> NativeError {
    let own = failure.native.as_ref().filter(|(status, body)| *status >= 400 && error_of(body.as_bytes()).is_some());
    let error = match (own, failure.class) {
        (Some((status, body)), _) => {
            NativeError { status: *status, body: body.clone(), content_type: JSON, reason: String::new() }
        }
        (_, ErrorClass::Rate | ErrorClass::Quota) => NativeError {
            status: 429,
            body: "Too Many Requests\r\n".into(),
            content_type: "text/plain; charset=utf-8",
            reason: String::new(),
        },
        (_, ErrorClass::NotFound) => not_found(""),
        (_, ErrorClass::Bad) => bad_request("Invalid input"),
        (_, ErrorClass::OutOfWindow) => {
            unprocessable("data not available. The requested range must be within the last days.")
        }
        (_, ErrorClass::Auth | ErrorClass::Plan) => {
            refusal(401, "Unauthorized", "User is unable to access this feature")
        }
        (_, ErrorClass::Up) if failure.timed_out => {
            refusal(504, "Gateway Timeout", "The provider did not answer in time")
        }
        (_, ErrorClass::Up) => refusal(502, "Bad Gateway", "The provider failed"),
    };
    NativeError { reason: failure.detail.clone(), ..error }
}
