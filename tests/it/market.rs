//! Calendars save calls, and hide nothing.

use crate::world::{DAY, HOUR, World};
use finex_core::time::Ts;
use finex_sim::Fault;

/// Saturday, 9 March 2024, noon in UTC.
const SATURDAY: Ts = 1_709_985_600_000;

async fn world_at(now: Ts) -> World {
    World::at(std::sync::Arc::new(tempfile::tempdir().expect("a folder")), now, |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekend_of_asking_costs_two_calls() {
    for path in [
        "/polygon/v2/aggs/ticker/AAPL/range/1/day/2024-02-01/2024-03-12?limit=50000",
        "/alpaca/v2/stocks/AAPL/bars?timeframe=1Min&start=2024-03-07T15:00:00Z&end=2024-03-11T03:00:00Z&feed=sip&limit=10000",
        "/tiingo/tiingo/daily/AAPL/prices?startDate=2024-02-01&endDate=2024-03-12",
    ] {
        let world = world_at(SATURDAY).await;
        let first = world.get(path).await;
        assert_eq!(first.status, 200, "{path}: {}", first.body);
        // Friday's bar settles on Saturday evening: then it is fetched for good.
        for _ in 0..30 {
            world.advance(HOUR);
            world.get(path).await;
        }
        assert!(world.calls() <= 2, "{path}: {} calls", world.calls());
        world.same(path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_days_of_a_symbol_that_is_held_cost_no_call() {
    let world = world_at(SATURDAY).await;
    let days = |from: &str, to: &str| format!("/polygon/v2/aggs/ticker/MSFT/range/1/day/{from}/{to}");
    // Nothing is known of a symbol that nobody asked for: it may not exist.
    world.same(&days("2023-07-01", "2023-07-02")).await;
    assert_eq!(world.calls(), 2);
    let world = World::with(|config| config.plan.widen = false).await;
    world.same(&days("2023-05-01", "2023-05-31")).await;
    let calls = world.calls();
    for (from, to) in [("2023-07-01", "2023-07-02"), ("2023-07-04", "2023-07-04"), ("2022-12-24", "2022-12-26")] {
        let got = world.same(&days(from, to)).await;
        assert!(got.cache_status().contains("hit"), "{from}: {}", got.cache_status());
    }
    assert_eq!(world.calls() - calls, 3, "the straight ones");
}

/// A request for several symbols of which nothing lacks but a weekend: no call that it needs anyway would tell of the split.
#[tokio::test(flavor = "multi_thread")]
async fn a_weekend_at_the_edge_does_not_stand_for_a_comparison() {
    let world = World::with(|config| config.plan.widen = false).await;
    let bars = |from: &str, to: &str| {
        format!("/alpaca/v2/stocks/bars?symbols=NVDA,IBM&timeframe=1Day&adjustment=all&start={from}&end={to}")
    };
    world.same(&bars("2023-10-16", "2023-11-03")).await;
    world.sim.stocks().add_split("NVDA", (2024, 3, 6), 2, 1);
    world.advance(3 * DAY);
    let calls = world.calls();
    world.same(&bars("2023-10-14", "2023-11-05")).await;
    assert!(world.calls() - calls > 1, "the straight one, and a comparison");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_calendar_hides_nothing() {
    let world = World::with(|config| config.plan.widen = false).await;
    let bar = |day: Ts| format!(r#"{{"v":1.0,"vw":1.0,"o":1.0,"c":1.0,"h":1.0,"l":1.0,"t":{day},"n":1}}"#);
    // A Friday, and a session on the Saturday behind it, at midnight in New York.
    let (friday, saturday) = (1_685_073_600_000, 1_685_160_000_000);
    let body = format!(
        r#"{{"ticker":"IBM","queryCount":2,"resultsCount":2,"adjusted":false,"results":[{},{}],"status":"OK","request_id":"x","count":2}}"#,
        bar(friday),
        bar(saturday)
    );
    let odd = Fault::Status { status: 200, content_type: "application/json", body, retry_after: None };
    world.sim.faults().inject(odd, 1);
    let days = |from: &str, to: &str| format!("/polygon/v2/aggs/ticker/IBM/range/1/day/{from}/{to}?adjusted=false");
    assert_eq!(world.get(&days("2023-05-26", "2023-05-27")).await.json()["resultsCount"], 2);
    let saturday = world.get(&days("2023-05-27", "2023-05-27")).await.json();
    assert_eq!(saturday["resultsCount"], 1, "what was received wins");
    let calls = world.calls();
    world.get(&days("2023-07-01", "2023-07-02")).await;
    assert_eq!(world.calls() - calls, 1, "a calendar that was wrong once is not believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_believed_to_be_empty_is_asked_for_in_the_end() {
    let world = World::with(|config| config.plan.widen = false).await;
    let days = |from: &str, to: &str| format!("/polygon/v2/aggs/ticker/MSFT/range/1/day/{from}/{to}?adjusted=false");
    world.get(&days("2023-05-01", "2023-05-31")).await;
    let calls = world.calls();
    world.get(&days("2023-07-01", "2023-07-02")).await;
    world.advance(8 * DAY);
    world.get(&days("2023-05-01", "2023-07-02")).await;
    assert_eq!(world.calls() - calls, 1, "with the weeks before it");
}

/// The simulated Tokyo knows no holidays, and the calendar does.
#[tokio::test(flavor = "multi_thread")]
async fn a_holiday_is_believed_where_another_one_brought_nothing() {
    let world = World::with(|config| config.plan.widen = false).await;
    world.sim.yahoo().set_noise(false);
    let chart = |from: i64, to: i64| {
        format!("/v8/finance/chart/7203.T?period1={from}&period2={to}&interval=1d&events=div%2Csplits")
    };
    // Until Friday, 18 September 2020; the 21st and the 22nd are holidays.
    let stamps = |got: &crate::world::Got| got.json()["chart"]["result"][0]["timestamp"].as_array().map_or(0, Vec::len);
    world.get(&format!("/yahoo{}", chart(1_596_240_000, 1_600_473_600))).await;
    let monday = chart(1_600_646_400, 1_600_819_200);
    let (through, straight) = (world.get(&format!("/yahoo{monday}")).await, world.direct(&monday).await);
    assert_eq!((stamps(&through), stamps(&straight)), (3, 3), "{}", through.cache_status());
    let both = chart(1_596_240_000, 1_600_819_200);
    assert_eq!(stamps(&world.get(&format!("/yahoo{both}")).await), stamps(&world.direct(&both).await));
}
