//! A line per bar: the values of its fields, without quotes.

use super::Table;
use crate::rows::{Order, Rows, Runs};
use crate::stamp::{self, Unit};
use finex_core::columns::Bars;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    pub delimiter: char,
    /// Do lines end as in files of DOS?
    pub carriage_return: bool,
    pub unit: Unit,
}

/// Lines in the order of the table's fields; they are joined by a line feed.
pub fn write(table: &Table, lines: Lines, bars: &Bars, order: Order, row_bytes: u64) -> Runs {
    let mut line = String::with_capacity(row_bytes as usize);
    let rows = Rows::each(bars.len(), row_bytes, order, b'\n', |text, row| {
        line.clear();
        let mut column = 0;
        for (at, field) in table.fields.iter().enumerate() {
            if at > 0 {
                line.push(lines.delimiter);
            }
            match field.column {
                None => stamp::write((table.label)(bars.times[row]), lines.unit, &table.zone, &mut line),
                Some(_) => {
                    let value = bars.columns.get(column).and_then(|(_, texts)| texts.get(row));
                    line.push_str(value.unwrap_or_default());
                    column += 1;
                }
            }
        }
        if lines.carriage_return {
            line.push('\r');
        }
        text.extend_from_slice(line.as_bytes());
    });
    rows.into()
}
