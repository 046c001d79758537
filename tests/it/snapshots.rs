//! Every wire shape, held to a file in `fixtures/`. `FINEX_BLESS=1` writes the files anew.

use crate::world::*;
use serde_json::Value;
use std::path::PathBuf;

fn hold(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    if std::env::var_os("FINEX_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("written");
    }
    let held = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(held == text, "{name} has changed:\n{held}\n---\n{text}");
}

/// JSON on lines, without what differs from run to run.
fn steady(got: &Got) -> String {
    let mut value = got.json();
    if let Some(info) = value.get_mut("cache_info").and_then(Value::as_object_mut) {
        info.insert("response_time_ms".into(), Value::Null);
    }
    format!("{value:#}\n")
}

#[tokio::test]
async fn shapes_on_the_wire_do_not_change_by_accident() {
    let world = World::new().await;
    let settled = format!("/binance{}", klines("SHIBUSDT", "1d", "&startTime=1704067200000&limit=3"));
    hold("binance/klines/settled.json", &world.get(&settled).await.body);
    hold("binance/klines/microseconds.json", &world.get_with(&settled, "x-mbx-time-unit", "MICROSECOND").await.body);
    let forming = format!("/binance{}", klines("BTCUSDT", "1M", "&limit=2"));
    hold("binance/klines/forming-month.json", &world.get(&forming).await.body);
    let refused = world.get("/binance/api/v3/klines?symbol=BTCUSDT&interval=7x").await;
    hold("binance/klines/refused.json", &refused.body);
    world.sim.yahoo().set_noise(false);
    let yahoo = |query: &str| format!("/yahoo/v8/finance/chart/{query}");
    let charts = [
        ("daily.json", "AAPL?period1=1598572800&period2=1599004800&interval=1d&events=div,splits"),
        ("intraday.json", "AAPL?period1=1709562600&period2=1709563500&interval=5m"),
        ("extended.json", "AAPL?period1=1709585400&period2=1709586900&interval=15m&includePrePost=true"),
        ("empty.json", "AAPL?period1=1704499200&period2=1704585600&interval=1d"),
        ("refused-interval.json", "AAPL?range=1d&interval=7x"),
    ];
    for (name, query) in charts {
        hold(&format!("yahoo/chart/{name}"), &format!("{:#}\n", world.get(&yahoo(query)).await.json()));
    }
    let adjusted = "/api/v1/market-data/IBM/history?provider=yahoo&interval=1d&start_time=2024-01-02&limit=2";
    hold("unified/history/adjusted.json", &steady(&world.get(adjusted).await));
    let history = "/api/v1/market-data/SHIBUSDT/history?interval=1d&start_time=2024-01-01&limit=2";
    hold("unified/history/rows.json", &steady(&world.get(history).await));
    hold("unified/history/columns.json", &steady(&world.get(&format!("{history}&layout=columns")).await));
    hold("unified/history/rows.csv", &world.get(&format!("{history}&format=csv")).await.body);
    hold("unified/latest/hour.json", &steady(&world.get("/api/v1/market-data/BTCUSDT/latest?interval=1h").await));
    hold("unified/problem/limit.json", &steady(&world.get("/api/v1/market-data/BTCUSDT/history?limit=0").await));
    hold(
        "unified/problem/parameter.json",
        &steady(&world.get("/api/v1/market-data/BTCUSDT/history?intervall=1h").await),
    );
}
