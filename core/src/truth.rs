//! The rules that make a cached bar right.

pub mod agreement;
pub mod basis;
pub mod finality;
pub mod quality;
