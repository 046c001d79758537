//! Refusals: `{"code":…,"message":…,"status":"error"}`, whose HTTP status is the code or 200.

use crate::{Failure, NativeError, json};
use finex_core::status::ErrorClass;
use serde::Deserialize;
use std::borrow::Cow;

const JSON: &str = "application/json; charset=utf-8";
/// An empty window looks like an error: seven independent code bases, one measured status 400.
const NO_DATA: &str = "No data is available on the specified dates";

#[derive(Deserialize)]
struct Body<'a> {
    code: u16,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
}

fn read(body: &[u8]) -> Option<Body<'_>> {
    serde_json::from_slice::<Body<'_>>(body).ok().filter(|body| body.status == "error")
}

pub(super) fn is_empty_window(text: &str) -> bool {
    read(text.as_bytes()).is_some_and(|body| body.code == 400 && body.message.starts_with(NO_DATA))
}

pub(super) fn is_unknown_symbol(text: &str) -> bool {
    read(text.as_bytes()).is_some_and(|body| matches!(body.code, 400 | 404) && body.message.starts_with("**symbol**"))
}

pub(super) fn classify(status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
    if let Some(error) = read(body) {
        let says = |part: &str| error.message.contains(part);
        return match error.code {
            400 if error.message.starts_with(NO_DATA) => None,
            429 if says("for the day") => Some(ErrorClass::Quota),
            429 => Some(ErrorClass::Rate),
            401 => Some(ErrorClass::Auth),
            403 => Some(ErrorClass::Plan),
            404 if says("plan") || says("upgrading") => Some(ErrorClass::Plan),
            404 => Some(ErrorClass::NotFound),
            400 if says("**symbol**") => Some(ErrorClass::NotFound),
            400 | 414 => Some(ErrorClass::Bad),
            _ => Some(ErrorClass::Up),
        };
    }
    let is_page =
        content_type.starts_with("text/html") || body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
    match status {
        200 if is_page => Some(ErrorClass::Up),
        200 => None,
        429 => Some(ErrorClass::Rate),
        401 => Some(ErrorClass::Auth),
        403 => Some(ErrorClass::Plan),
        404 if !is_page => Some(ErrorClass::NotFound),
        400 | 414 if !is_page => Some(ErrorClass::Bad),
        _ => Some(ErrorClass::Up),
    }
}

fn shaped(code: u16, message: &str, reason: &str) -> NativeError {
    let body = format!("{{\"code\":{code},\"message\":{},\"status\":\"error\"}}", json::string(message));
    NativeError { status: code, body, content_type: JSON, reason: reason.to_owned() }
}

pub(super) fn not_found(symbol: &str) -> NativeError {
    let shown = json::shown(symbol);
    let message = format!("**symbol** not found: {shown}. Please specify it correctly according to API Documentation.");
    shaped(400, &message, "the symbol has characters that no symbol has")
}

pub(super) fn no_data() -> NativeError {
    let message = format!("{NO_DATA}. Try setting different start/end dates.");
    shaped(400, &message, "there are no bars in this window")
}

pub(super) fn answer(failure: &Failure) -> NativeError {
    if let Some((status, body)) = failure.native.as_ref().filter(|(_, body)| read(body.as_bytes()).is_some()) {
        return NativeError { status: *status, body: body.clone(), content_type: JSON, reason: failure.detail.clone() };
    }
    let (code, message) = match failure.class {
        ErrorClass::Rate => (
            429,
            "You have run out of API credits for the current minute. Wait for the next minute or consider switching to a higher tier plan at https://twelvedata.com/pricing",
        ),
        ErrorClass::Quota => (
            429,
            "You have run out of API credits for the day. Wait for the next day or consider switching to a higher tier plan at https://twelvedata.com/pricing",
        ),
        ErrorClass::Auth => (
            401,
            "**apikey** parameter is incorrect or not specified. You can get your free API key instantly following this link: https://twelvedata.com/pricing. If you believe that everything is correct, you can contact us at https://twelvedata.com/contact/customer",
        ),
        ErrorClass::Plan => (
            403,
            "This endpoint is not available with your plan. Consider upgrading your API Key now at https://twelvedata.com/pricing",
        ),
        ErrorClass::NotFound => (
            404,
            "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol according to API documentation: https://twelvedata.com/docs#reference-data",
        ),
        ErrorClass::Bad | ErrorClass::OutOfWindow => (400, failure.detail.as_str()),
        ErrorClass::Up => (
            500,
            "Something went wrong on our end. Please try again later or contact us at https://twelvedata.com/contact/customer",
        ),
    };
    shaped(code, message, &failure.detail)
}
