//! How a provider says no, and how finex says it in its place.

use crate::manifest::Manifest;
use crate::{Failure, NativeError, json};
use finex_core::status::ErrorClass;

/// The class of an answer; none for data.
pub(super) fn classify(manifest: &Manifest, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
    /// Refusals are short, and say what they say early.
    const LOOKED_AT: usize = 4_096;
    let start = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
    let fits = |signature: &&crate::manifest::Signature| {
        signature.status.is_none_or(|expected| expected == status)
            && signature.contains.as_ref().is_none_or(|part| start.contains(part.as_str()))
    };
    if let Some(signature) = manifest.signatures.iter().find(fits) {
        return signature.class;
    }
    let head = start.trim_start().get(..5).unwrap_or_default().to_ascii_lowercase();
    let is_page = content_type.starts_with("text/html") || head == "<html" || head == "<!doc";
    match status {
        200 if is_page || start.trim().is_empty() => Some(ErrorClass::Up),
        200 => None,
        _ if is_page && status != 429 => Some(ErrorClass::Up),
        401 => Some(ErrorClass::Auth),
        402 | 403 => Some(ErrorClass::Plan),
        404 => Some(ErrorClass::NotFound),
        429 => Some(ErrorClass::Rate),
        400 | 414 | 422 => Some(ErrorClass::Bad),
        _ => Some(ErrorClass::Up),
    }
}

/// The provider's own refusal, or one like it.
pub(super) fn answer(manifest: &Manifest, content_type: &'static str, failure: &Failure) -> NativeError {
    let is_own = |(status, body): &&(u16, String)| *status >= 400 && is_json(body);
    if let Some((status, body)) = failure.native.as_ref().filter(is_own) {
        return NativeError { status: *status, body: body.clone(), content_type, reason: failure.detail.clone() };
    }
    let class = failure.class;
    let status = match class {
        ErrorClass::Up if failure.timed_out => 504,
        ErrorClass::Rate | ErrorClass::Quota => 429,
        ErrorClass::Auth => 401,
        ErrorClass::Plan => 403,
        ErrorClass::NotFound => 404,
        ErrorClass::Bad | ErrorClass::OutOfWindow => 400,
        ErrorClass::Up => 503,
    };
    shaped(manifest, content_type, class, status, &failure.detail)
}

/// A refusal of what the provider would refuse too.
pub(super) fn bad(manifest: &Manifest, content_type: &'static str, reason: &str) -> NativeError {
    shaped(manifest, content_type, ErrorClass::Bad, 400, reason)
}

fn shaped(
    manifest: &Manifest,
    content_type: &'static str,
    class: ErrorClass,
    status: u16,
    reason: &str,
) -> NativeError {
    let detail = escaped(reason, content_type);
    let (status, body) = match manifest.refusals.get(&class) {
        Some(refusal) => (refusal.status, refusal.body.replace("${detail}", &detail)),
        None => (status, format!("{{\"error\":\"{detail}\"}}")),
    };
    NativeError { status, body, content_type, reason: reason.to_owned() }
}

/// A reason as it may stand in a body.
fn escaped(reason: &str, content_type: &str) -> String {
    if content_type.contains("xml") {
        let marks = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")];
        return marks.iter().fold(reason.to_owned(), |text, (mark, code)| text.replace(mark, code));
    }
    let quoted = json::string(reason);
    quoted[1..quoted.len() - 1].to_owned()
}

fn is_json(body: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}
