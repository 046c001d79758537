//! Writing rows and answers, laid out as Alpha Vantage does it.

use super::function::Function;
use crate::rows::{Order, Runs};
use crate::shape::{Table, csv, keyed};
use crate::{Composed, Page, Segment, Shape, json};
use finex_core::columns::Bars;
use std::fmt::Write;

/// The shape of lines.
pub(super) const CSV: u32 = 1;
const JSON: &str = "application/json";
const DOWNLOAD: &str = "application/x-download";
const ROW_BYTES: u64 = 190;
const LAYOUT: keyed::Layout =
    keyed::Layout { label: "\n        ", member: "\n            ", end: "\n        ", colon: " " };

pub(super) fn encode(table: &Table, function: &Function, bars: &Bars, shape: Shape) -> Runs {
    if shape.0 & CSV != 0 && function.csv.is_some() {
        let lines = csv::Lines { delimiter: ',', carriage_return: true, unit: table.unit };
        return csv::write(table, lines, bars, Order::NewestFirst, ROW_BYTES / 2);
    }
    keyed::write(table, bars, Order::NewestFirst, ROW_BYTES, LAYOUT)
}

pub(super) fn compose(page: &Page<'_>, function: Option<&'static Function>, native: &str) -> Composed {
    let shape = page.native.shape;
    let Some(function) = function else {
        return Composed { segments: Vec::new(), content_type: JSON, separator: ",", shape };
    };
    if let Some(header) = function.csv.filter(|_| shape.0 & CSV != 0) {
        let tail = Segment::Static(if page.rows > 0 { "\n" } else { "" });
        let segments = vec![Segment::Static(header), Segment::Static("\r\n"), Segment::Run(0), tail];
        return Composed { segments, content_type: DOWNLOAD, separator: "\n", shape };
    }
    let head = format!("{{\n    \"Meta Data\": {{{}\n    }},\n    \"{}\": {{", meta(page), function.key(native));
    let segments = vec![Segment::Text(head.into()), Segment::Run(0), Segment::Static("\n    }\n}")];
    Composed { segments, content_type: JSON, separator: ",", shape }
}

/// What was said of the series, with what depends on the rows of this answer.
fn meta(page: &Page<'_>) -> String {
    let seen = if page.notes.facts.is_empty() { &page.sight.envelope } else { page.notes };
    let newest = page.newest.and_then(label);
    let mut out = String::with_capacity(300);
    for (name, value) in seen.facts.iter().filter(|(name, _)| name.contains(". ")) {
        let joint = if out.is_empty() { "" } else { "," };
        let value = match (name.split_once(". ").map(|(_, name)| name), newest) {
            (Some("Last Refreshed"), Some(newest)) => refreshed(value, newest),
            (Some("Output Size"), _) => json::string(size(page)),
            _ => value.clone(),
        };
        let _ = write!(out, "{joint}\n        {}: {value}", json::string(name));
    }
    out
}

/// The label of a row.
fn label(row: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(row).ok()?.split_once('"')?.1;
    text.split_once('"').map(|(label, _)| label)
}

/// The newest row's label, where that is what stood there: during a session it is the time of the last trade.
fn refreshed(seen: &str, newest: &str) -> String {
    let midnight = " 00:00:00";
    let seen_text = seen.trim_matches('"');
    match seen_text.strip_suffix(midnight) {
        Some(_) if newest.len() == 10 => json::string(&format!("{newest}{midnight}")),
        _ if seen_text.len() == newest.len() => json::string(newest),
        _ => seen.to_owned(),
    }
}

fn size(page: &Page<'_>) -> &'static str {
    if page.native.options & super::FULL != 0 { "Full size" } else { "Compact" }
}
