//! History is fetched ahead of time, within what is left of the allowances and behind every client.

use crate::world::*;
use serde_json::{Value, json};
use std::time::Duration;

async fn warm(world: &World, body: Value) -> Value {
    let got = world.post("/api/v1/cache/warm", body).await;
    assert_eq!(got.status, 202, "{}", got.body);
    got.json()
}

/// The job as it stands once this holds.
async fn until(world: &World, id: &Value, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let told = world.get("/api/v1/cache/warm").await.json();
        let job = told["jobs"].as_array().expect("jobs").iter().find(|job| job["id"] == *id).expect("the job").clone();
        if holds(&job) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}", world.get("/api/v1/cache/warm").await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_ahead_of_time_costs_its_clients_no_call() {
    let world = World::new().await;
    let from_to = json!({ "provider": "binance", "symbols": ["BTCUSDT", "ETHUSDT"], "interval": "1h",
                          "from": "2022-01-01", "to": "2024-01-01" });
    let begun = warm(&world, from_to.clone()).await;
    let job = until(&world, &begun["id"], |job| job["state"] != "running").await;
    // Two years are 17,520 hours, and pages have a thousand; ten of them are a stretch.
    let told = ["done", "total", "bars", "fetched"].map(|name| job[name].as_u64());
    assert_eq!((job["state"].as_str(), told), (Some("done"), [4, 4, 35_040, 35_040].map(Some)), "{job}");
    assert!((35..=40).contains(&world.calls()), "{}", world.calls());
    assert_eq!(job["calls"], world.calls());
    let calls = world.calls();
    let path = format!("/binance{}", klines("ETHUSDT", "1h", "&startTime=1672531200000&limit=1000"));
    assert!(world.get(&path).await.cache_status().starts_with("finex; hit"));
    let again = warm(&world, from_to).await;
    let job = until(&world, &again["id"], |job| job["state"] != "running").await;
    assert_eq!((&job["fetched"], &job["calls"], world.calls()), (&json!(0), &json!(0), calls));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_of_the_allowance_is_left_to_clients() {
    let world = World::with(|config| {
        config.plan.widen = false;
        config.providers.get_mut("alphavantage").expect("settings").limits.insert("calls-1d".into(), 12);
    })
    .await;
    let months = json!({ "provider": "alphavantage", "symbols": ["IBM", "NVDA", "MSFT"], "interval": "30m",
                         "from": "2023-06-01", "to": "2024-02-01" });
    let begun = warm(&world, months).await;
    let job = until(&world, &begun["id"], |job| job["state"] != "running").await;
    assert_eq!(job["state"], "waiting", "{job}");
    let spent = world.calls();
    let client =
        "/api/v1/market-data/AAPL/history?provider=alphavantage&interval=30m&start_time=2023-11-10&end_time=2023-11-12";
    assert_eq!(world.get(client).await.status, 200);
    assert!(world.calls() > spent, "a client has what is left");
    assert!(world.calls() <= 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_makes_no_sense_is_refused_and_one_that_fails_is_given_up() {
    let world = World::new().await;
    let good = json!({ "provider": "binance", "symbols": ["BTCUSDT"], "interval": "1h", "from": "2024-01-01" });
    for (name, value) in [
        ("provider", json!("nobody")),
        ("symbols", json!([])),
        ("symbols", json!(["\u{0}"])),
        ("interval", json!("7x")),
        ("from", json!("2031-01-01")),
        ("from", json!("soon")),
        ("to", json!("2023-01-01")),
        ("tempo", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        let got = world.post("/api/v1/cache/warm", bad.clone()).await;
        assert_eq!(got.status, 422, "{bad}: {}", got.body);
    }
    let unknown = json!({ "provider": "binance", "symbols": ["NOPEUSDT"], "interval": "1h", "from": "2024-01-01" });
    let begun = warm(&world, unknown).await;
    let job = until(&world, &begun["id"], |job| job["state"] != "running").await;
    assert_eq!(job["state"], "given_up");
    assert!(job["why"].as_str().is_some_and(|why| why.contains("Invalid symbol.")), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_follows_a_job_to_its_end() {
    let world = World::new().await;
    let run = |symbol: &'static str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_finex"));
        command.args(["warm", "--url", &world.base, "--symbol", symbol, "--interval", "1d", "--from", "2023-01-01"]);
        async move { tokio::task::spawn_blocking(move || command.output()).await.expect("it ran").expect("its output") }
    };
    let done = run("BTCUSDT").await;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{text} {}", String::from_utf8_lossy(&done.stderr));
    assert!(text.lines().last().is_some_and(|line| line.starts_with("done     1/1 stretches, 430 bars")), "{text}");
    let failed = run("NOPEUSDT").await;
    assert!(!failed.status.success());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("Invalid symbol"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_scheduled_is_fetched_at_its_time() {
    let world = World::with(|config| {
        config.warm.push(finex::config::Warm {
            provider: "binance".into(),
            symbols: vec!["BTCUSDT".into()],
            interval: "1h".into(),
            since: finex::config::values::Span::seconds(20 * 86_400),
            cron: "0 11 * * *".into(),
        });
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(world.calls(), 0, "it is twenty past ten");
    for day in 1..=2 {
        world.advance(if day == 1 { HOUR } else { DAY });
        let mut jobs = Value::Null;
        for _ in 0..100 {
            jobs = world.get("/api/v1/cache/warm").await.json()["jobs"].clone();
            if jobs[day - 1]["state"] == "done" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((jobs.as_array().map(Vec::len), &jobs[day - 1]["state"]), (Some(day), &json!("done")), "{jobs}");
    }
    let calls = world.calls();
    let from = NOW - 15 * DAY;
    let path = format!("/binance{}", klines("BTCUSDT", "1h", &format!("&startTime={from}&endTime={NOW}&limit=500")));
    assert!(world.get(&path).await.cache_status().starts_with("finex; hit"));
    assert_eq!(world.calls(), calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_makes_no_sense_is_named_at_the_start() {
    let job = |provider: &str, symbol: &str, interval: &str, cron: &str| finex::config::Warm {
        provider: provider.into(),
        symbols: vec![symbol.into()],
        interval: interval.into(),
        since: finex::config::values::Span::seconds(86_400),
        cron: cron.into(),
    };
    for (warm, reason) in [
        (job("nobody", "BTCUSDT", "1h", "0 6 * * *"), "no provider named nobody"),
        (job("binance", "btc/usdt", "1h", "0 6 * * *"), "is no symbol of binance"),
        (job("binance", "BTCUSDT", "1fortnight", "0 6 * * *"), "1fortnight"),
        (job("binance", "BTCUSDT", "1h", "every day"), "`every day` is no time"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = finex::config::Config { warm: vec![warm], ..finex::config::Config::default() };
        config.cache.l3.path = folder.path().to_owned();
        let error = finex::app::App::build(config, std::sync::Arc::new(|| NOW), false).err().expect("an error");
        let text = error.to_string();
        assert!(text.starts_with("warm[0]: ") && text.contains(reason), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_start_what_was_used_last_comes_into_memory_by_itself() {
    let world = World::new().await;
    assert_eq!(world.get(&format!("/binance{}", hours(0, 500))).await.status, 200);
    let world = World::at(world.stop().await, NOW, |config| config.cache.l1.wake_up = true).await;
    for _ in 0..100 {
        if world.app.gateway.tiers.memory.usage().0 > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let got = world.get(&format!("/binance{}", hours(0, 500))).await;
    assert!(got.cache_status().ends_with("detail=L1"), "{}", got.cache_status());
    assert_eq!(world.calls(), 0);
}
