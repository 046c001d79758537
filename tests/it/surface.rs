//! What operators and scripts see.

use crate::world::*;
use http::Method;
use serde_json::json;

#[tokio::test]
async fn a_plan_is_explained_and_nobody_is_called() {
    let world = World::new().await;
    let path = format!("/binance{}", hours(0, 300));
    let encoded = path.replace('&', "%26").replace('?', "%3F");
    for url in [format!("/api/v1/explain?url={encoded}"), format!("/api/v1/explain?url=http://x:1{path}")] {
        let explained = world.get(&url).await.json();
        assert_eq!(explained["plan"]["bars_missing"], 300, "{explained}");
        assert_eq!(explained["plan"]["calls"].as_array().expect("calls").len(), 1);
        let request = explained["requests"][0].as_str().expect("a request");
        assert!(request.starts_with("GET /api/v3/klines?symbol=BTCUSDT&interval=1h&startTime="), "{request}");
    }
    assert_eq!((world.calls(), world.app.gateway.tiers.catalog.len()), (0, 0));
    world.get(&path).await;
    let explained = world.get(&format!("/api/v1/explain?url={encoded}")).await.json();
    assert_eq!((&explained["plan"]["bars_held"], &explained["plan"]["bars_missing"]), (&json!(300), &json!(0)));
    assert_eq!(explained["plan"]["saved_calls"], 1);
    let unified = "/api/v1/explain?url=/api/v1/market-data/BTCUSDT/history?interval=1h&start_time=2024-01-01&limit=10";
    assert_eq!(world.get(unified).await.json()["plan"]["bars_missing"], 0);
    assert_eq!(world.get("/api/v1/explain").await.status, 422);
    assert_eq!(world.get("/api/v1/explain?url=/nowhere").await.status, 422);
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn stats_have_the_names_that_were_asked_for() {
    let world = World::new().await;
    for _ in 0..4 {
        world.get(&format!("/binance{}", hours(0, 300))).await;
    }
    world.settle().await;
    let stats = world.get("/api/v1/cache/stats").await.json();
    let number = |name: &str| stats[name].as_f64().unwrap_or_else(|| panic!("{name} in {stats}"));
    assert_eq!((number("total_requests"), number("cache_hits"), number("cache_misses")), (4.0, 3.0, 1.0));
    assert_eq!(number("hit_ratio"), 0.75);
    assert!(number("average_latency_ms") > 0.0 && number("memory_usage_mb") > 0.0);
    assert_eq!(number("eviction_count"), 0.0);
    assert_eq!(stats["levels"][0]["level"], "L1_MEMORY");
    assert_eq!(stats["levels"][1]["level"], "L3_DATABASE");
    assert!(stats["levels"][1]["bytes"].as_u64() > Some(0));
    let provider = world.told_of("binance").await;
    assert_eq!(
        (&provider["id"], &provider["breaker"]["state"], &provider["calls"]["ok"]),
        (&json!("binance"), &json!("closed"), &json!(1))
    );
    assert_eq!((&provider["windows"][0]["limit"], &provider["windows"][0]["used"]), (&json!(6000), &json!(2)));
    assert_eq!(provider["calls"]["avoided"], 3);
}

#[tokio::test]
async fn metrics_have_bounded_labels() {
    let world = World::new().await;
    world.get(&format!("/binance{}", hours(0, 3))).await;
    let before = world.get("/metrics").await.body.lines().count();
    for n in 0..200 {
        world.get(&format!("/binance{}", klines(&format!("N{n}"), "1h", "&limit=0"))).await;
        world.get(&format!("/api/v1/market-data/S{n}/history?limit=0")).await;
        world.get(&format!("/nowhere/{n}")).await;
    }
    let after = world.get("/metrics").await;
    assert!(after.body.lines().count() <= before + 20, "{} lines became {}", before, after.body.lines().count());
    assert!(after.body.contains("finex_http_requests_total{route=\"native\",cache=\"error\"}"), "{}", after.body);
    assert!(after.body.contains("finex_upstream_requests_total{provider=\"binance\",outcome=\"ok\"} 1"));
    assert!(!after.body.contains("BTCUSDT"));
    assert!(after.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn readiness_and_the_map_answer() {
    let world = World::new().await;
    assert_eq!(world.get("/readyz").await.status, 200);
    assert_eq!(world.get("/healthz").await.body, "ok\n");
    assert!(world.get("/").await.body.contains("/binance/"));
    assert_eq!(world.get("/nothing/here").await.status, 404);
    assert_eq!(world.send(world.request(Method::POST, "/api/v1/cache/stats")).await.status, 405);
    world.app.router.drain();
    assert_eq!(world.get("/readyz").await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalidation_is_by_pattern_and_range_and_can_be_tried_dry() {
    let world = World::new().await;
    let (first, second) = (hours(0, 400), hours(-8_000, -7_500));
    for path in [&first, &second] {
        world.get(&format!("/binance{path}")).await;
    }
    world.get(&format!("/binance{}", klines("ETHUSDT", "1h", "&startTime=1704067200000&limit=9"))).await;
    world.settle().await;
    let body = |dry_run: bool| json!({ "pattern": "finex:BTCUSDT:1h:*", "from": "2024-01-01", "to": "2024-01-05", "reason": "test", "dry_run": dry_run });
    let dry = world.post("/api/v1/cache/invalidate", body(true)).await.json();
    assert_eq!((&dry["affected_keys_count"], &dry["dry_run"], &dry["nodes"]), (&json!(1), &json!(true), &json!(1)));
    assert!(dry["affected_bytes"].as_u64() > Some(0));
    assert!(dry["sample"][0].as_str().is_some_and(|key| key.starts_with("finex:BTCUSDT:1h:")));
    let calls = world.calls();
    world.get(&format!("/binance{first}")).await;
    assert_eq!(world.calls(), calls, "a dry run changes nothing");
    let wet = world.post("/api/v1/cache/invalidate", body(false)).await.json();
    assert_eq!(wet["affected_keys_count"], 1);
    assert!(wet["invalidation_id"].as_str().is_some_and(|id| id.starts_with("inv_")));
    world.get(&format!("/binance{second}")).await;
    world.get(&format!("/binance{}", klines("ETHUSDT", "1h", "&startTime=1704067200000&limit=9"))).await;
    assert_eq!(world.calls(), calls, "what was not meant is still held");
    world.get(&format!("/binance{first}")).await;
    assert_eq!(world.calls(), calls + 1, "what was meant is fetched again");
    let star = world.post("/api/v1/cache/invalidate", json!({ "symbol": "*" })).await.json();
    assert_eq!(star["affected_keys_count"], 0, "a symbol named * is no pattern");
    let all = world.post("/api/v1/cache/invalidate", json!({ "pattern": "finex:*" })).await.json();
    assert!(all["affected_keys_count"].as_u64() >= Some(3));
    assert_eq!(world.app.gateway.tiers.catalog.len(), 0);
    let folder = world.stop().await;
    let world = World::at(folder, NOW, |_| {}).await;
    world.get(&format!("/binance{first}")).await;
    assert_eq!(world.calls(), 1, "it is gone from disk too");
}

#[tokio::test]
async fn what_changes_state_is_guarded() {
    let world = World::new().await;
    let path = "/api/v1/cache/invalidate";
    let body = json!({ "pattern": "finex:*" }).to_string();
    let post = || world.request(Method::POST, path).body(body.clone());
    assert_eq!(world.send(post()).await.status, 200);
    assert_eq!(world.send(world.request(Method::GET, path)).await.status, 405);
    assert_eq!(world.send(post().header("origin", "https://evil.example")).await.status, 403);
    assert_eq!(world.send(post().header("host", "evil.example")).await.status, 421);
    assert_eq!(world.send(world.request(Method::POST, path).body("{}")).await.status, 422);
    assert_eq!(world.send(world.request(Method::POST, path).body("{\"patern\":\"x\"}")).await.status, 422);
    assert_eq!(world.send(world.request(Method::POST, path).body("x".repeat(100_000))).await.status, 413);
    let guarded = World::with(|config| {
        config.admin.token = toml::Value::String("s3cret".into()).try_into().expect("a token");
    })
    .await;
    let post = || guarded.request(Method::POST, path).body(body.clone());
    assert_eq!(guarded.send(post()).await.status, 401);
    assert_eq!(guarded.send(post().bearer_auth("s3cret")).await.status, 200);
}

#[tokio::test]
async fn no_configuration_value_that_is_secret_is_shown() {
    let mut config = finex::config::Config::default();
    config.admin.token = toml::Value::String("CANARY-7f3a".into()).try_into().expect("a token");
    assert!(!format!("{config:?}").contains("CANARY"));
    assert!(!toml::to_string(&config).expect("text").contains("CANARY"));
}
