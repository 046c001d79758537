//! Bodies made of slices of shared bytes.

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Below this size one copy is cheaper than several buffers on their way to the socket, and so it is where the buffers
/// are smaller than this on average (measured with `benches/http`).
const FLATTEN_BELOW: usize = 16 * 1024;
const SMALL_PART: usize = 8 * 1024;

/// Slices in order, sent with one vectored write.
#[derive(Debug, Default)]
pub struct Rope {
    parts: VecDeque<Bytes>,
    len: usize,
}

impl Rope {
    pub fn push(&mut self, bytes: Bytes) {
        self.len += bytes.len();
        if !bytes.is_empty() {
            self.parts.push_back(bytes);
        }
    }

    pub fn push_static(&mut self, text: &'static str) {
        self.push(Bytes::from_static(text.as_bytes()));
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One buffer where that is cheaper.
    pub fn settled(mut self) -> Rope {
        let in_small_parts = self.len / self.parts.len().max(1) < SMALL_PART;
        if self.parts.len() > 1 && (self.len < FLATTEN_BELOW || in_small_parts) {
            let whole = self.flat();
            self.parts = VecDeque::from([whole]);
        }
        self
    }

    /// All of it in one buffer.
    pub fn flat(&self) -> Bytes {
        let mut whole = BytesMut::with_capacity(self.len);
        self.parts.iter().for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}

impl From<String> for Rope {
    fn from(text: String) -> Rope {
        let mut rope = Rope::default();
        rope.push(text.into());
        rope
    }
}

/// The body of an answer: ours, or one that is passed through.
#[derive(Debug)]
pub enum AnswerBody {
    Rope(Rope),
    Through(reqwest::Body),
}

impl AnswerBody {
    pub fn empty() -> AnswerBody {
        AnswerBody::Rope(Rope::default())
    }
}

impl<T: Into<Rope>> From<T> for AnswerBody {
    fn from(body: T) -> AnswerBody {
        AnswerBody::Rope(body.into().settled())
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        match self.get_mut() {
            AnswerBody::Rope(rope) => {
                let next = rope.parts.pop_front();
                rope.len -= next.as_ref().map_or(0, Bytes::len);
                Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
            }
            AnswerBody::Through(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Rope(rope) => rope.parts.is_empty(),
            AnswerBody::Through(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Rope(rope) => SizeHint::with_exact(rope.len as u64),
            AnswerBody::Through(body) => body.size_hint(),
        }
    }
}
