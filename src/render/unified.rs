//! Answers of the unified API: one schema for every provider.
//!
//! symbol, timestamp (open, UTC), open, high, low, close, volume, adj_close, market_cap, provider, currency, timezone,
//! final. Rows are written once per fragment and form, and sliced from then on.

use super::headers::Summary;
use super::{Answer, AnswerBody, Piece, Rope, Served, cache_info::cache_info, cache_info::rfc3339, headers};
use crate::store::fragment::{Form, Fragment};
use bytes::{Bytes, BytesMut};
use finex_core::columns::{Bars, Column, Texts};
use finex_core::series::Series;
use finex_providers::rows::Rows;
use finex_providers::{Provider, Sight};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Rows,
    Columns,
    Csv,
}

const NUMBERS: [(&str, Column); 5] = [
    ("open", Column::Open),
    ("high", Column::High),
    ("low", Column::Low),
    ("close", Column::Close),
    ("volume", Column::Volume),
];
const CSV_HEAD: &str =
    "symbol,timestamp,open,high,low,close,volume,adj_close,market_cap,provider,currency,timezone,final\n";

/// What stands beside the rows of a history.
pub struct Page {
    pub has_more: bool,
    /// The parameter, and its value, with which the next page is asked for.
    pub next: Option<(&'static str, String)>,
}

/// A history in the form that was asked for; 304 where the client holds it already.
pub fn history(served: &Served, page: &Page, format: Format, request: &HeaderMap) -> Answer {
    let (name, more, content_type) = match format {
        Format::Rows => ("r", "rm", "application/json"),
        Format::Columns => ("c", "cm", "application/json"),
        Format::Csv => ("csv", "csvm", "text/csv; charset=utf-8; header=present"),
    };
    // Whether there is more belongs to what the client holds.
    let name = if page.has_more { more } else { name };
    let etag = match &served.journey.consensus {
        None => headers::etag(served, name),
        Some(consensus) => {
            let compared = &consensus.compared;
            headers::etag(served, &format!("{name}-{}of{}", compared.agreeing, compared.compared))
        }
    };
    let unchanged = headers::unchanged(request, &etag);
    let mut rope = Rope::default();
    if !unchanged {
        match format {
            Format::Csv => csv(served, &mut rope),
            Format::Rows => json_body(served, page, &mut rope, rows),
            Format::Columns => json_body(served, page, &mut rope, columns),
        }
    }
    let mut answer = Answer::new(AnswerBody::from(rope));
    if unchanged {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers::describe(&Summary::of(served), &etag, head);
    answer
}

/// The newest bar.
pub fn latest(served: &Served) -> Answer {
    let mut rope = Rope::default();
    let series = &served.cell.series;
    rope.push(format!("{{\"symbol\":{},\"data\":", json!(series.symbol.as_ref())).into());
    match served.pieces.last() {
        Some(piece) => {
            let provider = served.cell.provider.as_ref();
            rope.push(row_form(piece, provider, &served.sight).slice(piece.rows.end - 1, piece.rows.end));
        }
        None => rope.push_static("null"),
    }
    let tail = json!({
        "timestamp": rfc3339(served.journey.now),
        "source": series.provider.as_ref(),
        "cache_info": cache_info(served),
    });
    rope.push(format!(",{}", &tail.to_string()[1..]).into());
    let mut answer = Answer::new(AnswerBody::from(rope));
    let head = answer.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers::describe(&Summary::of(served), &headers::etag(served, "l"), head);
    answer
}

fn json_body(served: &Served, page: &Page, rope: &mut Rope, write: fn(&Served, &mut Rope)) {
    let series = &served.cell.series;
    let head = json!({ "symbol": series.symbol.as_ref(), "interval": series.interval.to_string() }).to_string();
    rope.push(Bytes::from(format!("{},", &head[..head.len() - 1])));
    write(served, rope);
    let mut tail = json!({
        "count": served.rows(),
        "has_more": page.has_more,
        "next": page.next.as_ref().map(|(name, value)| json!({ *name: value })),
        "provider": series.provider.as_ref(),
        "currency": served.cell.provider.currency(series, &served.sight.envelope),
        "timezone": served.cell.provider.timezone(&served.sight.envelope),
    });
    tail["cache_info"] = cache_info(served);
    rope.push(Bytes::from(format!(",{}", &tail.to_string()[1..])));
}

fn rows(served: &Served, rope: &mut Rope) {
    rope.push_static("\"data\":[");
    for (i, piece) in served.pieces.iter().enumerate() {
        rope.push_static(if i > 0 { "," } else { "" });
        let form = row_form(piece, served.cell.provider.as_ref(), &served.sight);
        rope.push(form.slice(piece.rows.start, piece.rows.end));
    }
    rope.push_static("]");
}

fn csv(served: &Served, rope: &mut Rope) {
    rope.push_static(CSV_HEAD);
    for piece in &served.pieces {
        let provider = served.cell.provider.as_ref();
        let form = piece.fragment.form(Form::Csv, || csv_rows(piece, provider, &served.sight));
        rope.push(form.slice(piece.rows.start, piece.rows.end));
        rope.push_static("\n");
    }
}

fn columns(served: &Served, rope: &mut Rope) {
    rope.push_static("\"columns\":{");
    let rows = served.rows();
    let provider = served.cell.provider.as_ref();
    let names = ["timestamp", "open", "high", "low", "close", "volume", "adj_close", "final"];
    for (column, name) in names.into_iter().enumerate() {
        rope.push(Bytes::from(format!("{}\"{name}\":[", if column > 0 { "," } else { "" })));
        for (i, piece) in served.pieces.iter().enumerate() {
            rope.push_static(if i > 0 { "," } else { "" });
            let runs = piece.fragment.columns(|| column_runs(&piece.fragment, piece.is_final, provider));
            rope.push(runs.get(column).map_or(Bytes::new(), |run| run.slice(piece.rows.start, piece.rows.end)));
        }
        rope.push_static("]");
    }
    let series = &served.cell.series;
    let constants = [
        ("symbol", json!(series.symbol.as_ref())),
        ("market_cap", Value::Null),
        ("provider", json!(series.provider.as_ref())),
        ("currency", json!(provider.currency(series, &served.sight.envelope))),
        ("timezone", json!(provider.timezone(&served.sight.envelope))),
    ];
    for (name, value) in constants {
        let repeated = vec![value.to_string(); rows].join(",");
        rope.push(Bytes::from(format!(",\"{name}\":[{repeated}]")));
    }
    rope.push_static("}");
}

fn bars_of(fragment: &Fragment, provider: &dyn Provider) -> Bars {
    provider.reread(&fragment.key.series, fragment.rows()).unwrap_or_default()
}

fn row_form<'a>(piece: &'a Piece, provider: &dyn Provider, sight: &Sight) -> &'a Rows {
    piece.fragment.form(Form::Json, || {
        let bars = bars_of(&piece.fragment, provider);
        let constants = constants(&piece.fragment.key.series, provider, sight);
        let mut rows = Rows::builder(bars.len() * 280);
        for row in 0..bars.len() {
            write_json(rows.text(), &bars, row, piece.is_final, &constants);
            rows.end_row(b',');
        }
        rows.finish()
    })
}

/// `"symbol":"…"` and `"provider":…,"currency":…,"timezone":…`.
fn constants(series: &Series, provider: &dyn Provider, sight: &Sight) -> (String, String) {
    let symbol = json!(series.symbol.as_ref()).to_string();
    let rest = format!(
        "\"provider\":{},\"currency\":{},\"timezone\":{}",
        json!(series.provider.as_ref()),
        json!(provider.currency(series, &sight.envelope)),
        json!(provider.timezone(&sight.envelope))
    );
    (symbol, rest)
}

fn write_json(out: &mut BytesMut, bars: &Bars, row: usize, is_final: bool, (symbol, rest): &(String, String)) {
    let _ = write!(out, "{{\"symbol\":{symbol},\"timestamp\":\"{}\"", rfc3339(bars.times[row]));
    for (name, column) in NUMBERS {
        let _ = write!(out, ",\"{name}\":{}", number(bars.column(column), row));
    }
    let adjusted = number(bars.column(Column::AdjClose), row);
    let _ = write!(out, ",\"adj_close\":{adjusted},\"market_cap\":null,{rest},\"final\":{is_final}}}");
}

/// A number in the shortest text that means the same f64; null where there is none.
fn number(texts: Option<&Texts>, row: usize) -> String {
    texts.and_then(|texts| texts.value(row)).map_or_else(|| "null".to_owned(), |value| json!(value).to_string())
}

fn csv_rows(piece: &Piece, provider: &dyn Provider, sight: &Sight) -> Rows {
    let (bars, is_final) = (bars_of(&piece.fragment, provider), piece.is_final);
    let series = &piece.fragment.key.series;
    let (symbol, id) = (csv_field(&series.symbol), csv_field(&series.provider));
    let currency = csv_field(&provider.currency(series, &sight.envelope));
    let zone = csv_field(&provider.timezone(&sight.envelope));
    let mut rows = Rows::builder(bars.len() * 140);
    for row in 0..bars.len() {
        let _ = write!(rows.text(), "{symbol},{}", rfc3339(bars.times[row]));
        for column in NUMBERS.map(|(_, column)| column).into_iter().chain([Column::AdjClose]) {
            let value = number(bars.column(column), row);
            let _ = write!(rows.text(), ",{}", if value == "null" { "" } else { &value });
        }
        let _ = write!(rows.text(), ",,{id},{currency},{zone},{is_final}");
        rows.end_row(b'\n');
    }
    rows.finish()
}

/// A field, quoted where it must be.
fn csv_field(text: &str) -> String {
    let plain = !text.contains([',', '"', '\n', '\r']);
    if plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

fn column_runs(fragment: &Fragment, is_final: bool, provider: &dyn Provider) -> Vec<Rows> {
    let bars = bars_of(fragment, provider);
    let run = |write: &dyn Fn(usize) -> String| {
        let mut run = Rows::builder(bars.len() * 12);
        for row in 0..bars.len() {
            run.text().extend_from_slice(write(row).as_bytes());
            run.end_row(b',');
        }
        run.finish()
    };
    let mut runs = vec![run(&|row| format!("\"{}\"", rfc3339(bars.times[row])))];
    for column in NUMBERS.map(|(_, column)| column).into_iter().chain([Column::AdjClose]) {
        runs.push(run(&|row| number(bars.column(column), row)));
    }
    runs.push(run(&|_| is_final.to_string()));
    runs
}
