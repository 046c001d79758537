//! What holds of each provider that a manifest alone describes.

mod answers;
mod asked;
mod called;
mod hostile;
mod written;

use super::*;
use crate::{NativeAsk, Segment, Sight};
use finex_core::plan::Anchor;
use std::sync::LazyLock;

/// 2024-03-11 at midnight: the clocks of New York went forward the day before.
const NOW: Ts = 1_710_115_200_000;
const IDS: [&str; 5] = ["polygon", "tiingo", "alpaca", "finnhub", "fred"];
const BASE: &str = "http://localhost:8080/polygon";

fn facts(id: &str) -> &'static str {
    match id {
        "polygon" => include_str!("../../polygon.toml"),
        "tiingo" => include_str!("../../tiingo.toml"),
        "alpaca" => include_str!("../../alpaca.toml"),
        "finnhub" => include_str!("../../finnhub.toml"),
        _ => include_str!("../../fred.toml"),
    }
}

fn from_toml(text: &str) -> Described {
    Described::new(Manifest::parse(text).expect("a manifest")).expect("a sound manifest")
}

/// The provider as it is built in.
fn described(id: &str) -> &'static Described {
    static ALL: LazyLock<Vec<(&str, Described)>> =
        LazyLock::new(|| IDS.iter().map(|id| (*id, from_toml(facts(id)))).collect());
    ALL.iter().find(|(known, _)| *known == id).map(|(_, provider)| provider).expect("a provider")
}

fn recognised_by(provider: &Described, url: &str) -> Recognised {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    provider.recognise(&NativeRequest { method: "GET", path, query, header: &|_| None, now: NOW })
}

fn recognised(id: &str, url: &str) -> Recognised {
    recognised_by(described(id), url)
}

/// The series of a request; of a list, the first.
fn asked(id: &str, url: &str) -> NativeAsk {
    match recognised(id, url) {
        Recognised::Series(ask) => ask,
        Recognised::Batch(batch) => batch.members.into_iter().find_map(|(_, ask)| ask.ok()).expect("a member"),
        other => panic!("{id} {url}: {other:?}"),
    }
}

fn batch(id: &str, url: &str) -> Batch {
    match recognised(id, url) {
        Recognised::Batch(batch) => batch,
        other => panic!("{id} {url}: {other:?}"),
    }
}

fn refused(id: &str, url: &str) -> NativeError {
    match recognised(id, url) {
        Recognised::Refused(error) => error,
        other => panic!("{id} {url}: {other:?}"),
    }
}

fn goes_through(id: &str, url: &str) {
    let found = recognised(id, url);
    assert!(matches!(found, Recognised::Forward), "{id} {url}: {found:?}");
}

/// An instant in UTC.
fn at(text: &str) -> Ts {
    stamp::client(text, &TimeZone::UTC).expect("an instant").0
}

fn between(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to))
}

fn interval(name: &str) -> Interval {
    name.parse().expect("an interval")
}

fn call_for(window: Window) -> Call {
    Call { window, limit: 1, anchor: Anchor::Both, columns: Columns::OHLCV, need: window, reach: window, exact: false }
}

fn upstream(id: &str, series: &Series, window: Window) -> String {
    let upstream = described(id).call(series, &call_for(window), Named::Ask, NOW);
    format!("{}?{}", upstream.path, upstream.query)
}

/// The answer to an ask for these bars, as a client gets it.
fn answer(provider: &Described, ask: &NativeAsk, bars: &Bars, more: Option<Ts>, notes: &Envelope) -> String {
    let page = Page {
        series: &ask.series,
        native: ask.native,
        window: ask.ask.window,
        range: crate::range(bars),
        rows: bars.len(),
        newest: None,
        more,
        before: None,
        notes,
        sight: &Sight::default(),
        base: BASE,
        now: NOW,
    };
    let composed = provider.compose(&page);
    let runs = provider.encode(&ask.series, bars, composed.shape);
    let text = |segment: &Segment| match segment {
        Segment::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Segment::Static(text) => (*text).to_owned(),
        Segment::Run(run) => String::from_utf8_lossy(&runs.slice(*run, 0, runs.len())).into_owned(),
    };
    composed.segments.iter().map(text).collect()
}
