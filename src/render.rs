//! From held rows to bytes and headers.

pub mod body;
pub mod cache_info;
pub mod headers;
pub mod native;
pub mod problem;
pub mod served;
pub mod unified;

pub use body::{AnswerBody, Rope};
pub use served::{Consensus, Journey, Piece, Served};

/// An answer on its way to a client.
pub type Answer = http::Response<AnswerBody>;
