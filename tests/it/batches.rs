//! Several symbols in one request: fetched together where the provider takes them together, and each with its own fate.

use crate::world::World;

fn days(symbols: &str) -> String {
    format!("/twelvedata/time_series?symbol={symbols}&interval=1day&start_date=2023-01-02&end_date=2023-03-28")
}

/// The simulator's calls that the gateway made.
async fn asked(world: &World, path: &str) -> u64 {
    let before = world.sim.calls();
    let got = world.get(path).await;
    assert_eq!(got.status, 200, "{path}: {}", got.body);
    world.sim.calls() - before
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_lacks_is_fetched_in_one_call() {
    let world = World::new().await;
    assert_eq!(asked(&world, &days("AAPL,MSFT,IBM,TSLA")).await, 1);
    assert_eq!(asked(&world, &days("AAPL,MSFT,IBM,TSLA")).await, 0);
    assert_eq!(asked(&world, &days("AAPL,NVDA,MSFT")).await, 1, "only what is lacking");
    assert_eq!(
        asked(&world, &days("AAPL,NVDA,EUR/USD,GBP/USD,MSFT")).await,
        1,
        "currencies have longer weeks than stocks"
    );
    assert_eq!(asked(&world, &days("NVDA")).await, 0, "what a batch brought serves single asks");
    for symbols in ["AAPL,MSFT,IBM,TSLA", "AAPL,NVDA,EUR/USD,MSFT", "NVDA", "IBM,AAPL"] {
        let got = world.same(&days(symbols)).await;
        assert_eq!(got.header("is_batch"), if symbols.contains(',') { "true" } else { "" });
    }
    let got = world.get(&days("AAPL,GOOG,TSLA,BTC/USD")).await;
    assert!(got.header("finex-cache-info").contains("calls=1"), "{}", got.header("finex-cache-info"));
    assert!(got.cache_status().contains("fwd=partial"), "{}", got.cache_status());
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_of_many_symbols_are_one_call_too_and_pages_run_through_them() {
    let world = World::new().await;
    let bars = |symbols: &str, more: &str| {
        format!("/alpaca/v2/stocks/bars?symbols={symbols}&timeframe=1Day&start=2023-01-02&end=2023-12-28{more}")
    };
    assert_eq!(asked(&world, &bars("AAPL,MSFT,IBM,NVDA", "&limit=10000")).await, 1);
    world.same(&bars("MSFT,IBM", "&limit=10000")).await;
    world.same(&bars("IBM,AAPL,NOPE", "&limit=300")).await;
    let before = world.sim.calls();
    assert_eq!(asked(&world, &bars("IBM,AAPL", "")).await, 0);
    assert_eq!(world.sim.calls(), before);
    let coins =
        "/tiingo/tiingo/crypto/prices?tickers=btcusd,ethusd&startDate=2024-01-03&endDate=2024-01-05&resampleFreq=1hour";
    assert_eq!(asked(&world, coins).await, 1);
    world.same(coins).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_fails_fails_alone() {
    let world = World::new().await;
    let got = world.same(&days("AAPL,NOPE,MSFT")).await.json();
    assert_eq!(got["NOPE"]["code"], 400);
    assert_eq!(got["AAPL"]["status"], "ok");
    world.same(&days("NOPE,NADA")).await;
    // One symbol has no bars there, the other does.
    let weekend = "/twelvedata/time_series?symbol=AAPL,BTC/USD&interval=1day&start_date=2024-01-06&end_date=2024-01-07";
    let got = world.same(weekend).await.json();
    assert_eq!((&got["AAPL"]["code"], &got["BTC/USD"]["status"]), (&400.into(), &"ok".into()));
    // What is wrong with the request itself is no symbol's fault.
    world
        .same("/alpaca/v2/stocks/bars?symbols=AAPL,IBM&timeframe=1Day&start=2024-01-02&end=2024-02-28&currency=EUR")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowance_that_is_used_up_is_told_for_the_whole_batch() {
    let world = World::new().await;
    world.sim.account("twelvedata").expect("an account").set_quota(3);
    let got = world.get(&days("AAPL,MSFT,IBM,TSLA")).await;
    assert_eq!((got.status.as_u16(), &got.json()["code"]), (429, &429.into()), "{}", got.body);
    assert!(world.app.gateway.tiers.catalog.all().iter().all(|cell| cell.snapshot().pieces.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_as_large_as_the_allowance_is_let_through() {
    let world = World::with(|config| {
        config.providers.get_mut("twelvedata").expect("twelvedata").limits.clear();
    })
    .await;
    let got = world.get(&days("AAPL,MSFT,NVDA,IBM,TSLA,EUR/USD,GBP/USD,BTC/USD")).await;
    // Three calls of 5, 2 and 1 symbols: stocks, currencies and coins have windows of their own.
    assert_eq!(got.status, 200, "{}", got.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_a_batch_holds_up_nobody() {
    let world = World::new().await;
    let bars = |symbols: &str| {
        format!(
            "/alpaca/v2/stocks/bars?symbols={symbols}&timeframe=1Day&start=2023-01-02&end=2023-03-28&adjustment=all"
        )
    };
    world.get(&bars("AAPL")).await;
    // What is held is to be compared with the provider's before it is served again.
    world.advance(2 * crate::world::DAY);
    world.sim.set_latency(std::time::Duration::from_millis(600));
    let both = bars("AAPL,MSFT");
    let left = tokio::time::timeout(std::time::Duration::from_millis(200), world.get(&both)).await;
    assert!(left.is_err(), "the client was to leave before the answer");
    world.sim.set_latency(std::time::Duration::ZERO);
    world.same(&bars("MSFT")).await;
    world.same(&both).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_ask_for_overlapping_batches_at_once_share_their_calls() {
    let world = World::new().await;
    world.sim.set_latency(std::time::Duration::from_millis(150));
    let paths = [days("AAPL,MSFT"), days("MSFT,IBM"), days("AAPL,MSFT"), days("IBM")];
    let got = futures_util::future::join_all(paths.iter().map(|path| world.get(path))).await;
    assert!(got.iter().all(|got| got.status == 200), "{:?}", got.iter().map(|g| &g.body).collect::<Vec<_>>());
    assert!(world.sim.calls() <= 3, "{} calls for three symbols", world.sim.calls());
    for path in paths {
        world.same(&path).await;
    }
}
