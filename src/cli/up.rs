//! `finex up`.

use super::{Failed, runtime};
use crate::app::App;
use crate::config::Config;
use crate::observe::{log, system_clock};
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

pub fn run(config: Config) -> Result<(), Failed> {
    log::start(&config.log);
    runtime()?.block_on(async {
        let app = App::build(config, system_clock(), false)?;
        let listening = app.listen().await?;
        banner(&app, listening.address);
        wait_for_the_end().await?;
        tracing::info!("draining");
        listening.stop().await;
        Ok(())
    })
}

/// SIGTERM or SIGINT; a second one ends the process at once, as it would have without us.
async fn wait_for_the_end() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
fn banner(app: &App, address: SocketAddr) {
    println!("finex {} – caching gateway for market data", env!("CARGO_PKG_VERSION"));
    for fetcher in app.gateway.fetchers() {
        let manifest = fetcher.provider.manifest();
        println!("  {:<12} http://{address}/{}  in front of {}", manifest.id, manifest.id, manifest.base_url);
    }
    println!("  unified      http://{address}/api/v1/market-data/BTCUSDT/history?interval=1h");
    println!("  held         {} series", app.restored);
    println!("Try it twice; the second answer comes from memory:");
    println!(
        "  curl -sD- -o /dev/null 'http://{address}/binance/api/v3/klines?symbol=BTCUSDT&interval=1h' | grep -i cache-status"
    );
}
