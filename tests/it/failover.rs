//! On the unified API another provider stands in for one that fails, if its bars mean the same, and two can be compared.
//! The simulator has Yahoo's prices of its own; all other providers of stocks tell of one tape.

use crate::world::*;
use finex::config::Config;
use serde_json::Value;

/// A world in which these are down, and only these have a key.
async fn world(down: &[&str], with_keys: &[&str]) -> World {
    World::with(|config: &mut Config| {
        config.plan.widen = false;
        for (id, provider) in &mut config.providers {
            if down.contains(&id.as_str()) {
                provider.base_url = "http://127.0.0.1:1".into();
            }
            if with_keys.contains(&id.as_str()) {
                provider.api_key = "a:key".into();
            }
        }
    })
    .await
}

fn january(symbol: &str, more: &str) -> String {
    format!("/api/v1/market-data/{symbol}/history?start_time=2024-01-02&end_time=2024-02-01{more}")
}

fn closes(got: &Got) -> Vec<(String, f64)> {
    let day = |row: &Value| row["timestamp"].as_str().expect("a time")[..10].to_owned();
    let body = got.json();
    let rows = body["data"].as_array().expect("rows");
    rows.iter().map(|row| (day(row), row["close"].as_f64().expect("a close"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_stands_in_and_is_named() {
    let well = world(&[], &[]).await.get(&january("AAPL", "&provider=twelvedata")).await;
    let world = world(&["twelvedata", "yahoo"], &["polygon", "tiingo"]).await;
    let got = world.get(&january("AAPL", "&provider=twelvedata")).await;
    let body = got.json();
    assert_eq!((got.status.as_u16(), &body["provider"]), (200, &Value::from("polygon")), "{body}");
    assert!(body["data"].as_array().expect("rows").iter().all(|row| row["provider"] == "polygon"));
    let warning = got.header("finex-warning");
    assert!(warning.contains("polygon stands in for twelvedata, which failed"), "{:?}", got.headers);
    // The same days, although they open at other instants.
    let (own, others) = (closes(&well), closes(&got));
    assert_eq!(own.len(), 21);
    for ((day, a), (other, b)) in own.iter().zip(&others) {
        assert!(day == other && (a - b).abs() < 0.01, "{day} {a}, {other} {b}");
    }
    assert_eq!(own.len(), others.len());
    // Nobody switches who does not want to, and never on a provider's own route.
    let strict = world.get(&january("AAPL", "&provider=twelvedata&failover=off")).await;
    assert!(strict.status.is_server_error() && strict.json()["provider"] == "twelvedata", "{}", strict.body);
    let native = "/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2024-01-02&end_date=2024-02-01";
    assert!(world.get(native).await.status.is_server_error());
    assert!(world.get("/metrics").await.body.contains("finex_upstream_stood_in_total{provider=\"polygon\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_stands_in_whose_bars_mean_something_else() {
    // Tiingo and Alpaca have prices as they were traded; Polygon, which has the right ones, has no key.
    let world = world(&["yahoo", "twelvedata"], &["tiingo", "alpaca", "alphavantage", "twelvedata"]).await;
    for symbol in ["AAPL", "VOD.L", "BTC-USD"] {
        let got = world.get(&january(symbol, "&provider=yahoo")).await;
        assert!(got.status.is_server_error() && got.json()["provider"] == "yahoo", "{symbol}: {}", got.body);
    }
    assert_eq!(world.calls(), 0);
    // Bars as they were traded have others that are so.
    let got = world.get(&january("AAPL", "&provider=alpaca")).await.json();
    assert_eq!(got["provider"], "alpaca");
    let raw = self::world(&["alpaca"], &["alpaca", "tiingo", "yahoo"]).await;
    assert_eq!(raw.get(&january("AAPL", "&provider=alpaca")).await.json()["provider"], "tiingo");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_the_bars_comes_first() {
    let world = world(&["yahoo"], &["twelvedata", "polygon", "finnhub"]).await;
    assert_eq!(world.get(&january("MSFT", "&provider=polygon")).await.json()["provider"], "polygon");
    let calls = world.calls();
    let got = world.get(&january("MSFT", "&provider=yahoo")).await.json();
    assert_eq!((&got["provider"], world.calls()), (&Value::from("polygon"), calls), "{}", got["cache_info"]);
    // Where nobody is named, what is held is not asked of anybody.
    let got = world.get(&january("MSFT", "")).await.json();
    assert_eq!((&got["provider"], &got["cache_info"]["api_calls_made"]), (&Value::from("polygon"), &Value::from(0)));
    // A circuit that is open puts a provider last.
    let open = serde_json::json!({ "state": "open" });
    assert_eq!(world.post("/api/v1/providers/finnhub/breaker", open.clone()).await.status, 200);
    assert_eq!(world.post("/api/v1/providers/polygon/breaker", open).await.status, 200);
    assert_eq!(world.get(&january("NVDA", "&provider=yahoo")).await.json()["provider"], "twelvedata");
    // Where nobody is named, one that is well otherwise is not tried either: nobody stands in for it.
    let world = self::world(&[], &["twelvedata"]).await;
    let open = serde_json::json!({ "state": "open" });
    assert_eq!(world.post("/api/v1/providers/yahoo/breaker", open).await.status, 200);
    let got = world.get(&january("TSLA", "")).await;
    assert_eq!(
        (got.json()["provider"].as_str(), got.header("finex-warning")),
        (Some("twelvedata"), ""),
        "{}",
        got.body
    );
}

/// Whether there is a symbol is not for others to say.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_stands_in_for_who_knows_no_such_symbol() {
    let world = world(&[], &["twelvedata", "polygon", "finnhub"]).await;
    let got = world.get(&january("NOPE", "&provider=twelvedata")).await;
    assert_eq!((got.status.as_u16(), &got.json()["provider"]), (404, &Value::from("twelvedata")), "{}", got.body);
    assert_eq!(world.calls(), 1);
}

/// Pages lead on whoever answers: no day is left out and none comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_on_from_one_provider_to_the_other() {
    let world = world(&[], &["twelvedata", "polygon"]).await;
    world.advance(30 * DAY);
    let mut days = Vec::new();
    let mut next = "&start_time=2024-02-20".to_owned();
    for page in 0..8 {
        // What is held would be served although the circuit is open.
        world.post("/api/v1/cache/invalidate", serde_json::json!({ "symbol": "IBM" })).await;
        // Failures are remembered for a second.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        let by = ["twelvedata", "polygon"][page % 2];
        let state = serde_json::json!({ "state": if page % 2 == 0 { "closed" } else { "open" } });
        world.post("/api/v1/providers/twelvedata/breaker", state).await;
        world.post("/api/v1/providers/yahoo/breaker", serde_json::json!({ "state": "open" })).await;
        let path = "/api/v1/market-data/IBM/history?provider=twelvedata&limit=4&end_time=2024-03-27";
        let got = world.get(&format!("{path}{next}")).await;
        let body = got.json();
        assert_eq!(body["provider"], by, "{body}");
        days.extend(closes(&got).into_iter().map(|(day, _)| day));
        let Some(start) = body["next"]["start_time"].as_str() else { break };
        next = format!("&start_time={start}");
    }
    let all = self::world(&[], &[]).await;
    all.advance(30 * DAY);
    let whole = "/api/v1/market-data/IBM/history?provider=yahoo&start_time=2024-02-20&end_time=2024-03-27";
    let expected: Vec<String> = closes(&all.get(whole).await).into_iter().map(|(day, _)| day).collect();
    assert_eq!((days.len(), days), (26, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_providers_are_compared_and_their_differences_told() {
    let world = world(&[], &["twelvedata", "polygon"]).await;
    world.post("/api/v1/providers/yahoo/breaker", serde_json::json!({ "state": "open" })).await;
    let got = world.get(&january("AAPL", "&provider=twelvedata&consensus=2")).await;
    let consensus = got.json()["cache_info"]["consensus"].clone();
    assert_eq!(consensus["providers"], serde_json::json!(["twelvedata", "polygon"]), "{}", got.body);
    assert_eq!(
        consensus["bars"],
        serde_json::json!({ "compared": 21, "agreeing": 21, "only_in": [0, 0] }),
        "{consensus}"
    );
    assert_eq!(world.told_of("twelvedata").await["quality"]["shares"]["agreement"], 1.0);
    // Another tape.
    world.post("/api/v1/providers/yahoo/breaker", serde_json::json!({ "state": "closed" })).await;
    let got = world.get(&january("NVDA", "&provider=yahoo&consensus=2")).await;
    let consensus = got.json()["cache_info"]["consensus"].clone();
    assert_eq!(
        consensus["bars"],
        serde_json::json!({ "compared": 21, "agreeing": 0, "only_in": [0, 0] }),
        "{consensus}"
    );
    assert!(consensus["largest_difference"].as_f64().expect("a share") > 0.001, "{consensus}");
    assert_eq!(consensus["differences"].as_array().expect("differences").len(), 20);
    assert!(got.header("finex-warning").contains(" differ in 21 of 21 bars"), "{:?}", got.headers);
    let agreement = world.told_of("yahoo").await["quality"]["shares"]["agreement"].as_f64().expect("a share");
    assert!(agreement < 1.0 && world.told_of("yahoo").await["quality"]["score"] == agreement);
    // Nobody tells the same of this one.
    let alone = world.get(&january("BTC-USD", "&provider=yahoo&consensus=2")).await;
    assert_eq!(alone.status, 422, "{}", alone.body);
}

/// What is held of the provider that fails says whether another one's bars are the same.
#[tokio::test(flavor = "multi_thread")]
async fn who_contradicts_what_is_held_does_not_stand_in() {
    let world = world(&[], &["polygon", "twelvedata"]).await;
    let path = |provider: &str, to: &str| {
        format!("/api/v1/market-data/NVDA/history?provider={provider}&start_time=2024-01-02&end_time={to}")
    };
    let breaker = |id: &str, state: &str| {
        let (path, body) = (format!("/api/v1/providers/{id}/breaker"), serde_json::json!({ "state": state }));
        let world = &world;
        async move { assert_eq!(world.post(&path, body).await.status, 200) }
    };
    for (provider, other) in [("twelvedata", "polygon"), ("yahoo", "twelvedata")] {
        assert_eq!(world.get(&path(provider, "2024-01-12")).await.status, 200);
        breaker(provider, "open").await;
        let got = world.get(&path(provider, "2024-01-17")).await;
        // Yahoo's prices are others.
        if provider == "yahoo" {
            assert!(got.status.is_server_error() && got.json()["provider"] == "yahoo", "{}", got.body);
        } else {
            assert_eq!(got.json()["provider"], other, "{}", got.body);
        }
        breaker(provider, "closed").await;
    }
}
