//! `{"2024-03-05":{"open":…}, …}`: records by their label.

use super::{Table, ascending, bad, unknown};
use crate::Undecodable;
use crate::json::Pairs;
use crate::rows::{Order, Rows, Runs};
use finex_core::columns::Bars;
use serde_json::value::RawValue;

/// How the text of rows is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Before a label, before a member, before the end of a row, and behind a colon.
    pub label: &'static str,
    pub member: &'static str,
    pub end: &'static str,
    pub colon: &'static str,
}

/// Bars of an object of records. The label is the time, whichever field says so.
pub fn read(table: &Table, text: &str) -> Result<Bars, Undecodable> {
    let rows: Pairs<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let mut bars = table.none();
    let mut found: Vec<Option<&RawValue>> = Vec::new();
    for (label, record) in &rows.0 {
        let record: Pairs<'_> = serde_json::from_str(record.get()).map_err(|e| bad(e.to_string()))?;
        found.clear();
        found.resize(table.fields.len(), None);
        for (name, value) in &record.0 {
            let at = table.fields.iter().position(|field| field.column.is_some() && field.name == *name);
            found[at.ok_or_else(|| unknown(name))?] = Some(value);
        }
        bars.times.push(table.instant(label)?);
        let columns = table.fields.iter().zip(&found).filter(|(field, _)| field.column.is_some());
        for (column, (field, value)) in columns.enumerate() {
            if value.is_none() && !field.optional {
                return Err(bad(format!("a row has no `{}`", field.name)));
            }
            table.push(&mut bars, column, *value)?;
        }
    }
    Ok(ascending(bars))
}

pub fn write(table: &Table, bars: &Bars, order: Order, row_bytes: u64, layout: Layout) -> Runs {
    let mut row_text = String::with_capacity(row_bytes as usize);
    let rows = Rows::each(bars.len(), row_bytes, order, b',', |text, row| {
        row_text.clear();
        keyed(table, bars, row, layout, &mut row_text);
        text.extend_from_slice(row_text.as_bytes());
    });
    rows.into()
}

fn keyed(table: &Table, bars: &Bars, row: usize, layout: Layout, out: &mut String) {
    out.push_str(layout.label);
    out.push('"');
    table.write_time(bars.times[row], out);
    out.push_str("\":");
    out.push_str(layout.colon);
    let (mut column, mut joint) = (0, "{");
    for field in table.fields.iter().filter(|field| field.column.is_some()) {
        let text = bars.columns.get(column).and_then(|(_, texts)| texts.get(row));
        column += 1;
        if field.optional && text.is_none() {
            continue;
        }
        for part in [joint, layout.member, "\"", &field.name, "\":", layout.colon] {
            out.push_str(part);
        }
        table.write_number(text, out);
        joint = ",";
    }
    out.push_str(if joint == "{" { "{" } else { "" });
    out.push_str(layout.end);
    out.push('}');
}

/// Rows as one object.
pub fn reread(table: &Table, runs: &Runs) -> Result<Bars, Undecodable> {
    let rows = runs.slice(0, 0, runs.len());
    let rows = std::str::from_utf8(&rows).map_err(|e| bad(e.to_string()))?;
    read(table, &format!("{{{rows}}}"))
}
