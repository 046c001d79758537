use super::*;
use crate::facade::Account;
use crate::stocks::Stocks;
use finex_core::time::Ts;
use http::HeaderMap;
use serde_json::Value;

const NOW: Ts = 1_709_136_030_500; // 2024-02-28 16:00:30.5 UTC

struct World {
    account: Account,
    stocks: Stocks,
    now: Ts,
}

impl World {
    fn new() -> World {
        World { account: Account::default(), stocks: Stocks::default(), now: NOW }
    }

    fn get(&self, url: &str) -> Reply {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (account, stocks) = (&self.account, &self.stocks);
        CoinGecko.answer(&Request {
            path: &format!("/api/v3{path}"),
            query,
            headers: &HeaderMap::new(),
            now: self.now,
            base: "http://localhost",
            account,
            stocks,
        })
    }

    fn json(&self, url: &str) -> Value {
        let reply = self.get(url);
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).expect("JSON")
    }

    fn points(&self, query: &str, series: &str) -> Vec<(i64, Value)> {
        let body = self.json(&format!("/coins/bitcoin/{query}"));
        let points = body[series].as_array().expect("points").iter();
        points.map(|point| (point[0].as_i64().expect("an instant"), point[1].clone())).collect()
    }

    fn prices(&self, query: &str) -> Vec<(i64, Value)> {
        self.points(query, "prices")
    }
}

fn gap(points: &[(i64, Value)]) -> i64 {
    (points[points.len() - 2].0 - points[0].0) / (points.len() as i64 - 2)
}

#[test]
fn three_series_share_their_instants() {
    let world = World::new();
    let body = world.get("/coins/bitcoin/market_chart?vs_currency=usd&days=2").body;
    assert!(body.starts_with("{\"prices\":[[1708") && body.contains("]],\"market_caps\":[["), "{body}");
    let query = "market_chart?vs_currency=usd&days=90";
    let instants = |series: &str| world.points(query, series).iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(instants("prices"), instants("market_caps"));
    assert_eq!(instants("prices"), instants("total_volumes"));
    let caps = world.points(query, "market_caps");
    let whole = caps.iter().filter(|(_, value)| value.is_i64()).count();
    assert!(whole > 0 && whole < caps.len() / 10, "{whole}");
}

#[test]
fn the_span_decides_how_far_apart_samples_are() {
    let world = World::new();
    let days = |days: &str| world.prices(&format!("market_chart?vs_currency=usd&days={days}"));
    let (day, month, year) = (days("1"), days("30"), days("365"));
    assert!((287..=290).contains(&day.len()) && (290_000..310_000).contains(&gap(&day)));
    assert!((719..=722).contains(&month.len()) && (3_590_000..3_610_000).contains(&gap(&month)));
    assert_eq!((year.len(), gap(&year), year[0].0 % DAY), (366, DAY, 0));
    for points in [&day, &month, &year] {
        let last = points.last().expect("a point");
        assert_eq!(last.0, NOW - 500);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
    assert!(day.iter().all(|(at, _)| month.last().map(|last| last.0) == Some(*at) || month.iter().all(|p| p.0 != *at)));
    assert_eq!(world.prices("market_chart?vs_currency=usd&days=90&interval=daily").len(), 91);
    assert!((143..=146).contains(&days("0.5").len()));
    assert_eq!(world.prices("market_chart?vs_currency=usd&days=max")[0].0, 1_367_107_200_000);
}

#[test]
fn ranges_of_the_past_have_no_live_point() {
    let world = World::new();
    let range = |from: i64, to: i64| {
        world.prices(&format!("market_chart/range?vs_currency=usd&from={}&to={}", from / 1_000, to / 1_000))
    };
    let past = range(NOW - 3 * DAY, NOW - 2 * DAY);
    assert!((23..=25).contains(&past.len()), "a day of the past is hourly");
    let month = world.prices("market_chart?vs_currency=usd&days=30");
    assert!(past.iter().all(|point| month.contains(point)));
    assert!(range(NOW - DAY + 1_000, NOW).len() > 280);
    let year = range(1_392_577_232_000, 1_422_577_232_000);
    assert_eq!(year[0].0, 1_392_595_200_000);
    assert!(year.iter().all(|(at, _)| at % DAY == 0));
    let outer = world.prices("market_chart?vs_currency=usd&days=max");
    assert!(year.iter().all(|point| outer.contains(point)));
}

#[test]
fn history_stays_and_a_day_is_known_after_35_minutes() {
    let midnight = NOW - NOW % DAY;
    let at = |now: i64| World { now, ..World::new() }.prices("market_chart?vs_currency=eur&days=365");
    let (early, late) = (at(midnight + 34 * 60_000), at(midnight + 36 * 60_000));
    assert_eq!(early[early.len() - 2].0, midnight - DAY);
    assert_eq!(late[late.len() - 2].0, midnight);
    assert_eq!(early[1..early.len() - 1], late[1..late.len() - 2]);
}

#[test]
fn candles_are_named_by_their_close() {
    let world = World::new();
    let closes = |query: &str| -> Vec<i64> {
        let body = world.json(&format!("/coins/bitcoin/ohlc{query}"));
        body.as_array().expect("candles").iter().map(|candle| candle[0].as_i64().expect("an instant")).collect()
    };
    let day = closes("?vs_currency=usd&days=1");
    assert_eq!(day.last(), Some(&1_709_137_800_000));
    assert_eq!(day.windows(2).map(|pair| pair[1] - pair[0]).max(), Some(1_800_000));
    assert_eq!(closes("?vs_currency=usd&days=30").last(), Some(&1_709_150_400_000));
    let range = closes("/range?vs_currency=usd&from=1708992000&to=1709078400&interval=hourly");
    assert_eq!((range.len(), range[0], range[24]), (25, 1_708_992_000_000, 1_709_078_400_000));
    let world = World { now: 1_658_154_052_000, ..World::new() };
    let body = world.json("/coins/bitcoin/ohlc?vs_currency=usd&days=365");
    let closes: Vec<i64> = body.as_array().expect("candles").iter().filter_map(|candle| candle[0].as_i64()).collect();
    // As recorded at that time, when one of March was missing.
    assert_eq!((closes.len(), closes[0]), (96 + 1, 1_626_652_800_000));
    assert_eq!(closes[3..6], [1_627_689_600_000, 1_627_948_800_000, 1_628_294_400_000]);
    assert_eq!(closes[96], 1_658_188_800_000);
}

#[test]
fn only_the_first_and_the_last_candle_change() {
    let candles = |now: i64| {
        let body = World { now, ..World::new() }.json("/coins/solana/ohlc?vs_currency=usd&days=7");
        body.as_array().expect("candles").clone()
    };
    let (before, after) = (candles(NOW), candles(NOW + 60_000));
    let last = before.len() - 1;
    assert_eq!(before[1..last], after[1..last]);
    assert_ne!(before[last], after[last]);
}

#[test]
fn errors_have_the_recorded_shapes() {
    let world = World::new();
    let error = |url: &str| {
        let reply = world.get(url);
        (reply.status, reply.body)
    };
    let chart = "/coins/bitcoin/market_chart";
    assert_eq!(error("/coins/nope/ohlc?vs_currency=usd&days=1"), (404, "{\"error\":\"coin not found\"}".to_owned()));
    assert_eq!(error(chart), (422, "{\"error\":\"Missing parameter vs_currency\"}".to_owned()));
    assert_eq!(error(&format!("{chart}?vs_currency=xyz")), (422, "{\"error\":\"invalid vs_currency\"}".to_owned()));
    assert_eq!(error("/coins/bitcoin/ohlc?vs_currency=usd&days=2").0, 422);
    assert_eq!(error(&format!("{chart}?vs_currency=usd&days=11&interval=5m")).0, 422);
    let old = error(&format!("{chart}?vs_currency=usd&days=366&x_cg_demo_api_key=CG-old-limit"));
    assert!(
        old.0 == 401 && old.1.starts_with("{\"error\":{\"status\":{\"timestamp\":\"2024-02-28T16:00:30.500+00:00\",")
    );
    assert!(old.1.contains("\"error_code\":10012") && old.1.contains("within the past 365 days"));
    assert_eq!(error(&format!("{chart}?vs_currency=usd&days=365&x_cg_demo_api_key=CG-old-limit")).0, 200);
    world.account.require_key("CG-secret");
    assert!(error(chart).1.contains("\"error_code\":10002"));
    let world = World::new();
    world.account.set_quota(1);
    world.get("/ping");
    let limited = world.get("/ping");
    assert!(limited.status == 429 && limited.body.starts_with("{\"status\":{\"error_code\":429,"));
}

#[test]
fn pages_are_json() {
    let world = World::new();
    let price = world.json("/simple/price?ids=bitcoin,nope&vs_currencies=usd,xyz");
    assert!(price["bitcoin"]["usd"].is_u64() && price["nope"].is_null(), "{price}");
    assert_eq!(world.get("/simple/price?ids=bitcoin&vs_currencies=xyz").body, "{\"bitcoin\":{}}");
    assert_eq!(world.json("/coins/markets?vs_currency=usd").as_array().map(Vec::len), Some(3));
    assert_eq!(world.json("/search?query=bit")["coins"][0]["id"], "bitcoin");
    assert_eq!(world.json("/coins/list")[2]["symbol"], "sol");
    let history = world.json("/coins/bitcoin/history?date=01-02-2024");
    assert!(history["market_data"]["current_price"]["usd"].is_f64());
    assert!(CoinGecko.is_series("/api/v3/coins/bitcoin/ohlc/range", "") && !CoinGecko.is_series("/api/v3/ping", ""));
    let reply = world.get("/coins/bitcoin/market_chart?vs_currency=usd&days=1");
    assert!(reply.headers.iter().any(|(name, value)| *name == "cache-control" && value.starts_with("max-age=30")));
}
