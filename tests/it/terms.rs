//! What a client says of the age of its answer is kept to, in a header and as a parameter.

use crate::world::*;
use finex::config::values::Span;
use finex_sim::Fault;
use std::time::Duration;

const NEWEST: &str = "&limit=5";

/// The newest five hours; the last of them grows, and lives for a minute.
fn newest() -> String {
    format!("/binance{}", klines("BTCUSDT", "1h", NEWEST))
}

async fn held() -> World {
    held_with(|_| {}).await
}

async fn held_with(adjust: impl FnOnce(&mut finex::config::Config)) -> World {
    let world = World::with(adjust).await;
    assert_eq!(world.get(&newest()).await.status, 200);
    world.settle().await;
    assert_eq!(world.calls(), 1);
    world
}

/// By parameter, which wins over the header.
async fn ask(world: &World, directives: &str) -> Got {
    world.get(&format!("{}&finex.cache={directives}", newest())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn max_age_and_min_fresh_fetch_again_what_is_too_old() {
    let world = held().await;
    world.advance(20 * SECOND);
    for (directives, calls) in [("max-age=20", 1), ("min-fresh=40", 1), ("max-age=19", 2), ("max-age%3D0", 2)] {
        let got = ask(&world, directives).await;
        assert_eq!((got.status.as_u16(), world.calls()), (200, calls), "{directives}");
    }
    world.advance(20 * SECOND);
    assert_eq!((ask(&world, "min-fresh=41").await.opens().len(), world.calls()), (5, 3));
    // Nothing lives that long: what the provider says now is what there is.
    assert_eq!((ask(&world, "min-fresh=86400").await.opens().len(), world.calls()), (5, 4));
    world.advance(SECOND);
    let by_header = world.get_with(&newest(), "cache-control", "max-age=0, nonsense, max-stale=x").await;
    assert_eq!((by_header.opens().len(), world.calls()), (5, 5));
    assert_eq!((ask(&world, "max-age=0").await.header("age"), world.calls()), ("0", 5));
    let never_sent = |call: &finex_sim::Received| !call.query.contains("finex");
    assert!(world.sim.received().iter().all(never_sent));
}

#[tokio::test(flavor = "multi_thread")]
async fn final_bars_do_not_age() {
    let world = World::new().await;
    world.agree(&hours(0, 10)).await;
    world.advance(3 * DAY);
    let path = format!("/binance{}", hours(2, 8));
    let got = world.get_with(&path, "cache-control", "max-age=0, min-fresh=3600").await;
    assert_eq!((got.opens().len(), got.header("age"), world.calls()), (6, "0", 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn max_stale_serves_what_is_past_its_life_and_fetches_it_behind() {
    let world = held().await;
    world.advance(89 * SECOND);
    let got = ask(&world, "max-stale=30").await;
    assert_eq!(got.status, 200);
    assert!(got.cache_status().starts_with("finex; hit; ttl=-29"), "{}", got.cache_status());
    assert_eq!((got.header("age"), got.header("cache-control")), ("89", "private, max-age=0"));
    assert!(got.header("finex-warning").contains("past their life"), "{}", got.header("finex-warning"));
    world.settle().await;
    assert_eq!(world.calls(), 2, "behind the answer");
    assert!(world.get(&newest()).await.cache_status().starts_with("finex; hit; ttl=60"));
    world.advance(91 * SECOND);
    let got = ask(&world, "max-stale=30").await;
    assert!(got.cache_status().starts_with("finex; fwd"), "{}", got.cache_status());
    assert_eq!(world.calls(), 3);
    world.advance(HOUR / 2);
    assert_eq!((ask(&world, "max-stale,only-if-cached").await.opens().len(), world.calls()), (5, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_may_serve_everybody_so() {
    let world = held_with(|config| config.cache.stale_while_revalidate = Span::seconds(30)).await;
    world.advance(89 * SECOND);
    let got = world.get(&newest()).await;
    assert!(got.cache_status().starts_with("finex; hit; ttl=-29"), "{}", got.cache_status());
    world.settle().await;
    assert_eq!(world.calls(), 2);
    world.advance(89 * SECOND);
    assert!(ask(&world, "max-age=60").await.cache_status().starts_with("finex; fwd"), "the client knows better");
    assert!(world.get(&newest()).await.cache_status().starts_with("finex; hit; ttl=60"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cache_asks_the_provider_and_takes_its_word() {
    let world = World::new().await;
    let truth = world.agree(&hours(0, 10)).await;
    let (open, close) = (truth.rows()[4][1].clone(), truth.rows()[4][4].clone());
    let other = open.as_str().expect("an open");
    let wrong = truth.body.replace(close.as_str().expect("a close"), other);
    assert_ne!(open, close);
    let fault = Fault::Status { status: 200, content_type: "application/json", body: wrong, retry_after: None };
    let path = format!("/binance{}&finex.cache=no-cache", hours(0, 10));
    // The provider changes its mind, and back.
    world.advance(SECOND);
    world.sim.faults().inject(fault, 1);
    let changed = world.get(&path).await;
    assert_eq!((changed.rows()[4][4].as_str(), world.calls()), (Some(other), 3));
    world.advance(SECOND);
    assert_eq!((world.get(&path).await.body, world.calls()), (truth.body.clone(), 4));
    assert_eq!((world.get(&format!("/binance{}", hours(0, 10))).await.body, world.calls()), (truth.body, 4));
    let wide = format!("/binance{}&finex.cache=no-cache", hours(0, 600));
    assert_eq!(world.get(&wide).await.body, world.direct(&hours(0, 600)).await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_if_cached_calls_nobody() {
    let world = World::new().await;
    let got = ask(&world, "only-if-cached").await;
    assert_eq!((got.status.as_u16(), got.code(), world.calls()), (504, -1007, 0));
    let forwarded = world.get("/binance/api/v3/time?finex.cache=only-if-cached").await;
    assert_eq!((forwarded.status.as_u16(), world.sim.received().len()), (504, 0));
    world.get(&newest()).await;
    assert_eq!(ask(&world, "only-if-cached").await.opens().len(), 5);
    let unified = "/api/v1/market-data/BTCUSDT/history?interval=1h&limit=";
    assert_eq!(world.get(&format!("{unified}4&cache=only-if-cached")).await.status, 200);
    assert_eq!(world.get(&format!("{unified}4000&cache=only-if-cached")).await.status, 504);
    assert_eq!(world.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_store_keeps_nothing() {
    let world = World::new().await;
    let got = ask(&world, "no-store").await;
    assert_eq!((got.opens().len(), world.calls()), (5, 1));
    assert!(got.cache_status().starts_with("finex; fwd=bypass"), "{}", got.cache_status());
    assert!(world.app.gateway.tiers.catalog.is_empty());
    let unified = "/api/v1/market-data/BTCUSDT/history?interval=1h&limit=4&cache=no-store";
    assert_eq!(world.get(unified).await.status, 422);
    world.get(&newest()).await;
    assert!(ask(&world, "no-store").await.cache_status().starts_with("finex; hit"));
    assert_eq!((world.get(unified).await.status.as_u16(), world.calls()), (200, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_is_not_understood_is_refused() {
    let world = World::new().await;
    for bad in ["max-age", "fresh", "max-age=-1", "no-cache%3D1"] {
        let got = ask(&world, bad).await;
        assert_eq!(got.status, 400, "{bad}");
        assert!(got.header("finex-problem").contains("is no directive"), "{}", got.header("finex-problem"));
        let unified = format!("/api/v1/market-data/BTCUSDT/history?cache={bad}");
        assert_eq!(world.get(&unified).await.status, 422, "{bad}");
    }
    assert_eq!(world.sim.received().len(), 0);
}

/// A provider that hangs: whoever can be served something past its life is not left waiting, and the flight goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_provider_keeps_nobody_waiting_who_can_be_served() {
    let world = held_with(|config| config.cache.stale_patience = Span::millis(30)).await;
    world.advance(2 * MINUTE);
    world.sim.set_latency(Duration::from_millis(700));
    let got = world.get(&newest()).await;
    assert!(got.cache_status().starts_with("finex; hit; ttl=-60"), "{}", got.cache_status());
    assert!(got.header("finex-warning").contains("stale_patience"), "{}", got.header("finex-warning"));
    world.settle().await;
    assert_eq!(world.calls(), 2);
    assert!(world.get(&newest()).await.cache_status().starts_with("finex; hit; ttl=60"), "the flight landed");
}

/// A first attempt that fails: the next one goes on behind the answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_failure_is_answered_from_memory_and_tried_again_behind() {
    let world = held_with(|config| {
        let binance = config.providers.get_mut("binance").expect("settings");
        binance.retry.budget = 1.0;
        binance.retry.base = Span::millis(300);
        config.cache.stale_patience = Span::seconds(30);
    })
    .await;
    world.advance(2 * MINUTE);
    world.sim.faults().inject(Fault::status(503), 1);
    let got = world.get(&newest()).await;
    assert!(got.cache_status().starts_with("finex; hit; ttl=-60"), "{}", got.cache_status());
    assert!(got.header("finex-warning").contains("another one is under way"), "{}", got.header("finex-warning"));
    world.settle().await;
    assert_eq!(world.calls(), 3);
    assert!(world.get(&newest()).await.cache_status().starts_with("finex; hit; ttl=60"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_take_older_bars_where_the_provider_fails() {
    let world = held().await;
    world.advance(5 * HOUR);
    let fails = || Fault::status(500);
    world.sim.faults().inject(fails(), 1);
    assert_eq!(world.get(&newest()).await.status, 503);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    world.sim.faults().inject(fails(), 1);
    let got = ask(&world, "stale-if-error=18000").await;
    assert_eq!((got.opens().len(), got.header("age")), (5, "18000"));
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    world.sim.faults().inject(fails(), 1);
    assert_eq!(ask(&world, "stale-if-error=60").await.status, 503);
}
