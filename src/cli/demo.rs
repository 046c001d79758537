//! `finex demo`: simulated providers, the gateway before them, and a visitor who shows what happens.

use super::{Failed, runtime};
use crate::app::App;
use crate::config::{BUILT_IN, Config, Provider};
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
        for (id, provider) in &mut config.providers {
            // What the demonstration asks for in a minute is more than a free plan has.
            let plenty = ["calls-1s", "calls-1m", "calls-1h", "calls-1d", "credits-1m", "credits-1d"];
            let limits = plenty.map(|name| (name.to_owned(), 1_000_000)).into();
            *provider = Provider { base_url: format!("{}/{id}", sim.url()), limits, ..Provider::default() };
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
    for id in BUILT_IN {
        println!("  http://{address}/{id}");
    }
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

/// A question and a narrower one for each of the other providers, in their own words.
const OTHERS: [(&str, &str); 15] = [
    (
        "Twelve Data: two stocks and a currency at once",
        "/twelvedata/time_series?symbol=AAPL,MSFT,EUR/USD&interval=1day&start_date=2023-01-02&end_date=2023-12-29",
    ),
    (
        "one of them, oldest first",
        "/twelvedata/time_series?symbol=MSFT&interval=1day&start_date=2023-03-01&end_date=2023-05-31&order=asc",
    ),
    (
        "Alpha Vantage: all days of IBM",
        "/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&outputsize=full&apikey=demo",
    ),
    (
        "the newest hundred, as CSV",
        "/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&outputsize=compact&datatype=csv&apikey=demo",
    ),
    ("CoinGecko: ninety days, hour by hour", "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=90"),
    ("the last week of it", "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=7"),
    ("Polygon: minutes of a week", "/polygon/v2/aggs/ticker/AAPL/range/1/minute/2024-02-05/2024-02-09?limit=50000"),
    (
        "an afternoon of them, newest first",
        "/polygon/v2/aggs/ticker/AAPL/range/1/minute/1707332400000/1707339600000?sort=desc&limit=50000",
    ),
    ("Tiingo: a year with dividends", "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-01-03&endDate=2023-12-29"),
    ("its second quarter", "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-04-03&endDate=2023-06-30"),
    (
        "Alpaca: three stocks",
        "/alpaca/v2/stocks/bars?symbols=AAPL,IBM,NVDA&timeframe=1Day&start=2023-01-03&end=2023-12-29&limit=10000",
    ),
    ("one of them", "/alpaca/v2/stocks/NVDA/bars?timeframe=1Day&start=2023-02-01&end=2023-03-31"),
    ("Finnhub: daily candles", "/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1672704000&to=1703808000"),
    ("some of them", "/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1680480000&to=1688083200"),
    (
        "FRED goes through",
        "/fred/fred/series/observations?series_id=DGS10&observation_start=2024-01-01&observation_end=2024-02-01&file_type=json&api_key=abcdefghijklmnopqrstuvwxyz123456",
    ),
];

impl Show<'_> {
    #[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
    async fn run(&self) -> Result<(), Failed> {
        println!("SIMULATED DATA: ten simulated providers, {} ms away, and finex before them\n", LATENCY.as_millis());
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
        println!();
        for (what, url) in OTHERS {
            self.ask(what, url).await?;
        }
        let (asked, made) = (11 + OTHERS.len() as u64, self.sim.calls());
        println!(
            "\n{asked} questions, {made} calls to the providers; without finex: {asked}. {} saved.",
            asked - made.min(asked)
        );
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
