//! The gateway against the simulator, over real sockets: one binary for all integration tests.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout, unreachable_pub)]

mod basis;
mod batches;
mod cli;
mod disk;
mod edges;
mod errors;
mod flights;
mod forward;
mod input;
mod invented;
mod keeping;
mod keys;
mod limits;
mod market;
mod model;
mod native;
mod others;
mod outages;
mod pages;
mod recorded;
mod recorded_yahoo;
mod refusals;
mod since;
mod snapshots;
mod stores;
mod surface;
mod terms;
mod tidy;
mod trouble;
mod truth;
mod unified;
mod warm;
mod world;
mod yahoo;
mod yahoo_model;
