//! `[{"t":…,"o":…}, …]`

use super::{Table, ascending, bad, unknown};
use crate::Undecodable;
use crate::json::Pairs;
use crate::rows::{Order, Rows, Runs};
use finex_core::columns::Bars;
use serde_json::value::RawValue;

/// Bars of a list of records.
pub fn read(table: &Table, text: &str) -> Result<Bars, Undecodable> {
    let records: Vec<Pairs<'_>> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let mut bars = table.none();
    let mut found: Vec<Option<&RawValue>> = Vec::with_capacity(table.fields.len());
    for record in &records {
        found.clear();
        found.resize(table.fields.len(), None);
        for (at, (name, value)) in record.0.iter().enumerate() {
            // Members mostly stand where the table has them.
            let here = table.fields.get(at).filter(|field| field.name == *name).map(|_| at);
            let at = here.or_else(|| table.fields.iter().position(|field| field.name == *name));
            found[at.ok_or_else(|| unknown(name))?] = Some(value);
        }
        push(table, &mut bars, &found)?;
    }
    Ok(ascending(bars))
}

/// Appends a row of values in the order of the fields.
pub(super) fn push(table: &Table, bars: &mut Bars, found: &[Option<&RawValue>]) -> Result<(), Undecodable> {
    let mut column = 0;
    for (field, value) in table.fields.iter().zip(found) {
        match (field.column, value) {
            (None, Some(value)) => bars.times.push(table.time(value)?),
            (_, None) if !field.optional => return Err(bad(format!("a row has no `{}`", field.name))),
            (None, None) => return Err(bad("a row has no time")),
            (Some(_), value) => {
                // Were it null, it could not be told from one that is not there.
                if field.optional && value.is_some_and(|value| value.get() == "null") {
                    return Err(Undecodable { foreign: true, ..bad(format!("`{}` is null", field.name)) });
                }
                table.push(bars, column, *value)?;
                column += 1;
            }
        }
    }
    Ok(())
}

pub fn write(table: &Table, bars: &Bars, order: Order, row_bytes: u64) -> Runs {
    let mut row_text = String::with_capacity(row_bytes as usize);
    let rows = Rows::each(bars.len(), row_bytes, order, b',', |text, row| {
        row_text.clear();
        record(table, bars, row, &mut row_text);
        text.extend_from_slice(row_text.as_bytes());
    });
    rows.into()
}

fn record(table: &Table, bars: &Bars, row: usize, out: &mut String) {
    let (mut column, mut joint) = (0, '{');
    for field in &table.fields {
        let value = field.column.map(|_| {
            column += 1;
            bars.columns.get(column - 1).and_then(|(_, texts)| texts.get(row))
        });
        if field.optional && value == Some(None) {
            continue;
        }
        out.push(joint);
        joint = ',';
        out.push('"');
        out.push_str(&field.name);
        out.push_str("\":");
        match value {
            Some(text) => table.write_number(text, out),
            None => time(table, bars, row, out),
        }
    }
    out.push('}');
}

pub(super) fn time(table: &Table, bars: &Bars, row: usize, out: &mut String) {
    let quote = if table.has_text_times() { "\"" } else { "" };
    out.push_str(quote);
    table.write_time(bars.times[row], out);
    out.push_str(quote);
}
