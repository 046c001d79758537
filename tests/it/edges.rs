//! Where what a provider answers says less than it seems to.

use crate::world::{DAY, World};
use finex_sim::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn asks_that_reach_before_the_listing_are_answered_with_what_there_is() {
    let world = World::new().await;
    for path in [
        "/twelvedata/time_series?symbol=TSLA&interval=1month&end_date=2020-04-20&adjust=all",
        "/twelvedata/time_series?symbol=TSLA&interval=1day&outputsize=5000",
        "/twelvedata/time_series?symbol=TSLA&interval=1day&outputsize=5000&end_date=2015-01-01",
        "/twelvedata/time_series?symbol=TSLA&interval=1day&start_date=1990-01-01&end_date=2012-01-01",
        "/twelvedata/time_series?symbol=TSLA&interval=1day&start_date=1990-01-01&end_date=1992-01-01",
        "/twelvedata/time_series?symbol=AAPL&interval=1day&outputsize=5000",
        "/twelvedata/time_series?symbol=AAPL&interval=1day&outputsize=5000&start_date=1980-01-01&end_date=2010-01-01",
        "/polygon/v2/aggs/ticker/TSLA/range/1/day/1990-01-02/2012-06-30?limit=50000",
        "/tiingo/tiingo/daily/TSLA/prices?startDate=1990-01-03&endDate=2012-06-30",
        "/finnhub/api/v1/stock/candle?symbol=TSLA&resolution=D&from=315532800&to=1325376000",
        "/coingecko/api/v3/coins/solana/market_chart/range?vs_currency=usd&from=1230768000&to=1609459200",
    ] {
        world.same(path).await;
        let calls = world.calls();
        world.same(path).await;
        assert_eq!(world.calls() - calls, 1, "{path}: the second answer is held");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_a_coin_is_answered_whatever_is_held_of_it() {
    for before in ["days=180", "days=1", "days=30"] {
        let world = World::new().await;
        world.same(&format!("/coingecko/api/v3/coins/ethereum/market_chart?vs_currency=usd&{before}")).await;
        world.same("/coingecko/api/v3/coins/ethereum/market_chart?vs_currency=usd&days=max").await;
        world.same("/coingecko/api/v3/coins/ethereum/market_chart?vs_currency=usd&days=90").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_recent_rows_say_nothing_of_what_was_before() {
    let world = World::new().await;
    let body = r#"{"Meta Data":{"1. Information":"Intraday (5min) open, high, low, close prices and volume","2. Symbol":"IBM","3. Last Refreshed":"2024-03-04 10:00:00","4. Interval":"5min","5. Output Size":"Compact","6. Time Zone":"US/Eastern"},"Time Series (5min)":{"2024-03-04 10:00:00":{"1. open":"1.0","2. high":"1.0","3. low":"1.0","4. close":"1.0","5. volume":"1"}}}"#;
    let few = Fault::Status { status: 200, content_type: "application/json", body: body.to_owned(), retry_after: None };
    world.sim.faults().inject(few, 1);
    let got = world.get("/alphavantage/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&apikey=k").await;
    assert!(got.status == 200 || got.status == 503, "{}", got.body);
    world.same("/alphavantage/query?function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min&month=2024-01&outputsize=full&apikey=k").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_tried_again_an_hour_later_and_served_meanwhile() {
    let world = World::new().await;
    let path = "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-01-03&endDate=2023-06-30";
    let held = world.get(path).await.body;
    world.advance(2 * DAY);
    let gone = Fault::Status {
        status: 404,
        content_type: "application/json",
        body: "{\"detail\":\"Not found.\"}".to_owned(),
        retry_after: None,
    };
    world.sim.faults().always(gone);
    let calls = world.calls();
    for _ in 0..4 {
        let got = world.get(path).await;
        assert_eq!((got.status.as_u16(), &got.body), (200, &held));
    }
    assert_eq!(world.calls() - calls, 1);
    world.sim.faults().clear();
    world.advance(2 * 3_600_000);
    // A failure is remembered for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    world.same(path).await;
    assert_eq!(world.calls() - calls, 3, "one that compares, one straight");
}
