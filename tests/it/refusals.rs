//! What the providers beside Binance and Yahoo refuse: told in their own words, never kept, and over when it is over.

use crate::world::{DAY, NOW, World};
use finex_core::time::Ts;
use finex_sim::Fault;

/// A request of each provider, and its refusals: status, body, and the class that finex tells.
type Told = (u16, &'static str, &'static str);
const REFUSALS: [(&str, &[Told]); 7] = [
    (
        "/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey=k",
        &[
            (
                200,
                r#"{"Information":"Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second)."}"#,
                "rate",
            ),
            (
                200,
                r#"{"Note":"Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day."}"#,
                "rate",
            ),
            (
                200,
                r#"{"Information":"We have detected your API key as k and our standard API rate limit is 25 requests per day."}"#,
                "quota",
            ),
            (200, r#"{"Information":"Thank you for using Alpha Vantage! This is a premium endpoint."}"#, "plan"),
            (200, r#"{"Error Message":"the parameter apikey is invalid or missing."}"#, "auth"),
            (200, r#"{"Error Message":"Invalid API call. Please retry or visit the documentation."}"#, "not_found"),
            (200, "{}", "not_found"),
        ],
    ),
    (
        "/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=30",
        &[
            (429, r#"{"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}}"#, "rate"),
            (200, r#"{"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}}"#, "rate"),
            (
                401,
                r#"{"error":{"status":{"error_code":10012,"error_message":"Your request exceeds the allowed time range."}}}"#,
                "out_of_window",
            ),
            (401, r#"{"status":{"error_code":10002,"error_message":"API Key Missing"}}"#, "auth"),
            (404, r#"{"error":"coin not found"}"#, "not_found"),
        ],
    ),
    (
        "/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2023-01-02&end_date=2023-03-28",
        &[
            (
                429,
                r#"{"code":429,"message":"You have run out of API credits for the current minute. 9 API credits were used, with the current limit being 8.","status":"error"}"#,
                "rate",
            ),
            (200, r#"{"code":429,"message":"You have run out of API credits for the day.","status":"error"}"#, "quota"),
            (
                401,
                r#"{"code":401,"message":"**apikey** parameter is incorrect or not specified.","status":"error"}"#,
                "auth",
            ),
            (404, r#"{"code":404,"message":"Data not found","status":"error","meta":{}}"#, "not_found"),
        ],
    ),
    (
        "/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-01-02/2023-06-30",
        &[
            (
                429,
                r#"{"status":"ERROR","request_id":"1","error":"You've exceeded the maximum requests per minute, please wait."}"#,
                "rate",
            ),
            (
                200,
                r#"{"status":"ERROR","request_id":"1","error":"You've exceeded the maximum requests per minute, please wait."}"#,
                "rate",
            ),
            (
                403,
                r#"{"status":"NOT_AUTHORIZED","request_id":"1","message":"You are not entitled to this data."}"#,
                "plan",
            ),
            (401, r#"{"status":"ERROR","request_id":"1","error":"Unknown API Key"}"#, "auth"),
            (200, r#"{"status":"ERROR","request_id":"1","error":"words that nobody has seen before"}"#, "up"),
        ],
    ),
    (
        "/tiingo/tiingo/daily/AAPL/prices?startDate=2023-01-03&endDate=2023-06-30",
        &[
            (429, r#"{"detail":"Error: You have run over your hourly request allocation."}"#, "rate"),
            (200, "You have run over your 500 symbol look up for this month.", "rate"),
            (404, r#"{"detail":"Not found."}"#, "not_found"),
            (401, r#"{"detail":"Invalid token."}"#, "auth"),
        ],
    ),
    (
        "/alpaca/v2/stocks/bars?symbols=AAPL,MSFT&timeframe=1Day&start=2023-01-02&end=2023-06-30",
        &[
            (429, r#"{"message":"too many requests."}"#, "rate"),
            (403, r#"{"message":"subscription does not permit querying recent SIP data"}"#, "plan"),
            (401, r#"{"code":40110000,"message":"request is not authorized."}"#, "auth"),
            (200, r#"{"message":"words that nobody has seen before"}"#, "up"),
        ],
    ),
    (
        "/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1672617600&to=1688083200",
        &[
            (429, r#"{"error":"API limit reached. Please try again later. Remaining Limit: 0"}"#, "rate"),
            (403, r#"{"error":"You don't have access to this resource."}"#, "plan"),
            (
                429,
                r#"{"error":"API limit reached. Please sign up for a free account to get your own API key."}"#,
                "auth",
            ),
        ],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn refusals_come_back_in_the_providers_words_and_nothing_of_them_is_kept() {
    for (path, refusals) in REFUSALS {
        for (status, body, class) in refusals {
            // A world for each: a refusal is remembered for a moment, and pauses a provider.
            let world = World::with(|config| config.providers.values_mut().for_each(|p| p.retry.max = 0)).await;
            let (status, body, content_type) = (*status, (*body).to_owned(), "application/json");
            world.sim.faults().always(Fault::Status { status, content_type, body: body.clone(), retry_after: None });
            let got = world.get(path).await;
            assert!(got.cache_status().ends_with(&format!("detail={class}")), "{path}: {body}: {}", got.cache_status());
            if *class != "up" && body.starts_with('{') && body.len() > 2 {
                // A refusal with status 200 is given another where it is not the provider's way.
                let its_way = ["/alphavantage", "/coingecko", "/twelvedata"].iter().any(|id| path.starts_with(id));
                let expected = if status == 200 && !its_way { 429 } else { status };
                assert_eq!(got.status.as_u16(), expected, "{path}: {body}");
                assert!(expected != status || got.body == body, "{path}: {}", got.body);
            } else {
                assert!(got.status != 200 || *class == "not_found", "{path}: {body}");
            }
            assert!(
                world.app.gateway.tiers.catalog.all().iter().all(|cell| cell.snapshot().is_empty()),
                "{path}: {body}"
            );
            world.sim.faults().clear();
            if !matches!(*class, "rate" | "quota") {
                tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
                world.same(path).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_data_are_not_believed() {
    for (path, _) in REFUSALS {
        for fault in [Fault::Html, Fault::Cut, Fault::Foreign, Fault::Reset] {
            let world = World::with(|config| config.providers.values_mut().for_each(|p| p.retry.max = 0)).await;
            world.sim.faults().inject(fault.clone(), 1);
            let got = world.get(path).await;
            assert!(got.status.is_server_error(), "{path}: {fault:?}: {} {}", got.status, got.body);
            tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
            world.same(path).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_given_back_is_passed_on_and_not_kept() {
    let world = World::new().await;
    let path = "/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-01-03/2023-01-03";
    let body = r#"{"ticker":"AAPL","queryCount":1,"resultsCount":1,"adjusted":true,"results":[{"v":1,"vw":2,"o":3,"c":3,"h":3,"l":3,"t":1672722000000,"n":4,"otc":true}],"status":"OK","request_id":"x","count":1}"#;
    let odd = Fault::Status { status: 200, content_type: "application/json", body: body.to_owned(), retry_after: None };
    world.sim.faults().inject(odd, 2);
    let got = world.get(path).await;
    assert_eq!((got.status.as_u16(), got.body.as_str()), (200, body));
    assert!(got.cache_status().contains("fwd=bypass"), "{}", got.cache_status());
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    world.same(path).await;
}

/// A plan that reaches less far than the manifest says: once it is found out how long a call may be, none is longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_refused_for_its_length_is_halved_once_and_remembered() {
    let mut world = World::with(|config| config.plan.widen = false).await;
    let description = "5m data not available: only 15 days worth of 5m data are allowed to be fetched per request.";
    let body = format!(
        r#"{{"chart":{{"result":null,"error":{{"code":"Unprocessable Entity","description":"{description}"}}}}}}"#
    );
    let refused = Fault::Status { status: 422, content_type: "application/json", body, retry_after: None };
    let days = |now: Ts, from: i64, to: i64| {
        let (from, to) = ((now / DAY - from) * DAY, (now / DAY - to) * DAY);
        format!(
            "/api/v1/market-data/NVDA/history?provider=yahoo&interval=5m&start_time={from}&end_time={to}&limit=5000"
        )
    };
    world.sim.faults().inject(refused, 1);
    let got = world.get(&days(NOW, 40, 10)).await;
    assert_eq!((got.status.as_u16(), world.calls()), (200, 3), "{}", got.body);
    let straight = World::new().await.get(&days(NOW, 40, 10)).await.json();
    assert_eq!(got.json()["data"], straight["data"]);
    // Forty days of another symbol are asked for in pieces of fifteen.
    let calls = world.calls();
    assert_eq!(world.get(&days(NOW, 42, 2).replace("NVDA", "MSFT")).await.status, 200);
    assert_eq!(world.calls() - calls, 3);
    // Also after a restart, until it is forgotten a month later.
    for (later, symbol, expected) in [(0, "AAPL", 3), (31 * DAY, "IBM", 1)] {
        let now = world.now() + later;
        world = World::at(world.stop().await, now, |config| config.plan.widen = false).await;
        let path = days(now, 42, 2).replace("NVDA", symbol);
        assert_eq!((world.get(&path).await.status.as_u16(), world.calls()), (200, expected), "{symbol}");
    }
}
