//! Bars of a window, by pages.

use super::query::{self, Adjust, Feed, Query, Size};
use super::{Call, Class, JSON};
use crate::facade::Reply;
use crate::instruments::{Adjustment, Bar, Cut, Instrument, Unit, group, utc_text};
use crate::json::{Object, list};
use std::fmt::Write;

/// Rows of a symbol, with their labels.
type Rows = Vec<(i64, String)>;

pub(super) fn answer(call: &Call<'_>, class: Class, symbols: &str, single: bool) -> Reply {
    let query = match query::read(call, class, symbols) {
        Ok(query) => query,
        Err(refusal) => return refusal,
    };
    let (found, next) = page(call, class, &query);
    let next = next.map_or("null".to_owned(), |token| format!("\"{token}\""));
    let text = |rows: &Rows| list(rows.iter().map(|(_, row)| row));
    let bars = if single {
        found.first().map_or("[]".to_owned(), |(_, rows)| text(rows))
    } else {
        found.iter().fold(Object::default(), |bars, (symbol, rows)| bars.raw(symbol, text(rows))).end()
    };
    let body = Object::default().raw("bars", bars);
    let body = body.maybe("currency", call.params.get("currency").map(|currency| format!("\"{currency}\"")));
    let body = if single { body.text("symbol", symbols) } else { body };
    Reply::new(200, JSON, body.raw("next_page_token", next).end())
}

/// Rows of one symbol after the other until there are enough, and where the next page begins.
fn page(call: &Call<'_>, class: Class, query: &Query) -> (Vec<(String, Rows)>, Option<String>) {
    let (mut found, mut left, mut last) = (Vec::new(), query.limit, None);
    for symbol in &query.symbols {
        let after = query.after.as_ref().filter(|(first, _)| first >= symbol);
        if after.is_some_and(|(first, _)| first > symbol) {
            continue;
        }
        let Some(instrument) = call.instrument(class, symbol) else { continue };
        let rows = rows(&instrument, query, after.map(|(_, at)| *at), left + 1, call.now);
        let more = rows.len() > left;
        let rows: Rows = rows.into_iter().take(left).collect();
        left -= rows.len();
        if let Some((at, _)) = rows.last() {
            last = Some(query::token(symbol, query.size, *at));
            found.push((symbol.clone(), rows));
        }
        if more {
            return (found, last);
        }
    }
    (found, None)
}

fn rows(instrument: &Instrument, query: &Query, after: Option<i64>, limit: usize, now: i64) -> Rows {
    let (mut from, mut to) = (query.start, query.end);
    match after {
        Some(at) if query.newest_first => to = to.min(at - 1),
        Some(at) => from = from.max(at + 1),
        None => {}
    }
    let adjustment = adjustment(instrument, query, now);
    let shown = |bar: Bar| adjusted(query.feed.seen(instrument, bar), query.adjust, &adjustment);
    let bars = match query.size {
        Size::Within(width) => {
            let cut = Cut { width, extended: true, from, to, newest_first: query.newest_first };
            instrument.intraday(cut, now).take(limit).map(|bar| (bar.at, shown(bar))).collect()
        }
        Size::Days(unit) => {
            let mut bars = days(instrument, unit, (from, to), now, shown);
            if query.newest_first {
                bars.reverse();
            }
            bars.truncate(limit);
            bars
        }
    };
    bars.iter().map(|(at, bar)| (*at, row(*at, bar))).collect()
}

/// Whole units whose first day begins within the window.
fn days(
    instrument: &Instrument,
    unit: Unit,
    (from, to): (i64, i64),
    now: i64,
    shown: impl Fn(Bar) -> Bar,
) -> Vec<(i64, Bar)> {
    let anchor = unit.floor(instrument.date(from));
    let last = instrument.date(to).min(instrument.date(now));
    let end = unit.later(unit.floor(last), 1);
    let days = instrument.days(anchor, end.yesterday().unwrap_or(end), now);
    let days: Vec<Bar> = days.into_iter().map(shown).collect();
    let groups = group(&days, unit, 1, anchor).into_iter();
    let labelled = groups.map(|(first, bar)| (instrument.midnight(first), bar));
    labelled.filter(|(at, _)| (from..=to).contains(at)).collect()
}

fn adjustment(instrument: &Instrument, query: &Query, now: i64) -> Adjustment {
    match instrument {
        Instrument::Stock(stock) if query.adjust.splits || query.adjust.dividends => {
            Adjustment::new(stock, stock.effective(now * 1_000))
        }
        _ => Adjustment::default(),
    }
}

fn adjusted(bar: Bar, adjust: Adjust, adjustment: &Adjustment) -> Bar {
    let splits = if adjust.splits { adjustment.splits(bar.date) } else { 1.0 };
    let dividends = if adjust.dividends { adjustment.dividends(bar.date) } else { 1.0 };
    if splits == 1.0 && dividends == 1.0 { bar } else { bar.divided(splits / dividends, splits, 2) }
}

pub(super) fn row(at: i64, bar: &Bar) -> String {
    let Bar { open, high, low, close, volume, trades, vwap, .. } = bar;
    let mut row = String::with_capacity(128);
    let _ = write!(row, "{{\"c\":{close},\"h\":{high},\"l\":{low},\"n\":{trades},\"o\":{open},");
    let _ = write!(row, "\"t\":\"{}Z\",\"v\":{volume},\"vw\":{vwap}}}", utc_text(at));
    row
}

/// What the feeds of a stock show of its newest finished minute.
pub(super) fn newest(instrument: &Instrument, feed: Feed, now: i64) -> Option<String> {
    let cut = Cut { width: 60, extended: true, from: now - 8 * 86_400, to: now - 60, newest_first: true };
    let bar = instrument.intraday(cut, now).next()?;
    Some(row(bar.at, &feed.seen(instrument, bar)))
}
