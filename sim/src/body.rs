//! Bodies that may misbehave on their way.

use crate::faults::Fault;
use bytes::Bytes;
use http_body::Frame;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// The connection is closed without an answer.
#[derive(Debug)]
pub(crate) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gone")
    }
}

impl std::error::Error for Gone {}

#[derive(Clone, Copy)]
pub(crate) enum Flush {
    No,
    Yes,
    Done,
}

/// A body that may misbehave.
pub(crate) enum SimBody {
    Whole(Option<Bytes>),
    /// What comes, how much was promised, and whether what comes is on its way before the connection breaks: otherwise
    /// it may break with the answer still in its buffer.
    Cut(Option<Bytes>, u64, Flush),
    Drip(Bytes, Duration, Option<Pin<Box<Sleep>>>),
    Endless,
}

impl SimBody {
    pub(crate) fn whole(text: String) -> SimBody {
        SimBody::Whole(Some(Bytes::from(text)))
    }

    pub(crate) fn spoiled(text: String, fault: Option<&Fault>, flush: Flush) -> SimBody {
        match fault {
            Some(Fault::Cut) => {
                let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
                SimBody::Cut(Some(half), text.len() as u64, flush)
            }
            Some(Fault::Drip(pause)) => SimBody::Drip(Bytes::from(text), *pause, None),
            _ => SimBody::whole(text),
        }
    }
}

impl http_body::Body for SimBody {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        match self.get_mut() {
            SimBody::Whole(body) => Poll::Ready(body.take().map(|b| Ok(Frame::data(b)))),
            SimBody::Cut(None, _, flush @ Flush::Yes) => {
                // The server flushes what it has while it waits for more.
                *flush = Flush::Done;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            SimBody::Cut(body, ..) => Poll::Ready(Some(body.take().map(Frame::data).ok_or(Gone))),
            SimBody::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 16_384]))))),
            SimBody::Drip(left, pause, sleep) => {
                if left.is_empty() {
                    return Poll::Ready(None);
                }
                let waiting = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(*pause)));
                if waiting.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                *sleep = None;
                let piece = left.split_to(left.len().min(64));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            SimBody::Whole(body) => http_body::SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
            SimBody::Cut(_, promised, _) => http_body::SizeHint::with_exact(*promised),
            SimBody::Drip(left, ..) => http_body::SizeHint::with_exact(left.len() as u64),
            SimBody::Endless => http_body::SizeHint::default(),
        }
    }
}
