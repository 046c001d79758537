//! The end of the stack: reqwest, with bodies read whole and capped.

use super::{Answer, Attempt, BoxError, FetchError};
use crate::config;
use bytes::{Bytes, BytesMut};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    max_body: usize,
}

/// What every client of ours has: no redirects (a key must not travel to another host), no proxy that the environment
/// brings in.
pub fn builder(settings: &config::Provider, agent: Option<&str>) -> reqwest::ClientBuilder {
    // A second installation is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(settings.timeout.connect.0)
        .tcp_nodelay(true)
        .user_agent(agent.unwrap_or(concat!("finex/", env!("CARGO_PKG_VERSION"))))
}

impl Client {
    pub fn new(settings: &config::Provider, agent: Option<&str>) -> Result<Client, reqwest::Error> {
        let max_body = usize::try_from(settings.max_body.0).unwrap_or(usize::MAX);
        Ok(Client { http: builder(settings, agent).gzip(true).build()?, max_body })
    }

    async fn send(self, attempt: Attempt) -> Result<Answer, BoxError> {
        let response = self.http.get(&attempt.url).headers(attempt.headers).send().await.map_err(|e| failed(&e))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read(response).await?;
        Ok(Answer { status, headers, body })
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes, FetchError> {
        let promised = response.content_length().unwrap_or(0).min(self.max_body as u64);
        let mut body = BytesMut::with_capacity(promised as usize);
        while let Some(chunk) = response.chunk().await.map_err(|e| failed(&e))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(FetchError::up(format!("the answer is larger than {} bytes", self.max_body)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// An error without its URL, which may carry a key.
pub fn failed(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::timed_out("the connection was not made in time");
    }
    let kind = if error.is_connect() {
        "cannot connect"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the connection failed"
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let reason = cause.to_string();
    FetchError::up(if reason.contains("://") { kind.to_owned() } else { format!("{kind}: {reason}") })
}

impl Service<Attempt> for Client {
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        Box::pin(self.clone().send(attempt))
    }
}
