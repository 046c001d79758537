//! Writing rows and answers.

use super::{is_intraday, is_pair, table, text_fact};
use crate::rows::{Order, Runs};
use crate::shape::{csv, records};
use crate::stamp::{self, Unit};
use crate::{Composed, Joined, Joint, Page, Part, Segment, Shape, json};
use bytes::Bytes;
use finex_core::columns::{Bars, Column};
use finex_core::envelope::Envelope;
use finex_core::series::Series;
use jiff::tz::TimeZone;
use std::fmt::Write;

/// Bits of a shape: the order, the format, the number of the clock's zone plus one (none: UTC), and the delimiter.
pub(super) const ASCENDING: u32 = 1;
pub(super) const CSV: u32 = 2;
pub(super) const ZONE: u32 = 2;
pub(super) const DELIMITER: u32 = 16;

const ROW_BYTES: u64 = 140;
const JSON: &str = "application/json; charset=utf-8";

pub(super) fn encode(series: &Series, bars: &Bars, shape: Shape) -> Runs {
    let number = shape.0 >> ZONE & 0x3fff;
    let zone = number.checked_sub(1).and_then(|n| stamp::numbered_zone(n as u16)).unwrap_or(TimeZone::UTC);
    let mut table = table(series, zone);
    let order = if shape.0 & ASCENDING != 0 { Order::OldestFirst } else { Order::NewestFirst };
    if shape.0 & CSV == 0 {
        return records::write(&table, bars, order, ROW_BYTES);
    }
    let kept = |column: Column| match column {
        Column::Volume => !is_pair(series),
        Column::PreviousClose => names_previous_close(series),
        _ => true,
    };
    table.fields.retain(|field| field.column.is_none_or(kept));
    let mut bars = bars.clone();
    bars.columns.retain(|(column, _)| kept(*column));
    let delimiter = char::from((shape.0 >> DELIMITER) as u8);
    let unit = if is_intraday(series.interval) { Unit::DateTime } else { Unit::Date };
    csv::write(&table, csv::Lines { delimiter, carriage_return: false, unit }, &bars, order, ROW_BYTES)
}

pub(super) fn compose(page: &Page<'_>, interval: &str) -> Composed {
    let seen = if page.notes.facts.is_empty() { &page.sight.envelope } else { page.notes };
    let shape = on_its_clock(page.native.shape, page.series, seen);
    if shape.0 & CSV != 0 {
        return csv_answer(page, shape);
    }
    let segments = vec![
        Segment::Text(format!("{{\"meta\":{},\"values\":[", meta(page.series, seen, interval)).into()),
        Segment::Run(0),
        Segment::Static("],\"status\":\"ok\"}"),
    ];
    Composed { segments, content_type: JSON, separator: ",", shape }
}

/// The shape with the exchange's clock, where the client named none.
fn on_its_clock(shape: Shape, series: &Series, seen: &Envelope) -> Shape {
    if shape.0 >> ZONE & 0x3fff != 0 || !is_intraday(series.interval) {
        return shape;
    }
    let named = text_fact(seen, "exchange_timezone").filter(|name| name != "UTC");
    let number = named.and_then(|name| stamp::zone_number(&name)).map_or(0, |number| u32::from(number) + 1);
    Shape(shape.0 | number << ZONE)
}

fn csv_answer(page: &Page<'_>, shape: Shape) -> Composed {
    let delimiter = char::from((shape.0 >> DELIMITER) as u8).to_string();
    let mut names = vec!["datetime", "open", "high", "low", "close"];
    // Pairs have no volume.
    if !is_pair(page.series) {
        names.push("volume");
    }
    if names_previous_close(page.series) {
        names.push("previous_close");
    }
    let head = Segment::Text(format!("{}\n", names.join(&delimiter)).into());
    let tail = Segment::Static(if page.rows > 0 { "\n" } else { "" });
    Composed { segments: vec![head, Segment::Run(0), tail], content_type: "text/csv", separator: "\n", shape }
}

fn names_previous_close(series: &Series) -> bool {
    series.variant.get("previous_close").is_some()
}

/// What is said of the symbol, with the interval of this series.
fn meta(series: &Series, seen: &Envelope, interval: &str) -> String {
    let mut out = String::from("{");
    let own = format!("\"{interval}\"");
    if seen.facts.is_empty() {
        let _ = write!(out, "\"symbol\":{},\"interval\":{own}", json::string(&series.symbol));
    }
    for (at, (name, value)) in seen.facts.iter().enumerate() {
        let joint = if at == 0 { "" } else { "," };
        let value = if name == "interval" { &own } else { value };
        let _ = write!(out, "{joint}{}:{value}", json::string(name));
    }
    out.push('}');
    out
}

/// `{"AAPL":…,"MSFT":…}`
pub(super) fn join(parts: &[Part<'_>]) -> Joined {
    let mut joints = vec![Joint::Text(Bytes::from_static(b"{"))];
    for (at, part) in parts.iter().enumerate() {
        let joint = if at == 0 { "" } else { "," };
        joints.push(Joint::Text(format!("{joint}{}:", json::string(part.name)).into()));
        // Among others an unknown symbol is told in other words than by itself.
        joints.push(match part.error.filter(|error| super::errors::is_unknown_symbol(&error.body)) {
            Some(_) => Joint::Text(super::errors::not_found(part.name).body.into()),
            None => Joint::Part(at),
        });
    }
    joints.push(Joint::Text(Bytes::from_static(b"}")));
    Joined { joints, content_type: JSON, headers: &[("is_batch", "true")] }
}
