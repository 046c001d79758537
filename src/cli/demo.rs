//! `finex demo`: simulated providers, the gateway before them, and a visitor who shows what happens.

use super::{Failed, runtime};
use crate::app::App;
use crate::config::{Config, Provider};
use crate::observe::system_clock;
use finex_sim::Sim;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// As far away as a real provider.
const LATENCY: Duration = Duration::from_millis(120);

pub fn run(listen: String, once: bool) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let clock = system_clock();
        let sim = Sim::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), clock.clone()).await?;
        sim.set_latency(LATENCY);
        // A folder of its own: simulated prices never meet real ones.
        let folder = std::env::temp_dir().join(format!("finex-demo-{}", std::process::id()));
        let mut config = Config::default();
        config.server.listen = listen;
        config.cache.l3.path.clone_from(&folder);
        for id in ["binance", "yahoo"] {
            let provider = Provider { base_url: sim.url(), ..Provider::default() };
            config.providers.insert(id.into(), provider);
        }
        let app = App::build(config, clock, true)?;
        let listening = app.listen().await?;
        let shown = Show { base: format!("http://{}", listening.address), sim: &sim }.run().await;
        if shown.is_ok() && !once {
            stay(listening.address).await?;
        }
        listening.stop().await;
        let _ = std::fs::remove_dir_all(&folder);
        shown
    })
}

#[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
async fn stay(address: SocketAddr) -> Result<(), Failed> {
    println!("\nServing simulated data on http://{address} – Ctrl-C ends it. Point any client of theirs at");
    println!("  http://{address}/binance");
    println!("  http://{address}/yahoo");
    println!("or look at http://{address}/api/v1/providers and http://{address}/api/v1/cache/stats");
    tokio::signal::ctrl_c().await?;
    Ok(())
}

struct Show<'a> {
    base: String,
    sim: &'a Sim,
}

/// Hours since 1970 at the beginning of 2024, where the visitor looks.
const START: i64 = 473_352;

impl Show<'_> {
    #[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
    async fn run(&self) -> Result<(), Failed> {
        println!(
            "SIMULATED DATA: a simulated Binance and Yahoo, {} ms away, and finex before them\n",
            LATENCY.as_millis()
        );
        println!("{:<46} {:>6} {:>9} {:>6}  Cache-Status", "what the client asks", "bars", "ms", "calls");
        let hours = |from: i64, to: i64| {
            let (from, to) = (START + from, START + to - 1);
            let ms = 3_600_000;
            format!(
                "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime={}&endTime={}&limit=1000",
                from * ms,
                to * ms
            )
        };
        self.ask("January 2024, hour by hour, from cold", &hours(0, 744)).await?;
        self.ask("a week of it that nobody asked for before", &hours(200, 368)).await?;
        self.ask("the same again", &hours(200, 368)).await?;
        self.ask("January to the end of February: the rest", &hours(600, 1_440)).await?;
        self.ask("all of February, now owned", &hours(744, 1_440)).await?;
        self.ask("the newest 24 hours", "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=24").await?;
        self.ask("the newest 12, a moment later", "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=12").await?;
        self.ask(
            "a day of January through the unified API",
            "/api/v1/market-data/BTCUSDT/history?interval=1h&start_time=2024-01-10&end_time=2024-01-11",
        )
        .await?;
        let days = |from: i64, to: i64| {
            let day = 86_400;
            let (from, to) = (START * 3_600 + from * day, START * 3_600 + to * day);
            format!("/yahoo/v8/finance/chart/AAPL?period1={from}&period2={to}&interval=1d&events=div,splits")
        };
        self.ask("Yahoo: AAPL, the first half of 2024", &days(0, 182)).await?;
        self.ask("all of 2021, which nobody asked for before", &days(-1_096, -731)).await?;
        self.ask("and the year up to now, as a range", "/yahoo/v8/finance/chart/aapl?range=1y&interval=1d").await?;
        let made = self.sim.calls();
        println!("\n11 questions, {made} calls to the providers; without finex: 11. {} saved.", 11 - made.min(11));
        Ok(())
    }

    #[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
    async fn ask(&self, what: &str, url: &str) -> Result<(), Failed> {
        let failed = |e: reqwest::Error| Failed::Other(e.to_string());
        let (before, started) = (self.sim.calls(), Instant::now());
        let answer = reqwest::get(format!("{}{url}", self.base)).await.map_err(failed)?;
        let header =
            |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let (status, info) = (header("cache-status"), header("finex-cache-info"));
        let bars = info.split(", ").find_map(|part| part.strip_prefix("bars=")).unwrap_or("0").to_owned();
        answer.bytes().await.map_err(failed)?;
        let ms = started.elapsed().as_secs_f64() * 1e3;
        println!("{what:<46} {bars:>6} {ms:>9.2} {:>6}  {status}", self.sim.calls() - before);
        Ok(())
    }
}
