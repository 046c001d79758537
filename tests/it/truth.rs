//! What a provider said once may be wrong, late or about other money: what is held follows its later word.

use crate::world::*;
use crate::yahoo::chart;
use finex_core::time::Ts;
use finex_sim::Fault;
use finex_sim::yahoo::Effect;
use std::time::Duration;

/// 2024-03-05T16:40:10Z: New York has been open for two hours.
const OPEN: Ts = NOW + 6 * HOUR + 19 * MINUTE + 40 * SECOND;

async fn narrow(now: Ts) -> World {
    let folder = std::sync::Arc::new(tempfile::tempdir().expect("a folder"));
    let world = World::at(folder, now, |config| config.plan.widen = false).await;
    world.sim.yahoo().set_noise(false);
    world
}

fn data(body: String) -> Fault {
    Fault::Status { status: 200, content_type: "application/json", body, retry_after: None }
}

fn days(symbol: &str, from: i64, to: i64) -> String {
    let at = |days: i64| OPEN / 1_000 / 86_400 * 86_400 + days * 86_400;
    chart(symbol, &format!("period1={}&period2={}&interval=1d&events=div,splits", at(from), at(to)))
}

/// A failure is remembered for a second.
async fn after_the_hold() {
    tokio::time::sleep(Duration::from_millis(1_050)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_there_is_none_of_is_asked_for_less_and_less() {
    let world = World::new().await;
    let path = format!("/binance{}", klines("NOPEUSDT", "1h", "&limit=5"));
    for (waited, calls) in [(0, 1), (0, 2), (9 * SECOND, 2), (2 * SECOND, 3), (50 * SECOND, 3), (11 * SECOND, 4)] {
        world.advance(waited);
        assert_eq!(world.get(&path).await.code(), -1121);
        assert_eq!(world.calls(), calls, "after {waited} ms");
        after_the_hold().await;
    }
    let elsewhere = format!("/binance{}", klines("NOPEUSDT", "1d", "&limit=5"));
    assert_eq!((world.get(&elsewhere).await.code(), world.calls()), (-1121, 5), "each series by itself");
    let body = serde_json::json!({ "symbol": "NOPEUSDT", "reason": "it was listed" });
    assert_eq!(world.post("/api/v1/cache/invalidate", body).await.status, 200);
    assert_eq!((world.get(&path).await.code(), world.calls()), (-1121, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_not_found_while_throttled_never_sticks() {
    let world = World::new().await;
    let no = Fault::refusal(400, -1121, "Invalid symbol.", None);
    let path = format!("/binance{}", hours(0, 50));
    for fault in [no.clone(), Fault::status(503), no.clone(), no.clone(), no.clone(), no] {
        world.sim.faults().clear();
        world.sim.faults().always(fault);
        assert!(!world.get(&path).await.status.is_success());
        after_the_hold().await;
    }
    world.sim.faults().clear();
    // The breaker may have opened meanwhile.
    after_the_hold().await;
    assert_eq!(world.get(&path).await.opens().len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_of_a_symbol_outweighs_a_not_found() {
    let world = World::new().await;
    world.agree(&hours(0, 50)).await;
    for _ in 0..3 {
        world.sim.faults().inject(Fault::refusal(400, -1121, "Invalid symbol.", None), 1);
        assert_eq!(world.get(&format!("/binance{}", hours(-9_000, -8_900))).await.code(), -1121);
        after_the_hold().await;
    }
    world.agree(&hours(-9_000, -8_900)).await;
}

/// Days of a stock as they were first told: one is missing, and one closed elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn recent_bars_are_looked_at_again_and_what_came_late_is_taken_in() {
    let world = narrow(OPEN).await;
    let path = "/polygon/v2/aggs/ticker/MSFT/range/1/day/2024-02-20/2024-03-01?adjusted=false";
    let truth = world.direct(path).await.body;
    let mut rows: Vec<String> = truth.split("},{").map(str::to_owned).collect();
    let high = rows[6].split("\"h\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a high").to_owned();
    let close = rows[6].split("\"c\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a close").to_owned();
    rows[6] = rows[6].replace(&format!("\"c\":{close}"), &format!("\"c\":{high}"));
    rows.remove(4);
    world.sim.faults().inject(data(rows.join("},{")), 1);
    assert_eq!(world.get(path).await.body.matches("\"vw\"").count(), rows.len());
    world.advance(6 * HOUR);
    let calls = world.calls();
    world.get(path).await;
    assert_eq!(world.calls(), calls, "nothing is due yet");
    world.advance(2 * DAY);
    let got = world.same(path).await;
    assert!(got.header("finex-warning").contains("corrected 2"), "{}", got.header("finex-warning"));
    assert_eq!(world.app.metrics.corrected_bars.get(), 2);
    let calls = world.calls();
    for _ in 0..30 {
        world.advance(HOUR);
        world.get(path).await;
    }
    assert_eq!(world.calls() - calls, 2, "a day's bars at a time");
}

/// Two stretches that touch nowhere, and a split between their calls that neither tells of.
/// The newest bars are there although this machine's clock has not come to them, and none is final that the provider may
/// still change.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_clock_hides_nothing_and_a_fast_one_makes_nothing_final() {
    for lag in [365 * DAY, HOUR, -HOUR, -365 * DAY] {
        let world = World::new().await;
        world.set_back(lag);
        let newest = klines("BTCUSDT", "1h", "&limit=5");
        world.agree(&newest).await;
        world.agree(&klines("BTCUSDT", "1h", &format!("&startTime={}&limit=500", NOW - 9 * HOUR))).await;
        world
            .agree(&klines("BTCUSDT", "1h", &format!("&startTime={}&endTime={}", NOW - 400 * DAY, NOW - 395 * DAY)))
            .await;
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            world.agree(&klines(symbol, "1m", &format!("&startTime={}&limit=500", NOW - 2 * HOUR))).await;
        }
        for cell in world.app.gateway.tiers.catalog.all() {
            let step = cell.series.interval.nominal_len();
            let last = cell.snapshot().pieces.last().map_or(0, |piece| piece.key.last);
            assert!(last + step <= NOW.min(NOW - lag), "{lag}: {last} is not over by both clocks");
        }
        world.advance(HOUR);
        world.agree(&newest).await;
        world.set_back(0);
        world.agree(&newest).await;
        world.agree(&klines("BTCUSDT", "1h", &format!("&startTime={}&limit=500", NOW - 9 * HOUR))).await;
        let world = World::at(world.stop().await, NOW + 2 * HOUR, |_| {}).await;
        world.agree(&newest).await;
        world.agree(&klines("BTCUSDT", "1m", &format!("&startTime={}&limit=500", NOW - 2 * HOUR))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stretches_that_were_never_compared_are_told_by_the_oldest_reading() {
    let world = narrow(OPEN).await;
    let old = world.same_chart(&days("MSFT", -300, -200)).await;
    world.sim.yahoo().add_split("MSFT", (2024, 3, 5), 2, 1, Effect::now(OPEN + HOUR));
    world.advance(2 * HOUR);
    world.same_chart(&days("MSFT", -60, -40)).await;
    world.advance(25 * HOUR);
    world.same_chart(&days("MSFT", -60, -40)).await;
    let new = world.same_chart(&days("MSFT", -300, -200)).await;
    assert!((new.closes()[0] / old.closes()[0] - 0.5).abs() < 1e-6);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_one_piece_are_compared_once_a_day_too() {
    for path in [
        "/polygon/v2/aggs/ticker/NVDA/range/1/week/2023-01-01/2023-06-30",
        "/alpaca/v2/stocks/NVDA/bars?timeframe=1Month&start=2022-01-01&end=2023-06-30&feed=sip&adjustment=split",
    ] {
        let world = narrow(OPEN).await;
        let old = world.same(path).await;
        assert!(world.sim.stocks().add_split("NVDA", (2024, 3, 6), 2, 1));
        world.advance(2 * DAY);
        let new = world.same(path).await;
        assert_ne!(old.body, new.body, "{path}");
        let calls = world.calls();
        world.advance(HOUR);
        world.get(path).await;
        assert_eq!(world.calls(), calls, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_in_another_currency_begin_a_new_basis() {
    let world = narrow(OPEN).await;
    let path = days("MSFT", -60, -20);
    let pounds = world.direct(&path).await.body.replace("\"currency\":\"USD\"", "\"currency\":\"GBP\"");
    assert!(pounds.contains("GBP"));
    world.sim.faults().inject(data(pounds), 1);
    assert!(world.get(&format!("/yahoo{path}")).await.body.contains("GBP"));
    world.advance(HOUR);
    world.same_chart(&days("MSFT", -60, -10)).await;
    assert_eq!(world.app.gateway.tiers.catalog.all().remove(0).snapshot().basis, 1);
}
