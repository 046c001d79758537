//! A provider that fails in any way there is: what is held is served, nothing wrong is kept, and it is asked again when it is well.

use crate::trouble::resident;
use crate::world::*;
use finex::config::{Config, values::Span};
use finex_sim::Fault;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn hasty(config: &mut Config) {
    config.plan.widen = false;
    config.cache.stale_patience = Span::millis(100);
    let binance = config.providers.get_mut("binance").expect("settings");
    binance.timeout.connect = Span::millis(300);
    binance.timeout.attempt = Span::millis(400);
    binance.timeout.total = Span::millis(800);
}

/// A server of one answer, and how often it was asked.
async fn server(answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let (address, asked) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let (answer, count) = (Arc::new(answer), asked.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, count) = (answer.clone(), count.clone());
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                let _ = stream.read(&mut head).await;
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(&answer).await;
            });
        }
    });
    (address, asked)
}

fn newest() -> String {
    klines("BTCUSDT", "1h", "&limit=5")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_outage_is_contained_and_got_over() {
    let (elsewhere, visits) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_vec()).await;
    let pause =
        Fault::Status { status: 429, content_type: "text/html", body: "slow down".into(), retry_after: Some(1) };
    let faults = [
        ("F27 5xx", Fault::status(500)),
        ("F28 hang", Fault::Hang),
        ("F29 reset", Fault::Reset),
        ("F30 truncated", Fault::Cut),
        ("F31 garbage", Fault::Html),
        ("F32 drip", Fault::Drip(Duration::from_millis(60))),
        ("F33 429", pause),
        ("redirect", Fault::Redirect(format!("http://{elsewhere}/api/v3/klines"))),
        ("endless", Fault::Endless),
    ];
    println!("fault            held  growing  cold  calls  answered again after");
    for (name, fault) in faults {
        let world = World::with(hasty).await;
        world.agree(&newest()).await;
        world.agree(&hours(0, 10)).await;
        world.advance(2 * MINUTE);
        let calls = world.calls();
        world.sim.faults().always(fault);
        let held = world.get(&format!("/binance{}", hours(2, 8))).await;
        assert!(held.cache_status().starts_with("finex; hit"), "{name}: {}", held.cache_status());
        let growing = world.get(&format!("/binance{}", newest())).await;
        assert!(growing.cache_status().starts_with("finex; hit; ttl=-"), "{name}: {}", growing.cache_status());
        assert_eq!((growing.opens().len(), growing.header("age")), (5, "120"), "{name}");
        let cold = world.get(&format!("/binance{}", klines("ETHUSDT", "1d", "&limit=5"))).await;
        assert!(cold.status.as_u16() >= 429 && cold.code() < 0, "{name}: {} {}", cold.status, cold.body);
        assert!(cold.header("cache-control").contains("no-store"), "{name}");
        let (spent, cleared) = (world.calls() - calls, Instant::now());
        world.sim.faults().clear();
        let again = loop {
            let got = world.get(&format!("/binance{}", newest())).await;
            if got.cache_status().starts_with("finex; fwd=partial") || got.header("age") == "0" {
                break got;
            }
            assert!(cleared.elapsed() < Duration::from_secs(30), "{name}: {}", got.cache_status());
            // What a refusal asks to wait is counted by the gateway's clock.
            world.advance(20);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let took = cleared.elapsed();
        assert_eq!(again.opens().len(), 5);
        world.agree(&newest()).await;
        // A failure is remembered for a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        world.agree(&klines("ETHUSDT", "1d", "&limit=5")).await;
        assert_eq!(world.app.metrics.panics.get(), 0);
        println!("{name:<16} hit   stale    {}   {spent:>5}  {:.1} s", cold.status.as_u16(), took.as_secs_f64());
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0, "a redirect was followed");
}

/// Names that do not resolve, ports that nobody listens on, and what speaks no TLS.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_an_error_in_words() {
    let (plain, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_vec()).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    for base in ["http://no-such-host.invalid".to_owned(), format!("http://{closed}"), format!("https://{plain}")] {
        let world = World::with(|config| {
            hasty(config);
            config.providers.get_mut("binance").expect("settings").base_url = base.clone();
        })
        .await;
        let got = world.get(&format!("/binance{}", newest())).await;
        assert!([503, 504].contains(&got.status.as_u16()) && got.code() < 0, "{base}: {} {}", got.status, got.body);
        let problem = got.header("finex-problem");
        assert!(problem.contains("cannot connect") || problem.contains("in time"), "{base}: {problem}");
        assert!(!problem.contains("://"), "{problem}");
        assert_eq!(world.told_of("binance").await["last_error"]["class"], "up");
        assert!(world.app.gateway.tiers.catalog.is_empty());
    }
}

/// 64 MiB of nothing, packed into some dozen KiB.
#[tokio::test(flavor = "multi_thread")]
async fn what_unpacks_to_more_than_may_be_read_is_refused() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &vec![b' '; 64 << 20]).expect("packed");
    let body = packed.finish().expect("packed");
    assert!(body.len() < 100_000);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n";
    let answer = [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat();
    let (bomb, asked) = server(answer).await;
    let world = World::with(|config| {
        let binance = config.providers.get_mut("binance").expect("settings");
        binance.base_url = format!("http://{bomb}");
        binance.max_body = finex::config::values::Bytes(1 << 20);
    })
    .await;
    let got = world.get(&format!("/binance{}", newest())).await;
    assert_eq!(got.status, 503, "{}", got.body);
    assert!(got.header("finex-problem").contains("larger than 1048576 bytes"), "{}", got.header("finex-problem"));
    assert!(asked.load(Ordering::SeqCst) >= 1);
}

/// A thousand clients, each with a window of its own, and a provider that never answers: few calls are under way at a time, and
/// all clients get their answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_of_a_provider_that_hangs_are_all_answered() {
    let world = World::with(hasty).await;
    world.sim.faults().always(Fault::Hang);
    let paths: Vec<String> =
        (0..1_000).map(|n| format!("/binance{}", hours(n * 20 - 30_000, n * 20 - 29_990))).collect();
    let got = join_all(paths.iter().map(|path| world.get(path))).await;
    assert!(got.iter().all(|got| matches!(got.status.as_u16(), 503 | 504)));
    println!("1000 clients, {} calls, {} MiB", world.calls(), resident() >> 20);
    // Thirty-two at a time, until five in a row have failed; and those that were let through to see whether it is well again.
    assert!(world.calls() <= 40, "{} calls", world.calls());
    world.sim.faults().clear();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.agree(&newest()).await;
    assert_eq!(world.app.gateway.flights_under_way(), 0);
}

/// Only where it is known what is usual, and where enough is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_slow_beyond_what_is_usual_has_a_second_one() {
    for (quota, calls) in [(1_000_000, 2), (32, 1)] {
        let world = World::with(|config| {
            config.plan.widen = false;
            config.providers.get_mut("finnhub").expect("settings").limits.insert("calls-1m".into(), quota);
        })
        .await;
        let candles = |n: i64| {
            let from = 1_000_000_000 + n * 10 * 86_400;
            format!("/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from={from}&to={}", from + 3 * 86_400)
        };
        for n in 0..25 {
            assert_eq!(world.get(&candles(n)).await.status, 200);
        }
        let before = world.calls();
        world.sim.faults().inject(Fault::Slow(Duration::from_millis(1_500)), 1);
        assert_eq!(world.get(&candles(30)).await.status, 200);
        assert_eq!(world.calls() - before, calls, "of {quota} a minute");
        let hedged = format!("finex_upstream_hedged_total{{provider=\"finnhub\"}} {}", calls - 1);
        assert!(world.get("/metrics").await.body.contains(&hedged));
    }
}

/// F41: whoever was let in is answered, and so is what he waits for.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_under_way_is_answered_when_the_gateway_ends() {
    let world = World::with(|config| {
        config.plan.widen = false;
        let binance = config.providers.get_mut("binance").expect("settings");
        (binance.timeout.attempt, binance.timeout.total) = (Span::seconds(60), Span::seconds(60));
        config.server.drain = Span::seconds(60);
    })
    .await;
    world.sim.faults().always(Fault::Slow(Duration::from_millis(1_500)));
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = |n: i64| format!("{}/binance{}", world.base, hours(n * 100, n * 100 + 10));
    let asked: Vec<_> = (0..50).map(|n| tokio::spawn(http.get(url(n)).send())).collect();
    for _ in 0..400 {
        if world.app.metrics.in_flight.get() >= 50 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world.stop().await;
    for answer in asked {
        assert_eq!(answer.await.expect("no panic").expect("an answer").status(), 200);
    }
}
