//! Native facades: `/{provider}/{the provider's own path}`.

use super::{Client, Router, header_of, terms_of, who_asks};
use crate::fetch::Fetcher;
use crate::fetch::keyring::Admission;
use crate::render::{Answer, Served, headers, native};
use finex_core::ask::Take;
use finex_core::status::{ErrorClass, Outcome};
use finex_core::terms::{BadDirective, Terms};
use finex_providers::{Batch, Failure, NativeAsk, NativeError, NativeRequest, Provider, Recognised};
use http::Uri;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// `/binance/api/v3/klines` as provider and native path.
pub fn split(path: &str) -> Option<(&str, &str)> {
    first_segment(path)
}

/// A native path without the provider's prefix, which some clients put before the path of a link once more.
pub fn unprefixed<'a, 'n>(mut names: impl Iterator<Item = &'n str>, path: &'a str) -> &'a str {
    first_segment(path).filter(|(again, _)| names.any(|name| name == *again)).map_or(path, |(_, inner)| inner)
}

fn first_segment(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    let at = path.find('/')?;
    Some((&path[..at], &path[at..]))
}

/// What a client says of the age of its answer: `finex.cache=`, which is ours and taken out of the query, and before that the
/// header.
pub(super) fn take_terms(parts: &mut Parts) -> Result<Terms, BadDirective> {
    const NAME: &str = "finex.cache=";
    let header = terms_of(&parts.headers);
    let Some(query) = parts.uri.query().filter(|query| query.contains(NAME)) else { return Ok(header) };
    let (ours, theirs): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with(NAME));
    let joint = if theirs.is_empty() { "" } else { "?" };
    let text = format!("{}{joint}{}", parts.uri.path(), theirs.join("&"));
    let said = ours.iter().map(|pair| percent_decode_str(&pair[NAME.len()..]).decode_utf8_lossy());
    let terms = Terms::parse(&said.collect::<Vec<_>>().join(","))?;
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = text.parse().ok();
    if let Ok(uri) = Uri::from_parts(uri) {
        parts.uri = uri;
    }
    Ok(terms.or(header))
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
    pub(super) async fn native(
        &self,
        parts: &Parts,
        fetcher: &Fetcher,
        path: &str,
        terms: Result<Terms, BadDirective>,
    ) -> Option<Answer> {
        let provider = fetcher.provider.as_ref();
        let terms = match terms {
            Ok(terms) => terms,
            Err(bad) => return Some(refuse(provider, &format!("finex.cache: {bad}"))),
        };
        let not_held = || {
            let failure = crate::gateway::serve::not_held();
            native::error(provider.error(&failure), None, "finex; fwd=miss; detail=only-if-cached")
        };
        let client = Client { terms, who: who_asks(parts) };
        let answer = self.recognised(parts, fetcher, path, &client).await;
        answer.or_else(|| terms.only_if_cached.then(not_held))
    }

    async fn recognised(&self, parts: &Parts, fetcher: &Fetcher, path: &str, client: &Client) -> Option<Answer> {
        let provider = fetcher.provider.as_ref();
        if is_ambiguous(path) {
            return Some(refuse(provider, "the path has dot segments or encoded separators"));
        }
        let (query, path) = (parts.uri.query().unwrap_or_default(), collapse(path));
        let header = |name: &str| header_of(&parts.headers, name);
        let recognised = provider.recognise(&NativeRequest {
            method: parts.method.as_str(),
            path: &path,
            query,
            header: &header,
            now: (self.gateway.clock)(),
        });
        let mut answer = match recognised {
            Recognised::Forward => return None,
            Recognised::Local(local) => return Some(native::local(&local)),
            Recognised::Refused(error) => native::error(error, None, "finex; fwd=bypass; detail=refused"),
            Recognised::Series(ask) => {
                self.series(parts, provider, ask, client, &fetcher.admit(query, &header)).await?
            }
            // What is not to be kept goes through, but where all of it is held.
            Recognised::Batch(_) if client.terms.no_store => return None,
            Recognised::Batch(batch) => {
                self.batch(parts, provider, batch, client, &fetcher.admit(query, &header)).await?
            }
        };
        // Clients slow down by these figures: they are live, on hits too.
        fetcher.limiter.report(answer.headers_mut());
        Some(answer)
    }

    /// The answer to a series request; none where it has to come from the provider itself.
    async fn series(
        &self,
        parts: &Parts,
        provider: &dyn Provider,
        native: NativeAsk,
        client: &Client,
        admission: &Admission,
    ) -> Option<Answer> {
        let request = self.request(native.series, native.ask, native.native, client, admission);
        if self.gateway.is_passing(&request) {
            return None;
        }
        let served = match client.terms.no_store {
            true => Ok(self.gateway.serve_held(&request)?),
            false => self.gateway.serve(&request).await,
        };
        let answer = match served {
            Ok(served) if served.cuts_live => return None,
            Ok(mut served) => {
                cut(&mut served);
                let absent = provider.absent(served.native, &served.sight.envelope);
                if let Some(error) = absent.filter(|_| served.rows() == 0) {
                    return Some(native::error(error, None, "finex; hit; detail=absent"));
                }
                let base = served.native.page.map(|_| base_of(parts)).unwrap_or_default();
                let mut answer = native::answer(&served, &parts.headers, &base);
                self.note(&served, &mut answer);
                answer
            }
            Err(failure) if failure.pass_on => return None,
            Err(failure) => {
                let status = format!("finex; fwd=uri-miss; detail={}", failure.class.name());
                native::error(provider.error(&failure), failure.retry_after, &status)
            }
        };
        Some(answer)
    }

    /// The answer to a request for several series: what fails for one of them is that one's answer. None where it has to
    /// come from the provider itself.
    async fn batch(
        &self,
        parts: &Parts,
        provider: &dyn Provider,
        batch: Batch,
        client: &Client,
        admission: &Admission,
    ) -> Option<Answer> {
        let asks = batch.members.iter().filter_map(|(_, member)| member.as_ref().ok());
        let requests =
            asks.map(|ask| self.request(ask.series.clone(), ask.ask, ask.native, client, admission)).collect();
        let mut served = self.gateway.serve_together(requests).await.into_iter();
        let failures = served.as_slice().iter().filter_map(|outcome| outcome.as_ref().err());
        if failures.clone().any(|failure| failure.pass_on) {
            return None;
        }
        let retry_after = failures.filter_map(|failure| failure.retry_after).max();
        // What one symbol lacks is that symbol's; what the provider lacks is everybody's.
        let refused = served.as_slice().iter().find_map(|outcome| {
            outcome.as_ref().err().filter(|failure| !matches!(failure.class, ErrorClass::NotFound | ErrorClass::Bad))
        });
        if let Some(failure) = refused {
            let status = format!("finex; fwd=uri-miss; detail={}", failure.class.name());
            return Some(native::error(provider.error(failure), retry_after, &status));
        }
        // So is a refusal of the request itself, which is one for all.
        let of_the_request = |failure: &&Failure| {
            let status = failure.native.as_ref().map(|(status, _)| *status);
            failure.class == ErrorClass::Bad && status.is_some_and(|status| status >= 400)
        };
        let refused = served.as_slice().iter().filter_map(|outcome| outcome.as_ref().err()).find(of_the_request);
        if let Some(failure) = refused {
            let status = format!("finex; fwd=uri-miss; detail={}", failure.class.name());
            return Some(native::error(provider.error(failure), retry_after, &status));
        }
        let mut members: Vec<Result<Served, NativeError>> = Vec::with_capacity(batch.members.len());
        for (_, member) in &batch.members {
            let outcome = match member {
                Ok(_) => served.next().unwrap_or_else(|| Err(Failure::new(ErrorClass::Up, "it was not asked for"))),
                Err(error) => {
                    members.push(Err(error.clone()));
                    continue;
                }
            };
            members.push(match outcome {
                Ok(served) if served.rows() == 0 => {
                    provider.absent(served.native, &served.sight.envelope).map_or(Ok(served), Err)
                }
                outcome => outcome.map_err(|failure| provider.error(&failure)),
            });
        }
        share_page(&batch, &mut members);
        // A client without finex makes one call for all of them.
        members.iter_mut().flatten().skip(1).for_each(|served| served.journey.direct_calls = 0);
        let mut answer = native::joined(provider, &batch, &members, &parts.headers);
        let outcomes = members.iter().filter_map(|member| member.as_ref().ok()).map(|served| served.journey.outcome);
        answer.extensions_mut().insert(outcomes.reduce(headers::together).unwrap_or(Outcome::Error));
        members.iter().filter_map(|member| member.as_ref().ok()).for_each(|served| self.note_parts(served));
        Some(answer)
    }
}

/// Leaves what does not fit on the client's page for the next one.
fn cut(served: &mut Served) {
    if let Some(page) = served.native.page {
        served.cut(usize::try_from(page).unwrap_or(usize::MAX), matches!(served.ask.take, Take::Last(_)));
    }
}

/// A page of several members is filled in their order; those that find it full are left out.
fn share_page(batch: &Batch, members: &mut [Result<Served, NativeError>]) {
    let Some(page) = batch.page else { return };
    let mut left = usize::try_from(page).unwrap_or(usize::MAX);
    for served in members.iter_mut().flatten() {
        served.cut(left, batch.newest_first);
        left -= served.rows();
    }
}

/// Where a client finds a provider, as it says itself.
pub(super) fn base_of(parts: &Parts) -> String {
    let id = first_segment(parts.uri.path()).map_or("", |(id, _)| id);
    let sound = |text: &&str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-[]_".contains(&b));
    let host = header_of(&parts.headers, "host").or(parts.uri.host()).filter(sound).unwrap_or("localhost");
    let scheme = header_of(&parts.headers, "x-forwarded-proto").filter(|proto| *proto == "https").unwrap_or("http");
    format!("{scheme}://{host}/{id}")
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
        let names = || ["massive", "polygon"].into_iter();
        assert_eq!(unprefixed(names(), "/polygon/v2/aggs"), "/v2/aggs");
        assert_eq!(unprefixed(names(), "/v2/polygon/aggs"), "/v2/polygon/aggs");
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
