//! One schema for every provider, with `cache_info`.

use crate::world::*;
use serde_json::Value;

fn history(more: &str) -> String {
    format!("/api/v1/market-data/BTCUSDT/history?{more}")
}

#[tokio::test]
async fn rows_carry_the_schema_and_the_truth() {
    let world = World::new().await;
    let got = world.get(&history("interval=1h&start_time=2024-01-02&end_time=2024-01-03")).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let body = got.json();
    let data = body["data"].as_array().expect("rows");
    assert_eq!((data.len(), body["count"].as_u64(), body["has_more"].as_bool()), (24, Some(24), Some(false)));
    let names: Vec<&String> = data[0].as_object().expect("a row").keys().collect();
    let mut schema = vec![
        "symbol",
        "timestamp",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "adj_close",
        "market_cap",
        "provider",
        "currency",
        "timezone",
        "final",
    ];
    schema.sort_unstable();
    assert_eq!(names, schema);
    assert_eq!(data[0]["timestamp"], "2024-01-02T00:00:00Z");
    assert_eq!((data[0]["currency"].as_str(), data[0]["provider"].as_str()), (Some("usdt"), Some("binance")));
    assert_eq!((&data[0]["adj_close"], &data[0]["final"]), (&Value::Null, &Value::Bool(true)));
    let native = world.direct(&hours(24, 48)).await.rows();
    for (row, native) in data.iter().zip(&native) {
        let number = |i: usize| native[i].as_str().and_then(|t| t.parse::<f64>().ok());
        assert_eq!(row["open"].as_f64(), number(1));
        assert_eq!(row["close"].as_f64(), number(4));
        assert_eq!(row["volume"].as_f64(), number(5));
    }
}

#[tokio::test]
async fn native_and_unified_share_what_is_held() {
    let world = World::new().await;
    world.get(&format!("/binance{}", hours(0, 100))).await;
    let body = world.get(&history("interval=1h&start_time=2024-01-02&end_time=2024-01-03")).await.json();
    assert_eq!(world.calls(), 1);
    let info = &body["cache_info"];
    assert_eq!(info["hit_rate"], 1.0);
    assert_eq!(info["coverage_ratio"], 1.0);
    assert_eq!(info["api_calls_made"], 0);
    assert_eq!(info["data_freshness"], "final");
    assert_eq!(info["status"], "hit");
    assert!(info["response_time_ms"].as_f64().is_some());
    let key = info["cache_keys_used"][0].as_str().expect("a key");
    assert!(key.starts_with("finex:BTCUSDT:1h:") && key.contains(":binance:usdt:ohlcv+"), "{key}");
    let end = NEW_YEAR / 1_000 + 3_600 * 999;
    let wide =
        world.get(&history(&format!("interval=1h&start_time=2024-01-01&end_time={end}&limit=2000"))).await.json();
    let info = &wide["cache_info"];
    assert_eq!(wide["count"], 999, "{info}");
    assert_eq!(info["status"], "partial", "{info}");
    let (held, calls) = (info["hit_rate"].as_f64().expect("a rate"), info["api_calls_made"].as_u64());
    assert!(held > 0.1 && held < 1.0 && calls == Some(1), "{info}");
}

#[tokio::test]
async fn columns_and_csv_say_the_same_as_rows() {
    let world = World::new().await;
    let query = "interval=1d&start_time=2024-02-20&end_time=2024-03-20";
    let rows = world.get(&history(query)).await.json();
    let columns = world.get(&history(&format!("{query}&layout=columns"))).await.json();
    let data = rows["data"].as_array().expect("rows");
    for (name, values) in columns["columns"].as_object().expect("columns") {
        let expected: Vec<&Value> = data.iter().map(|row| &row[name]).collect();
        assert_eq!(values.as_array().expect("values").iter().collect::<Vec<_>>(), expected, "{name}");
    }
    assert_eq!(columns["columns"].as_object().expect("columns").len(), 13);
    let csv = world.get(&history(&format!("{query}&format=csv"))).await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    let lines: Vec<&str> = csv.body.lines().collect();
    assert_eq!(lines.len(), data.len() + 1);
    let head: Vec<&str> = lines[0].split(',').collect();
    for (line, row) in lines[1..].iter().zip(data) {
        for (name, cell) in head.iter().zip(line.split(',')) {
            let value = &row[*name];
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(cell, if value.is_null() { "" } else { &text }, "{name}");
        }
    }
    assert_eq!(data.last().expect("a row")["final"], false, "today's bar is forming");
    assert_eq!(data.len(), 15);
}

#[tokio::test]
async fn pages_lead_on_in_both_directions() {
    let world = World::new().await;
    let first = world.get(&history("interval=1h&start_time=2024-01-01&end_time=2024-01-02&limit=10")).await.json();
    assert_eq!((first["count"].as_u64(), first["has_more"].as_bool()), (Some(10), Some(true)));
    let next = first["next"]["start_time"].as_str().expect("a start");
    assert_eq!(next, "2024-01-01T10:00:00Z");
    let rest =
        world.get(&history(&format!("interval=1h&start_time={next}&end_time=2024-01-02&limit=100"))).await.json();
    assert_eq!((rest["count"].as_u64(), rest["has_more"].as_bool()), (Some(14), Some(false)));
    let newest = world.get(&history("interval=1h&limit=5&end_time=2024-01-02")).await.json();
    assert_eq!(newest["data"][4]["timestamp"], "2024-01-01T23:00:00Z");
    assert_eq!(newest["next"]["end_time"], "2024-01-01T19:00:00Z");
    let many = world.get(&history("interval=1h&start_time=2023-01-01&limit=5000")).await.json();
    assert_eq!(many["count"], 5000);
}

#[tokio::test]
async fn the_latest_bar_is_live_and_says_where_it_is_from() {
    let world = World::new().await;
    let path = "/api/v1/market-data/ETHUSDT/latest?interval=1h";
    let first = world.get(path).await.json();
    assert_eq!((first["symbol"].as_str(), first["source"].as_str()), (Some("ETHUSDT"), Some("binance")));
    assert_eq!(first["data"]["timestamp"], "2024-03-05T10:00:00Z");
    assert_eq!(first["data"]["final"], false);
    assert_eq!(first["timestamp"], "2024-03-05T10:20:30Z");
    assert_eq!(first["cache_info"]["api_calls_made"], 1);
    world.advance(5 * SECOND);
    let again = world.get(path).await.json();
    assert_eq!(again["cache_info"]["api_calls_made"], 0);
    assert_eq!(again["cache_info"]["data_freshness"], "5 seconds ago");
}

#[tokio::test]
async fn every_answer_carries_the_standard_headers() {
    let world = World::new().await;
    let paths = [history("interval=1h&limit=5"), format!("/binance{}", hours(0, 5)), "/binance/api/v3/time".into()];
    for path in paths.iter().chain(&paths) {
        let got = world.get(path).await;
        for name in ["cache-status", "server-timing", "cache-control", "finex-request-id"] {
            assert!(!got.header(name).is_empty(), "{path} lacks {name}");
        }
        if !path.contains("time?") && !path.ends_with("/time") {
            assert!(!got.header("etag").is_empty() && !got.header("age").is_empty(), "{path}");
        }
    }
}
