//! What is about to be asked for is fetched in idle times, and told as used or wasted.

use crate::world::*;
use finex::config::Config;
use serde_json::Value;
use std::time::Duration;

async fn world() -> World {
    World::with(|config: &mut Config| {
        config.plan.widen = false;
        config.prefetch.enabled = true;
    })
    .await
}

/// The provider's own bars, whoever called for them.
async fn get(world: &World, native: &str) -> Got {
    let through = world.get(&format!("/binance{native}")).await;
    assert_eq!(through.status, 200, "{}", through.body);
    through
}

/// What became of calls made ahead of time: made, used, wasted.
async fn ahead(world: &World, id: &str) -> [u64; 3] {
    let told: Value = world.told_of(id).await["calls_ahead"].clone();
    ["made", "used", "wasted"].map(|name| told[name].as_u64().expect("a number"))
}

/// The same, once that many have become of them: it is told at the next look ahead.
async fn becomes(world: &World, id: &str, expected: [u64; 3]) {
    for _ in 0..200 {
        if ahead(world, id).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ahead(world, id).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_beside_a_scan_is_there_before_it_is_asked_for() {
    let world = world().await;
    for n in 0..3 {
        get(&world, &hours(n * 50, n * 50 + 50)).await;
    }
    becomes(&world, "binance", [1, 0, 0]).await;
    assert_eq!(world.calls(), 4);
    let got = get(&world, &hours(150, 200)).await;
    assert!(got.cache_status().starts_with("finex; hit"), "{}", got.cache_status());
    becomes(&world, "binance", [2, 1, 0]).await;
    // What nobody asks for within a day was for nobody.
    world.advance(DAY + HOUR);
    becomes(&world, "binance", [2, 1, 1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_bar_of_what_is_followed_is_fetched_at_its_close() {
    let world = world().await;
    let closed = |world: &World| {
        let end = world.now() - world.now() % HOUR;
        klines("BTCUSDT", "1h", &format!("&endTime={}&limit=24", end - 1))
    };
    for _ in 0..2 {
        get(&world, &closed(&world)).await;
        world.advance(HOUR - world.now() % HOUR + 10 * SECOND);
    }
    becomes(&world, "binance", [1, 0, 0]).await;
    let calls = world.calls();
    get(&world, &closed(&world)).await;
    assert_eq!(world.calls(), calls, "the bar was there");
    becomes(&world, "binance", [1, 1, 0]).await;
    // Whoever stops following is not fetched for.
    for _ in 0..3 {
        world.advance(HOUR);
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    assert!(world.calls() <= calls + 2, "{} calls for nobody", world.calls() - calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_ahead_where_it_is_switched_off() {
    let world = World::with(|config| config.plan.widen = false).await;
    for n in 0..4 {
        get(&world, &hours(n * 50, n * 50 + 50)).await;
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!((ahead(&world, "binance").await, world.calls()), ([0, 0, 0], 4));
}

/// Minutes of Yahoo are gone after a month; an allowance of a minute expires with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_falls_out_of_reach_is_saved_with_what_would_expire() {
    let world = World::with(|config| {
        config.plan.widen = false;
        config.prefetch.harvest = true;
    })
    .await;
    // A Friday; the edge is a Tuesday.
    world.advance(3 * DAY);
    let recent = world.now() / SECOND - 2 * 86_400;
    let path = format!("/yahoo/v8/finance/chart/NVDA?period1={recent}&period2={}&interval=5m", recent + 86_400);
    assert_eq!(world.get(&path).await.status, 200);
    world.advance(HOUR + MINUTE);
    becomes(&world, "yahoo", [1, 0, 0]).await;
    // A day later, what was then at the edge is still owned.
    let calls = world.calls();
    let edge = (world.now() - 59 * DAY) / SECOND + 86_400;
    let path = format!("/yahoo/v8/finance/chart/NVDA?period1={edge}&period2={}&interval=5m", edge + 6 * 3_600);
    let got = world.get(&path).await;
    assert!(got.cache_status().starts_with("finex; hit"), "{} {}", got.cache_status(), got.body);
    assert_eq!(world.calls(), calls);
}
