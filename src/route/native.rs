//! Native facades: `/{provider}/{the provider's own path}`.

use super::{Router, header_of};
use crate::gateway::Request;
use crate::render::{Answer, native};
use finex_core::status::ErrorClass;
use finex_providers::{Failure, NativeAsk, NativeRequest, Provider, Recognised};
use http::request::Parts;
use std::borrow::Cow;

/// `/binance/api/v3/klines` as provider and native path. A prefix that arrives twice is taken off twice, since some
/// clients put the path of a link behind their base URL again.
pub fn split(path: &str) -> Option<(&str, &str)> {
    let (id, rest) = first_segment(path)?;
    match first_segment(rest) {
        Some((again, inner)) if again == id => Some((id, inner)),
        _ => Some((id, rest)),
    }
}

fn first_segment(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    let at = path.find('/')?;
    Some((&path[..at], &path[at..]))
}

/// Paths whose meaning depends on who reads them.
pub fn is_ambiguous(path: &str) -> bool {
    const CODES: [&str; 7] = ["%2e", "%2f", "%5c", "%00", "%0a", "%0d", "%25"];
    let lower = path.contains('%').then(|| path.to_ascii_lowercase());
    let encoded = lower.is_some_and(|lower| CODES.iter().any(|code| lower.contains(code)));
    encoded || path.contains('\\') || path.split('/').any(|segment| matches!(segment, "." | ".."))
}

impl Router {
    /// Answers a series request; none if the request is something else.
    pub(super) async fn native(&self, parts: &Parts, provider: &dyn Provider, path: &str) -> Option<Answer> {
        if is_ambiguous(path) {
            return Some(refuse(provider, "the path has dot segments or encoded separators"));
        }
        let recognised = provider.recognise(&NativeRequest {
            method: parts.method.as_str(),
            path: &collapse(path),
            query: parts.uri.query().unwrap_or_default(),
            header: &|name| header_of(&parts.headers, name),
        });
        let mut answer = match recognised {
            Recognised::Forward => return None,
            Recognised::Local(local) => return Some(native::local(&local)),
            Recognised::Refused(error) => native::error(error, None, "finex; fwd=bypass; detail=refused"),
            Recognised::Series(ask) => self.series(parts, provider, &ask).await?,
        };
        // Clients slow down by these figures: they are live, on hits too.
        if let Some(fetcher) = self.gateway.fetcher(&provider.manifest().id) {
            fetcher.limiter.report(answer.headers_mut());
        }
        Some(answer)
    }

    /// The answer to a series request; none where it has to come from the provider itself.
    async fn series(&self, parts: &Parts, provider: &dyn Provider, native: &NativeAsk) -> Option<Answer> {
        let request = Request { series: native.series.clone(), ask: native.ask, native: native.native };
        if self.gateway.is_passing(&request) {
            return None;
        }
        let answer = match self.gateway.serve(&request).await {
            Ok(served) if served.cuts_live => return None,
            Ok(served) => {
                let absent = provider.absent(served.native, &served.sight.envelope);
                if let Some(error) = absent.filter(|_| served.rows() == 0) {
                    return Some(native::error(error, None, "finex; hit; detail=absent"));
                }
                let mut answer = native::answer(&served, &parts.headers);
                self.note(&served, &mut answer);
                answer
            }
            Err(failure) => {
                let status = format!("finex; fwd=uri-miss; detail={}", failure.class.name());
                native::error(provider.error(&failure), failure.retry_after, &status)
            }
        };
        Some(answer)
    }
}

pub(super) fn refuse(provider: &dyn Provider, detail: &str) -> Answer {
    let failure = Failure::new(ErrorClass::Bad, detail);
    native::error(provider.error(&failure), None, "finex; fwd=bypass; detail=refused")
}

/// Double slashes mean one.
fn collapse(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return path.into();
    }
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off_once_or_twice() {
        assert_eq!(split("/binance/api/v3/klines"), Some(("binance", "/api/v3/klines")));
        assert_eq!(split("/binance/binance/api"), Some(("binance", "/api")));
        assert_eq!(split("/binance"), None);
        assert_eq!(collapse("//api//v3/klines"), "/api/v3/klines");
    }

    #[test]
    fn ambiguous_paths_are_told() {
        for path in ["/a/../b", "/a/%2e%2e/b", "/a%2fb", "/a\\b", "/./a", "/a%00", "/%252e"] {
            assert!(is_ambiguous(path), "{path}");
        }
        assert!(!is_ambiguous("/api/v3/klines..x/a.b"));
    }
}
