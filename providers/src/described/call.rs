//! Calls in the provider's words.

use super::{Described, WINDOW, Way};
use crate::endpoint::{Bound, Limit};
use crate::stamp::{self, Unit};
use crate::{Provider, Upstream};
use finex_core::plan::{Anchor, Call};
use finex_core::series::Series;
use finex_core::time::{Ts, Window};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const DAY: i64 = 86_400_000;
/// What every server reads alike stays as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b':');

/// The request for calls that differ in their symbols alone.
pub(super) fn upstream(provider: &Described, calls: &[(&Series, &Call)]) -> Upstream {
    let Some((series, call)) = calls.first() else { return Upstream { path: "/".into(), query: String::new() } };
    let Some(way) = provider.way(series) else { return Upstream { path: "/".into(), query: String::new() } };
    let facts = &way.facts;
    let symbols: Vec<String> = calls.iter().map(|(series, _)| encoded(&series.symbol)).collect();
    let symbols = symbols.join("%2C");
    let word = provider.manifest.native_interval(series.interval).unwrap_or_default();
    let word = facts.writes.get(word).map_or(word, String::as_str);
    let counted = if calls.len() == 1 { counted(provider, series, call) } else { None };
    let window = put_together_from(series).unwrap_or_else(|| named(call, counted.is_some()));
    let (from, to) = (written(provider, &facts.from, window.from), written(provider, &facts.to, window.to - 1));
    let filled = facts.path.replace("{symbol}", &symbols).replace("{interval}", word);
    let path = filled.replace("{from}", &from).replace("{to}", &to);
    let mut query = Vec::new();
    let mut say = |name: &Option<String>, value: &str| {
        query.extend(name.as_ref().map(|name| format!("{name}={value}")));
    };
    say(&facts.symbol, &symbols);
    say(&facts.symbols, &symbols);
    say(&facts.interval, &encoded(word));
    say(&facts.from.name, &encoded(&from));
    say(&facts.to.name, &encoded(&to));
    for name in facts.variant.keys() {
        if let Some(value) = series.variant.get(name) {
            query.push(format!("{name}={}", encoded(value)));
        }
    }
    let counted = counted.unwrap_or_default();
    let own = |name: &str| counted.iter().any(|(own, _)| *own == name);
    let sent = facts.send.iter().filter(|(name, _)| !own(name)).map(|(name, value)| (name.as_str(), value.clone()));
    query.extend(sent.chain(counted.clone()).map(|(name, value)| format!("{name}={}", encoded(&value))));
    Upstream { path, query: query.join("&") }
}

/// Rows that a call may ask for, where the provider counts them and says whether there are more.
pub(super) fn rows(provider: &Described, series: &Series) -> Option<u64> {
    let facts = &provider.way(series)?.facts;
    let limit = facts.limit.as_ref().filter(|_| facts.paging.is_some() && facts.sort.is_some())?;
    (!provider.is_whole(series.interval)).then(|| (limit.max / parts(limit, series)).max(1))
}

/// From how many of what a limit counts a bar is put together.
fn parts(limit: &Limit, series: &Series) -> u64 {
    if limit.counts_parts { scanned(series) } else { 1 }
}

/// Minutes or days that a bar is put together from.
pub(super) fn scanned(series: &Series) -> u64 {
    let base = if series.interval.nominal_len() < DAY { 60_000 } else { DAY };
    u64::try_from(series.interval.nominal_len() / base).unwrap_or(1).max(1)
}

/// What a call says that ends with its rows: how many, and from which end; none of one that means all there is.
fn counted<'a>(provider: &'a Described, series: &Series, call: &Call) -> Option<Vec<(&'a str, String)>> {
    let most = rows(provider, series).filter(|_| call.anchor != Anchor::Both)?;
    let facts = &provider.way(series)?.facts;
    let (limit, sort) = (facts.limit.as_ref()?, facts.sort.as_ref()?);
    let grid = provider.grid(series);
    let periods = grid.ceil(call.window.to).saturating_sub(grid.index(call.window.from)).max(1) as u64;
    // Of what is put together the last may be cut: as many as there may be, so that little is lost with it.
    let number = if parts(limit, series) > 1 { limit.max } else { periods.min(most) };
    let words = if call.anchor == Anchor::End { &sort.newest_first } else { &sort.oldest_first };
    Some(vec![(&limit.name, number.to_string()), (&sort.name, words.first()?.clone())])
}

/// The ends that a call names.
fn named(call: &Call, is_counted: bool) -> Window {
    match call.anchor {
        Anchor::Start if is_counted => Window::new(call.window.from, call.reach.to.max(call.window.to)),
        Anchor::End if is_counted => Window::new(call.reach.from.min(call.window.from), call.window.to),
        _ => call.window,
    }
}

/// The window of a series that is one answer.
pub(super) fn put_together_from(series: &Series) -> Option<Window> {
    let (from, to) = series.variant.get(WINDOW)?.split_once('~')?;
    Some(Window::new(from.parse().ok()?, to.parse().ok()?))
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn written(provider: &Described, bound: &Bound, ts: Ts) -> String {
    let mut text = String::new();
    // Who counts from 1970 on takes no negative numbers.
    let ts = if matches!(bound.unit, Unit::Seconds | Unit::Millis) { ts.max(DAY) } else { ts };
    stamp::write(ts, bound.unit, &provider.zone, &mut text);
    text
}

/// The window of which the answer to a call may speak: whole days, where a call can only name days.
pub(super) fn spoken(provider: &Described, series: &Series, call: &Call) -> Window {
    if provider.is_whole(series.interval) {
        return Window::ALL;
    }
    match provider.way(series) {
        Some(way) if in_days(way) => {
            let from = call.window.from.div_euclid(DAY).saturating_mul(DAY);
            Window::new(from, (call.window.to - 1).div_euclid(DAY).saturating_add(1).saturating_mul(DAY))
        }
        _ => named(call, rows(provider, series).is_some()),
    }
}

/// Of that window, what an answer speaks of that says that there is more; none where it does not say where it ends.
pub(super) fn cut(provider: &Described, series: &Series, call: &Call, whole: Window, times: &[Ts]) -> Option<Window> {
    let (first, last) = (*times.first()?, *times.last()?);
    let put_together = provider.way(series)?.facts.limit.as_ref().is_some_and(|limit| parts(limit, series) > 1);
    let grid = provider.grid(series);
    Some(match call.anchor {
        // A bar that was put together from what had still been read is not whole.
        Anchor::Start if put_together && first < last => Window::new(whole.from, last),
        Anchor::End if put_together && first < last => Window::new(grid.cover_end(first), whole.to),
        Anchor::End => Window::new(first, whole.to),
        Anchor::Start | Anchor::Both => Window::new(whole.from, grid.cover_end(last)),
    })
}

fn in_days(way: &Way) -> bool {
    way.facts.from.unit == Unit::Date
}
