//! What is no series goes through.

use super::{Router, native, who_asks};
use crate::fetch::Fetcher;
use crate::fetch::forward::Forwarded;
use crate::render::{Answer, AnswerBody, headers};
use finex_core::status::Outcome;
use http::request::Parts;
use http::{HeaderValue, Method};
use std::sync::Arc;

impl Router {
    pub(super) async fn forward<B>(&self, parts: &Parts, body: B, fetcher: &Arc<Fetcher>, path: &str) -> Answer
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + Sync + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if parts.method == Method::CONNECT {
            return native::refuse(fetcher.provider.as_ref(), "this is no tunnel");
        }
        // A body on a GET says nothing that the path does not.
        let bodiless = matches!(parts.method, Method::GET | Method::HEAD) || body.is_end_stream();
        let request = Forwarded {
            method: parts.method.clone(),
            path: path.to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.clone(),
            body: if bodiless { reqwest::Body::default() } else { reqwest::Body::wrap(body) },
            who: who_asks(parts),
        };
        let reason = if parts.method == Method::GET { "bypass" } else { "method" };
        match fetcher.forward(request, &native::base_of(parts)).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let mut answer = Answer::from_parts(head, AnswerBody::Through(body));
                let status = format!("finex; fwd={reason}; fwd-status={}", answer.status().as_u16());
                headers::put(answer.headers_mut(), http::HeaderName::from_static("cache-status"), &status);
                if !answer.headers().contains_key(http::header::CACHE_CONTROL) {
                    let none = HeaderValue::from_static("no-store");
                    answer.headers_mut().insert(http::header::CACHE_CONTROL, none);
                }
                answer.extensions_mut().insert(Outcome::Bypass);
                answer
            }
            Err(failure) => {
                let status = format!("finex; fwd={reason}; detail={}", failure.class.name());
                let mut answer =
                    crate::render::native::error(fetcher.provider.error(&failure), failure.retry_after, &status);
                fetcher.limiter.report(answer.headers_mut());
                answer
            }
        }
    }
}
