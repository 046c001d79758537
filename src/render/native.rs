//! Answers as the provider gives them: slices of rows that are already written, in an envelope that fits them.

use super::headers::Summary;
use super::{Answer, AnswerBody, Rope, Served, headers};
use crate::store::fragment::Fragment;
use bytes::Bytes;
use finex_providers::rows::{Order, Runs};
use finex_providers::{Batch, Composed, Joint, Local, NativeError, Page, Part, Provider, Segment, Shape};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::borrow::Cow;

/// An answer in a provider's shape.
fn body(served: &Served, composed: Composed, rope: &mut Rope) {
    let provider = served.cell.provider.as_ref();
    for segment in composed.segments {
        match segment {
            Segment::Text(text) => rope.push(text),
            Segment::Static(text) => rope.push_static(text),
            Segment::Run(run) => {
                let newest_first = served
                    .pieces
                    .first()
                    .is_some_and(|piece| rows(&piece.fragment, composed.shape, provider).order() == Order::NewestFirst);
                let mut pieces: Vec<_> = served.pieces.iter().collect();
                if newest_first {
                    pieces.reverse();
                }
                for (i, piece) in pieces.into_iter().enumerate() {
                    rope.push_static(if i > 0 { composed.separator } else { "" });
                    let runs = rows(&piece.fragment, composed.shape, provider);
                    rope.push(runs.slice(run, piece.rows.start, piece.rows.end));
                }
            }
        }
    }
}

fn rows<'a>(fragment: &'a Fragment, shape: Shape, provider: &dyn Provider) -> Cow<'a, Runs> {
    let series = &fragment.key.series;
    fragment.shaped(shape, || match provider.reread(series, fragment.rows()) {
        Ok(bars) => provider.encode(series, &bars, shape),
        // What was encoded by us is read by us; were it not, nothing is better than something wrong.
        Err(_) => Runs::default(),
    })
}

fn compose(served: &Served, base: &str) -> Composed {
    let newest = served
        .pieces
        .last()
        .and_then(|piece| piece.fragment.rows().get(0).map(|rows| rows.row(piece.rows.end.saturating_sub(1))));
    served.cell.provider.compose(&Page {
        series: &served.cell.series,
        native: served.native,
        window: served.ask.window,
        range: served.range(),
        rows: served.rows(),
        newest,
        more: served.more,
        before: served.before,
        notes: &served.notes,
        sight: &served.sight,
        base,
        now: served.journey.now,
    })
}

/// A whole native answer; 304 where the client holds it already. `base` is where the client finds the provider.
pub fn answer(served: &Served, request: &HeaderMap, base: &str) -> Answer {
    let etag = headers::native_etag(served);
    let composed = compose(served, base);
    let content_type = composed.content_type;
    let mut rope = Rope::default();
    let unchanged = headers::unchanged(request, &etag);
    if !unchanged {
        body(served, composed, &mut rope);
    }
    whole(rope, unchanged, content_type, &Summary::of(served), &etag)
}

fn whole(rope: Rope, unchanged: bool, content_type: &'static str, summary: &Summary, etag: &str) -> Answer {
    let mut answer = Answer::new(AnswerBody::from(rope));
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers::describe(summary, etag, head);
    answer
}

/// The answers of a batch's members as one.
pub fn joined(
    provider: &dyn Provider,
    batch: &Batch,
    members: &[Result<Served, NativeError>],
    request: &HeaderMap,
) -> Answer {
    let part = |((name, _), member): (&(String, _), &Result<Served, NativeError>)| match member {
        Ok(served) => (name.clone(), served.rows(), served.range(), served.more),
        Err(_) => (name.clone(), 0, None, None),
    };
    let told: Vec<_> = batch.members.iter().zip(members).map(part).collect();
    let parts: Vec<Part<'_>> = told
        .iter()
        .zip(members)
        .map(|((name, rows, range, more), member)| Part {
            name,
            error: member.as_ref().err(),
            rows: *rows,
            range: *range,
            more: *more,
        })
        .collect();
    let joined = provider.join(batch, &parts);
    let served = || members.iter().filter_map(|member| member.as_ref().ok());
    let etag = headers::etag_of_all(served().map(headers::native_etag));
    let mut rope = Rope::default();
    let unchanged = headers::unchanged(request, &etag);
    for joint in joined.joints.into_iter().filter(|_| !unchanged) {
        match joint {
            Joint::Text(text) => rope.push(text),
            Joint::Part(at) => match &members[at] {
                Ok(served) => body(served, compose(served, ""), &mut rope),
                Err(error) => rope.push(Bytes::from(error.body.clone())),
            },
        }
    }
    let Some(summary) = served().map(Summary::of).reduce(Summary::with) else {
        let reason = members.iter().find_map(|member| member.as_ref().err()).map(|error| error.reason.clone());
        let body = String::from_utf8_lossy(&rope.flat()).into_owned();
        let (content_type, reason) = (joined.content_type, reason.unwrap_or_default());
        let refused = NativeError { status: 200, body, content_type, reason };
        let mut answer = error(refused, None, "finex; fwd=uri-miss; detail=refused");
        extra(answer.headers_mut(), joined.headers);
        return answer;
    };
    let mut answer = whole(rope, unchanged, joined.content_type, &summary, &etag);
    extra(answer.headers_mut(), joined.headers);
    answer
}

fn extra(head: &mut HeaderMap, pairs: &'static [(&'static str, &'static str)]) {
    for (name, value) in pairs {
        head.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
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
