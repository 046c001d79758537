//! The gateway against the simulator, over real sockets: one binary for all integration tests.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

mod basis;
mod cli;
mod errors;
mod flights;
mod forward;
mod input;
mod keeping;
mod model;
mod native;
mod recorded;
mod recorded_yahoo;
mod snapshots;
mod stores;
mod surface;
mod tidy;
mod unified;
mod world;
mod yahoo;
mod yahoo_model;
