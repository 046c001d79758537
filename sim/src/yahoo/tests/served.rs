//! Over the wire, with faults.

use super::*;
use crate::Sim;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

const NOW: i64 = 1_710_950_000;
const CHART: &str = "/v8/finance/chart/AAPL?range=1mo";

/// The whole answer as text, whatever came of it.
async fn fetch(sim: &Sim, target: &str) -> String {
    let address = sim.url().replace("http://", "");
    let request = format!("GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let exchange = move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(exchange).await.expect("an answer")
}

async fn start() -> Sim {
    Sim::start(([127, 0, 0, 1], 0).into(), Arc::new(|| NOW * 1_000)).await.expect("started")
}

#[tokio::test]
async fn one_server_speaks_for_both() {
    let sim = start().await;
    let chart = fetch(&sim, CHART).await;
    assert!(chart.starts_with("HTTP/1.1 200"));
    for header in [
        "content-type: application/json;charset=utf-8\r\n",
        "cache-control: public, max-age=10, stale-while-revalidate=20\r\n",
        "vary: Origin,Accept-Encoding\r\n",
    ] {
        assert!(chart.contains(header), "{header}");
    }
    assert!(!chart.contains("x-mbx"));
    let time = fetch(&sim, "/api/v3/time").await;
    assert!(time.contains("x-mbx-used-weight: 1\r\n"), "charts cost no weight of Binance");
    fetch(&sim, "/api/v3/klines?symbol=BTCUSDT&interval=1d").await;
    assert_eq!(sim.calls(), 2);
    assert!(fetch(&sim, "/").await.contains("set-cookie: A3="));
    assert!(fetch(&sim, "/sim/calls").await.ends_with("{\"series\":2}"));
    sim.yahoo().set_noise(false);
}

#[tokio::test]
async fn charts_suffer_faults() {
    let sim = start().await;
    let whole = fetch(&sim, CHART).await;
    let suffer = async |fault: Fault| {
        sim.faults().inject(fault, 1);
        fetch(&sim, CHART).await
    };
    let refused = suffer(Fault::yahoo(401, "Unauthorized", "Invalid Crumb")).await;
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("{\"finance\":{\"result\":null,\"error\":{"));
    let refused = suffer(Fault::yahoo(404, "Not Found", "Gone")).await;
    assert!(
        refused.ends_with("{\"chart\":{\"result\":null,\"error\":{\"code\":\"Not Found\",\"description\":\"Gone\"}}}")
    );
    assert!(!refused.contains("x-mbx"));
    assert!(suffer(Fault::Reset).await.is_empty());
    assert!(suffer(Fault::Html).await.contains("text/html"));
    assert!(suffer(Fault::Redirect("/quote/AAPL".into())).await.contains("location: /quote/AAPL"));
    let cut = suffer(Fault::Cut).await;
    assert!(cut.starts_with("HTTP/1.1 200") && cut.len() < whole.len() * 2 / 3);
    assert!(fetch(&sim, CHART).await.starts_with("HTTP/1.1 200"));
}

fn with(fault: Fault) -> String {
    let yahoo = Yahoo::default();
    let answer =
        yahoo.answer("GET", "/v8/finance/chart/AAPL", "range=1mo", &HeaderMap::new(), NOW * 1_000, Some(&fault));
    answer.expect("an answer").body
}

#[test]
fn faults_touch_rows() {
    let parsed =
        |fault| -> Value { serde_json::from_str::<Value>(&with(fault)).expect("JSON")["chart"]["result"][0].take() };
    let whole = result(&Yahoo::default(), "AAPL", "range=1mo", NOW);
    let days = stamps(&whole);
    assert_eq!(stamps(&parsed(Fault::Duplicated))[..3], [days[0], days[0], days[1]]);
    assert_eq!(stamps(&parsed(Fault::Reversed)), days.iter().rev().copied().collect::<Vec<_>>());
    let odd = parsed(Fault::Implausible);
    let below = prices(&odd, "high").iter().zip(prices(&odd, "low")).filter(|(high, low)| *high < low).count();
    assert_eq!(below, 1);
    assert!(with(Fault::NanToken).contains("\"open\":[NaN,"));
    assert!(parsed(Fault::WrongType)["indicators"]["quote"][0]["open"][0].is_string());
    let other = parsed(Fault::OtherInterval);
    assert_eq!(other["meta"]["dataGranularity"], "1wk");
    assert!(stamps(&other).len() < days.len());
}
