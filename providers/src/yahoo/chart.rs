//! Reading a chart: columns of numbers whose text is kept, and everything beside them.

use super::Yahoo;
use super::notes::{PREVIOUS, SESSIONS, bounds, millis, session_at, short};
use super::write::regular_end_before;
use crate::json::Pairs;
use crate::{Decoded, Undecodable};
use finex_core::columns::{Bars, Column, Texts};
use finex_core::envelope::Envelope;
use finex_core::plan::Call;
use finex_core::series::Series;
use finex_core::time::Ts;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Facts that speak of the request or of its window, not of the symbol.
const OF_THE_WINDOW: [&str; 4] = ["range", "dataGranularity", "chartPreviousClose", "tradingPeriods"];

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    chart: Chart<'a>,
}

#[derive(Deserialize)]
struct Chart<'a> {
    #[serde(borrow)]
    result: Option<Vec<Answer<'a>>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    meta: Pairs<'a>,
    #[serde(default)]
    timestamp: Option<Vec<i64>>,
    #[serde(borrow, default)]
    events: Option<BTreeMap<Cow<'a, str>, Dated<'a>>>,
    #[serde(borrow)]
    indicators: Indicators<'a>,
}

#[derive(Deserialize)]
struct Indicators<'a> {
    #[serde(borrow)]
    quote: Vec<Quote<'a>>,
    #[serde(borrow, default)]
    adjclose: Vec<Adjusted<'a>>,
}

/// Events by the bar that they stand at.
type Dated<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;
type Numbers<'a> = Option<Vec<Option<&'a RawValue>>>;

#[derive(Deserialize)]
struct Quote<'a> {
    #[serde(borrow, default)]
    open: Numbers<'a>,
    #[serde(borrow, default)]
    high: Numbers<'a>,
    #[serde(borrow, default)]
    low: Numbers<'a>,
    #[serde(borrow, default)]
    close: Numbers<'a>,
    #[serde(borrow, default)]
    volume: Numbers<'a>,
}

#[derive(Deserialize)]
struct Adjusted<'a> {
    #[serde(borrow, default)]
    adjclose: Numbers<'a>,
}

fn bad(detail: impl Into<String>) -> Undecodable {
    Undecodable::new("Yahoo Finance", detail)
}

/// Bars and envelope of an answer. Rows outside the call's window, and weeks and longer that its edges cut, are left out.
pub(super) fn read(series: &Series, interval: &str, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
    let body: Body<'_> = serde_json::from_slice(body).map_err(|e| bad(e.to_string()))?;
    let answer = body.chart.result.and_then(|mut all| if all.len() == 1 { all.pop() } else { None });
    let answer = answer.ok_or_else(|| bad("there is not one result"))?;
    let granularity = answer.meta.get("dataGranularity").unwrap_or_default();
    if granularity.trim_matches('"') != interval {
        return Err(bad(format!("bars of {granularity} where {interval} was asked for")));
    }
    let all = bars(series, &answer)?;
    let instant = |name: &str| answer.meta.get(name).and_then(|text| millis(text.parse().ok()?));
    let traded = instant("regularMarketTime");
    let mut envelope = envelope(series, call, &answer, &all);
    let live = all.times.last().copied().filter(|last| stands_for_now(series, &envelope, *last, traded));
    let since = instant("firstTradeDate");
    let bars = within(call, &all);
    // Where the first rows were left out, the last of them tells the close before the first that stays.
    if let Some(first) = bars.times.first() {
        note_before(series, &all, *first, &mut envelope);
    }
    let live = live.filter(|open| bars.times.last() == Some(open));
    Ok(Decoded { bars, envelope, live, since, spoken: None })
}

/// Is the last row that of the last trade? Once the session is over it stands at its close, within days, and the last trade
/// may have been some seconds later.
fn stands_for_now(series: &Series, envelope: &Envelope, last: Ts, traded: Option<Ts>) -> bool {
    const CLOSING: i64 = 60_000;
    let Some(traded) = traded else { return false };
    let at_the_close = || {
        let sessions = envelope.notes.get("regular").and_then(|all| all.range(..=last).next_back());
        let end = sessions.and_then(|(_, note)| bounds(note)).map(|(_, end)| end);
        !Yahoo::is_daily_or_longer(series)
            && end.is_some_and(|end| end <= last)
            && (last..last.saturating_add(CLOSING)).contains(&traded)
    };
    last == traded || at_the_close()
}

fn bars(series: &Series, answer: &Answer<'_>) -> Result<Bars, Undecodable> {
    let times: Option<Vec<Ts>> = answer.timestamp.iter().flatten().map(|s| millis(*s)).collect();
    let times = times.ok_or_else(|| bad("a timestamp is not in seconds"))?;
    let quote = answer.indicators.quote.first().ok_or_else(|| bad("there is no quote"))?;
    let adjusted = answer.indicators.adjclose.first().and_then(|a| a.adjclose.as_ref());
    let named = [
        (Column::Open, quote.open.as_ref()),
        (Column::High, quote.high.as_ref()),
        (Column::Low, quote.low.as_ref()),
        (Column::Close, quote.close.as_ref()),
        (Column::Volume, quote.volume.as_ref()),
        (Column::AdjClose, adjusted),
    ];
    let wanted = if Yahoo::is_daily_or_longer(series) { 6 } else { 5 };
    let mut bars = Bars { times, columns: Vec::with_capacity(wanted) };
    for (column, numbers) in named.into_iter().take(wanted) {
        let texts = match numbers {
            Some(numbers) if numbers.len() == bars.times.len() => texts(numbers)?,
            Some(numbers) => {
                return Err(bad(format!("{} of {} for {} bars", numbers.len(), column.name(), bars.times.len())));
            }
            None if bars.times.is_empty() => Texts::default(),
            None => return Err(bad(format!("there is no {}", column.name()))),
        };
        bars.columns.push((column, texts));
    }
    Ok(bars)
}

fn texts(numbers: &[Option<&RawValue>]) -> Result<Texts, Undecodable> {
    let mut texts = Texts::default();
    for number in numbers {
        match number.map(RawValue::get) {
            None => texts.push_null(),
            Some(text) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => texts.push(text),
            Some(text) => return Err(bad(format!("{} is no number", text.chars().take(20).collect::<String>()))),
        }
    }
    Ok(texts)
}

/// Rows that the call is about: of what is put together from days, those whose days all lie in the window.
fn within(call: &Call, bars: &Bars) -> Bars {
    bars.select(|row| call.window.contains(bars.times[row]))
}

/// The close before a bar, or before its session, as the rows before it tell; what the provider said of it stands.
pub(super) fn note_before(series: &Series, all: &Bars, first: Ts, envelope: &mut Envelope) {
    let at = if Yahoo::is_daily_or_longer(series) { Some(first) } else { session_at(envelope, first) };
    let Some(at) = at else { return };
    let before = all.times.partition_point(|open| *open < regular_end_before(series, at, envelope));
    let close = all.column(Column::Close).and_then(|closes| (0..before).rev().find_map(|row| closes.value(row)));
    if let Some(close) = close {
        let text = short(close, envelope);
        envelope.notes.entry(PREVIOUS.to_owned()).or_default().entry(at).or_insert(text);
    }
}

fn envelope(series: &Series, call: &Call, answer: &Answer<'_>, bars: &Bars) -> Envelope {
    let mut out = Envelope::default();
    let of_the_symbol = |name: &str| !OF_THE_WINDOW.contains(&name);
    let facts = answer.meta.0.iter().filter(|(name, _)| of_the_symbol(name));
    out.facts = facts.map(|(name, value)| (name.to_string(), value.get().to_owned())).collect();
    sessions(answer.meta.get("tradingPeriods"), &mut out.notes);
    for (kind, events) in answer.events.iter().flatten() {
        let notes = out.notes.entry(kind.to_string()).or_default();
        for (key, event) in events {
            if let Some(at) = key.parse().ok().and_then(millis) {
                notes.insert(at, event.get().to_owned());
            }
        }
        if let Some(newest) = events.values().filter_map(|event| date_of(event.get())).max() {
            out.acted.insert(kind.to_string(), newest);
        }
    }
    let at = match bars.times.first() {
        None => call.window.from,
        Some(first) if Yahoo::is_daily_or_longer(series) => *first,
        Some(first) => session_at(&out, *first).unwrap_or(*first),
    };
    // Where none is named there is none, and nobody has to ask again.
    let close = answer.meta.get("chartPreviousClose").unwrap_or_default();
    out.notes.entry(PREVIOUS.to_owned()).or_default().insert(at, close.to_owned());
    out
}

fn date_of(event: &str) -> Option<Ts> {
    #[derive(Deserialize)]
    struct Event {
        date: i64,
    }
    millis(serde_json::from_str::<Event>(event).ok()?.date)
}

type Sessions<'a> = Vec<Vec<&'a RawValue>>;

/// `[[{…}], …]`, or an object of three such lists with extended hours; noted by the opening of the regular session.
fn sessions(periods: Option<&str>, notes: &mut BTreeMap<String, BTreeMap<Ts, String>>) {
    let Some(periods) = periods else { return };
    let lists: BTreeMap<Cow<'_, str>, Sessions<'_>> = match serde_json::from_str::<Sessions<'_>>(periods) {
        Ok(regular) => BTreeMap::from([("regular".into(), regular)]),
        Err(_) => serde_json::from_str(periods).unwrap_or_default(),
    };
    let opens: Vec<Option<Ts>> = lists.get("regular").into_iter().flatten().map(|s| opening(s)).collect();
    for kind in SESSIONS {
        let Some(list) = lists.get(kind) else { continue };
        let dated =
            list.iter().zip(&opens).filter_map(|(session, open)| Some(((*open)?, session.first()?.get().to_owned())));
        notes.insert(kind.to_owned(), dated.collect());
    }
}

fn opening(session: &[&RawValue]) -> Option<Ts> {
    bounds(session.first()?.get()).map(|(start, _)| start)
}
