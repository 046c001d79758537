//! The rules that make a cached bar right.

pub mod basis;
pub mod finality;
pub mod quality;
