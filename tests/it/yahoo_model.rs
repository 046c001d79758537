//! The reference model for charts: random windows, clocks, restarts, actions and faults; the answer is the market's.

use crate::world::*;
use crate::yahoo::{chart, difference};
use finex_core::time::Ts;
use finex_sim::Fault;
use serde_json::Value;

const SYMBOLS: [&str; 5] = ["AAPL", "7203.T", "CBA.AX", "BTC-USD", "ES=F"];

struct Step {
    path: String,
    settled_until: i64,
}

fn random_step(random: &mut fastrand::Rng, now: Ts) -> Step {
    let symbol = SYMBOLS[random.usize(0..SYMBOLS.len())];
    let (interval, reach) = [("1d", 3_000), ("1d", 40), ("5m", 50), ("60m", 600), ("15m", 3)][random.usize(0..5)];
    let seconds = now / 1_000;
    let from = seconds - random.i64(0..reach * 86_400);
    let to = from + random.i64(0..reach * 40_000);
    let window = match random.u8(0..6) {
        0 => format!("range={}", ["1d", "5d", "1mo"][random.usize(0..3)]),
        1 => format!("period1={from}&period2={seconds}"),
        2 => format!("period1={}&period2={}", from / 86_400 * 86_400, to / 86_400 * 86_400),
        _ => format!("period1={from}&period2={to}"),
    };
    let extended = if random.u8(0..4) == 0 { "true" } else { "false" };
    let path = chart(symbol, &format!("{window}&interval={interval}&includePrePost={extended}&events=div,splits"));
    Step { path, settled_until: seconds - 5 * 86_400 }
}

/// The rows that open before an instant, as a table.
pub fn rows_before(answer: &Value, until: i64) -> Vec<Vec<Value>> {
    let result = &answer["chart"]["result"][0];
    let stamps = result["timestamp"].as_array().cloned().unwrap_or_default();
    let columns: Vec<&Value> = ["open", "high", "low", "close", "volume"]
        .iter()
        .map(|name| &result["indicators"]["quote"][0][name])
        .chain([&result["indicators"]["adjclose"][0]["adjclose"]])
        .collect();
    let settled = stamps.iter().enumerate().filter(|(_, stamp)| stamp.as_i64() < Some(until));
    settled
        .map(|(row, stamp)| [stamp.clone()].into_iter().chain(columns.iter().map(|c| c[row].clone())).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_of_charts_are_answered_with_the_truth() {
    for seed in 0..5 {
        let mut random = fastrand::Rng::with_seed(seed);
        let widen = seed % 2 == 0;
        let mut world = World::with(|config| config.plan.widen = widen).await;
        world.sim.yahoo().set_noise(false);
        for step in 0..90 {
            let Step { path, settled_until } = random_step(&mut random, world.now());
            let through = world.get(&format!("/yahoo{path}")).await;
            let straight = world.direct(&path).await;
            let what = format!("seed {seed}, step {step}: {path} ({})", through.cache_status());
            assert_eq!(through.status, straight.status, "{what}: {}", through.body);
            let (a, b) = (through.json(), straight.json());
            assert_eq!(rows_before(&a, settled_until), rows_before(&b, settled_until), "{what}");
            if through.header("age") == "0" {
                let meta = |v: &Value| v["chart"]["result"][0]["meta"].clone();
                let of_the_window = ["chartPreviousClose", "range", "dataGranularity", "tradingPeriods"];
                for name in of_the_window {
                    assert_eq!(difference(&meta(&a)[name], &meta(&b)[name], name), None, "{what}");
                }
                let events = |v: &Value| v["chart"]["result"][0]["events"].clone();
                assert_eq!(events(&a), events(&b), "{what}");
            }
            if through.status == 200 && !through.cache_status().contains("bypass") {
                let calls = world.calls();
                world.get(&format!("/yahoo{path}")).await;
                assert_eq!(world.calls(), calls, "asked again: {what}");
            }
            match random.u8(0..12) {
                0 => world.advance(random.i64(1..90) * SECOND),
                1 => world.advance(random.i64(1..900) * MINUTE),
                2 => {
                    let now = world.now();
                    world = World::at(world.stop().await, now, |config| config.plan.widen = widen).await;
                    world.sim.yahoo().set_noise(false);
                }
                3 => {
                    let fault = [Fault::Reset, Fault::Html, Fault::Cut][random.usize(0..3)].clone();
                    world.sim.faults().inject(fault, 1);
                    let Step { path, .. } = random_step(&mut random, world.now());
                    world.get(&format!("/yahoo{path}")).await;
                    world.sim.faults().clear();
                    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
                }
                4 => {
                    let body = serde_json::json!({ "symbol": "AAPL", "from": "-40d", "to": "-10d" });
                    assert_eq!(world.post("/api/v1/cache/invalidate", body).await.status, 200);
                }
                _ => {}
            }
        }
    }
}
