//! Range flights: many clients, few calls.

use crate::world::*;
use finex_core::time::Ts;
use finex_sim::Fault;
use futures_util::future::join_all;
use std::collections::HashSet;
use std::time::Duration;

async fn crowd(world: &World, paths: &[String]) -> Vec<Got> {
    join_all(paths.iter().map(|path| world.get(path))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_on_one_cold_window_cost_one_call() {
    let world = World::new().await;
    world.sim.set_latency(Duration::from_millis(100));
    let paths = vec![format!("/binance{}", hours(0, 100)); 200];
    let answers = crowd(&world, &paths).await;
    assert_eq!(world.calls(), 1);
    let truth = world.direct(&hours(0, 100)).await.body;
    assert!(answers.iter().all(|got| got.body == truth));
    // Whoever came later joined it, or found what it had brought.
    let own = |got: &&Got| !got.cache_status().contains("collapsed") && !got.cache_status().starts_with("finex; hit");
    assert_eq!(answers.iter().filter(own).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_origin_is_waited_for_once() {
    let world = World::with(|config| {
        let provider = config.providers.get_mut("binance").expect("binance");
        provider.timeout.attempt = finex::config::values::Span::seconds(15);
        provider.timeout.total = finex::config::values::Span::seconds(30);
    })
    .await;
    world.sim.faults().inject(Fault::Slow(Duration::from_secs(7)), 1);
    let answers = crowd(&world, &vec![format!("/binance{}", hours(0, 100)); 200]).await;
    assert_eq!(world.calls(), 1);
    assert!(answers.iter().all(|got| got.status == 200 && got.opens().len() == 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_bars_of_a_slow_origin_are_not_past_their_life_when_they_arrive() {
    let world = World::new().await;
    world.sim.faults().inject(Fault::Slow(Duration::from_millis(400)), 1);
    let path = format!("/binance{}", klines("BTCUSDT", "1m", "&limit=5"));
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.advance(3 * SECOND);
    };
    let (got, ()) = futures_util::join!(world.get(&path), late);
    assert_eq!((got.opens().len(), world.calls()), (5, 1));
    assert!(!got.cache_status().contains("ttl=-"), "{}", got.cache_status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_does_not_unlearn_what_became_final() {
    let world = World::with(|config| {
        config.plan.widen = false;
        config.cache.ttl_multiplier = 60.0;
    })
    .await;
    world.sim.faults().inject(Fault::Slow(Duration::from_millis(500)), 1);
    let forming = format!("/binance{}", klines("BTCUSDT", "1m", "&limit=1"));
    let open = NOW / MINUTE * MINUTE;
    let window = format!("&startTime={}&limit=3", open - MINUTE);
    let around = klines("BTCUSDT", "1m", &window);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.advance(2 * MINUTE);
        world.get(&format!("/binance{around}")).await
    };
    let (_, second) = futures_util::join!(world.get(&forming), meanwhile);
    assert_eq!(second.opens(), [open - MINUTE, open, open + MINUTE]);
    for _ in 0..2 {
        let again = world.get(&format!("/binance{around}")).await;
        assert_eq!(again.opens(), [open - MINUTE, open, open + MINUTE]);
        let straight = world.direct(&around).await.rows();
        assert_eq!(again.rows()[..2], straight[..2], "the final bars are the market's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_before_an_invalidation_is_not_kept_after_it() {
    let world = World::new().await;
    world.sim.set_latency(Duration::from_millis(300));
    let path = format!("/binance{}", hours(0, 100));
    let invalidate = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.post("/api/v1/cache/invalidate", serde_json::json!({ "symbol": "BTCUSDT" })).await
    };
    let (got, invalidated) = futures_util::join!(world.get(&path), invalidate);
    assert_eq!((got.opens().len(), invalidated.status.as_u16()), (100, 200));
    assert_eq!(world.calls(), 2, "what was under way is asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_plan_disturbs_no_flight() {
    let world = World::new().await;
    world.sim.set_latency(Duration::from_millis(200));
    let path = format!("/binance{}", hours(0, 100));
    let look = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.get(&format!("/api/v1/explain?url={path}")).await;
        world.get(&format!("/binance{}", klines("BTCUSDT", "1h", "&startTime=4102444800000"))).await;
    };
    futures_util::join!(world.get(&path), look);
    assert!(world.get(&path).await.cache_status().starts_with("finex; hit"));
    assert_eq!(world.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_windows_that_fit_one_call_cost_one() {
    let world = World::new().await;
    world.sim.set_latency(Duration::from_millis(100));
    let paths: Vec<String> = (0..50).map(|i| format!("/binance{}", hours(600 + i, 660 + 2 * i))).collect();
    let answers = crowd(&world, &paths).await;
    for (i, got) in (0..).zip(&answers) {
        assert_eq!(got.body, world.direct(&hours(600 + i, 660 + 2 * i)).await.body);
    }
    assert_eq!(world.calls() - 50, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_and_overlapping_windows_cost_the_blocks_they_touch_plus_one() {
    let world = World::new().await;
    // All are there before the first call lands, also on a busy machine.
    world.sim.set_latency(Duration::from_millis(400));
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..6i64 {
        let base = -30_000 + round * 4_000;
        let windows: Vec<(i64, i64)> = (0..60)
            .map(|_| {
                let from = base + random.i64(0..2_500);
                (from, from + random.i64(1..900))
            })
            .collect();
        let before = world.calls();
        let paths: Vec<String> = windows.iter().map(|(from, to)| format!("/binance{}", hours(*from, *to))).collect();
        let answers = crowd(&world, &paths).await;
        let cost = world.calls() - before;
        for ((from, to), got) in windows.iter().zip(&answers) {
            let expected: Vec<Ts> = (*from..*to).map(|h| NEW_YEAR + h * HOUR).collect();
            assert_eq!(got.opens(), world.truth("BTCUSDT", "1h", &expected), "{from}..{to}");
        }
        let block = |hour: i64| (NEW_YEAR / HOUR + hour).div_euclid(1_000);
        let touched: HashSet<i64> = windows.iter().flat_map(|(from, to)| block(*from)..=block(to - 1)).collect();
        let blocks = touched.len() as u64;
        assert!(cost <= blocks + 1, "{cost} calls for {blocks} blocks");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erroring_origin_is_asked_once_per_hold() {
    for fault in [Fault::status(500), Fault::refusal(503, -1001, "Internal error.", None), Fault::Reset, Fault::Html] {
        let world = World::new().await;
        world.sim.faults().always(fault.clone());
        let paths = vec![format!("/binance{}", hours(0, 100)); 200];
        let answers = crowd(&world, &paths).await;
        assert!(answers.iter().all(|got| got.status.is_server_error()), "{fault:?}");
        assert_eq!(world.calls(), 1, "{fault:?}");
        crowd(&world, &paths).await;
        assert_eq!(world.calls(), 1, "within the hold: {fault:?}");
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        crowd(&world, &paths).await;
        assert_eq!(world.calls(), 2, "after the hold: {fault:?}");
        world.sim.faults().clear();
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        assert_eq!(world.get(&paths[0]).await.body, world.direct(&hours(0, 100)).await.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_nobody_with_it() {
    let world = World::new().await;
    world.sim.set_latency(Duration::from_millis(300));
    let path = format!("/binance{}", hours(0, 100));
    let impatient = tokio::time::timeout(Duration::from_millis(50), world.get(&path)).await;
    assert!(impatient.is_err());
    let patient = world.get(&path).await;
    assert_eq!((patient.opens().len(), world.calls()), (100, 1));
    assert!(patient.cache_status().contains("collapsed"), "{}", patient.cache_status());
    world.settle().await;
    assert_eq!(world.app.gateway.flights_under_way(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_random_trouble_every_answer_is_right_or_an_error() {
    let world = World::new().await;
    world.sim.set_latency(Duration::from_millis(3));
    let faults = [
        Fault::Slow(Duration::from_millis(40)),
        Fault::Reset,
        Fault::Cut,
        Fault::Html,
        Fault::NanToken,
        Fault::Foreign,
        Fault::WrongType,
        Fault::Duplicated,
        Fault::Reversed,
        Fault::status(500),
        Fault::OtherInterval,
        Fault::refusal(429, -1003, "Too many requests.", Some(0)),
    ];
    let mut random = fastrand::Rng::with_seed(11);
    let mut right = 0;
    for _ in 0..12 {
        for fault in &faults {
            if random.u8(0..faults.len() as u8) < 2 {
                world.sim.faults().inject(fault.clone(), 1);
            }
        }
        let windows: Vec<(i64, i64)> = (0..12)
            .map(|_| {
                let from = random.i64(-9_000..500);
                (from, from + random.i64(1..1_000))
            })
            .collect();
        let asks = windows.iter().map(|(from, to)| async {
            let leaves = fastrand::u8(0..4) == 0;
            let patience = Duration::from_millis(if leaves { fastrand::u64(1..30) } else { 10_000 });
            let path = format!("/binance{}", hours(*from, *to));
            tokio::time::timeout(patience, world.get(&path)).await.ok()
        });
        let invalidate = async {
            let from = fastrand::i64(-9_000..1_000);
            let (from, to) = (NEW_YEAR + from * HOUR, NEW_YEAR + (from + 300) * HOUR);
            let body = serde_json::json!({ "symbol": "BTCUSDT", "from": from.to_string(), "to": to.to_string() });
            world.post("/api/v1/cache/invalidate", body).await
        };
        let (answers, invalidated) = futures_util::join!(join_all(asks), invalidate);
        assert_eq!(invalidated.status, 200, "{}", invalidated.body);
        world.sim.faults().clear();
        for ((from, to), got) in windows.iter().zip(&answers) {
            let Some(got) = got else { continue };
            if got.status == 200 {
                right += 1;
                assert!(got.body == world.direct(&hours(*from, *to)).await.body, "{from}..{to}");
            } else {
                assert!(got.code() < 0);
            }
        }
        world.advance(SECOND);
        // Failures are remembered for a second, an open circuit for less.
        tokio::time::sleep(Duration::from_millis(1_050)).await;
    }
    assert!(right > 30, "only {right} answers");
    world.sim.faults().clear();
    tokio::time::sleep(Duration::from_millis(1_400)).await;
    world.advance(10 * MINUTE);
    for (from, to) in [(-9_000, -8_000), (0, 1_000), (500, 1_500)] {
        world.agree(&hours(from, to)).await;
    }
    assert_eq!(world.app.metrics.panics.get(), 0);
}
