//! Answers in pages: how the provider's own are followed, and how ours say how to go on.

use super::Way;
use crate::endpoint::Paging;
use crate::json::Pairs;
use crate::manifest::Manifest;
use crate::{Upstream, json, stamp};
use finex_core::time::{Ts, Window};
use jiff::tz::TimeZone;

/// The parameter with which a client goes on.
pub(super) fn parameter(paging: &Paging) -> &str {
    match paging {
        Paging::Link { parameter, .. } | Paging::Token { parameter, .. } => parameter,
    }
}

/// How an answer says that there is more.
fn said(paging: &Paging, body: &[u8]) -> Option<String> {
    let body: Pairs<'_> = serde_json::from_slice(body).ok()?;
    let member = match paging {
        Paging::Link { member, .. } | Paging::Token { member, .. } => member,
    };
    let text: String = serde_json::from_str(body.get(member)?).ok()?;
    (!text.is_empty()).then_some(text)
}

/// Does an answer say that there is more?
pub(super) fn is_cut(way: &Way, body: &[u8]) -> bool {
    way.facts.paging.as_ref().is_some_and(|paging| said(paging, body).is_some())
}

/// The request for what an answer left out.
pub(super) fn next(way: &Way, manifest: &Manifest, asked: &Upstream, body: &[u8]) -> Option<Upstream> {
    let paging = way.facts.paging.as_ref()?;
    let text = said(paging, body)?;
    match paging {
        Paging::Token { parameter, .. } => {
            let own = format!("{parameter}=");
            let rest = asked.query.split('&').filter(|pair| !pair.starts_with(&own)).collect::<Vec<_>>().join("&");
            let token: String =
                percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
            Some(Upstream { path: asked.path.clone(), query: format!("{rest}&{own}{token}") })
        }
        Paging::Link { .. } => {
            // Only where on the host: the host itself is ours to know.
            let local = text.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))?;
            let base = manifest.base_url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
            let local = base.and_then(|base| local.strip_prefix(base.trim_end_matches('/'))).unwrap_or(local);
            let (path, query) = local.split_once('?').unwrap_or((local, ""));
            Some(Upstream { path: path.to_owned(), query: query.to_owned() })
        }
    }
}

/// What is left of a window behind a row that a page ended with.
pub(super) fn rest(window: Window, last: Ts, newest_first: bool) -> Window {
    if newest_first { Window::new(window.from, last) } else { Window::new(last.saturating_add(1), window.to) }
}

/// `SYMBOL|D|2024-03-05T05:00:00.000000000Z` in base 64: the row that a page ended with.
pub(super) fn token(symbol: &str, last: Ts, is_daily: bool) -> String {
    let mut text = format!("{symbol}|{}|", if is_daily { 'D' } else { 'M' });
    stamp::write(last, stamp::Unit::Iso, &TimeZone::UTC, &mut text);
    // Nanoseconds, as the providers that invented this write them.
    text.insert_str(text.len() - 1, "000000");
    base64(text.as_bytes())
}

/// Symbol and row that a token, ours or the provider's, stands for.
pub(super) fn cursor(token: &str) -> Option<(String, Ts)> {
    let text = String::from_utf8(unbase64(token)?).ok()?;
    let mut parts = text.splitn(3, '|');
    let (symbol, _, at) = (parts.next()?, parts.next()?, parts.next()?);
    let (ts, is_day) = stamp::client(at, &TimeZone::UTC)?;
    (!symbol.is_empty() && !is_day).then(|| (symbol.to_owned(), ts))
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().chain([&0, &0]).take(3).fold(0u32, |n, b| n << 8 | u32::from(*b));
        for i in 0..4 {
            let digit = DIGITS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    if text.len() > 1_024 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.chunks(4) {
        let digit = |b: &u8| DIGITS.iter().position(|d| d == b).map(|at| at as u32);
        let n = chunk.iter().try_fold(0u32, |n, b| Some(n << 6 | digit(b)?))? << (6 * (4 - chunk.len()));
        out.extend(n.to_be_bytes()[1..].iter().take(chunk.len().saturating_sub(1)));
    }
    Some(out)
}

/// The URL under which a client finds the rest: `path` below the facade, with what the request said and a cursor.
pub(super) fn link(base: &str, path: &str, pairs: &[(&str, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC))
        })
        .collect();
    json::string(&format!("{base}{path}?{}", pairs.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_are_those_that_were_recorded() {
        let recorded = "SYM|M|2020-12-01T16:26:00.000000000Z";
        let at = 1_606_839_960_000;
        assert_eq!(token("SYM", at, false), base64(recorded.as_bytes()));
        assert_eq!(cursor(&base64(recorded.as_bytes())), Some(("SYM".into(), at)));
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..100), text in any::<String>()) {
            prop_assert_eq!(unbase64(&base64(&bytes)), Some(bytes));
            let _ = cursor(&text);
        }
    }
}
