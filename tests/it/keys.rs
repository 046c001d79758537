//! Keys: whose goes upstream, whose data comes back, and that none is ever seen.

use crate::world::{NOW, World};
use finex::config::Keys;

const OWN: &str = "own-k3y-of-the-gateway";
const ALICE: &str = "alice-k3y-0001";
const BOB: &str = "bob-k3y-0002";

fn days(key: &str) -> String {
    let key = if key.is_empty() { String::new() } else { format!("&apikey={key}") };
    format!("/twelvedata/time_series?symbol=AAPL&interval=1day&start_date=2023-01-02&end_date=2023-03-28{key}")
}

async fn with(keys: Keys, own: &str, licensed: bool) -> World {
    World::with(|config| {
        let provider = config.providers.get_mut("twelvedata").expect("twelvedata");
        provider.keys = keys;
        provider.api_key = own.into();
        provider.licensed_for_sharing = licensed;
    })
    .await
}

/// What the provider was sent, all of it.
fn sent(world: &World) -> String {
    world.sim.received().iter().map(|r| format!("{} {} {:?}\n", r.path, r.query, r.headers)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_key_serves_everybody_and_clients_keys_stay_here() {
    let world = with(Keys::Auto, OWN, false).await;
    world.sim.account("twelvedata").expect("an account").require_key(OWN);
    for key in ["", ALICE, BOB] {
        assert_eq!(world.get(&days(key)).await.status, 200);
    }
    assert_eq!(world.calls(), 1);
    assert_eq!(world.get(&format!("/twelvedata/quote?symbol=AAPL&apikey={ALICE}")).await.status, 200, "passed through");
    let sent = sent(&world);
    assert!(sent.contains(OWN) && !sent.contains(ALICE) && !sent.contains(BOB), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_with_a_clients_key_is_that_clients() {
    let world = with(Keys::Passthrough, "", false).await;
    for (key, calls) in [(ALICE, 1), (ALICE, 1), (BOB, 2), ("", 3), (ALICE, 3), (BOB, 3)] {
        assert_eq!(world.get(&days(key)).await.status, 200);
        assert_eq!(world.calls(), calls, "{key}");
    }
    // The same key in its other place is the same client.
    let header = world.get_with(&days(""), "authorization", &format!("apikey {ALICE}")).await;
    assert!(header.cache_status().starts_with("finex; hit"), "{}", header.cache_status());
    world.settle().await;
    let world = World::at(world.stop().await, NOW, |config| {
        config.providers.get_mut("twelvedata").expect("twelvedata").keys = Keys::Passthrough;
    })
    .await;
    assert!(world.get(&days(ALICE)).await.cache_status().starts_with("finex; hit"), "after a restart too");
    assert_eq!(world.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_to_share_makes_one_of_all_clients() {
    let world = with(Keys::Passthrough, "", true).await;
    for key in [ALICE, BOB, ""] {
        assert_eq!(world.get(&days(key)).await.status, 200);
    }
    assert_eq!(world.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_key_may_use_the_gateways() {
    let world = with(Keys::Both, OWN, false).await;
    for (key, calls) in [("", 1), (ALICE, 2), ("", 2), (ALICE, 2)] {
        assert_eq!(world.get(&days(key)).await.status, 200);
        assert_eq!(world.calls(), calls, "{key}");
    }
    let keys: Vec<bool> =
        world.sim.received().iter().map(|r| format!("{:?}{}", r.headers, r.query).contains(OWN)).collect();
    assert_eq!(keys, [true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_refused_in_the_providers_words() {
    let world = with(Keys::Passthrough, "", false).await;
    for id in ["alphavantage", "coingecko", "twelvedata", "polygon", "tiingo", "alpaca", "finnhub"] {
        world.sim.account(id).expect("an account").require_key("another");
    }
    for path in [
        days(ALICE),
        format!("/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey={ALICE}"),
        format!("/coingecko/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days=30&x_cg_demo_api_key={ALICE}"),
        format!("/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-01-02/2023-06-30?apiKey={ALICE}"),
        format!("/tiingo/tiingo/daily/AAPL/prices?startDate=2023-01-03&endDate=2023-06-30&token={ALICE}"),
        "/alpaca/v2/stocks/AAPL/bars?timeframe=1Day&start=2023-01-02&end=2023-03-12".to_owned(),
        format!("/finnhub/api/v1/stock/candle?symbol=AAPL&resolution=D&from=1672617600&to=1688083200&token={ALICE}"),
    ] {
        let got = world.same(&path).await;
        assert!(!got.body.contains(ALICE), "{path}: {}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_ever_seen() {
    let world = World::with(|config| {
        for id in ["twelvedata", "alphavantage", "polygon", "alpaca"] {
            let provider = config.providers.get_mut(id).expect(id);
            provider.keys = Keys::Both;
            provider.api_key = if id == "alpaca" { format!("{OWN}:{OWN}-s").as_str().into() } else { OWN.into() };
        }
    })
    .await;
    let mut seen = String::new();
    for path in [
        days(ALICE),
        days(""),
        format!("/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&apikey={ALICE}"),
        format!("/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-01-02/2023-06-30?limit=5&apiKey={ALICE}"),
        "/alpaca/v2/stocks/AAPL/bars?timeframe=1Day&start=2023-01-02&end=2023-03-12".to_owned(),
        format!("/api/v1/explain?url={}", days(ALICE).replace('&', "%26").replace('?', "%3F")),
        "/api/v1/cache/stats".to_owned(),
        "/api/v1/providers".to_owned(),
        "/metrics".to_owned(),
    ] {
        let got = world.get(&path).await;
        seen.push_str(&format!("{:?}\n{}\n", got.headers, got.body));
    }
    // Refusals that repeat the key: of a series, of what is passed through, and in a redirect.
    let refusal = |key: &str| finex_sim::Fault::Status {
        status: 200,
        content_type: "application/json",
        body: format!(
            "{{\"Information\":\"We have detected your API key as {key} and our standard API rate limit is 25 requests per day.\"}}"
        ),
        retry_after: None,
    };
    for key in [ALICE, OWN] {
        world.sim.faults().inject(refusal(key), 1);
        let sent = if key == OWN { String::new() } else { format!("&apikey={key}") };
        let got = world.get(&format!("/alphavantage/query?function=TIME_SERIES_MONTHLY&symbol=MSFT{sent}")).await;
        assert!(got.body.contains("API key as *** and"), "{}", got.body);
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    world.sim.faults().inject(finex_sim::Fault::Redirect(format!("https://elsewhere.example/?apikey={OWN}")), 1);
    let got = world.get("/twelvedata/time_series?symbol=IBM&interval=1day&date=today").await;
    assert!(got.header("location").ends_with("apikey=***"), "{:?}", got.headers);
    world.settle().await;
    for entry in walk(world.folder.path()) {
        let name = entry.display().to_string();
        let text = String::from_utf8_lossy(&std::fs::read(&entry).expect("a file")).into_owned();
        seen.push_str(&format!("{name}\n{text}\n"));
    }
    for key in [OWN, ALICE] {
        assert!(
            !seen.contains(key),
            "{key} is seen at {}",
            &seen[seen.find(key).unwrap_or(0).saturating_sub(200)..].chars().take(300).collect::<String>()
        );
    }
    assert!(seen.contains("@scope"), "what is Alice's stands in a scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clients_trouble_is_not_the_others() {
    for licensed in [false, true] {
        let world = with(Keys::Passthrough, "", licensed).await;
        let refusal = |status: u16, code: u16, message: &str, retry_after| finex_sim::Fault::Status {
            status,
            content_type: "application/json",
            body: format!("{{\"code\":{code},\"message\":\"{message}\",\"status\":\"error\"}}"),
            retry_after,
        };
        world.sim.faults().inject(refusal(401, 401, "**apikey** parameter is incorrect", None), 1);
        assert_eq!(world.get(&days(ALICE)).await.status, 401);
        assert_eq!(world.get(&days(BOB)).await.status, 200, "another key is another matter");
        let other = |key: &str| days(key).replace("AAPL", "MSFT");
        world
            .sim
            .faults()
            .inject(refusal(429, 429, "You have run out of API credits for the current minute.", Some(3_600)), 1);
        assert_eq!(world.get(&other(ALICE)).await.status, 429);
        assert_eq!(world.get(&other(ALICE).replace("MSFT", "NVDA")).await.status, 429, "her pause lasts");
        assert_eq!(world.get(&other(BOB).replace("MSFT", "NVDA")).await.status, 200, "and is hers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_a_redirect_is_not_seen_however_it_is_written() {
    let key = "my-own_k3y+/=";
    let world = with(Keys::Managed, key, false).await;
    let encoded = "https://elsewhere.example/?a=1&apikey=my%2Down%5Fk3y%2B%2F%3D";
    for location in
        [encoded, "https://elsewhere.example/?apikey=my-own_k3y%2b%2f%3d", "https://x.example/my-own_k3y+/="]
    {
        world.sim.faults().inject(finex_sim::Fault::Redirect(location.to_owned()), 1);
        let got = world.get("/twelvedata/time_series?symbol=IBM&interval=1day&date=today").await;
        assert!(got.header("location").ends_with("***"), "{location}: {:?}", got.headers);
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
