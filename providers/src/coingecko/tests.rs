//! What holds of CoinGecko beside its recorded answers.

mod answers;
mod asked;
mod called;
mod hostile;

use super::*;
use crate::{Native, NativeAsk, Segment, Sight};
use finex_core::ask::Take;
use finex_core::plan::Anchor;
use finex_core::time::END;
use std::sync::LazyLock;

/// 2024-03-08 at 21:10.
const NOW: Ts = 1_709_932_200_000;

fn gecko() -> &'static CoinGecko {
    static PROVIDER: LazyLock<CoinGecko> = LazyLock::new(|| CoinGecko::new(&|_| {}));
    &PROVIDER
}

fn recognised(url: &str) -> Recognised {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = format!("/api/v3/coins/{path}");
    gecko().recognise(&NativeRequest { method: "GET", path: &path, query, header: &|_| None, now: NOW })
}

fn asked(url: &str) -> NativeAsk {
    match recognised(url) {
        Recognised::Series(ask) => ask,
        other => panic!("{url}: {other:?}"),
    }
}

fn days(days: &str) -> String {
    format!("bitcoin/market_chart?vs_currency=usd&days={days}")
}

fn range(from: Ts, to: Ts) -> String {
    format!("bitcoin/market_chart/range?vs_currency=usd&from={}&to={}", from / 1_000, to / 1_000)
}

fn at(text: &str) -> Ts {
    crate::stamp::client(text, &jiff::tz::TimeZone::UTC).expect("an instant").0
}

fn series(interval: &str) -> Series {
    gecko().series("bitcoin", interval.parse().expect("an interval")).expect("a series")
}

fn call_for(window: Window) -> Call {
    Call {
        window,
        limit: 1,
        anchor: Anchor::Both,
        columns: gecko().manifest.columns,
        need: window,
        reach: window,
        exact: false,
    }
}

/// Samples as an answer has them.
fn chart(times: &[Ts]) -> String {
    let list = |name: &str, offset: usize| {
        let pairs: Vec<String> = times.iter().enumerate().map(|(at, ts)| format!("[{ts},{}.5]", at + offset)).collect();
        format!("\"{name}\":[{}]", pairs.join(","))
    };
    format!("{{{},{},{}}}", list("prices", 0), list("market_caps", 100), list("total_volumes", 200))
}

fn decoded(series: &Series, body: &str) -> Decoded {
    gecko().decode(series, &call_for(Window::new(0, NOW)), body.as_bytes()).expect("data")
}

/// The answer as a client gets it.
fn answer(series: &Series, bars: &Bars) -> String {
    let page = Page {
        series,
        native: Native::default(),
        window: Window::ALL,
        range: crate::range(bars),
        rows: bars.len(),
        newest: None,
        more: None,
        before: None,
        notes: &Envelope::default(),
        sight: &Sight::default(),
        base: "",
        now: NOW,
    };
    let composed = gecko().compose(&page);
    let runs = gecko().encode(series, bars, composed.shape);
    let text = |segment: &Segment| match segment {
        Segment::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Segment::Static(text) => (*text).to_owned(),
        Segment::Run(run) => String::from_utf8_lossy(&runs.slice(*run, 0, runs.len())).into_owned(),
    };
    composed.segments.iter().map(text).collect()
}
