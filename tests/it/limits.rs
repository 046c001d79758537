//! Allowances are kept, whatever is offered, shared between those who ask, and known after a restart.

use crate::world::*;
use finex::config::{Config, values::Span};
use futures_util::future::join_all;
use std::net::IpAddr;
use std::time::Duration;

/// Windows of days that no other overlaps: a call each.
fn candles(symbol: &str, n: i64) -> String {
    let from = 1_000_000_000 + n * 10 * 86_400;
    format!("/finnhub/api/v1/stock/candle?symbol={symbol}&resolution=D&from={from}&to={}", from + 3 * 86_400)
}

fn limited(config: &mut Config, provider: &str, limits: &[(&str, u32)], patience: Span) {
    config.plan.widen = false;
    let settings = config.providers.get_mut(provider).expect("settings");
    settings.patience = patience;
    // Waiting in turn takes its time, on a busy machine all the more.
    (settings.timeout.attempt, settings.timeout.total) = (Span::seconds(30), Span::seconds(60));
    settings.limits.extend(limits.iter().map(|(name, quota)| ((*name).to_owned(), *quota)));
}

fn window<'a>(told: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    told["windows"].as_array().expect("windows").iter().find(|w| w["window"] == name).expect("the window")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_the_allowance_is_offered_and_none_of_it_exceeded() {
    let world = World::with(|config| limited(config, "finnhub", &[("calls-1m", 20)], Span::millis(50))).await;
    let mut calls = 0;
    for round in 1..=3 {
        let asked: Vec<String> = (0..200).map(|n| candles("AAPL", round * 200 + n)).collect();
        let got = join_all(asked.iter().map(|path| world.get(path))).await;
        let served = got.iter().filter(|got| got.status == 200).count() as u64;
        let refused: Vec<&Got> = got.iter().filter(|got| got.status == 429).collect();
        assert_eq!(served + refused.len() as u64, 200);
        for got in refused {
            // In Finnhub's own words, and with the time at which it makes sense to come back.
            assert!(got.body.contains("API limit reached"), "{}", got.body);
            assert!((1..=60).contains(&got.header("retry-after").parse::<u64>().expect("seconds")));
        }
        // A twentieth is left to others.
        // governor counts in real time: of the later minutes little is there yet.
        assert!(world.calls() - calls <= 19 && world.calls() >= 19, "{} calls in a minute", world.calls() - calls);
        assert!(served >= world.calls() - calls);
        calls = world.calls();
        world.advance(MINUTE);
    }
}

/// Who asks much does not keep others from their turns.
#[tokio::test(flavor = "multi_thread")]
async fn two_principals_share_what_there_is() {
    let world = World::with(|config| limited(config, "finnhub", &[("calls-1s", 40)], Span::seconds(30))).await;
    let client = |address: &str| {
        let local: IpAddr = address.parse().expect("an address");
        reqwest::Client::builder().no_proxy().local_address(local).build().expect("a client")
    };
    let (greedy, modest) = (client("127.0.0.1"), client("127.0.0.2"));
    let ask = |client: &reqwest::Client, path: String| {
        let request = client.get(format!("{}{path}", world.base));
        async { world.send(request).await.status.as_u16() }
    };
    let much = join_all((0..120).map(|n| ask(&greedy, candles("AAPL", n))));
    let little = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        join_all((0..15).map(|n| ask(&modest, candles("MSFT", n)))).await
    };
    let passing = async {
        for _ in 0..3_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            world.advance(10);
        }
    };
    let both = async { futures_util::join!(much, little) };
    let (much, little) = tokio::select! {
        both = both => both,
        () = passing => panic!("it takes too long"),
    };
    assert!(much.iter().chain(&little).all(|status| *status == 200));
    let order: Vec<bool> = world.sim.received().iter().map(|call| call.query.contains("MSFT")).collect();
    let first = order.iter().position(|modest| *modest).expect("a call");
    let last = order.iter().rposition(|modest| *modest).expect("a call");
    let of_the_other = order[first..last].iter().filter(|modest| !**modest).count();
    println!("15 calls of the modest one among {of_the_other} of the greedy one, of 120");
    // One for one, and those that were on their way.
    assert!(of_the_other <= 30, "{of_the_other} calls of the greedy one came between 15 of the modest one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_is_known_after_a_restart() {
    let world = World::with(|config| limited(config, "finnhub", &[("calls-1m", 20)], Span::millis(50))).await;
    let asked: Vec<String> = (0..12).map(|n| candles("AAPL", n)).collect();
    join_all(asked.iter().map(|path| world.get(path))).await;
    let told = world.told_of("finnhub").await;
    assert_eq!(window(&told, "calls-1m")["used"], 12);
    assert!(window(&told, "calls-1m")["exhausted_in_seconds"].is_number(), "{told}");
    let folder = world.stop().await;
    let adjust = |config: &mut Config| limited(config, "finnhub", &[("calls-1m", 20)], Span::millis(50));
    let world = World::at(folder, NOW, adjust).await;
    assert_eq!(window(&world.told_of("finnhub").await, "calls-1m")["used"], 12);
    let got =
        join_all((100..120).map(|n| candles("AAPL", n)).collect::<Vec<_>>().iter().map(|path| world.get(path))).await;
    assert_eq!(got.iter().filter(|got| got.status == 200).count(), 7, "of nineteen");
    let folder = world.stop().await;
    // Failures are remembered for a second, and so long the folder is in use.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let world = World::at(folder, NOW + MINUTE, adjust).await;
    assert_eq!(window(&world.told_of("finnhub").await, "calls-1m")["used"], 0);
    std::fs::write(world.folder.path().join(".allowances.json"), b"no json").expect("written");
    let world = World::at(world.stop().await, NOW + MINUTE, adjust).await;
    assert_eq!(world.get(&candles("AAPL", 300)).await.status, 200);
}

/// Better nothing than half: the rest would be asked for again tomorrow.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_afforded_is_not_begun() {
    let world = World::with(|config| limited(config, "alphavantage", &[("calls-1d", 4)], Span::millis(50))).await;
    let months = |from: &str| {
        let more = "interval=30m&provider=alphavantage&limit=5000";
        format!("/api/v1/market-data/NVDA/history?start_time={from}&end_time=2024-02-01&{more}")
    };
    let refused = world.get(&months("2023-07-01")).await;
    assert_eq!((refused.status.as_u16(), world.calls()), (429, 0), "{}", refused.body);
    assert!(refused.body.contains("it takes 7 calls"), "{}", refused.body);
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!(seconds <= 86_400 && seconds > 40_000, "until midnight: {seconds}");
    assert_eq!(world.get(&months("2023-12-01")).await.status, 200);
    assert!((1..=4).contains(&world.calls()), "{}", world.calls());
}
