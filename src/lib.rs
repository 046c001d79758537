//! A caching gateway for financial market data.
//!
//! The modules stand in the order in which a request walks through them; each imports only from rows below its own
//! (`tests/it/tidy.rs` holds them to it). `ARCHITECTURE.md` has the map.

pub mod cli;

pub mod app;

pub mod edge;

pub mod route;

pub mod admin;
pub mod gateway;

pub mod plan;
pub mod render;

pub mod fetch;
pub mod store;

pub mod breaker;
pub mod frame;

pub mod config;
pub mod lasting;
pub mod observe;
pub mod secure;
