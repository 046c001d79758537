//! Answers as the provider gives them: slices of rows that are already written, in an envelope that fits them.

use super::{Answer, AnswerBody, Rope, Served, headers};
use crate::store::fragment::Fragment;
use bytes::Bytes;
use finex_providers::rows::Runs;
use finex_providers::{Composed, Local, NativeError, Page, Provider, Segment, Shape};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// An answer in a provider's shape.
fn body(served: &Served, composed: Composed) -> Rope {
    let (provider, shape) = (served.cell.provider.as_ref(), served.native.shape);
    let mut rope = Rope::default();
    for segment in composed.segments {
        match segment {
            Segment::Text(text) => rope.push(text),
            Segment::Static(text) => rope.push_static(text),
            Segment::Run(run) => {
                for (i, piece) in served.pieces.iter().enumerate() {
                    rope.push_static(if i > 0 { "," } else { "" });
                    rope.push(rows(&piece.fragment, shape, provider).slice(run, piece.rows.start, piece.rows.end));
                }
            }
        }
    }
    rope
}

fn rows<'a>(fragment: &'a Fragment, shape: Shape, provider: &dyn Provider) -> &'a Runs {
    fragment.shaped(shape, || match provider.reread(&fragment.key.series, fragment.rows()) {
        Ok(bars) => provider.encode(&bars, shape),
        // What was encoded by us is read by us; were it not, nothing is better than something wrong.
        Err(_) => Runs::default(),
    })
}

/// A whole native answer; 304 where the client holds it already.
pub fn answer(served: &Served, request: &HeaderMap) -> Answer {
    let etag = headers::native_etag(served);
    let unchanged = headers::unchanged(request, &etag);
    let composed = served.cell.provider.compose(&Page {
        series: &served.cell.series,
        native: served.native,
        window: served.ask.window,
        range: served.range(),
        before: served.before,
        notes: &served.notes,
        sight: &served.sight,
    });
    let content_type = composed.content_type;
    let body = if unchanged { AnswerBody::empty() } else { AnswerBody::from(body(served, composed)) };
    let mut answer = Answer::new(body);
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers::describe(served, &etag, head);
    answer
}

/// What the gateway says in the provider's place.
pub fn local(local: &Local) -> Answer {
    let mut answer = Answer::new(AnswerBody::from(local.body.to_owned()));
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(local.content_type));
    headers::uncached(head, "finex; fwd=bypass; detail=local");
    for cookie in local.cookies {
        head.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
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
