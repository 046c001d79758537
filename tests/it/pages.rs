//! Answers in pages: links lead back to the gateway, tokens are read whoever made them, and pages together are the whole.

use crate::world::World;
use serde_json::Value;

fn aggregates(more: &str) -> String {
    format!("/polygon/v2/aggs/ticker/AAPL/range/1/day/2023-01-02/2023-06-30{more}")
}

/// The path of a link that leads to `base`.
fn local(base: &str, link: &str) -> String {
    link.strip_prefix(base).unwrap_or_else(|| panic!("{link} does not lead to {base}")).to_owned()
}

/// All rows of an answer, its pages followed as a client does it: `next` makes a path of a link.
async fn followed(world: &World, first: &str, next: impl Fn(&str) -> String) -> (Vec<Value>, usize) {
    let (mut rows, mut pages, mut path) = (Vec::new(), 0, first.to_owned());
    loop {
        let got = world.get(&path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        let page = got.json();
        rows.extend(page["results"].as_array().cloned().unwrap_or_default());
        pages += 1;
        match page["next_url"].as_str() {
            Some(link) => path = next(link),
            None => return (rows, pages),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_back_to_the_gateway_and_pages_together_are_the_whole() {
    let world = World::new().await;
    let whole = world.same(&aggregates("?limit=50000")).await.json()["results"].as_array().expect("rows").clone();
    let calls = world.calls();
    let (rows, pages) = followed(&world, &aggregates("?limit=10"), |link| local(&world.base, link)).await;
    assert_eq!((rows, pages), (whole.clone(), whole.len().div_ceil(10)));
    let (mut rows, _) = followed(&world, &aggregates("?limit=7&sort=desc"), |link| local(&world.base, link)).await;
    rows.reverse();
    assert_eq!(rows, whole);
    // Some clients put the path of a link behind their base again; under the other name too.
    for base in ["/polygon", "/massive"] {
        let again = |link: &str| format!("{base}{}", local(&world.base, link));
        assert_eq!(followed(&world, &aggregates("?limit=25"), again).await.0, whole);
    }
    assert_eq!(world.calls(), calls, "all of it was held");
    let massive = world.get("/massive/v2/aggs/ticker/AAPL/range/1/day/2023-01-02/2023-06-30?limit=3").await.json();
    assert!(massive["next_url"].as_str().expect("a link").starts_with(&format!("{}/massive/v2/", world.base)));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_what_is_passed_through_lead_back_too() {
    let world = World::new().await;
    let got = world.get("/polygon/v2/aggs/ticker/AAPL/range/2/day/2023-01-02/2023-06-30?limit=10").await;
    assert!(got.cache_status().contains("fwd=bypass"), "{}", got.cache_status());
    let link = got.json()["next_url"].as_str().expect("a link").to_owned();
    assert!(link.starts_with(&format!("{}/polygon/v2/", world.base)), "{link}");
    assert_eq!(world.get(link.strip_prefix(&world.base).expect("here")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_window_is_fetched_through_the_providers_own_pages() {
    let world = World::new().await;
    // More minutes than one page of the provider has.
    let path = "/polygon/v2/aggs/ticker/X:BTCUSD/range/1/minute/2023-10-01/2023-11-20?limit=50000";
    let (rows, pages) = followed(&world, path, |link| local(&world.base, link)).await;
    assert!(rows.len() > 50_000 && pages > 1, "{} rows", rows.len());
    let (mut straight, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let page = world.direct(&path).await.json();
        straight.extend(page["results"].as_array().cloned().unwrap_or_default());
        next = page["next_url"].as_str().map(|link| local(&world.sim.url(), link));
    }
    assert!(rows == straight, "{} rows, straight {}", rows.len(), straight.len());
    let bars =
        "/alpaca/v2/stocks/bars?symbols=AAPL,IBM,MSFT&timeframe=1Min&start=2024-01-02&end=2024-01-19&limit=10000";
    let (mut rows, mut token) = (0, None);
    loop {
        let path = format!("{bars}{}", token.map_or(String::new(), |token: String| format!("&page_token={token}")));
        let (through, straight) = (world.get(&path).await, world.direct(&path).await);
        assert!(through.json()["bars"] == straight.json()["bars"], "{path}");
        rows += through.json()["bars"]
            .as_object()
            .expect("bars")
            .values()
            .map(|b| b.as_array().map_or(0, Vec::len))
            .sum::<usize>();
        // The provider's token, not ours: it says the same.
        match straight.json()["next_page_token"].as_str() {
            Some(next) => token = Some(next.to_owned()),
            None => break,
        }
    }
    assert!(rows > 20_000, "{rows}");
}
