//! A day of mixed traffic from a seed, and what of it the providers see.
//!
//! Of every hundred requests some 35 follow 10 series bar by bar, at 2 to 20 seconds after each close (five of minutes, three of five
//! minutes, two of hours); 35 are backtests: windows of 10 to 400 days of hours or days within two years, of five symbols by
//! Zipf's law; 15 are pages of 1,000 bars of scans, each of 20 pages of hours or quarters of an hour; 15 are charts of stocks:
//! days of Yahoo, Twelve Data and Polygon, of six symbols. `FINEX_DAY_REQUESTS` sets how many there are, `FINEX_DAY_PREFETCH=1`
//! switches prefetch on.

use crate::trouble::number;
use crate::world::*;
use finex::config::Config;

/// Of an ordinary run.
const REQUESTS: u64 = 10_000;
const SYMBOLS: [&str; 5] = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "SHIBUSDT"];
const STOCKS: [&str; 6] = ["AAPL", "MSFT", "NVDA", "IBM", "AAPL", "NVDA"];
const FOLLOWED: [(&str, &str, i64); 10] = [
    ("BTCUSDT", "1m", MINUTE),
    ("ETHUSDT", "1m", MINUTE),
    ("SOLUSDT", "1m", MINUTE),
    ("BNBUSDT", "1m", MINUTE),
    ("SHIBUSDT", "1m", MINUTE),
    ("BTCUSDT", "5m", 5 * MINUTE),
    ("ETHUSDT", "5m", 5 * MINUTE),
    ("SOLUSDT", "5m", 5 * MINUTE),
    ("BTCUSDT", "1h", HOUR),
    ("ETHUSDT", "1h", HOUR),
];

fn date(day: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(day * DAY).expect("a day");
    at.to_string()[..10].to_owned()
}

/// The `n`th of so many, the first twice as likely as the second, three times as the third.
fn zipf(random: &mut fastrand::Rng, of: usize) -> usize {
    let all: f64 = (1..=of).map(|n| 1.0 / n as f64).sum();
    let mut left = random.f64() * all;
    (0..of)
        .find(|n| {
            left -= 1.0 / (n + 1) as f64;
            left <= 0.0
        })
        .unwrap_or(of - 1)
}

/// Who follows a series asks for its closed bars after a close; each of them is one of `followers`.
fn follow(random: &mut fastrand::Rng, share: u64, out: &mut Vec<(i64, String)>) {
    let closes: i64 = FOLLOWED.iter().map(|(_, _, len)| DAY / len).sum();
    for (symbol, interval, len) in FOLLOWED {
        // So many follow each of them in turn as make up the share.
        let mut close = NOW - NOW % len + len;
        while close < NOW + DAY {
            let mut expected = share as f64 / closes as f64;
            while expected > 0.0 {
                if random.f64() < expected {
                    let at = close + random.i64(2 * SECOND..20 * SECOND);
                    out.push((
                        at,
                        format!("/binance{}", klines(symbol, interval, &format!("&endTime={}&limit=200", close - 1))),
                    ));
                }
                expected -= 1.0;
            }
            close += len;
        }
    }
}

fn backtests(random: &mut fastrand::Rng, share: u64, out: &mut Vec<(i64, String)>) {
    for _ in 0..share {
        let at = NOW + random.i64(0..DAY);
        let symbol = SYMBOLS[zipf(random, SYMBOLS.len())];
        let (interval, len, longest) = if random.bool() { ("1h", HOUR, 40) } else { ("1d", DAY, 400) };
        let from = (at / DAY - random.i64(30..730)) * DAY;
        let to = (from + random.i64(10..longest) * DAY).min(at / DAY * DAY) - 1;
        let window = format!("&startTime={from}&endTime={to}&limit={}", ((to - from) / len + 1).min(1_000));
        out.push((at, format!("/binance{}", klines(symbol, interval, &window))));
    }
}

fn scans(random: &mut fastrand::Rng, share: u64, out: &mut Vec<(i64, String)>) {
    const PAGES: i64 = 20;
    for _ in 0..share.div_ceil(PAGES as u64) {
        let mut at = NOW + random.i64(0..DAY - HOUR);
        let symbol = SYMBOLS[zipf(random, SYMBOLS.len())];
        let (interval, len) = if random.bool() { ("1h", HOUR) } else { ("15m", 15 * MINUTE) };
        let mut from = (NOW / DAY - 850) * DAY + random.i64(0..5) * DAY;
        for _ in 0..PAGES {
            let window = format!("&startTime={from}&limit=1000");
            out.push((at, format!("/binance{}", klines(symbol, interval, &window))));
            (at, from) = (at + random.i64(1..4) * SECOND, from + 1_000 * len);
            if from > NOW {
                break;
            }
        }
    }
}

fn charts(random: &mut fastrand::Rng, share: u64, out: &mut Vec<(i64, String)>) {
    for _ in 0..share {
        let at = NOW + random.i64(0..DAY);
        let symbol = STOCKS[random.usize(0..STOCKS.len())];
        let from = at / DAY - random.i64(60..700);
        let to = (from + random.i64(20..365)).min(at / DAY - 3);
        out.push((
            at,
            match random.u8(0..3) {
                0 => format!(
                    "/yahoo/v8/finance/chart/{symbol}?period1={}&period2={}&interval=1d",
                    from * 86_400,
                    to * 86_400
                ),
                1 => format!(
                    "/twelvedata/time_series?symbol={symbol}&interval=1day&start_date={}&end_date={}",
                    date(from),
                    date(to)
                ),
                _ => format!("/polygon/v2/aggs/ticker/{symbol}/range/1/day/{}/{}", date(from), date(to)),
            },
        ));
    }
}

fn trace(seed: u64, requests: u64) -> Vec<(i64, String)> {
    let (mut random, mut out) = (fastrand::Rng::with_seed(seed), Vec::new());
    follow(&mut random, requests * 35 / 100, &mut out);
    backtests(&mut random, requests * 35 / 100, &mut out);
    scans(&mut random, requests * 15 / 100, &mut out);
    charts(&mut random, requests * 15 / 100, &mut out);
    out.sort();
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_day_of_mixed_traffic_providers_see_little() {
    let requests = number("FINEX_DAY_REQUESTS").unwrap_or(REQUESTS);
    let prefetch = number("FINEX_DAY_PREFETCH").is_some();
    let world = World::with(|config: &mut Config| {
        config.prefetch.enabled = prefetch;
        config.providers.get_mut("binance").expect("settings").limits.insert("weight-1m".into(), 1_000_000);
    })
    .await;
    world.sim.yahoo().set_noise(false);
    let trace = trace(7, requests);
    let (mut hits, mut bars, mut fetched, mut failed) = (0u64, 0u64, 0u64, 0u64);
    let mut by_kind = std::collections::BTreeMap::<&str, [u64; 2]>::new();
    for (at, path) in &trace {
        // Whoever is due before this request has had his time.
        while prefetch && world.now() < *at {
            world.advance((*at - world.now()).min(SECOND.max((*at - world.now()) / 4)));
            world.app.gateway.look_ahead();
        }
        world.advance((*at - world.now()).max(0));
        if prefetch {
            world.settle().await;
        }
        let got = world.get(path).await;
        failed += u64::from(!got.status.is_success());
        let is_hit = u64::from(got.cache_status().starts_with("finex; hit"));
        hits += is_hit;
        let kind = match (path.starts_with("/binance"), path.contains("limit=200"), path.contains("endTime")) {
            (false, ..) => "charts",
            (_, true, _) => "followed",
            (_, _, true) => "backtests",
            _ => "scans",
        };
        let of = by_kind.entry(kind).or_default();
        *of = [of[0] + is_hit, of[1] + 1];
        let told = |name: &str| {
            let info = got.header("finex-cache-info");
            let value = info.split(", ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
        };
        (bars, fetched) = (bars + told("bars"), fetched + told("fetched"));
    }
    world.settle().await;
    if prefetch {
        world.app.gateway.look_ahead();
    }
    let (asked, calls) = (trace.len() as u64, world.calls());
    let share = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    let ahead = |name: &'static str| {
        let fetchers = world.app.gateway.fetchers();
        let of = |f: &std::sync::Arc<finex::fetch::Fetcher>| match name {
            "used" => f.metrics.ahead_used.get(),
            _ => f.metrics.ahead_made.get(),
        };
        fetchers.map(of).sum::<u64>()
    };
    println!(
        "{asked} requests, prefetch {prefetch}: {calls} calls, {:.1} % avoided; {:.1} % of requests and {:.2} % of {bars} bars \
         were held; {} calls ahead of time, {} of them used",
        share(asked - calls, asked),
        share(hits, asked),
        share(bars - fetched, bars),
        ahead("made"),
        ahead("used"),
    );
    println!("hits of requests: {by_kind:?}");
    assert_eq!(failed, 0);
    assert!(calls * 2 < asked, "{calls} calls for {asked} requests");
    assert!(fetched * 20 < bars, "{fetched} of {bars} bars were fetched for those who asked");
}
