//! `[[time, open, …], …]`

use super::{Table, ascending, bad, records};
use crate::Undecodable;
use crate::rows::{Order, Rows, Runs};
use finex_core::columns::Bars;
use serde_json::value::RawValue;

/// Bars of a list of lists, which are as long as the table.
pub fn read(table: &Table, text: &str) -> Result<Bars, Undecodable> {
    let rows: Vec<Vec<&RawValue>> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let mut bars = table.none();
    for row in rows {
        if row.len() != table.fields.len() {
            return Err(bad(format!("a row has {} values instead of {}", row.len(), table.fields.len())));
        }
        records::push(table, &mut bars, &row.into_iter().map(Some).collect::<Vec<_>>())?;
    }
    Ok(ascending(bars))
}

pub fn write(table: &Table, bars: &Bars, order: Order, row_bytes: u64) -> Runs {
    let mut row_text = String::with_capacity(row_bytes as usize);
    let rows = Rows::each(bars.len(), row_bytes, order, b',', |text, row| {
        row_text.clear();
        let mut column = 0;
        for (at, field) in table.fields.iter().enumerate() {
            row_text.push(if at == 0 { '[' } else { ',' });
            match field.column {
                None => records::time(table, bars, row, &mut row_text),
                Some(_) => {
                    table.write_number(bars.columns.get(column).and_then(|(_, t)| t.get(row)), &mut row_text);
                    column += 1;
                }
            }
        }
        row_text.push(']');
        text.extend_from_slice(row_text.as_bytes());
    });
    rows.into()
}
