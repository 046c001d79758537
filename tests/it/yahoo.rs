//! Yahoo's charts: whatever window is asked for and whatever is held, the answer is the provider's.

use crate::world::*;
use finex_core::time::Ts;
use finex_sim::Fault;
use serde_json::Value;

/// 2024-03-05T16:40:10Z: New York has been open for two hours.
const OPEN: Ts = NOW + 6 * HOUR + 19 * MINUTE + 40 * SECOND;
/// 2024-03-03, a Sunday.
const SUNDAY: Ts = NOW - 2 * DAY;

pub fn chart(symbol: &str, query: &str) -> String {
    format!("/v8/finance/chart/{symbol}?{query}")
}

/// A window in seconds around `now`, counted in days.
fn days(now: Ts, from: f64, to: f64) -> String {
    let at = |days: f64| now / 1_000 + (days * 86_400.0) as i64;
    format!("period1={}&period2={}", at(from), at(to))
}

pub async fn world_at(now: Ts) -> World {
    let world = World::at(std::sync::Arc::new(tempfile::tempdir().expect("a folder")), now, |_| {}).await;
    world.sim.yahoo().set_noise(false);
    world
}

impl World {
    /// The same chart through the gateway and straight: equal but for the order of members.
    pub async fn same_chart(&self, path: &str) -> Got {
        let through = self.get(&format!("/yahoo{path}")).await;
        let straight = self.direct(path).await;
        assert_eq!(through.status, straight.status, "{path}: {:.300}", through.body);
        if let Some(difference) = difference(&through.json(), &straight.json(), "") {
            panic!("{path} ({}): {difference}", through.cache_status());
        }
        through
    }

    pub async fn hit(&self, path: &str) -> Got {
        let calls = self.calls();
        let got = self.get(&format!("/yahoo{path}")).await;
        assert_eq!((self.calls(), got.status.as_u16()), (calls, 200), "{path}: {}", got.cache_status());
        got
    }
}

impl Got {
    pub fn result(&self) -> Value {
        self.json()["chart"]["result"][0].clone()
    }

    pub fn stamps(&self) -> Vec<i64> {
        self.result()["timestamp"].as_array().map_or(vec![], |all| all.iter().filter_map(Value::as_i64).collect())
    }

    pub fn closes(&self) -> Vec<f64> {
        let closes = &self.result()["indicators"]["quote"][0]["close"];
        closes.as_array().map_or(vec![], |all| all.iter().filter_map(Value::as_f64).collect())
    }

    fn chart_error(&self) -> String {
        self.json()["chart"]["error"]["description"].as_str().unwrap_or_default().to_owned()
    }
}

/// Where two answers part.
pub fn difference(a: &Value, b: &Value, at: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let names: std::collections::BTreeSet<_> = x.keys().chain(y.keys()).collect();
            names.into_iter().find_map(|n| difference(&a[n], &b[n], &format!("{at}/{n}")))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (x, y))| difference(x, y, &format!("{at}/{i}")))
        }
        (Value::Array(x), Value::Array(y)) => Some(format!("{at}: {} of them, {} straight", x.len(), y.len())),
        _ if a == b => None,
        _ => Some(format!("{at}: {a}, straight {b}").chars().take(400).collect()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_window_is_answered_as_the_provider_would() {
    let edges =
        [(-40.0, -3.0), (-30.3, -20.9), (-25.0, -25.0), (-3.51, -2.2), (-400.0, -390.0), (-2.0, 0.0), (-9.0, 3.0)];
    for now in [NOW, OPEN, SUNDAY] {
        let world = world_at(now).await;
        for symbol in ["AAPL", "VOD.L", "7203.T", "CBA.AX", "BTC-USD", "EURUSD=X", "ES=F", "%5EGSPC"] {
            for (from, to) in edges {
                let window = days(now, from, to);
                world.same_chart(&chart(symbol, &format!("{window}&interval=1d&events=div|split"))).await;
            }
        }
        for (interval, reach) in
            [("1m", 7.5), ("5m", 50.0), ("15m", 50.0), ("90m", 50.0), ("60m", 700.0), ("1h", 700.0)]
        {
            for symbol in ["MSFT", "BTC-USD", "CBA.AX"] {
                for (from, to) in [(-1.0, 0.0), (-0.97, -0.51), (-0.6, -0.2), (-0.02, 0.01)] {
                    let window = days(now, from * reach, to * reach);
                    world.same_chart(&chart(symbol, &format!("{window}&interval={interval}"))).await;
                    let extended = format!("{window}&interval={interval}&includePrePost=true&events=split");
                    world.same_chart(&chart(symbol, &extended)).await;
                }
            }
        }
    }
}

/// Whatever was fetched may begin after a session's close: it then tells nothing of the close that the next day names.
#[tokio::test(flavor = "multi_thread")]
async fn the_close_before_is_named_wherever_a_window_begins() {
    // 2024-03-05, a Tuesday; the window that is fetched reaches back past a weekend.
    let midnight = NOW.div_euclid(DAY) * DAY;
    for hour in 0..24 {
        let now = midnight + hour * HOUR + 13 * MINUTE;
        let world = world_at(now).await;
        let window = |from: Ts, to: Ts| format!("period1={}&period2={}", from / 1_000, to / 1_000);
        world.same_chart(&extended(&window(midnight - 6 * DAY, midnight - 2 * DAY))).await;
        let calls = world.calls();
        for (begin, length) in (0..60).map(|step| (midnight - 6 * DAY + step * 2 * HOUR, step % 4 * HOUR)) {
            let path = extended(&window(begin, begin + length));
            world.same_chart(&path).await;
            world.hit(&path).await;
        }
        // The windows asked straight are calls too.
        let asked = world.calls() - calls - 60;
        assert!(asked <= 2, "at {hour}:13 {asked} calls for closes");
    }
}

fn extended(window: &str) -> String {
    chart("AAPL", &format!("{window}&interval=1m&includePrePost=true"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_range_is_answered_as_the_provider_would() {
    for now in [NOW, OPEN, SUNDAY, NOW + 12 * HOUR] {
        let world = world_at(now).await;
        for symbol in ["AAPL", "BTC-USD", "EURUSD=X", "7203.T"] {
            for range in ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"] {
                world.same_chart(&chart(symbol, &format!("range={range}&interval=1d&events=div%2Csplits"))).await;
            }
            for range in ["1d", "5d", "1mo"] {
                world.same_chart(&chart(symbol, &format!("range={range}&interval=15m"))).await;
                world.same_chart(&chart(symbol, &format!("range={range}&interval=60m&includePrePost=true"))).await;
            }
        }
        let calls = world.calls();
        world.hit(&chart("AAPL", "range=3mo&interval=1d")).await;
        assert_eq!(world.calls(), calls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_and_longer_are_neither_cut_nor_stitched() {
    let world = world_at(OPEN).await;
    for interval in ["1wk", "1mo", "3mo", "5d"] {
        for (from, to) in [(-900.0, -300.0), (-801.5, -333.3), (-700.0, -40.0), (-100.0, 0.0)] {
            let window = days(OPEN, from, to);
            for symbol in ["AAPL", "7203.T", "BTC-USD"] {
                world.same_chart(&chart(symbol, &format!("{window}&interval={interval}&events=div,splits"))).await;
            }
        }
        world.same_chart(&chart("AAPL", &format!("range=5y&interval={interval}"))).await;
    }
    let settled = chart("AAPL", &format!("{}&interval=1wk", days(OPEN, -900.0, -300.0)));
    world.hit(&settled).await;
    // Windows up to now are other ones tomorrow: none is kept.
    let series = world.app.gateway.tiers.catalog.len();
    for back in 0..5 {
        world.same_chart(&chart("AAPL", &format!("{}&interval=1wk", days(OPEN, -900.0 - f64::from(back), 0.0)))).await;
    }
    assert_eq!(world.app.gateway.tiers.catalog.len(), series);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_cold_random_daily_windows_over_a_symbol_cost_one_call() {
    let world = world_at(OPEN).await;
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..50 {
        let (back, len) = (random.i64(400..7_000), random.i64(1..365));
        let window = days(OPEN, -back as f64, (len - back) as f64);
        world.get(&format!("/yahoo{}", chart("AAPL", &format!("{window}&interval=1d")))).await;
    }
    assert_eq!(world.calls(), 1);
    for interval in ["5m", "60m"] {
        let before = world.calls();
        for _ in 0..30 {
            let back = random.i64(10..50) as f64 + random.f64();
            world
                .get(&format!(
                    "/yahoo{}",
                    chart("MSFT", &format!("{}&interval={interval}", days(OPEN, -back, 5.0 - back)))
                ))
                .await;
        }
        assert_eq!(world.calls(), before + 1, "{interval}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_comes_first_claims_no_more_than_it_brings() {
    for (interval, range) in [("1m", "1d"), ("1m", "5d"), ("5m", "1mo"), ("60m", "2y"), ("1d", "5d")] {
        for symbol in ["MSFT", "BTC-USD"] {
            let world = world_at(OPEN).await;
            world.same_chart(&chart(symbol, &format!("range={range}&interval={interval}"))).await;
            for (from, to) in [(-7.0, -5.0), (-1.0, -0.9), (-5.0, 0.0)] {
                world.same_chart(&chart(symbol, &format!("{}&interval={interval}", days(OPEN, from, to)))).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_concerns_its_own_window_only() {
    let world = world_at(OPEN).await;
    let of = |from: f64, to: f64| chart("AAPL", &format!("{}&interval=15m", days(OPEN, from, to)));
    assert_eq!(world.same_chart(&of(-200.0, -190.0)).await.status, 422);
    assert_eq!(world.same_chart(&of(-300.0, -290.0)).await.status, 422);
    assert_eq!(world.same_chart(&of(-20.0, -10.0)).await.status, 200);
    let early = chart("AAPL", "period1=18000&period2=31554000&interval=1d");
    let refused = world.same_chart(&early).await;
    assert!(
        refused.status == 400 && refused.chart_error().contains("startDate = 18000, endDate = 31554000"),
        "{}",
        refused.body
    );
    world.same_chart(&chart("AAPL", "range=5d&interval=1d")).await;
    world.same_chart(&early).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_ends_within_todays_session_is_the_providers_to_answer() {
    let world = world_at(OPEN).await;
    for symbol in ["BTC-USD", "AAPL", "ES=F"] {
        world.same_chart(&chart(symbol, "range=1mo&interval=1d")).await;
        for back in [0.01, 0.05, 0.08, 0.2, 0.65, 0.69] {
            world.same_chart(&chart(symbol, &format!("{}&interval=1d", days(OPEN, -5.0, -back)))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_clients_cannot_wait_their_own_ask_goes_first() {
    let folder = std::sync::Arc::new(tempfile::tempdir().expect("a folder"));
    let world = World::at(folder, OPEN, |config| config.plan.widen_ahead = finex::config::values::Bytes(10_000)).await;
    world.sim.yahoo().set_noise(false);
    world.get(&format!("/yahoo{}", chart("AAPL", &format!("{}&interval=1d", days(OPEN, -500.0, -400.0))))).await;
    world.settle().await;
    let mut sent: Vec<i64> = world.sim.received().iter().filter_map(|r| start_of(&r.query)).collect();
    sent.sort_unstable_by(|a, b| b.cmp(a));
    let back = |from: i64| (OPEN / 1_000 - from) / 86_400;
    assert_eq!((sent.len(), back(sent[0]) < 510, back(sent[1]) > 5_000), (2, true, true), "{sent:?}");
    world.hit(&chart("AAPL", &format!("{}&interval=1d", days(OPEN, -3_000.0, -2_900.0)))).await;
}

fn start_of(query: &str) -> Option<i64> {
    query.split('&').find_map(|pair| pair.strip_prefix("period1=")?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_window_names_the_close_before_it() {
    let world = world_at(OPEN).await;
    world.same_chart(&chart("IBM", &format!("{}&interval=1d&events=div", days(OPEN, -300.0, -10.0)))).await;
    let calls = world.calls();
    for (from, to) in [(-200.0, -100.0), (-150.0, -149.0), (-99.0, -11.0)] {
        let got = world.same_chart(&chart("ibm", &format!("{}&interval=1d&events=div", days(OPEN, from, to)))).await;
        assert!(got.cache_status().starts_with("finex; hit"), "{}", got.cache_status());
    }
    assert_eq!(world.calls(), calls + 3, "the three straight ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_rows_are_seconds_old_and_never_sealed() {
    let world = world_at(OPEN).await;
    let path = chart("AAPL", "range=1mo&interval=1d");
    let first = world.same_chart(&path).await;
    assert!(first.header("cache-control").contains("max-age=1"), "{}", first.header("cache-control"));
    world.advance(8 * SECOND);
    assert_eq!(world.hit(&path).await.body, first.body);
    world.advance(3 * SECOND);
    let later = world.same_chart(&path).await;
    assert_ne!(later.stamps().last(), first.stamps().last());
    world.settle().await;
    let held = world.app.gateway.tiers.catalog.all().remove(0).snapshot();
    let sealed = held.pieces.last().expect("a piece").key.last;
    assert!(sealed < OPEN - DAY, "{sealed} is not settled");
    // When the day is over and settled its bar stands on the grid, and the live row is gone.
    world.advance(4 * DAY);
    let settled = world.same_chart(&chart("AAPL", &format!("{}&interval=1d", days(OPEN, -3.0, 1.9)))).await;
    assert!(settled.stamps().iter().all(|s| s % 60 == 0), "{:?}", settled.stamps());
    let live: Vec<i64> = later.stamps().into_iter().filter(|s| s % 60 != 0).collect();
    let all = world.same_chart(&path).await.stamps();
    assert!(live.iter().all(|s| !all.contains(s)), "{live:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_reaches_no_more_is_still_owned_and_the_rest_refused_in_its_words() {
    let world = world_at(OPEN).await;
    let window = format!("{}&interval=1m", days(OPEN, -27.0, -24.0));
    let held = world.same_chart(&chart("AAPL", &window)).await;
    world.advance(10 * DAY);
    assert_eq!(world.hit(&chart("AAPL", &window)).await.stamps(), held.stamps());
    let wider = format!("{}&interval=1m", days(OPEN, -33.0, -24.0));
    let refused = world.same_chart(&chart("AAPL", &wider)).await;
    assert_eq!(refused.status, 422);
    assert!(refused.chart_error().contains("must be within the last"), "{}", refused.body);
    let long = world.same_chart(&chart("MSFT", &format!("{}&interval=1m", days(OPEN, 0.0, 9.0)))).await;
    assert!(long.status == 422 && long.chart_error().contains("8 days worth"), "{}", long.body);
    world.same_chart(&chart("MSFT", "range=2y&interval=60m")).await;
    world.same_chart(&chart("MSFT", "range=1y&interval=5m")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_in_yahoos_shape_and_nobody_is_called() {
    let world = world_at(OPEN).await;
    let cases = [
        (
            chart("AAPL", "period1=1700000000&period2=1690000000&interval=1d"),
            400,
            "start date cannot be after end date",
        ),
        (chart("AAPL", "period1=1700000000000&period2=1700100000000&interval=1d"), 400, "period1"),
        (chart("AAPL", "period1=yesterday&period2=1700000000&interval=1d"), 400, "yesterday"),
        (chart("AAPL", "period1=99999999999999999999&interval=1d"), 400, "period1"),
        (chart("AAPL", "range=1mo&interval=7x"), 422, "interval=7x is not supported"),
        (chart("AAPL", "range=soon&interval=1d"), 422, "range=soon is not supported"),
        (chart("A%20A", "range=1mo&interval=1d"), 404, "No data found"),
        (chart("%3Cscript%3E", "range=1mo&interval=1d"), 404, "No data found"),
        (chart(&"A".repeat(5_000), "range=1mo&interval=1d"), 404, "No data found"),
        (chart("%ff", "range=1mo&interval=1d"), 404, "No data found"),
    ];
    for (path, status, words) in cases {
        let got = world.get(&format!("/yahoo{path}")).await;
        assert_eq!(got.status, status, "{path}: {}", got.body);
        assert!(got.chart_error().contains(words), "{path}: {}", got.body);
        assert!(!got.header("finex-problem").is_empty());
    }
    for path in [
        "/yahoo/v8/finance/chart/..%2f..%2fetc?interval=1d&range=1d",
        "/yahoo/v8/finance/chart/%00?interval=1d&range=1d",
    ] {
        assert_eq!(world.get(path).await.status, 400, "{path}");
    }
    assert_eq!((world.calls(), world.app.gateway.tiers.catalog.len()), (0, 0));
    let unknown = world.same_chart(&chart("NOPE", "range=1mo&interval=1d")).await;
    assert_eq!((unknown.status.as_u16(), world.app.gateway.tiers.catalog.len()), (404, 0));
    world.same_chart(&chart("AAPL", &format!("{}&interval=1d", days(OPEN, 3.0, 9.0)))).await;
    world.same_chart(&chart("NVDA", &format!("{}&interval=1d", days(OPEN, 3.0, 9.0)))).await;
    assert_eq!(world.app.metrics.panics.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_classified_and_nothing_of_them_is_kept() {
    let world = world_at(OPEN).await;
    let path = chart("AAPL", &format!("{}&interval=1d", days(OPEN, -90.0, -20.0)));
    let text =
        |status, body: &str| Fault::Status { status, content_type: "text/plain", body: body.into(), retry_after: None };
    let cases = [
        (text(429, "Too Many Requests\r\n"), 429),
        (text(200, "Too Many Requests\r\n"), 429),
        (text(200, ""), 502),
        (Fault::yahoo(401, "Unauthorized", "Invalid Crumb"), 401),
        (Fault::yahoo(404, "Not Found", "No data found, symbol may be delisted"), 404),
        (Fault::yahoo(400, "Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"), 400),
        (Fault::Html, 502),
        (Fault::Foreign, 502),
        (Fault::NanToken, 502),
        (Fault::WrongType, 502),
        (Fault::OtherInterval, 502),
        (Fault::Reversed, 502),
        (Fault::Cut, 502),
        (Fault::Endless, 502),
    ];
    for (fault, status) in cases {
        world.sim.faults().inject(fault.clone(), 3);
        let got = world.get(&format!("/yahoo{path}")).await;
        world.sim.faults().clear();
        assert_eq!(got.status, status, "{fault:?}: {:.300}", got.body);
        assert_eq!(got.header("cache-control"), "no-store", "{fault:?}");
        assert!(world.app.gateway.tiers.catalog.all().iter().all(|cell| cell.is_empty()), "{fault:?}");
        world.advance(2 * MINUTE);
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    world.same_chart(&path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_and_crumbs_are_the_gateways_business() {
    let world = world_at(OPEN).await;
    for path in ["/yahoo/", "/yahoo/quote/AAPL", "/yahoo/consent"] {
        let got = world.get(path).await;
        assert_eq!(got.status, 200, "{path}");
        assert!(got.header("set-cookie").starts_with("A3="), "{path}");
    }
    let crumb = world.get("/yahoo/v1/test/getcrumb").await.body;
    assert!(world.sim.received().is_empty(), "clients get theirs here");
    let quote = format!("/yahoo/v7/finance/quote?symbols=AAPL%2CMSFT&crumb={crumb}");
    for _ in 0..3 {
        let got = world.get_with(&quote, "cookie", "A3=finex; B=mine").await;
        assert_eq!(got.json()["quoteResponse"]["result"].as_array().map(Vec::len), Some(2), "{}", got.body);
    }
    let asked = |path: &str| world.sim.received().iter().filter(|r| r.path == path).count();
    assert_eq!((asked("/"), asked("/v1/test/getcrumb"), asked("/v7/finance/quote")), (1, 1, 3));
    world.sim.yahoo().expire_crumb();
    assert_eq!(world.get(&quote).await.status, 200, "a refusal renews it once");
    assert_eq!((asked("/v1/test/getcrumb"), asked("/v7/finance/quote")), (2, 5));
    let sent = world.sim.received();
    let last = sent.last().expect("a request");
    let cookie = last.headers.get("cookie").and_then(|v| v.to_str().ok()).unwrap_or_default();
    assert!(!last.query.contains(&format!("crumb={crumb}&")) && !cookie.contains("B=mine"), "{} {cookie}", last.query);
    let search = world.get("/yahoo/v1/finance/search?q=apple&crumb=theirs").await;
    assert_eq!(search.status, 200);
    let sent = world.sim.received();
    assert_eq!(sent.last().map(|r| r.query.as_str()), Some("q=apple"), "a crumb that is ours does not travel");
    let summary = world.get("/yahoo/v10/finance/quoteSummary/AAPL?modules=price").await;
    assert!(summary.json()["quoteSummary"]["result"][0]["price"].is_object(), "{}", summary.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_charts_are_owned_and_their_envelope_too() {
    let world = world_at(OPEN).await;
    let paths = [
        chart("AAPL", &format!("{}&interval=1d&events=div,splits", days(OPEN, -3000.0, -30.0))),
        chart("MSFT", &format!("{}&interval=5m", days(OPEN, -40.0, -20.0))),
        chart("MSFT", &format!("{}&interval=15m&includePrePost=true", days(OPEN, -40.0, -20.0))),
        chart("ES=F", &format!("{}&interval=1d", days(OPEN, -900.0, -30.0))),
        chart("VOD.L", &format!("{}&interval=1mo", days(OPEN, -900.0, -200.0))),
    ];
    let mut before = Vec::new();
    for path in &paths {
        before.push(world.same_chart(path).await.json());
    }
    let world = World::at(world.stop().await, OPEN + 23 * HOUR, |_| {}).await;
    for (path, before) in paths.iter().zip(&before) {
        let got = world.hit(path).await;
        assert_eq!(difference(&got.json(), before, ""), None, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_now_that_lies_beyond_the_window_is_left_out() {
    let world = world_at(OPEN).await;
    let path = chart("AAPL", &format!("{}&interval=1m", days(OPEN, -2.0, -1.0)));
    let plain = world.get(&format!("/yahoo{path}")).await;
    world.sim.yahoo().set_stray_live(true);
    let other = world_at(OPEN).await;
    other.sim.yahoo().set_stray_live(true);
    let got = other.get(&format!("/yahoo{path}")).await;
    assert_eq!(got.stamps(), plain.stamps());
    assert_eq!(
        other.direct(&path).await.stamps().len(),
        plain.stamps().len() + 1,
        "the simulator does what was recorded"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unified_api_serves_yahoo_with_adjusted_closes() {
    let world = world_at(OPEN).await;
    let history =
        "/api/v1/market-data/AAPL/history?provider=yahoo&interval=1d&start_time=2023-06-01&end_time=2023-07-01";
    let got = world.get(history).await.json();
    assert_eq!((got["count"].as_u64(), got["currency"].as_str()), (Some(21), Some("USD")), "{got:#}");
    assert_eq!(got["timezone"], "America/New_York");
    let native = world.hit(&chart("AAPL", "period1=1685592000&period2=1688184000&interval=1d")).await.result();
    for (row, data) in got["data"].as_array().expect("rows").iter().enumerate() {
        let near = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9;
        assert!(near(&data["adj_close"], &native["indicators"]["adjclose"][0]["adjclose"][row]), "{data}");
        assert!(near(&data["close"], &native["indicators"]["quote"][0]["close"][row]), "{data}");
        assert_eq!(data["final"], true);
    }
    let weekly = world
        .get("/api/v1/market-data/7203.T/history?provider=yahoo&interval=1w&start_time=2023-01-01&end_time=2023-03-01")
        .await;
    assert_eq!(weekly.json()["count"], 9, "{}", weekly.body);
    let newest = world.get("/api/v1/market-data/MSFT/history?provider=yahoo&interval=5m&limit=100").await.json();
    assert_eq!((newest["count"].as_u64(), newest["data"][99]["final"].as_bool()), (Some(100), Some(false)));
    let latest = world.get("/api/v1/market-data/MSFT/latest?provider=yahoo&interval=1d").await.json();
    assert_eq!(latest["data"]["symbol"], "MSFT");
    let young = world.get("/api/v1/market-data/TSLA/history?provider=yahoo&interval=1d&limit=5000").await.json();
    assert_eq!(young["has_more"], false, "{}", young["count"]);
    let unknown = world.get("/api/v1/market-data/NOPE/history?provider=yahoo").await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["type"].as_str()), (404, Some("/problems/unknown-symbol")));
    let odd = world.get("/api/v1/market-data/AAPL/history?provider=yahoo&interval=7m").await;
    assert_eq!(odd.status, 422);
    let other = world.get(&format!("{history}&currency=EUR")).await;
    assert!(other.status == 422 && other.body.contains("quoted in USD"), "{}", other.body);
    assert_eq!(world.get(&format!("{history}&currency=usd")).await.status, 200);
    let csv = world.get(&format!("{history}&format=csv")).await.body;
    assert!(csv.lines().nth(1).is_some_and(|line| line.contains(",yahoo,USD,America/New_York,true")), "{csv}");
}
