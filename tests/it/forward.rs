//! What is no series goes through as it is.

use crate::world::*;
use http::Method;

#[tokio::test]
async fn method_path_query_body_and_end_to_end_headers_arrive() {
    let world = World::new().await;
    let body = "symbol=BTCUSDT&side=BUY&x=%20\u{e9}";
    let request = world
        .request(Method::DELETE, "/binance/echo?b=2&a=1&sig=%2F%2b")
        .header("x-mbx-apikey", "a key")
        .header("x-custom", "kept")
        .header("connection", "x-hop, keep-alive")
        .header("x-hop", "dropped")
        .header("te", "trailers")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA")
        .body(body);
    let got = world.send(request).await;
    assert_eq!((got.status.as_u16(), got.body.as_str()), (207, body));
    assert_eq!(got.header("set-cookie"), "sim=1; Path=/");
    assert_eq!(got.header("keep-alive"), "", "a hop-by-hop header came through");
    assert!(got.cache_status().contains("fwd=method"), "{}", got.cache_status());
    let seen = world.sim.received().pop().expect("a request");
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("DELETE", "/echo"));
    assert_eq!(seen.query, "b=2&a=1&sig=%2F%2b");
    let header = |name: &str| seen.headers.get(name).map(|v| v.to_str().expect("text").to_owned());
    assert_eq!(header("x-custom").as_deref(), Some("kept"));
    assert_eq!(header("x-mbx-apikey").as_deref(), Some("a key"));
    for gone in ["x-hop", "te", "upgrade", "http2-settings"] {
        assert_eq!(header(gone), None, "{gone}");
    }
    assert_eq!(header("host").as_deref(), Some(world.sim.url().trim_start_matches("http://")));
}

#[tokio::test]
async fn other_endpoints_and_their_errors_come_through() {
    let world = World::new().await;
    for path in [
        "/api/v3/ping",
        "/api/v3/time",
        "/api/v3/exchangeInfo",
        "/api/v3/ticker/price?symbol=BTCUSDT",
        "/api/v3/ticker/24hr?symbol=NOPE",
        "/nowhere",
    ] {
        let got = world.agree(path).await;
        assert!(got.cache_status().contains("fwd=bypass"), "{path}: {}", got.cache_status());
        assert!(!got.header("x-mbx-used-weight-1m").is_empty());
    }
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_post_to_klines_is_forwarded_not_answered() {
    let world = World::new().await;
    let got = world.send(world.request(Method::POST, &format!("/binance{}", hours(0, 3)))).await;
    assert!(got.cache_status().contains("fwd=method"), "{}", got.cache_status());
}

#[tokio::test]
async fn redirects_are_handed_on_not_followed() {
    let world = World::new().await;
    world.sim.faults().inject(finex_sim::Fault::Redirect("http://127.0.0.1:1/latest".into()), 1);
    let got = world.get(&format!("/binance{}", hours(0, 3))).await;
    assert_eq!(got.status, 503);
    assert_eq!(got.code(), -1001);
}
