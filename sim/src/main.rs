//! A simulated Binance and Yahoo to talk to by hand or from other languages: `finex-sim [ADDRESS]`.
//!
//! `GET /sim/calls` says how many series requests it has seen.

use finex_core::time::Ts;
use finex_sim::Sim;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

#[allow(clippy::print_stdout, reason = "whoever starts it reads where it listens")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let address: SocketAddr = address.parse().map_err(std::io::Error::other)?;
    let clock = Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_millis() as Ts
    });
    let sim = Sim::start(address, clock).await?;
    println!("{}", sim.url());
    std::future::pending().await
}
