//! A history that moves: two bases never meet in one answer.

use crate::disk::files;
use crate::world::*;
use crate::yahoo::{chart, difference, world_at};
use finex_core::time::Ts;
use finex_sim::yahoo::Effect;
use futures_util::future::join_all;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// 2024-03-05T16:40:10Z: New York has been open for two hours.
const OPEN: Ts = NOW + 6 * HOUR + 19 * MINUTE + 40 * SECOND;

fn window(symbol: &str, from: i64, to: i64) -> String {
    let at = |days: i64| OPEN / 1_000 / 86_400 * 86_400 + days * 86_400;
    chart(symbol, &format!("period1={}&period2={}&interval=1d&events=div,splits", at(from), at(to)))
}

/// The jump between neighbouring closes that a split of two makes is far beyond what the simulated market does.
fn is_of_one_basis(got: &Got) -> bool {
    let closes = got.closes();
    closes.windows(2).all(|pair| (0.8..1.25).contains(&(pair[1] / pair[0])))
}

fn adjusted(got: &Got) -> Vec<f64> {
    let all = &got.result()["indicators"]["adjclose"][0]["adjclose"];
    all.as_array().map_or(vec![], |all| all.iter().filter_map(Value::as_f64).collect())
}

async fn narrow(now: Ts) -> World {
    let folder = std::sync::Arc::new(tempfile::tempdir().expect("a folder"));
    let world = World::at(folder, now, |config| config.plan.widen = false).await;
    world.sim.yahoo().set_noise(false);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_that_arrives_now_is_seen_at_the_seam() {
    let world = narrow(OPEN).await;
    let old = world.same_chart(&window("MSFT", -300, -100)).await;
    world.settle().await;
    world.sim.yahoo().add_split("MSFT", (2024, 3, 6), 2, 1, Effect::now(OPEN + DAY));
    world.advance(2 * DAY);
    let joined = world.same_chart(&window("MSFT", -300, -60)).await;
    assert!(
        (joined.closes()[0] / old.closes()[0] - 0.5).abs() < 1e-6,
        "{} became {}",
        old.closes()[0],
        joined.closes()[0]
    );
    let cell = world.app.gateway.tiers.catalog.all().remove(0);
    let snapshot = cell.snapshot();
    assert_eq!(snapshot.basis, 1);
    assert!(snapshot.pieces.iter().all(|piece| piece.key.version.basis == 1));
    world.same_chart(&window("MSFT", -250, -150)).await;
    world.settle().await;
    let kept = superseded(world.folder.path());
    assert!(!kept.is_empty(), "what was overwritten is kept, out of the way");
    let world = World::at(world.stop().await, OPEN + 2 * DAY, |config| config.plan.widen = false).await;
    world.sim.yahoo().set_noise(false);
    world.sim.yahoo().add_split("MSFT", (2024, 3, 6), 2, 1, Effect::now(OPEN + DAY));
    world.same_chart(&window("MSFT", -300, -60)).await;
    assert_eq!(world.calls(), 1, "the straight one: the new basis is owned after a restart");
}

fn superseded(folder: &Path) -> Vec<PathBuf> {
    files(folder, ".superseded")
}

fn ledgers(folder: &Path) -> Vec<PathBuf> {
    files(folder, "_coverage.json")
}

/// As after a crash between the first file of the new basis and its ledger.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_the_basis_before_is_not_believed() {
    let world = narrow(OPEN).await;
    world.same_chart(&window("MSFT", -300, -100)).await;
    world.settle().await;
    let ledger = ledgers(world.folder.path()).remove(0);
    let of_the_old = std::fs::read(&ledger).expect("a ledger");
    let split = |world: &World| {
        world.sim.yahoo().set_noise(false);
        world.sim.yahoo().add_split("MSFT", (2024, 3, 6), 2, 1, Effect::now(OPEN + DAY))
    };
    split(&world);
    world.advance(2 * DAY);
    world.same_chart(&window("MSFT", -300, -60)).await;
    let folder = world.stop().await;
    for lost in [false, true] {
        if lost {
            std::fs::remove_file(&ledger).expect("removed");
        } else {
            std::fs::write(&ledger, &of_the_old).expect("written");
        }
        let world = World::at(folder.clone(), OPEN + 2 * DAY, |config| config.plan.widen = false).await;
        split(&world);
        let snapshot = world.app.gateway.tiers.catalog.all().remove(0).snapshot();
        assert_eq!((snapshot.basis, snapshot.earlier.is_none()), (1, true), "what Yahoo gives again is not kept");
        world.same_chart(&window("MSFT", -300, -60)).await;
        world.same_chart(&window("MSFT", -250, -150)).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_is_seen_on_either_side_late_and_in_part() {
    let (ex, at) = ((2024, 3, 6), OPEN + DAY);
    let part = OPEN - 150 * DAY;
    let effects = [
        Effect::now(at),
        // Listed before prices are rewritten, and after.
        Effect::late(at, at + 3 * DAY),
        Effect::late(at + 4 * DAY, at),
        Effect::partly(at, part, at + 4 * DAY),
    ];
    for (nth, effect) in effects.into_iter().enumerate() {
        for gap in [(-400, -200), (-120, -60), (-400, -60)] {
            let world = narrow(OPEN).await;
            world.same_chart(&window("MSFT", -200, -120)).await;
            world.sim.yahoo().add_split("MSFT", ex, 2, 1, effect);
            for day in [2, 3, 6] {
                world.advance(OPEN + day * DAY - world.now());
                // What is asked anew beside what is held, on both of its sides, agrees with the provider of that day.
                let fresh = window("MSFT", gap.0 - day, gap.1 + day);
                let got = world.get(&format!("/yahoo{fresh}")).await;
                let straight = world.direct(&fresh).await;
                assert_eq!(is_of_one_basis(&got), is_of_one_basis(&straight), "effect {nth}, {gap:?}, day {day}");
                if day == 6 {
                    assert_eq!(difference(&got.json(), &straight.json(), ""), None, "effect {nth}, {gap:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dividend_rewrites_adjusted_closes_and_noise_does_not() {
    let world = narrow(OPEN).await;
    world.sim.yahoo().set_noise(true);
    world.get(&format!("/yahoo{}", window("IBM", -300, -100))).await;
    for day in 1..4 {
        world.advance(DAY);
        world.get(&format!("/yahoo{}", window("IBM", -300, -100 + 10 * day))).await;
    }
    let basis = || world.app.gateway.tiers.catalog.all().remove(0).snapshot().basis;
    assert_eq!(basis(), 0, "noise is no action");
    world.sim.yahoo().set_noise(false);
    let before = world.get(&format!("/yahoo{}", window("IBM", -300, -100))).await;
    world.sim.yahoo().add_dividend("IBM", (2024, 3, 11), 0.2, Effect::now(OPEN + 6 * DAY));
    world.advance(7 * DAY);
    let after = world.same_chart(&window("IBM", -300, -40)).await;
    assert_eq!((after.closes()[0], basis()), (before.closes()[0], 1));
    assert!(
        adjusted(&after)[0] < adjusted(&before)[0] * 0.9995,
        "{} and {}",
        adjusted(&after)[0],
        adjusted(&before)[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_one_series_tells_of_ends_the_basis_of_all() {
    let world = narrow(OPEN).await;
    let minutes = |from: i64, to: i64| {
        let at = |days: i64| OPEN / 1_000 + days * 86_400;
        chart("AAPL", &format!("period1={}&period2={}&interval=5m", at(from), at(to)))
    };
    let old = world.same_chart(&minutes(-20, -10)).await;
    world.get(&format!("/yahoo{}", window("AAPL", -300, -10))).await;
    world.sim.yahoo().add_split("AAPL", (2024, 3, 6), 2, 1, Effect::now(OPEN + DAY));
    world.advance(2 * DAY);
    world.same_chart(&window("AAPL", -5, 2)).await;
    let calls = world.calls();
    let new = world.same_chart(&minutes(-20, -10)).await;
    assert_eq!(world.calls() - calls, 2, "nothing had to be compared: one call, and the straight one");
    assert!((new.closes()[0] / old.closes()[0] - 0.5).abs() < 1e-6);
    world.same_chart(&window("AAPL", -300, -10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_clients_never_see_two_bases_at_once() {
    for seed in 0..6 {
        let world = narrow(OPEN).await;
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..4 {
            let from = random.i64(-700..-100);
            world.get(&format!("/yahoo{}", window("MSFT", from, from + random.i64(5..80)))).await;
        }
        world.sim.yahoo().add_split("MSFT", (2024, 3, 6), 3, 1, Effect::now(OPEN + DAY));
        world.sim.set_latency(std::time::Duration::from_millis(15));
        world.advance(2 * DAY);
        for _ in 0..3 {
            let ask = |random: &mut fastrand::Rng| {
                let from = random.i64(-700..-100);
                window("MSFT", from, (from + random.i64(5..300)).min(-1))
            };
            let paths: Vec<String> = (0..24).map(|_| ask(&mut random)).collect();
            let urls: Vec<String> = paths.iter().map(|path| format!("/yahoo{path}")).collect();
            let answers = join_all(urls.iter().map(|url| world.get(url))).await;
            for (path, got) in paths.iter().zip(&answers) {
                assert_eq!(got.status, 200, "{path}: {}", got.body);
                assert!(is_of_one_basis(got), "seed {seed}: {path} mixes two");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_correction_of_one_bar_is_no_new_basis() {
    let world = narrow(OPEN).await;
    let held = world.same_chart(&window("MSFT", -60, -20)).await;
    let corrected = *held.stamps().last().expect("a bar");
    assert!(world.sim.yahoo().correct("MSFT", "1d", corrected, 1.004, OPEN + HOUR));
    world.advance(2 * HOUR);
    let got = world.same_chart(&window("MSFT", -60, -10)).await;
    let (last, factor) = (held.closes().len() - 1, 1.004);
    assert!((got.closes()[last] / held.closes()[last] - factor).abs() < 1e-6, "the provider's later word counts");
    assert_eq!(got.closes()[..last], held.closes()[..last]);
    let cell = world.app.gateway.tiers.catalog.all().remove(0);
    assert_eq!(cell.snapshot().basis, 0);
    let recent = world.get(&format!("/yahoo{}", window("MSFT", -8, 1))).await;
    let open = recent.stamps()[recent.stamps().len() - 2];
    assert!(world.sim.yahoo().correct("MSFT", "1d", open, 1.004, OPEN + 3 * HOUR));
    world.advance(2 * HOUR);
    world.same_chart(&window("MSFT", -8, 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_action_nothing_is_fetched_twice_but_the_seams() {
    let world = world_at(OPEN).await;
    world.get(&format!("/yahoo{}", window("AAPL", -300, -100))).await;
    let calls = world.calls();
    world.advance(3 * DAY);
    world.get(&format!("/yahoo{}", window("AAPL", -300, 3))).await;
    assert_eq!(world.calls(), calls + 1);
    let sent = world.sim.received();
    let query = &sent.last().expect("a call").query;
    let from: i64 = query.split('&').find_map(|p| p.strip_prefix("period1=")?.parse().ok()).expect("a start");
    let days_back = (world.now() / 1_000 - from) / 86_400;
    assert!((4..=14).contains(&days_back), "the tail and three bars beside it, not {days_back} days");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_only_announced_ends_no_basis() {
    let world = narrow(OPEN).await;
    let held = world.same_chart(&window("MSFT", -60, -20)).await;
    // Listed today, in effect in three days.
    world.sim.yahoo().add_split("MSFT", (2024, 3, 8), 2, 1, Effect::late(OPEN - HOUR, OPEN + 3 * DAY));
    world.same_chart(&window("MSFT", -10, 4)).await;
    for _ in 0..3 {
        assert_eq!(world.hit(&window("MSFT", -60, -20)).await.closes(), held.closes());
    }
    world.advance(4 * DAY);
    world.same_chart(&window("MSFT", -60, 3)).await;
    assert_eq!(world.app.gateway.tiers.catalog.all().remove(0).snapshot().basis, 1);
}

/// Minutes that Yahoo has forgotten, from before a split that it has applied since.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_precious_outlives_its_basis_by_itself_and_marked() {
    let world = narrow(OPEN).await;
    let minutes = |from: i64, to: i64| {
        let at = |days: i64| OPEN / 1_000 + days * 86_400;
        chart("AAPL", &format!("period1={}&period2={}&interval=1m", at(from), at(to)))
    };
    let old = world.same_chart(&minutes(-26, -25)).await;
    let within = world.same_chart(&minutes(-12, -11)).await;
    world.settle().await;
    world.sim.yahoo().add_split("AAPL", (2024, 3, 6), 2, 1, Effect::now(OPEN + DAY));
    world.advance(10 * DAY);
    world.same_chart(&window("AAPL", -5, 10)).await;
    let got = world.hit(&minutes(-26, -25)).await;
    assert_eq!(got.closes(), old.closes(), "nobody has them any more");
    assert!(got.header("finex-warning").contains("before a split"), "{}", got.header("finex-warning"));
    let new = world.same_chart(&minutes(-12, -11)).await;
    assert!((new.closes()[0] / within.closes()[0] - 0.5).abs() < 1e-6);
    assert_eq!(new.header("finex-warning"), "");
    // Beside bars of the new basis they are not shown: the provider's own refusal is.
    assert_eq!(world.get(&format!("/yahoo{}", minutes(-26, -19))).await.status, 422);
    world.settle().await;
    // A refusal is remembered for a second, by a task that holds the folder.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let (folder, window) = (world.stop().await, minutes(-26, -25));
    for ledger in ["there", "lost"] {
        if ledger == "lost" {
            ledgers(folder.path()).iter().for_each(|path| std::fs::remove_file(path).expect("removed"));
        }
        let world = World::at(folder.clone(), OPEN + 10 * DAY, |config| config.plan.widen = false).await;
        // The files tell which bars they have, not that there are none between two sessions.
        let stamps = old.stamps();
        let first = stamps[0];
        let last = *stamps.iter().take_while(|stamp| **stamp < first + 3_600).last().expect("an hour of it");
        let bars = chart("AAPL", &format!("period1={first}&period2={}&interval=1m", last + 1));
        let again = world.hit(if ledger == "there" { &window } else { &bars }).await;
        let closes = again.closes();
        assert!(closes.len() > 50 && closes == old.closes()[..closes.len()], "{ledger}: {closes:?}");
        assert_eq!(again.header("finex-warning"), got.header("finex-warning"), "{ledger}");
        world.stop().await;
    }
    let world = World::at(folder, OPEN + 10 * DAY, |config| config.plan.widen = false).await;
    let body = serde_json::json!({ "symbol": "AAPL", "reason": "a test" });
    assert_eq!(world.post("/api/v1/cache/invalidate", body).await.status, 200);
    assert_eq!(world.get(&format!("/yahoo{}", minutes(-26, -25))).await.status, 422, "given up by hand");
}
