//! Passing through what is no series: method, path, query, end-to-end headers and body as they are.

use super::FetchError;
use super::client::{builder, failed};
use crate::config;
use http::{HeaderMap, HeaderName, Method, header};
use std::time::Duration;

/// A request on its way through.
pub struct Forwarded {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: reqwest::Body,
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
