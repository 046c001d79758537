//! Simulated providers, with their limits, quirks and faults.
//!
//! Prices are a pure function of symbol and time, so every answer that a gateway gives can be compared with the truth.
//! A simulator knows the vocabulary of finex and nothing else of it: sharing codecs would prove nothing.

pub mod binance;
pub mod faults;
pub mod prices;
pub mod server;
pub mod yahoo;

pub use faults::{Fault, Faults};
pub use server::{Received, Sim};
pub use yahoo::Yahoo;
