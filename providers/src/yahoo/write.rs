//! Writing a chart: a run of text per column, and an envelope around any part of it.

use super::notes::{PREVIOUS, SESSIONS, bounds, period, session_at, short};
use super::{DAY, Yahoo, wanted};
use crate::rows::{Rows, Runs};
use crate::{Composed, Named, Page, Segment, Undecodable};
use bytes::Bytes;
use finex_core::columns::{Bars, Columns, Texts};
use finex_core::envelope::Envelope;
use finex_core::series::Series;
use finex_core::time::{Ts, Window};
use std::fmt::Write;

const JSON: &str = "application/json;charset=utf-8";
/// Facts that only intraday answers carry.
const INTRADAY: [&str; 2] = ["previousClose", "scale"];

/// A run of timestamps in seconds, then one per column.
pub(super) fn runs(bars: &Bars) -> Runs {
    let mut number = itoa::Buffer::new();
    let mut stamps = Rows::builder(bars.len() * 11);
    for open in &bars.times {
        stamps.text().extend_from_slice(number.format(open.div_euclid(1_000)).as_bytes());
        stamps.end_row(b',');
    }
    let mut runs = vec![stamps.finish()];
    runs.extend(bars.columns.iter().map(|(_, texts)| run(texts)));
    Runs::new(runs)
}

fn run(texts: &Texts) -> Rows {
    let mut run = Rows::builder(texts.len() * 19);
    for text in texts.iter() {
        run.text().extend_from_slice(text.unwrap_or("null").as_bytes());
        run.end_row(b',');
    }
    run.finish()
}

/// The bars behind runs that [`runs`] wrote.
pub(super) fn bars(columns: Columns, runs: &Runs) -> Result<Bars, Undecodable> {
    let bad = |detail: &str| Undecodable::new("Yahoo Finance", detail.to_owned());
    let stamps = runs.get(0).ok_or_else(|| bad("there is no run of timestamps"))?;
    let stamp = |row| std::str::from_utf8(stamps.row(row)).ok()?.parse::<i64>().ok()?.checked_mul(1_000);
    let times: Option<Vec<Ts>> = (0..stamps.len()).map(stamp).collect();
    let mut bars = Bars::with_columns(columns.iter());
    bars.times = times.ok_or_else(|| bad("a timestamp is no number"))?;
    for (at, (_, texts)) in bars.columns.iter_mut().enumerate() {
        let run = runs.get(at + 1).ok_or_else(|| bad("a column is missing"))?;
        for row in 0..run.len() {
            match std::str::from_utf8(run.row(row)).map_err(|_| bad("a number is no text"))? {
                "null" => texts.push_null(),
                text => texts.push(text),
            }
        }
    }
    Ok(bars)
}

/// The facts of a symbol as they stand in `meta`, each with a comma behind it.
pub(super) fn portray(envelope: &Envelope) -> Bytes {
    let mut out = String::with_capacity(1_200);
    for (name, value) in envelope.facts.iter().filter(|(name, _)| !INTRADAY.contains(&name.as_str())) {
        let _ = write!(out, "\"{name}\":{value},");
    }
    out.into()
}

pub(super) fn close_of(runs: &Runs, row: usize) -> Option<f64> {
    const CLOSE: usize = 4;
    std::str::from_utf8(runs.get(CLOSE)?.row(row)).ok()?.parse().ok()
}

/// What was said of the close before an answer that begins with this bar; nothing within if it named none.
fn said_before<'a>(series: &Series, first: Ts, notes: &'a Envelope) -> Option<&'a String> {
    let at = if Yahoo::is_daily_or_longer(series) { None } else { session_at(notes, first) };
    let said = notes.notes.get(PREVIOUS)?;
    at.and_then(|at| said.get(&at)).or_else(|| said.get(&first))
}

/// What was said of the close before a window without bars, if none that is held tells it: by an answer that had none
/// either, and that began after the last session was over.
fn said_before_nothing<'a>(series: &Series, from: Ts, notes: &'a Envelope) -> Option<&'a String> {
    let over = if has_early_hours(series) { last_end(from, notes) } else { None };
    notes.notes.get(PREVIOUS)?.range(over.unwrap_or(Ts::MIN)..=from).next_back().map(|(_, close)| close)
}

/// Where the close stands that `chartPreviousClose` means, if it was not said: before the first bar, or its session.
pub(super) fn close_before(series: &Series, first: Ts, notes: &Envelope) -> Option<Ts> {
    if said_before(series, first, notes).is_some() {
        return None;
    }
    if Yahoo::is_daily_or_longer(series) {
        return Some(first);
    }
    Some(regular_end_before(series, session_at(notes, first)?, notes))
}

/// The same for an answer without bars.
pub(super) fn close_before_nothing(series: &Series, from: Ts, notes: &Envelope) -> Option<Ts> {
    let said = has_early_hours(series) && said_before_nothing(series, from, notes).is_some();
    (!said).then(|| regular_end_before(series, from, notes))
}

fn has_early_hours(series: &Series) -> bool {
    series.variant.get("session").is_some()
}

/// The instant before which the last bar of regular trading opens: with extended hours, the end of the last session.
pub(super) fn regular_end_before(series: &Series, at: Ts, notes: &Envelope) -> Ts {
    if has_early_hours(series) { last_end(at, notes).unwrap_or(at) } else { at }
}

/// When the last session that is known was over by then.
fn last_end(at: Ts, notes: &Envelope) -> Option<Ts> {
    let sessions = notes.notes.get("regular")?.range(..at).rev();
    sessions.filter_map(|(_, note)| bounds(note)).map(|(_, end)| end).find(|end| *end <= at)
}

pub(super) fn compose(page: &Page<'_>, interval: &str) -> Composed {
    let daily = Yahoo::is_daily_or_longer(page.series);
    let mut head = String::with_capacity(512);
    if let Some(close) = previous_close(page) {
        let _ = write!(head, "\"chartPreviousClose\":{close},");
    }
    if !daily {
        for (name, value) in INTRADAY.iter().filter_map(|name| Some((name, page.sight.envelope.fact(name)?))) {
            let _ = write!(head, "\"{name}\":{value},");
        }
        trading_periods(page, &mut head);
    }
    let range = if let Named::Range(name) = page.native.named { name } else { "" };
    let _ = write!(head, "\"dataGranularity\":\"{interval}\",\"range\":\"{range}\"}}");
    let mut segments = vec![
        Segment::Static("{\"chart\":{\"result\":[{\"meta\":{"),
        Segment::Text(page.sight.written.clone()),
        Segment::Text(head.into()),
    ];
    let adjusted = daily && page.native.options & wanted::ADJUSTED != 0;
    match page.range {
        Some(_) => rows(page, adjusted, &mut segments),
        None if adjusted => {
            segments.push(Segment::Static(",\"indicators\":{\"quote\":[{}],\"adjclose\":[{}]}}],\"error\":null}}"));
        }
        None => segments.push(Segment::Static(",\"indicators\":{\"quote\":[{}]}}],\"error\":null}}")),
    }
    Composed { segments, content_type: JSON, separator: ",", shape: page.native.shape }
}

fn rows(page: &Page<'_>, adjusted: bool, segments: &mut Vec<Segment>) {
    segments.extend([Segment::Static(",\"timestamp\":["), Segment::Run(0), Segment::Static("]")]);
    let events = events(page);
    if !events.is_empty() {
        segments.push(Segment::Text(format!(",\"events\":{{{}}}", events.join(",")).into()));
    }
    const HEADS: [&str; 5] =
        [",\"indicators\":{\"quote\":[{\"open\":[", "],\"high\":[", "],\"low\":[", "],\"close\":[", "],\"volume\":["];
    for (run, head) in HEADS.into_iter().enumerate() {
        segments.extend([Segment::Static(head), Segment::Run(run + 1)]);
    }
    segments.push(Segment::Static("]}]"));
    if adjusted {
        segments.extend([Segment::Static(",\"adjclose\":[{\"adjclose\":["), Segment::Run(6), Segment::Static("]}]")]);
    }
    segments.push(Segment::Static("}}],\"error\":null}}"));
}

/// What was said of this very edge, else the close that is held before it, rounded as all recorded ones are.
fn previous_close(page: &Page<'_>) -> Option<String> {
    let held = || page.before.map(|close| short(close, &page.sight.envelope));
    let close = match page.range {
        Some((first, _)) => said_before(page.series, first, page.notes).cloned().or_else(held),
        None => held().or_else(|| said_before_nothing(page.series, spoken_of(page).from, page.notes).cloned()),
    };
    close.filter(|close| !close.is_empty())
}

/// The window that events and sessions are looked for in: from its first bar or instant to its last instant.
fn spoken_of(page: &Page<'_>) -> Window {
    let from = match (page.native.named, page.range) {
        (Named::Span { from, .. }, Some((first, _))) => from.min(first),
        (Named::Span { from, .. }, None) => from,
        (_, Some((first, _))) => first,
        (_, None) => page.window.from,
    };
    Window::new(from, page.window.to)
}

fn events(page: &Page<'_>) -> Vec<String> {
    let kinds = [
        ("dividends", wanted::DIVIDENDS),
        ("splits", wanted::SPLITS),
        ("capitalGains", wanted::CAPITAL_GAINS),
        ("earnings", wanted::EARNINGS),
    ];
    let window = spoken_of(page);
    let asked = kinds.into_iter().filter(|(_, bit)| page.native.options & bit != 0);
    let written = asked.filter_map(|(kind, _)| {
        let mut events = page.notes.notes_in(kind, window).peekable();
        events.peek()?;
        let list: Vec<String> = events.map(|(at, event)| format!("\"{}\":{event}", at.div_euclid(1_000))).collect();
        Some(format!("\"{kind}\":{{{}}}", list.join(",")))
    });
    written.collect()
}

/// Sessions from the day of the first instant to that of the last bar.
fn trading_periods(page: &Page<'_>, out: &mut String) {
    let Some((_, last)) = page.range else { return };
    let from = spoken_of(page).from;
    let newest = session_at(page.notes, last).unwrap_or(last);
    let window = Window::new(from - DAY, newest + 1);
    let same_day = |note: &str| {
        period(note).is_some_and(|(start, _, east)| (start + east).div_euclid(DAY) >= (from + east).div_euclid(DAY))
    };
    let opens: Vec<Ts> = page
        .notes
        .notes_in("regular", window)
        .filter(|(at, note)| *at >= from || same_day(note))
        .map(|(at, _)| at)
        .collect();
    let Some(first) = opens.first() else { return };
    let window = Window::new(*first, newest + 1);
    let list = |kind: &str| {
        let notes: Vec<String> = page.notes.notes_in(kind, window).map(|(_, note)| format!("[{note}]")).collect();
        format!("[{}]", notes.join(","))
    };
    if !has_early_hours(page.series) {
        let _ = write!(out, "\"tradingPeriods\":{},", list("regular"));
        return;
    }
    let lists: Vec<String> = SESSIONS.iter().map(|kind| format!("\"{kind}\":{}", list(kind))).collect();
    let _ = write!(out, "\"tradingPeriods\":{{{}}},", lists.join(","));
}
