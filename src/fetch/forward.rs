//! Passing through what is no series: method, path, query, end-to-end headers and body as they are.

use super::FetchError;
use super::client::{builder, failed};
use super::turns::Who;
use crate::config;
use bytes::Bytes;
use finex_providers::keys::Credential;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A request on its way through.
pub struct Forwarded {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: reqwest::Body,
    pub who: Who,
}

impl Forwarded {
    /// The same request once more, where it only reads.
    pub fn repeated(&self) -> Option<Forwarded> {
        let reads = matches!(self.method, Method::GET | Method::HEAD);
        reads.then(|| Forwarded {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: reqwest::Body::default(),
            who: self.who.clone(),
        })
    }
}

pub struct Forwarder {
    http: reqwest::Client,
    patience: Duration,
}

/// Headers that speak of one connection only (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Removes what belongs to the connection, and what `Connection` names.
pub fn end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    headers.remove("http2-settings");
}

impl Forwarder {
    pub fn new(settings: &config::Provider, agent: Option<&str>) -> Result<Forwarder, reqwest::Error> {
        // Bodies are passed on as they are encoded.
        Ok(Forwarder { http: builder(settings, agent).gzip(false).build()?, patience: settings.timeout.attempt.0 })
    }

    /// Sends a request on; the answer's head must arrive in time, its body may take longer.
    pub async fn send(&self, base_url: &str, request: Forwarded) -> Result<http::Response<reqwest::Body>, FetchError> {
        let query = request.query.map(|q| format!("?{q}")).unwrap_or_default();
        let url = format!("{base_url}{}{query}", request.path);
        let mut headers = request.headers;
        end_to_end(&mut headers);
        for name in [header::HOST, header::CONTENT_LENGTH, header::EXPECT] {
            headers.remove(name);
        }
        let sent = self.http.request(request.method, url).headers(headers).body(request.body).send();
        let response = tokio::time::timeout(self.patience, sent)
            .await
            .map_err(|_| FetchError::timed_out("the provider did not answer in time"))?
            .map_err(|e| failed(&e))?;
        let mut response: http::Response<reqwest::Body> = response.into();
        end_to_end(response.headers_mut());
        Ok(response)
    }
}

/// Refusals are short; what is longer is data.
const SCRUBBED: usize = 64 * 1024;

/// Takes a key out of headers that repeat it, such as a redirect's.
pub fn scrub_headers(headers: &mut HeaderMap, key: &Credential) {
    for value in headers.values_mut() {
        let Some(text) = value.to_str().ok().filter(|text| key.stands_in(text)) else { continue };
        *value = HeaderValue::from_str(&key.scrub(text)).unwrap_or(HeaderValue::from_static("***"));
    }
}

/// An answer whose headers and short body do not repeat the key.
pub async fn without_key(response: http::Response<reqwest::Body>, key: &Credential) -> http::Response<reqwest::Body> {
    let (mut head, body) = response.into_parts();
    scrub_headers(&mut head.headers, key);
    changed(head, body, SCRUBBED, |text| key.stands_in(text).then(|| key.scrub(text))).await
}

/// Answers with links are not long.
const LINKED: usize = 4 * 1024 * 1024;

/// An answer whose links lead to us: `from` are beginnings of URLs that are the provider's, `to` is where it is found here.
pub async fn relinked(
    response: http::Response<reqwest::Body>,
    from: &[String],
    to: &str,
) -> http::Response<reqwest::Body> {
    let (head, body) = response.into_parts();
    let json =
        head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().windows(4).any(|w| w == b"json"));
    if !json {
        return http::Response::from_parts(head, body);
    }
    let change = |text: &str| {
        let found: Vec<&String> = from.iter().filter(|from| text.contains(from.as_str())).collect();
        let replace = |text: String, from: &&String| text.replace(&format!("\"{from}/"), &format!("\"{to}/"));
        (!found.is_empty()).then(|| found.iter().fold(text.to_owned(), replace))
    };
    changed(head, body, LINKED, change).await
}

/// A body of at most `most` bytes, changed; a longer one as it is.
async fn changed(
    mut head: http::response::Parts,
    mut body: reqwest::Body,
    most: usize,
    change: impl Fn(&str) -> Option<String>,
) -> http::Response<reqwest::Body> {
    let mut read = Vec::new();
    while read.len() <= most {
        match body.frame().await {
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            // It broke off: what came is passed on, and breaks off too.
            Some(Err(error)) => return followed(head, read, Err(error)),
            None => {
                head.headers.remove(header::CONTENT_LENGTH);
                let new = std::str::from_utf8(&read).ok().and_then(&change);
                let body = new.map_or(read, String::into_bytes);
                return http::Response::from_parts(head, body.into());
            }
        }
    }
    followed(head, read, Ok(body))
}

fn followed(
    head: http::response::Parts,
    read: Vec<u8>,
    rest: Result<reqwest::Body, reqwest::Error>,
) -> http::Response<reqwest::Body> {
    let rest = rest.map_err(Some);
    http::Response::from_parts(head, reqwest::Body::wrap(Followed { first: Some(read.into()), rest }))
}

/// What was read already, then the rest, or the error that came instead of it.
struct Followed {
    first: Option<Bytes>,
    rest: Result<reqwest::Body, Option<reqwest::Error>>,
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, reqwest::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(http_body::Frame::data(first))));
        }
        match &mut self.rest {
            Ok(body) => Pin::new(body).poll_frame(cx),
            Err(error) => Poll::Ready(error.take().map(Err)),
        }
    }
}
