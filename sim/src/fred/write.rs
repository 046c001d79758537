//! How answers are written: each as XML or as JSON, with the same names in the same order.

use super::Call;
use super::observations::Page;
use super::series::{Frequency, Series};
use crate::facade::Reply;
use crate::json::Object;
use std::fmt::Write;

/// Names with text or numbers.
enum Value {
    Text(String),
    Number(usize),
}

type Fields = Vec<(&'static str, Value)>;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n";

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

/// The day on which what is shown is known.
fn realtime(call: &Call) -> Fields {
    let day = |name| text(call.get(name).map_or(call.today.to_string(), str::to_owned));
    vec![("realtime_start", day("realtime_start")), ("realtime_end", day("realtime_end"))]
}

pub(super) fn error(call: &Call, status: u16, message: &str) -> Reply {
    if call.json {
        let body = Object::default().raw("error_code", status).text("error_message", message).end();
        return reply(call, status, body);
    }
    let message = escape(message);
    reply(call, status, format!("{HEAD}<error code=\"{status}\" message=\"{message}\" />\n"))
}

pub(super) fn observations(call: &Call, page: &Page) -> Reply {
    let mut head = realtime(call);
    head.extend([
        ("observation_start", text(page.start)),
        ("observation_end", text(page.end)),
        ("units", text(&page.units)),
        ("output_type", Value::Number(1)),
        ("file_type", text(if call.json { "json" } else { "xml" })),
        ("order_by", text("observation_date")),
        ("sort_order", text(&page.sort)),
        ("count", Value::Number(page.count)),
        ("offset", Value::Number(page.offset)),
        ("limit", Value::Number(page.limit)),
    ]);
    let row = |(date, value): &(jiff::civil::Date, String)| {
        let mut row = realtime(call);
        row.extend([("date", text(date)), ("value", text(value))]);
        row
    };
    body(call, ["observations", "observations", "observation"], &head, page.rows.iter().map(row))
}

pub(super) fn series(call: &Call, found: &[&Series]) -> Reply {
    let rows = found.iter().map(|series| about(call, series));
    body(call, ["seriess", "seriess", "series"], &realtime(call), rows)
}

pub(super) fn found(call: &Call, found: &[&Series]) -> Reply {
    let mut head = realtime(call);
    head.extend([
        ("order_by", text("search_rank")),
        ("sort_order", text("desc")),
        ("count", Value::Number(found.len())),
        ("offset", Value::Number(0)),
        ("limit", Value::Number(1_000)),
    ]);
    body(call, ["seriess", "seriess", "series"], &head, found.iter().map(|series| about(call, series)))
}

fn about(call: &Call, series: &Series) -> Fields {
    let (frequency, letter) = match series.frequency {
        Frequency::Daily => ("Daily", "D"),
        Frequency::Monthly => ("Monthly", "M"),
        Frequency::Quarterly => ("Quarterly", "Q"),
        Frequency::Annual => ("Annual", "A"),
    };
    let mut row = vec![("id", text(series.id))];
    row.extend(realtime(call));
    row.extend([
        ("title", text(series.title)),
        ("observation_start", text(series.since)),
        ("observation_end", text(series.last(call.today))),
        ("frequency", text(frequency)),
        ("frequency_short", text(letter)),
        ("units", text(series.units[0])),
        ("units_short", text(series.units[1])),
        ("seasonal_adjustment", text(series.adjusted[0])),
        ("seasonal_adjustment_short", text(series.adjusted[1])),
        ("last_updated", text(format!("{} 07:31:02{:+03}", call.today, call.offset))),
        ("popularity", Value::Number(series.popularity as usize)),
    ]);
    row
}

/// The names are those of the whole, of the rows in it and of each row.
fn body(call: &Call, names: [&str; 3], head: &Fields, rows: impl Iterator<Item = Fields>) -> Reply {
    let [whole, list, one] = names;
    if call.json {
        let rows = crate::json::list(rows.map(|row| object(&row).end()));
        return reply(call, 200, object(head).raw(list, rows).end());
    }
    let mut body = format!("{HEAD}<{whole}{}>\n", attributes(head));
    for row in rows {
        let _ = writeln!(body, "  <{one}{}/>", attributes(&row));
    }
    let _ = writeln!(body, "</{whole}>");
    reply(call, 200, body)
}

fn object(fields: &Fields) -> Object {
    fields.iter().fold(Object::default(), |object, (name, value)| match value {
        Value::Text(value) => object.text(name, value),
        Value::Number(value) => object.raw(name, value),
    })
}

fn attributes(fields: &Fields) -> String {
    fields.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = match value {
            Value::Text(value) => write!(text, " {name}=\"{}\"", escape(value)),
            Value::Number(value) => write!(text, " {name}=\"{value}\""),
        };
        text
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn reply(call: &Call, status: u16, body: String) -> Reply {
    let content_type = if call.json { "application/json; charset=UTF-8" } else { "text/xml; charset=UTF-8" };
    Reply::new(status, content_type, body)
}
