//! What holds of Twelve Data beside its recorded answers.

mod answers;
mod asked;
mod called;
mod hostile;

use super::*;
use crate::{NativeAsk, Segment, Sight};
use finex_core::ask::Take;
use finex_core::plan::Anchor;
use std::sync::LazyLock;

const HOUR: i64 = 3_600_000;

fn twelve() -> &'static TwelveData {
    static PROVIDER: LazyLock<TwelveData> = LazyLock::new(|| TwelveData::new(&|_| {}));
    &PROVIDER
}

fn recognised(query: &str) -> Recognised {
    twelve().recognise(&NativeRequest { method: "GET", path: PATH, query, header: &|_| None, now: 0 })
}

fn asked(query: &str) -> NativeAsk {
    match recognised(query) {
        Recognised::Series(ask) => ask,
        other => panic!("{query}: {other:?}"),
    }
}

fn batch(query: &str) -> Batch {
    match recognised(query) {
        Recognised::Batch(batch) => batch,
        other => panic!("{query}: {other:?}"),
    }
}

fn at(text: &str) -> Ts {
    stamp::client(text, &TimeZone::UTC).expect("an instant").0
}

fn between(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to))
}

fn series(symbol: &str, interval: &str) -> Series {
    twelve().series(symbol, interval.parse().expect("an interval")).expect("a series")
}

fn call_for(window: Window) -> Call {
    Call {
        window,
        limit: 1,
        anchor: Anchor::Both,
        columns: twelve().manifest.columns,
        need: window,
        reach: window,
        exact: false,
    }
}

fn sight(zone: &str) -> Envelope {
    let facts = [("symbol", "AAPL"), ("interval", "1min"), ("exchange_timezone", zone)];
    let facts = facts.map(|(name, value)| (name.to_owned(), format!("\"{value}\"")));
    Envelope { facts: facts.into(), ..Envelope::default() }
}

/// Bars with prices that tell them apart.
fn bars(times: &[Ts]) -> Bars {
    let mut bars = table(&series("AAPL", "1d"), TimeZone::UTC).none();
    for (row, ts) in times.iter().enumerate() {
        bars.times.push(*ts);
        for (column, texts) in &mut bars.columns {
            match column.name() {
                "previous_close" => texts.push_null(),
                _ => texts.push(&format!("{row}.50")),
            }
        }
    }
    bars
}

/// The answer as a client gets it.
fn answer(ask: &NativeAsk, bars: &Bars, seen: &Envelope) -> (String, &'static str) {
    let page = Page {
        series: &ask.series,
        native: ask.native,
        window: ask.ask.window,
        range: crate::range(bars),
        rows: bars.len(),
        newest: None,
        more: None,
        before: None,
        notes: &Envelope::default(),
        sight: &Sight { envelope: seen.clone(), ..Sight::default() },
        base: "",
        now: 0,
    };
    let composed = twelve().compose(&page);
    let runs = twelve().encode(&ask.series, bars, composed.shape);
    let text = |segment: &Segment| match segment {
        Segment::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Segment::Static(text) => (*text).to_owned(),
        Segment::Run(run) => String::from_utf8_lossy(&runs.slice(*run, 0, runs.len())).into_owned(),
    };
    (composed.segments.iter().map(text).collect(), composed.content_type)
}
