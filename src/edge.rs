//! Accepting connections.

pub mod check;
pub mod listener;
pub mod rescue;
pub mod stack;
