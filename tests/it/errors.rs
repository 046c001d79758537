//! The error table: no refusal and no broken body is ever stored, the client gets the provider's own error, and the
//! next ask after the hold is right again.

use crate::world::*;
use finex_sim::Fault;
use std::time::Duration;

/// What every fault must leave behind: nothing.
async fn afterwards(world: &World, what: &str) {
    world.settle().await;
    assert!(world.app.gateway.tiers.catalog.all().iter().all(|cell| cell.snapshot().is_empty()), "{what} was kept");
    assert_eq!(world.app.metrics.panics.get(), 0, "{what}");
    world.sim.faults().clear();
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    world.agree(&hours(0, 50)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_reach_the_client_as_the_provider_wrote_them() {
    let cases = [
        (Fault::refusal(400, -1120, "Invalid interval.", None), 400, -1120, None),
        (Fault::refusal(400, -1121, "Invalid symbol.", None), 400, -1121, None),
        (Fault::refusal(400, -1127, "Lookup interval is too big.", None), 400, -1127, None),
        (Fault::refusal(500, -1000, "An unknown error occurred.", None), 500, -1000, None),
        (Fault::refusal(503, -1008, "Server is currently overloaded.", None), 503, -1008, None),
        (Fault::refusal(429, -1003, "Too many requests queued.", Some(1)), 429, -1003, Some("1")),
        (Fault::refusal(418, -1003, "IP banned until 1.", Some(1)), 418, -1003, Some("1")),
    ];
    for (fault, status, code, retry_after) in cases {
        let world = World::new().await;
        world.sim.faults().always(fault);
        let got = world.get(&format!("/binance{}", hours(0, 50))).await;
        assert_eq!((got.status.as_u16(), got.code()), (status, code), "{}", got.body);
        assert_eq!(got.header("cache-control"), "no-store");
        assert_eq!(got.headers.get("retry-after").and_then(|v| v.to_str().ok()), retry_after);
        world.advance(2 * SECOND);
        afterwards(&world, &format!("{status} {code}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_data_become_the_providers_error() {
    let faults = [
        Fault::Html,
        Fault::NanToken,
        Fault::Foreign,
        Fault::WrongType,
        Fault::Cut,
        Fault::Reset,
        Fault::Reversed,
        Fault::OtherInterval,
        Fault::Endless,
        Fault::status(403),
        Fault::status(502),
        Fault::Redirect("/elsewhere".into()),
        Fault::Status {
            status: 200,
            content_type: "application/json",
            body: "{\"code\":-1000,\"msg\":\"no\"}".into(),
            retry_after: None,
        },
        Fault::Status { status: 200, content_type: "application/json", body: String::new(), retry_after: None },
        Fault::Status { status: 200, content_type: "application/json", body: "[[1,2,3]]".into(), retry_after: None },
        Fault::Status { status: 204, content_type: "application/json", body: String::new(), retry_after: None },
    ];
    for fault in faults {
        let world = World::new().await;
        world.sim.faults().always(fault.clone());
        let got = world.get(&format!("/binance{}", hours(0, 50))).await;
        assert!(got.status.is_server_error(), "{fault:?}: {} {}", got.status, got.body);
        assert!(got.code() <= -1000, "{fault:?}: {}", got.body);
        afterwards(&world, &format!("{fault:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_or_drips_is_given_up_in_time() {
    for fault in [Fault::Hang, Fault::Drip(Duration::from_millis(300))] {
        let world = World::with(|config| {
            let provider = config.providers.get_mut("binance").expect("binance");
            provider.timeout.attempt = finex::config::values::Span::millis(300);
        })
        .await;
        world.sim.faults().always(fault.clone());
        let got = world.get(&format!("/binance{}", hours(0, 50))).await;
        assert_eq!((got.status.as_u16(), got.code()), (504, -1007), "{fault:?}");
        afterwards(&world, &format!("{fault:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_rows_are_one_row() {
    let world = World::new().await;
    world.sim.faults().inject(Fault::Duplicated, 1);
    let got = world.get(&format!("/binance{}", hours(0, 50))).await;
    assert_eq!(got.body, world.direct(&hours(0, 50)).await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_implausible_row_is_served_marked_and_asked_for_again() {
    let world = World::new().await;
    world.sim.faults().inject(Fault::Implausible, 1);
    let window = format!("&startTime={}&limit=1000", NEW_YEAR);
    let first = world.get(&format!("/binance{}", klines("BTCUSDT", "1h", &window))).await;
    assert_eq!(first.opens().len(), 1_000);
    assert_eq!(world.app.metrics.rejected_bars.get(), 1);
    assert_ne!(first.body, world.direct(&klines("BTCUSDT", "1h", &window)).await.body);
    world.settle().await;
    let cell = world.app.gateway.tiers.catalog.all().remove(0);
    assert_eq!(cell.snapshot().loose.len(), 1, "it is not among the final bars");
    world.advance(2 * HOUR);
    world.agree(&klines("BTCUSDT", "1h", &window)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_implausible_row_twice_is_the_providers_word() {
    let world = World::new().await;
    world.sim.faults().always(Fault::Implausible);
    let path = format!("/binance{}", klines("BTCUSDT", "1h", &format!("&startTime={NEW_YEAR}&limit=1000")));
    let first = world.get(&path).await;
    world.advance(2 * HOUR);
    // Asked for by itself, the odd row is the middle one of its answer again.
    let second = world.get(&path).await;
    let calls = world.calls();
    world.advance(2 * HOUR);
    let third = world.get(&path).await;
    assert_eq!((third.opens().len(), first.opens().len()), (1_000, second.opens().len()));
    assert_eq!(world.calls(), calls, "it is not asked for for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_held_needs_no_provider() {
    let world = World::new().await;
    let held = world.get(&format!("/binance{}", hours(0, 50))).await;
    world.sim.faults().always(Fault::status(500));
    let again = world.get(&format!("/binance{}", hours(0, 50))).await;
    assert_eq!(again.body, held.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_bars_are_served_stale_and_marked_but_not_for_long() {
    let world = World::new().await;
    let path = format!("/binance{}", klines("BTCUSDT", "1h", "&limit=5"));
    let fresh = world.get(&path).await;
    world.sim.faults().always(Fault::status(500));
    world.advance(5 * MINUTE);
    let stale = world.get(&path).await;
    assert_eq!((stale.status.as_u16(), &stale.body), (200, &fresh.body));
    assert!(stale.cache_status().contains("ttl=-"), "{}", stale.cache_status());
    assert_eq!(stale.header("age"), "300");
    assert!(stale.header("cache-control").contains("max-age=0"));
    let gap = world.get(&format!("/binance{}", hours(-900_000 / 100, -8_000))).await;
    assert_eq!(gap.status, 503, "a gap is never passed off as an answer");
    world.advance(2 * HOUR);
    assert_eq!(world.get(&path).await.status, 503, "older than a bar is too old");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_open_and_close_a_circuit_and_see_what_became_of_it() {
    let world = World::new().await;
    world.agree(&klines("BTCUSDT", "1h", "&limit=5")).await;
    let path = "/api/v1/providers/binance/breaker";
    let set = |state: &'static str| world.post(path, serde_json::json!({ "state": state }));
    assert_eq!(set("open").await.json()["by_hand"], true);
    let calls = world.calls();
    let refused = world.get(&format!("/binance{}", klines("ETHUSDT", "1h", "&limit=5"))).await;
    assert_eq!((refused.status.as_u16(), world.calls()), (503, calls));
    assert!(refused.header("finex-problem").contains("by hand"), "{}", refused.header("finex-problem"));
    // What is held is served all the same.
    assert_eq!(world.get(&format!("/binance{}", klines("BTCUSDT", "1h", "&limit=5"))).await.status, 200);
    assert_eq!(set("auto").await.json()["state"], "closed");
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    world.agree(&klines("ETHUSDT", "1h", "&limit=5")).await;
    world.sim.faults().inject(Fault::refusal(400, -1121, "Invalid symbol.", None), 1);
    world.get(&format!("/binance{}", klines("SOLUSDT", "1h", "&limit=5"))).await;
    let told = world.told_of("binance").await;
    let states: Vec<&str> = told["breaker"]["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(|change| change["state"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, ["open", "closed"]);
    assert_eq!((&told["last_error"]["class"], told["last_error"]["at"].as_i64()), (&"not_found".into(), Some(NOW)));
    assert_eq!(world.post(path, serde_json::json!({ "state": "ajar" })).await.status, 422);
    assert_eq!(
        world.post("/api/v1/providers/nobody/breaker", serde_json::json!({ "state": "open" })).await.status,
        404
    );
    assert_eq!(world.get(path).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_breaker_opens_and_closes_again() {
    let world = World::with(|config| {
        config.providers.get_mut("binance").expect("binance").breaker.failures = 3;
    })
    .await;
    world.sim.faults().always(Fault::status(500));
    for symbol in ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ETHBTC", "SHIBUSDT"] {
        world.get(&format!("/binance{}", klines(symbol, "1d", ""))).await;
    }
    assert_eq!(world.calls(), 3, "an open circuit spends nothing");
    assert_eq!(world.told_of("binance").await["breaker"]["state"], "open");
    world.sim.faults().clear();
    tokio::time::sleep(Duration::from_millis(1_350)).await;
    world.agree(&klines("SOLUSDT", "1d", "")).await;
    assert_eq!(world.told_of("binance").await["breaker"]["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_allowance_is_kept() {
    let world = World::with(|config| config.plan.widen = false).await;
    world.sim.set_quota(6_000);
    for _ in 0..284 {
        world.get("/binance/api/v3/exchangeInfo").await;
    }
    let mut refused = 0;
    for hour in 0..40 {
        let got = world.get(&format!("/binance{}", hours(hour * 3, hour * 3 + 1))).await;
        if got.status == 429 {
            refused += 1;
            assert_eq!(got.code(), -1003);
            assert!(got.header("retry-after").parse::<u64>().is_ok());
        }
    }
    assert!(refused > 0, "nothing was held back");
    let used: u64 =
        world.get("/binance/api/v3/klines?x").await.header("x-mbx-used-weight-1m").parse().expect("a number");
    assert!(used <= 5_700, "{used} of 5700 usable");
    world.advance(MINUTE);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    world.agree(&hours(390, 400)).await;
}
