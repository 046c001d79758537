//! Recorded bodies read into bars and written again, as the gateway does it.

use super::asked::{Asked, NOW};
use super::corpus::Recorded;
use super::json::Json;
use finex_core::columns::Bars;
use finex_core::plan::{Anchor, Call};
use finex_core::series::Series;
use finex_core::time::Window;
use finex_providers::rows::Runs;
use finex_providers::{
    Batch, Composed, Decoded, Joint, NativeAsk, NativeError, Page, Part, Provider, Segment, Shape, Sight, range,
};
use std::sync::Arc;

/// One series' rows as they stand in an answer.
pub struct Written {
    pub series: Arc<Series>,
    /// The window that finex takes the request for.
    pub window: Window,
    pub bars: Bars,
    pub runs: Runs,
    pub separator: &'static str,
    pub text: String,
}

pub struct Answer {
    pub text: String,
    pub written: Vec<Written>,
}

/// All there is.
fn call(provider: &dyn Provider, series: &Series) -> Call {
    let (window, columns) = (Window::ALL, provider.columns(series));
    Call { window, limit: u64::MAX, anchor: Anchor::Both, columns, need: window, reach: window, exact: false }
}

/// Decoded and written again; `own` is the answer to the request that finex itself would have made.
pub fn answer(provider: &dyn Provider, asked: &Asked, recorded: &Recorded, own: &str) -> Result<Answer, String> {
    let more = Json::read(&recorded.body)?.get("next_page_token").is_some_and(|token| token.text() != "null");
    match asked {
        Asked::Series(ask) => {
            let call = call(provider, &ask.series);
            let decoded = provider.decode(&ask.series, &call, own.as_bytes()).map_err(|e| e.to_string())?;
            let written = write(provider, ask, decoded, more);
            Ok(Answer { text: written.text.clone(), written: vec![written] })
        }
        Asked::Batch(batch) => joined(provider, batch, own, more),
    }
}

fn joined(provider: &dyn Provider, batch: &Batch, own: &str, more: bool) -> Result<Answer, String> {
    let mut members: Vec<Result<Written, NativeError>> = Vec::new();
    for (_, ask) in &batch.members {
        let ask = ask.as_ref().map_err(|error| error.reason.clone())?;
        let part = provider.part(&ask.series, &call(provider, &ask.series), own.as_bytes());
        members.push(match part {
            Ok(decoded) => Ok(write(provider, ask, decoded, false)),
            Err(failure) if failure.native.is_some() => Err(provider.error(&failure)),
            Err(failure) => return Err(failure.detail),
        });
    }
    let last = members.iter().rposition(|member| member.as_ref().is_ok_and(|written| !written.bars.is_empty()));
    let part = |(at, ((name, _), member)): (usize, (&'_ (String, _), &'_ Result<Written, NativeError>))| {
        let bars = member.as_ref().ok().map(|written| &written.bars);
        let ends = bars.and_then(range);
        (name.clone(), bars.map_or(0, Bars::len), ends, ends.filter(|_| more && Some(at) == last).map(|(_, to)| to + 1))
    };
    let told: Vec<_> = batch.members.iter().zip(&members).enumerate().map(part).collect();
    let parts = told.iter().zip(&members).map(|((name, rows, range, more), member)| Part {
        name,
        error: member.as_ref().err(),
        rows: *rows,
        range: *range,
        more: *more,
    });
    let joined = provider.join(batch, &parts.collect::<Vec<_>>());
    let text = joined.joints.iter().map(|joint| match joint {
        Joint::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Joint::Part(at) => match &members[*at] {
            Ok(written) => written.text.clone(),
            Err(error) => error.body.clone(),
        },
    });
    let text = text.collect();
    Ok(Answer { text, written: members.into_iter().filter_map(Result::ok).collect() })
}

pub fn write(provider: &dyn Provider, ask: &NativeAsk, decoded: Decoded, more: bool) -> Written {
    let series = &ask.series;
    let Decoded { bars, envelope, .. } = decoded;
    let kept = provider.encode(series, &bars, Shape(0));
    let sight = Sight { written: provider.portray(&envelope), envelope };
    let ends = range(&bars);
    let composed = provider.compose(&Page {
        series,
        native: ask.native,
        window: ask.ask.window,
        range: ends,
        rows: bars.len(),
        newest: kept.get(0).map(|rows| rows.row(bars.len().saturating_sub(1))),
        more: ends.filter(|_| more).map(|(_, last)| last + 1),
        before: None,
        notes: &sight.envelope,
        sight: &sight,
        base: &provider.manifest().base_url,
        now: NOW,
    });
    let runs = provider.encode(series, &bars, composed.shape);
    let text = assembled(&composed, &runs);
    Written { series: series.clone(), window: ask.ask.window, bars, runs, separator: composed.separator, text }
}

/// Segments with their rows filled in. All of a recording is one piece: nothing has to be put in order.
fn assembled(composed: &Composed, runs: &Runs) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Segment::Static(text) => (*text).to_owned(),
        Segment::Run(run) => String::from_utf8_lossy(&runs.slice(*run, 0, runs.len())).into_owned(),
    };
    composed.segments.iter().map(segment).collect()
}
