//! The body of a chart, with what a fault does to it.

use super::actions::Kind;
use super::chart::{Request, Row, Rows};
use super::interval::Interval;
use super::meta::meta;
use super::view::{Values, View};
use crate::faults::Fault;
use crate::json::{Object, list, shortest, wide};
use std::collections::BTreeMap;

type Column = (&'static str, fn(&Values) -> String);

const COLUMNS: [Column; 5] = [
    ("open", |values| wide(values.open)),
    ("high", |values| wide(values.high)),
    ("low", |values| wide(values.low)),
    ("close", |values| wide(values.close)),
    ("volume", |values| values.volume.to_string()),
];

/// `turn` says with which column the row of columns begins: that changes from answer to answer.
pub(crate) fn body(request: &Request, view: &View, turn: u64, fault: Option<&Fault>) -> String {
    let other = Request { interval: another(request.interval), ..request.clone() };
    let request = if fault == Some(&Fault::OtherInterval) { &other } else { request };
    let mut rows = request.rows(view);
    let meta = meta(request, view, &rows);
    damage(&mut rows.rows, fault);
    let events = events(request, view, &rows);
    let timestamps = list(rows.rows.iter().map(|row| row.stamp));
    let result = Object::default()
        .raw("meta", meta)
        .maybe("timestamp", (!rows.rows.is_empty()).then_some(timestamps))
        .maybe("events", events)
        .raw("indicators", indicators(request, &rows.rows, turn, fault))
        .end();
    format!("{{\"chart\":{{\"result\":[{result}],\"error\":null}}}}")
}

/// The interval whose rows come where another was asked for.
fn another(interval: Interval) -> Interval {
    let name = match interval.name {
        "1d" => "1wk",
        "5m" => "15m",
        _ if interval.intraday() => "5m",
        _ => "1d",
    };
    Interval::find(name).unwrap_or(interval)
}

fn damage(rows: &mut Vec<Row>, fault: Option<&Fault>) {
    match fault {
        Some(Fault::Duplicated) => *rows = rows.iter().flat_map(|row| [*row, *row]).collect(),
        Some(Fault::Reversed) => rows.reverse(),
        Some(Fault::Implausible) => {
            let middle = rows.len() / 2;
            if let Some(values) = rows.iter_mut().skip(middle).find_map(|row| row.values.as_mut()) {
                std::mem::swap(&mut values.high, &mut values.low);
            }
        }
        _ => {}
    }
}

fn indicators(request: &Request, rows: &[Row], turn: u64, fault: Option<&Fault>) -> String {
    let mut columns = COLUMNS;
    columns.rotate_left((turn % 5) as usize);
    let quote = columns.into_iter().fold(Object::default(), |quote, (name, text)| match rows.is_empty() {
        true => quote,
        false => quote.raw(name, spoil(name, column(rows, text), fault)),
    });
    let adjusted = request.adjusted && !request.interval.intraday();
    let adjclose = match rows.is_empty() {
        true => "[{}]".to_owned(),
        false => format!("[{{\"adjclose\":{}}}]", column(rows, |values| wide(values.adjclose))),
    };
    let indicators = Object::default().raw("quote", format!("[{}]", quote.end()));
    indicators.maybe("adjclose", adjusted.then_some(adjclose)).end()
}

fn column(rows: &[Row], text: fn(&Values) -> String) -> String {
    list(rows.iter().map(|row| row.values.as_ref().map_or_else(|| "null".to_owned(), text)))
}

/// The first open as something that is no number.
fn spoil(name: &str, column: String, fault: Option<&Fault>) -> String {
    let first = column.trim_start_matches('[').split([',', ']']).next().unwrap_or_default();
    match fault {
        Some(Fault::NanToken) if name == "open" => column.replacen(first, "NaN", 1),
        Some(Fault::WrongType) if name == "open" => column.replacen(first, &format!("\"{first}\""), 1),
        _ => column,
    }
}

/// Events stand under the bar that holds their session.
fn events(request: &Request, view: &View, rows: &Rows) -> Option<String> {
    let (mut dividends, mut splits) = (BTreeMap::new(), BTreeMap::new());
    for (action, amount) in view.events() {
        let Some(holder) = rows.holders.iter().find(|it| (it.first..=it.last).contains(&action.ex)) else { continue };
        match action.kind {
            Kind::Dividend(_) if request.dividends => {
                let amount = shortest(amount as f32);
                dividends.insert(holder.stamp, Object::default().raw("amount", amount).raw("date", action.ex).end());
            }
            Kind::Split { numerator, denominator } if request.splits => {
                splits.insert(holder.stamp, split(action.ex, numerator, denominator));
            }
            _ => {}
        }
    }
    let object = |events: BTreeMap<i64, String>| {
        let all = |object: Object, (stamp, event): (i64, String)| object.raw(&stamp.to_string(), event);
        (!events.is_empty()).then(|| events.into_iter().fold(Object::default(), all).end())
    };
    let (dividends, splits) = (object(dividends), object(splits));
    let any = dividends.is_some() || splits.is_some();
    any.then(|| Object::default().maybe("dividends", dividends).maybe("splits", splits).end())
}

fn split(ex: i64, numerator: u32, denominator: u32) -> String {
    Object::default()
        .raw("date", ex)
        .raw("numerator", shortest(f64::from(numerator)))
        .raw("denominator", shortest(f64::from(denominator)))
        .text("splitRatio", &format!("{numerator}:{denominator}"))
        .end()
}
