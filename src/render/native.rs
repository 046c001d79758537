//! Answers as the provider gives them: slices of rows that are already written.

use super::{Answer, AnswerBody, Rope, Served, headers};
use crate::store::fragment::{Form, Fragment};
use bytes::Bytes;
use finex_providers::rows::Rows;
use finex_providers::{NativeError, Provider, Shape};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// The rows of an answer in a provider's shape.
pub fn body(served: &Served, shape: Shape) -> Rope {
    let provider = served.cell.provider.as_ref();
    let framing = provider.framing(shape);
    let mut rope = Rope::default();
    rope.push_static(framing.head);
    for (i, piece) in served.pieces.iter().enumerate() {
        if i > 0 {
            rope.push_static(",");
        }
        rope.push(rows(&piece.fragment, shape, provider).slice(piece.rows.start, piece.rows.end));
    }
    rope.push_static(framing.tail);
    rope
}

fn rows<'a>(fragment: &'a Fragment, shape: Shape, provider: &dyn Provider) -> &'a Rows {
    fragment.form(Form::Native(shape), || match provider.reread(&fragment.key.series, fragment.rows()) {
        Ok(bars) => provider.encode(&bars, shape),
        // What was encoded by us is read by us; were it not, nothing is better than something wrong.
        Err(_) => Rows::default(),
    })
}

/// A whole native answer; 304 where the client holds it already.
pub fn answer(served: &Served, shape: Shape, request: &HeaderMap) -> Answer {
    let etag = headers::etag(served, if shape == Shape(0) { "n" } else { "u" });
    let framing = served.cell.provider.framing(shape);
    let unchanged = headers::unchanged(request, &etag);
    let body = if unchanged { AnswerBody::empty() } else { AnswerBody::from(body(served, shape)) };
    let mut answer = Answer::new(body);
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(framing.content_type));
    headers::describe(served, &etag, head);
    answer
}

/// A refusal in the provider's own shape, with the reason in a header.
pub fn error(error: NativeError, retry_after: Option<u64>, status: &str) -> Answer {
    let mut answer = Answer::new(AnswerBody::Rope({
        let mut rope = Rope::default();
        rope.push(Bytes::from(error.body));
        rope
    }));
    *answer.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(error.content_type));
    headers::uncached(head, status);
    headers::problem(head, &error.reason);
    if let Some(seconds) = retry_after {
        head.insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}
