//! Calls in the provider's words.

use super::{Described, WINDOW, Way};
use crate::Upstream;
use crate::endpoint::Bound;
use crate::stamp::{self, Unit};
use finex_core::plan::Call;
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
    let window = put_together_from(series).unwrap_or(call.window);
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
    query.extend(facts.send.iter().map(|(name, value)| format!("{name}={}", encoded(value))));
    Upstream { path, query: query.join("&") }
}

/// The window of a series that is one answer.
fn put_together_from(series: &Series) -> Option<Window> {
    let (from, to) = series.variant.get(WINDOW)?.split_once('~')?;
    Some(Window::new(from.parse().ok()?, to.parse().ok()?))
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn written(provider: &Described, bound: &Bound, ts: Ts) -> String {
    let mut text = String::new();
    stamp::write(ts, bound.unit, &provider.zone, &mut text);
    text
}

/// The window of which the answer to a call speaks: whole days, where a call can only name days.
pub(super) fn spoken(provider: &Described, series: &Series, call: &Call) -> Window {
    if provider.manifest.class_of(series.interval).is_some_and(|class| class.whole) {
        return Window::ALL;
    }
    match provider.way(series) {
        Some(way) if in_days(way) => {
            let from = call.window.from.div_euclid(DAY).saturating_mul(DAY);
            Window::new(from, (call.window.to - 1).div_euclid(DAY).saturating_add(1).saturating_mul(DAY))
        }
        _ => call.window,
    }
}

fn in_days(way: &Way) -> bool {
    way.facts.from.unit == Unit::Date
}
