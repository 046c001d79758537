//! Binance's own API: whatever is asked, and whatever is held, the answer is the provider's.

use crate::world::*;
use finex_core::time::Ts;

#[tokio::test]
async fn every_window_is_answered_as_the_provider_would() {
    let world = World::new().await;
    let (start, end) = (NEW_YEAR + 100 * HOUR, NEW_YEAR + 140 * HOUR);
    let windows = [
        format!("&startTime={start}&endTime={end}"),
        format!("&startTime={start}&endTime={end}&limit=7"),
        format!("&startTime={start}"),
        format!("&startTime={start}&limit=1000"),
        format!("&endTime={end}"),
        format!("&endTime={end}&limit=3"),
        String::new(),
        "&limit=1".into(),
        "&limit=1000".into(),
        "&limit=1500".into(),
        "&startTime=0&limit=1".into(),
        format!("&startTime=0&limit=1&endTime={NOW}"),
        "&startTime=1&limit=2".into(),
        format!("&startTime={}&endTime={}", start + 1, end - 1),
        format!("&startTime={}&limit=5", start - 7),
        format!("&startTime={start}&endTime={start}"),
        format!("&startTime={}&endTime={}", start + 1, start + 2),
        format!("&startTime={}", NOW + DAY),
        format!("&endTime={}", NOW + 400 * DAY),
        format!("&startTime={start}000&endTime={end}000"),
        "&endTime=1400000000000".into(),
        "&startTime=1300000000000&endTime=1400000000000".into(),
        "&startTime=1502900000000&limit=10".into(),
    ];
    for interval in ["1m", "5m", "1h", "4h", "1d", "3d", "1w", "1M"] {
        for window in &windows {
            world.agree(&klines("BTCUSDT", interval, window)).await;
        }
    }
    let cold = world.calls();
    for interval in ["1m", "1h", "1d", "1w", "1M"] {
        for window in &windows {
            world.get(&format!("/binance{}", klines("BTCUSDT", interval, window))).await;
        }
    }
    assert_eq!(world.calls(), cold, "asked again, the provider is not");
}

#[tokio::test]
async fn zones_units_and_endpoints_are_kept_apart() {
    let world = World::new().await;
    let window = format!("&startTime={}&limit=40", NEW_YEAR - DAY);
    for zone in ["0", "8", "-1:00", "05:45", "14:00", "-12"] {
        for interval in ["1h", "1d", "1w", "1M"] {
            world.agree(&klines("ETHUSDT", interval, &format!("{window}&timeZone={zone}"))).await;
        }
    }
    for endpoint in ["klines", "uiKlines"] {
        world.agree(&format!("/api/v3/{endpoint}?symbol=ETHUSDT&interval=1d{window}")).await;
    }
    let path = klines("ETHUSDT", "1d", &window);
    for unit in ["MICROSECOND", "MILLISECOND", "microsecond"] {
        let through = world.get_with(&format!("/binance{path}"), "x-mbx-time-unit", unit).await;
        let straight = world
            .send(reqwest::Client::new().get(format!("{}{path}", world.sim.url())).header("x-mbx-time-unit", unit))
            .await;
        assert_eq!(through.body, straight.body, "{unit}");
    }
}

#[tokio::test]
async fn halts_odd_opens_and_huge_volumes_come_back_as_they_are() {
    let world = World::new().await;
    for start in [1_518_040_000_000_i64, 1_619_323_000_000, 1_703_980_000_000] {
        for interval in ["1m", "15m", "1h"] {
            world.agree(&klines("BTCUSDT", interval, &format!("&startTime={start}&limit=60"))).await;
            world.agree(&klines("BTCUSDT", interval, &format!("&startTime={}&limit=1000", start + HOUR))).await;
            world.agree(&klines("BTCUSDT", interval, &format!("&endTime={}&limit=77", start + 2 * DAY))).await;
        }
    }
    let shib = world.agree(&klines("SHIBUSDT", "1d", &format!("&startTime={NEW_YEAR}&limit=30"))).await;
    let volume = shib.rows()[3][5].as_str().expect("text").to_owned();
    assert!(volume.split('.').next().expect("digits").len() > 12, "{volume} is more than f64 can hold");
}

#[tokio::test]
async fn a_page_that_ends_on_an_odd_open_loses_nothing() {
    for widen in [false, true] {
        let world = World::with(|config| config.plan.widen = widen).await;
        for start in [1_518_048_000_000_i64, 1_518_170_400_000, 1_518_160_000_000] {
            for limit in [1, 2, 3, 1000] {
                world.agree(&klines("BTCUSDT", "1h", &format!("&startTime={start}&limit={limit}"))).await;
            }
            world.agree(&klines("BTCUSDT", "1h", &format!("&endTime={start}&limit=2"))).await;
        }
    }
}

#[tokio::test]
async fn an_answer_that_will_grow_is_not_kept_by_clients() {
    let world = World::new().await;
    let life = |got: &Got| got.header("cache-control").rsplit('=').next().and_then(|n| n.parse::<u64>().ok());
    for window in [
        format!("&startTime={}", NOW + MINUTE),
        format!("&startTime={}&limit=50", NOW - 10 * MINUTE),
        "&limit=5".into(),
    ] {
        let got = world.get(&format!("/binance{}", klines("BTCUSDT", "1m", &window))).await;
        assert!(life(&got) <= Some(1), "{window}: {}", got.header("cache-control"));
    }
    let settled = world.get(&format!("/binance{}", hours(0, 5))).await;
    assert_eq!(life(&settled), Some(86_400));
}

#[tokio::test]
async fn only_the_missing_bars_are_fetched() {
    let world = World::new().await;
    let cold = world.get(&format!("/binance{}", hours(0, 500))).await;
    assert!(cold.cache_status().contains("fwd=uri-miss"), "{}", cold.cache_status());
    assert_eq!(world.calls(), 1);
    let inside = world.get(&format!("/binance{}", hours(37, 222))).await;
    assert!(inside.cache_status().starts_with("finex; hit"), "{}", inside.cache_status());
    assert_eq!((inside.opens().len(), world.calls()), (185, 1));
    let start: Ts = world.sim.received().iter().filter_map(|r| param(&r.query, "startTime")).min().expect("a start");
    let before = (NEW_YEAR - start) / HOUR;
    let held_until = 1000 - before;
    let across = world.get(&format!("/binance{}", hours(held_until - 100, held_until + 300))).await;
    assert!(across.cache_status().contains("fwd=partial"), "{}", across.cache_status());
    assert_eq!((across.opens().len(), world.calls()), (400, 2));
    let asked = world.sim.received().last().and_then(|r| param(&r.query, "startTime")).expect("a start");
    assert_eq!(asked, NEW_YEAR + held_until * HOUR, "the call begins where what is held ends");
}

fn param(query: &str, name: &str) -> Option<Ts> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

#[tokio::test]
async fn forming_bars_are_served_live_and_short_lived() {
    let world = World::new().await;
    let path = klines("BTCUSDT", "1h", "&limit=3");
    let first = world.agree(&path).await;
    assert!(first.header("cache-control").contains("max-age=1"), "{}", first.header("cache-control"));
    world.advance(30 * SECOND);
    assert_eq!(world.get(&format!("/binance{path}")).await.body, first.body, "half a minute old is young enough");
    assert_eq!(world.get(&format!("/binance{path}")).await.header("age"), "30");
    world.advance(31 * SECOND);
    let later = world.agree(&path).await;
    assert_ne!(later.body, first.body);
    let calls = world.calls();
    world.advance(45 * MINUTE);
    let next_hour = world.agree(&path).await;
    assert_eq!(next_hour.opens()[2], later.opens()[2] + HOUR);
    assert_eq!(world.calls(), calls + 2, "one call through the gateway, one straight");
    let tail = world.sim.received().iter().rev().nth(1).and_then(|r| param(&r.query, "limit")).expect("a limit");
    assert!(tail <= 2, "only the tail is fetched again: {tail}");
}

#[tokio::test]
async fn weight_headers_are_live_on_hits_too() {
    let world = World::new().await;
    let path = format!("/binance{}", hours(0, 10));
    assert_eq!(world.get(&path).await.header("x-mbx-used-weight-1m"), "2");
    let hit = world.get(&path).await;
    assert_eq!((hit.header("x-mbx-used-weight-1m"), hit.header("x-mbx-used-weight")), ("2", "2"));
    world.get("/binance/api/v3/exchangeInfo").await;
    assert_eq!(world.get(&path).await.header("x-mbx-used-weight-1m"), "22");
    world.advance(MINUTE);
    assert_eq!(world.get(&path).await.header("x-mbx-used-weight-1m"), "0");
}

#[tokio::test]
async fn prefixes_and_slashes_that_clients_add_are_understood() {
    let world = World::new().await;
    let plain = world.agree(&hours(0, 5)).await;
    for prefix in ["/binance/binance", "/binance//", "/binance/"] {
        let native = hours(0, 5);
        let got = world.get(&format!("{prefix}{}", native.trim_start_matches('/').to_owned())).await;
        let expected = if prefix == "/binance/binance" { world.get(&format!("{prefix}{native}")).await } else { got };
        assert_eq!(expected.body, plain.body, "{prefix}");
    }
}

#[tokio::test]
async fn a_version_that_the_client_holds_is_not_sent_again() {
    let world = World::new().await;
    let path = format!("/binance{}", hours(0, 50));
    let etag = world.get(&path).await.header("etag").to_owned();
    let again = world.get_with(&path, "if-none-match", &etag).await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
    let other = world.get(&format!("/binance{}", hours(0, 51))).await;
    assert_ne!(other.header("etag"), etag);
    let head = world.send(world.request(http::Method::HEAD, &path)).await;
    let whole = world.get(&path).await;
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
    assert_eq!(world.calls(), 1);
}
