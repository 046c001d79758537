//! Histories that are younger than what is asked for, and symbols that nobody has.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_before_a_history_does_costs_few_calls() {
    for (path, most) in [
        ("/alpaca/v2/stocks/TSLA/bars?timeframe=1Min&start=2008-01-01&end=2015-01-01", 1),
        ("/alpaca/v2/stocks/bars?symbols=TSLA&timeframe=1Hour&start=2005-01-01&end=2015-01-01&limit=10000", 3),
        ("/alpaca/v1beta3/crypto/us/bars?symbols=BTC/USD&timeframe=1Hour&start=2005-01-01&end=2024-01-04", 1),
        ("/polygon/v2/aggs/ticker/TSLA/range/1/minute/2005-01-01/2015-01-01", 1),
        ("/polygon/v2/aggs/ticker/TSLA/range/1/minute/2005-01-01/2015-01-01?sort=desc", 1),
        ("/polygon/v2/aggs/ticker/TSLA/range/1/day/1990-01-02/2024-01-10?sort=desc&limit=50000", 1),
        ("/polygon/v2/aggs/ticker/ZZZQ/range/1/minute/2022-01-03/2022-12-20", 1),
        ("/alpaca/v2/stocks/bars?symbols=ZZZQ&timeframe=1Min&start=2022-01-03&end=2022-12-20&limit=10000", 2),
        ("/twelvedata/time_series?symbol=TSLA&interval=1month&end_date=2020-04-20&adjust=all&apikey=k", 1),
    ] {
        let world = World::new().await;
        let before = world.calls();
        world.same(path).await;
        let made = world.calls() - before - 1;
        assert!(made <= most, "{path}: {made} calls beside the straight one");
        let before = world.calls();
        world.same(path).await;
        assert_eq!(world.calls() - before, 1, "{path}: asked again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_bars_than_there_are_is_all_there_are() {
    for (provider, interval, bars) in [
        ("polygon", "1d", 3_000),
        ("alpaca", "1d", 3_000),
        ("finnhub", "1d", 3_000),
        ("tiingo", "1d", 3_000),
        ("tiingo", "1mo", 150),
        ("twelvedata", "1d", 3_000),
        ("twelvedata", "1w", 700),
    ] {
        let world = World::new().await;
        let path = format!("/api/v1/market-data/TSLA/history?provider={provider}&interval={interval}&limit=5000");
        let got = world.get(&path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        let answer = got.json();
        let data = answer["data"].as_array().expect("bars");
        assert!(data.len() > bars && data.len() < 5_000, "{path}: {}", data.len());
        assert!(data[0]["timestamp"].as_str().is_some_and(|first| first.starts_with("2010-06")), "{}", data[0]);
    }
}

/// As a client does that puts page behind page.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_put_together_bars_repeat_none_and_leave_none_out() {
    let world = World::new().await;
    for sort in ["asc", "desc"] {
        let path = format!("/polygon/v2/aggs/ticker/AAPL/range/1/month/2020-01-02/2024-01-05?sort={sort}");
        let whole = world.get(&format!("{path}&limit=50000")).await.json()["results"].clone();
        let (mut url, mut pages) = (format!("{path}&limit=10"), Vec::new());
        loop {
            let page = world.get(&url).await.json();
            pages.extend(page["results"].as_array().expect("rows").clone());
            let Some(next) = page["next_url"].as_str() else { break };
            assert!(pages.len() < 100, "{next}");
            url = next[next.find("/polygon/").expect("the gateway's own prefix")..].to_owned();
        }
        assert!(pages.len() > 45 && whole == serde_json::Value::from(pages), "{sort}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invented_symbols_leave_no_trace() {
    let world = World::new().await;
    for batch in 0..30 {
        let names: Vec<String> = (0..50).map(|n| format!("B{batch}X{n}")).collect();
        let path = format!(
            "/alpaca/v2/stocks/bars?symbols={}&timeframe=1Day&start=2024-01-01&end=2024-02-01",
            names.join(",")
        );
        assert_eq!(world.get(&path).await.status, 200);
    }
    world.settle().await;
    let stats = world.get("/api/v1/cache/stats").await.json();
    assert!(stats["series"].as_u64().is_some_and(|series| (1..=1_000).contains(&series)), "{stats}");
    assert!(!world.folder.path().join("provider=alpaca").exists());
}
