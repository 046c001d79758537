//! Bad input: a clear refusal in the right shape, nothing stored, nobody called.

use crate::world::*;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn native_routes_refuse_in_the_providers_shape() {
    let world = World::new().await;
    let long = format!("symbol={}&interval=1h", "A".repeat(10_000));
    let cases = [
        ("symbol=BTCUSDT&interval=7x", -1120),
        ("symbol=BTCUSDT&interval=1h&startTime=1704070800000&endTime=1704067200000", -1023),
        ("symbol=BTCUSDT&interval=1h&startTime=1704067200", -1130),
        ("symbol=BTCUSDT&interval=1h&endTime=1704067200", -1130),
        ("symbol=BTCUSDT&interval=1h&startTime=-1", -1100),
        ("symbol=BTCUSDT&interval=1h&startTime=99999999999999999999", -1130),
        ("symbol=BTCUSDT&interval=1h&limit=0", -1130),
        ("symbol=BTCUSDT&interval=1h&limit=-1", -1100),
        ("symbol=BTCUSDT&interval=1h&limit=1000000000", -1130),
        ("interval=1h", -1102),
        ("symbol=BTCUSDT", -1102),
        ("symbol=BTCUSDT&symbol=ETHUSDT&interval=1h", -1101),
        ("symbol=A:B&interval=1h", -1100),
        ("symbol=A/B&interval=1h", -1100),
        ("symbol=..&interval=1h", -1100),
        ("symbol=%00&interval=1h", -1100),
        ("symbol=A%0d%0aX-Evil:1&interval=1h", -1100),
        ("symbol=BTCUSDT&interval=1h&cb=123", -1104),
        (long.as_str(), -1100),
    ];
    for (query, code) in cases {
        let got = world.get(&format!("/binance/api/v3/klines?{query}")).await;
        let shown = &query[..query.len().min(60)];
        assert_eq!((got.status.as_u16(), got.code()), (400, code), "{shown}: {}", got.body);
        assert_eq!(got.header("cache-control"), "no-store");
        assert!(!got.header("finex-problem").is_empty());
        assert_eq!(got.header("x-evil"), "");
    }
    assert_eq!(world.calls(), 0);
    assert_eq!(world.app.gateway.tiers.catalog.len(), 0);
}

#[tokio::test]
async fn unified_routes_refuse_with_problems() {
    let world = World::new().await;
    let base = "/api/v1/market-data/";
    let long = format!("{}/history", "A".repeat(10_000));
    let cases = [
        ("BTCUSDT/history?interval=1x", 422),
        ("BTCUSDT/history?interval=2m", 422),
        ("BTCUSDT/history?start_time=2024-02-01&end_time=2024-01-01", 422),
        ("BTCUSDT/history?limit=0", 422),
        ("BTCUSDT/history?limit=-1", 422),
        ("BTCUSDT/history?limit=1000000000", 422),
        ("BTCUSDT/history?start_time=-5", 422),
        ("BTCUSDT/history?start_time=99999999999999", 422),
        ("BTCUSDT/history?startTime=2024-01-01", 422),
        ("BTCUSDT/history?interval=1h&interval=1d", 422),
        ("BTCUSDT/history?currency=eur", 422),
        ("BTCUSDT/history?provider=nobody", 404),
        ("btcusdt/history", 404),
        ("A:B/history", 404),
        ("A%2FB/history", 404),
        ("../history", 404),
        ("%00/history", 422),
        ("%0d%0a/history", 422),
        ("BTCUSDT/future", 404),
        ("BTCUSDT", 404),
        (long.as_str(), 422),
    ];
    for (path, status) in cases {
        let got = world.get(&format!("{base}{path}")).await;
        let shown = &path[..path.len().min(60)];
        assert_eq!(got.status, status, "{shown}: {}", got.body);
        assert_eq!(got.header("content-type"), "application/problem+json", "{shown}");
        assert_eq!(got.json()["status"].as_u64(), Some(u64::from(got.status.as_u16())));
        assert!(got.json()["detail"].as_str().is_some_and(|d| d.len() > 5), "{shown}");
    }
    let near = world.get(&format!("{base}BTCUSDT/history?startTime=2024-01-01")).await;
    assert!(near.body.contains("did you mean `start_time`"), "{}", near.body);
    assert_eq!(world.calls(), 0);
    assert_eq!(world.app.gateway.tiers.catalog.len(), 0);
}

#[tokio::test]
async fn an_unknown_symbol_leaves_no_trace() {
    let world = World::new().await;
    for n in 0..5 {
        let got = world.agree(&klines(&format!("NOPE{n}"), "1h", "")).await;
        assert_eq!(got.code(), -1121);
    }
    let got = world.get("/api/v1/market-data/NOPE/history").await;
    assert_eq!(got.status, 404, "{}", got.body);
    assert_eq!(world.app.gateway.tiers.catalog.len(), 0);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(world.app.gateway.flights_under_way(), 0);
    assert_eq!(
        std::fs::read_dir(world.folder.path()).expect("a folder").count(),
        3,
        "more than the lock file, the secret and what was spent"
    );
}

#[tokio::test]
async fn times_far_away_cost_nothing() {
    let world = World::new().await;
    let far = world.get(&format!("/binance{}", klines("BTCUSDT", "1m", "&startTime=4102444800000"))).await;
    assert_eq!((far.status.as_u16(), far.body.as_str()), (200, "[]"));
    assert_eq!(world.app.gateway.tiers.catalog.len(), 0, "nothing is remembered of nothing");
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_body_on_a_get_is_no_part_of_it() {
    let world = World::new().await;
    let path = format!("/binance{}", hours(0, 3));
    let got = world.send(world.request(Method::GET, &path).body("symbol=ETHUSDT")).await;
    assert_eq!(got.body, world.direct(&hours(0, 3)).await.body);
    let again = world.get(&path).await;
    assert_eq!(again.body, got.body);
}

/// Sends bytes as they are and reads the first line of the answer.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let address = world.base.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let _ = stream.write_all(bytes).await;
    let mut answer = vec![0; 512];
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read(&mut answer)).await;
    let n = read.expect("an answer in time").unwrap_or(0);
    String::from_utf8_lossy(&answer[..n]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let world = World::with(|config| config.server.header_timeout = finex::config::values::Span::millis(300)).await;
    for said in ["", "G", "P", "PRI * HTTP/2.0", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let address = world.base.trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        stream.write_all(said.as_bytes()).await.expect("written");
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(std::time::Duration::from_secs(3), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "still open after {said:?}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_at_the_door() {
    let world = World::new().await;
    let target = "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h";
    let big = format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Big: {}\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(5_000));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1 << 20));
    let cases = [
        format!("GET {target} HTTP/1.1\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: a@b\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        "GET * HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "\u{1}\u{2}\r\n\r\n".to_owned(),
        big,
        many,
        long,
    ];
    for case in cases {
        let line = raw(&world, case.as_bytes()).await;
        // A connection that is closed while we still write is a refusal too.
        let refused = line.is_empty() || line.contains(" 400 ") || line.contains(" 414 ") || line.contains(" 431 ");
        assert!(refused, "{}: {line}", &case[..case.len().min(80)]);
    }
    for path in
        ["/binance/api/v3/../v3/klines", "/binance/api/v3/%2e%2e/klines", "/binance/api%2fv3/klines", "/binance/a\\b"]
    {
        let line = raw(&world, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
        assert!(line.contains(" 400 "), "{path}: {line}");
    }
    assert_eq!(world.sim.received().len(), 0);
    assert_eq!(world.app.metrics.panics.get(), 0);
}
