//! Simulated providers, with their limits, quirks and faults.
//!
//! Prices are a pure function of symbol and time, so every answer that a gateway gives can be compared with the truth.
//! A simulator knows the vocabulary of finex and nothing else of it: sharing codecs would prove nothing.

mod alpaca;
mod alphavantage;
pub mod binance;
mod body;
mod coingecko;
mod facade;
pub mod faults;
mod finnhub;
mod fred;
mod holidays;
mod instruments;
mod json;
mod market;
mod polygon;
pub mod prices;
pub mod server;
mod stocks;
mod tape;
mod tiingo;
mod twelvedata;
pub mod yahoo;

pub use facade::Account;
pub use faults::{Fault, Faults};
pub use server::{Received, Sim};
pub use stocks::Stocks;
pub use yahoo::Yahoo;
