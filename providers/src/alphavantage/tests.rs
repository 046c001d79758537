//! What holds of Alpha Vantage beside its recorded answers.

mod answers;
mod asked;
mod called;
mod hostile;

use super::*;
use crate::{NativeAsk, Segment, Sight};
use finex_core::ask::Take;
use finex_core::time::END;
use std::sync::LazyLock;

/// 2024-03-08 at 21:00 in UTC: markets in New York have just closed.
const NOW: Ts = 1_709_931_600_000;
const DAYS: &str = "function=TIME_SERIES_DAILY&symbol=IBM";
const MINUTES: &str = "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min";

fn alpha() -> &'static AlphaVantage {
    static PROVIDER: LazyLock<AlphaVantage> = LazyLock::new(|| AlphaVantage::new(&|_| {}));
    &PROVIDER
}

fn recognised(query: &str) -> Recognised {
    alpha().recognise(&NativeRequest { method: "GET", path: PATH, query, header: &|_| None, now: NOW })
}

fn asked(query: &str) -> NativeAsk {
    match recognised(query) {
        Recognised::Series(ask) => ask,
        other => panic!("{query}: {other:?}"),
    }
}

fn at(text: &str) -> Ts {
    stamp::client(text, &TimeZone::UTC).expect("an instant").0
}

fn between(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to))
}

fn call_for(window: Window, limit: u64, anchor: Anchor) -> Call {
    Call { window, limit, anchor, columns: Columns::OHLCV, need: window, reach: window, exact: false }
}

/// Bars of a series with prices that tell them apart, shown under their opening.
fn bars(series: &Series, times: &[Ts]) -> Bars {
    let function = alpha().function(series).expect("a function");
    let mut bars = alpha().table(function).none();
    for (row, ts) in times.iter().enumerate() {
        bars.times.push(*ts);
        bars.columns.iter_mut().for_each(|(_, texts)| texts.push(&format!("{row}.5000")));
    }
    placed(function, series, bars)
}

fn facts(facts: &[(&str, &str)]) -> Envelope {
    let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), format!("\"{value}\"")));
    Envelope { facts: facts.collect(), ..Envelope::default() }
}

/// The answer as a client gets it.
fn answer(ask: &NativeAsk, bars: &Bars, seen: &Envelope) -> (String, &'static str) {
    let kept = alpha().encode(&ask.series, bars, Shape(0));
    let newest = bars.len().checked_sub(1).and_then(|row| kept.get(0).map(|rows| rows.row(row)));
    let page = Page {
        series: &ask.series,
        native: ask.native,
        window: ask.ask.window,
        range: crate::range(bars),
        rows: bars.len(),
        newest,
        more: None,
        before: None,
        notes: seen,
        sight: &Sight::default(),
        base: "",
        now: NOW,
    };
    let composed = alpha().compose(&page);
    let runs = alpha().encode(&ask.series, bars, composed.shape);
    let text = |segment: &Segment| match segment {
        Segment::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Segment::Static(text) => (*text).to_owned(),
        Segment::Run(run) => String::from_utf8_lossy(&runs.slice(*run, 0, runs.len())).into_owned(),
    };
    (composed.segments.iter().map(text).collect(), composed.content_type)
}
