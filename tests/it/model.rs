//! The reference model: whatever was asked before, in whatever order, the answer is the market's truth, and nothing
//! that is held and final is fetched for its own sake.

use crate::world::*;
use finex_core::time::Ts;

struct Step {
    path: String,
    settled_until: Ts,
}

fn random_step(random: &mut fastrand::Rng, now: Ts) -> Step {
    let symbol = ["BTCUSDT", "SOLUSDT"][random.usize(0..2)];
    let (interval, len) = [("1m", MINUTE), ("1h", HOUR), ("1d", DAY)][random.usize(0..3)];
    // Now and then around the halt of February 2018, after which a bar opened off the grid.
    let base = if random.u8(0..5) == 0 { 1_518_168_495_000 + 20 * len } else { now };
    let start = base - random.i64(0..3_000) * len + random.i64(-2..3);
    let end = start + random.i64(0..700) * len + random.i64(-2..3);
    let limit = random.i64(1..1_200);
    let window = match random.u8(0..6) {
        0 => format!("&limit={limit}"),
        1 => format!("&startTime={start}&limit={limit}"),
        2 => format!("&endTime={end}&limit={limit}"),
        3 => format!("&startTime={start}"),
        _ => format!("&startTime={start}&endTime={}&limit=1000", end.max(start)),
    };
    Step { path: klines(symbol, interval, &window), settled_until: now - len }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_are_answered_with_the_truth() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let widen = seed % 2 == 0;
        let mut world = World::with(|config| config.plan.widen = widen).await;
        for step in 0..120 {
            let Step { path, settled_until } = random_step(&mut random, world.now());
            let through = world.get(&format!("/binance{path}")).await;
            let straight = world.direct(&path).await;
            let settled =
                |got: &Got| got.rows().into_iter().filter(|r| r[0].as_i64() < Some(settled_until)).collect::<Vec<_>>();
            assert_eq!(settled(&through), settled(&straight), "seed {seed}, step {step}: {path}");
            // Forming bars may be as old as their life, but they are there.
            assert_eq!(through.opens(), straight.opens(), "seed {seed}, step {step}: {path}");
            let calls = world.calls();
            world.get(&format!("/binance{path}")).await;
            assert_eq!(world.calls(), calls, "asked again: {path}");
            match random.u8(0..12) {
                0 => world.advance(random.i64(1..90) * SECOND),
                1 => world.advance(random.i64(1..30) * MINUTE),
                2 => {
                    let now = world.now();
                    world = World::at(world.stop().await, now, |config| config.plan.widen = widen).await;
                }
                3 => {
                    let body = serde_json::json!({ "symbol": "BTCUSDT", "from": "-40d", "to": "-10d" });
                    assert_eq!(world.post("/api/v1/cache/invalidate", body).await.status, 200);
                }
                _ => {}
            }
        }
    }
}
