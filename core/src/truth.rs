//! The rules that make a cached bar right.

pub mod finality;
pub mod quality;
