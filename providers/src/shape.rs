//! The four ways in which providers write bars, each driven by a table of fields in both directions: objects in a list
//! (*records*), lists in a list (*rows*), a list per column (*columns*), an object by label (*keyed*).

pub mod columns;
pub mod csv;
pub mod keyed;
pub mod records;
pub mod rows;

use crate::json::number;
use crate::stamp::{self, Unit};
use crate::{Undecodable, json};
use finex_core::columns::{Bars, Column, Columns};
use finex_core::time::Ts;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Which of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Records,
    Rows,
    Columns,
    Keyed,
}

/// One member of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// The column that it fills; none for the time.
    pub column: Option<Column>,
    /// May rows be without it?
    pub optional: bool,
}

/// What a row is made of, in its order.
#[derive(Debug, Clone)]
pub struct Table {
    pub fields: Vec<Field>,
    /// Do numbers stand in quotes?
    pub quoted: bool,
    pub unit: Unit,
    pub zone: TimeZone,
    /// Opening of the bar that is shown under a label, and back.
    pub opens: fn(Ts) -> Ts,
    pub label: fn(Ts) -> Ts,
}

/// A bar is shown under its opening.
pub fn as_it_is(ts: Ts) -> Ts {
    ts
}

impl Table {
    /// Reads `name:column`, `name:column?` where rows may be without it, and `name:time`.
    pub fn fields(specs: &[String]) -> Result<Vec<Field>, String> {
        let field = |spec: &String| {
            let (name, column) = spec.rsplit_once(':').ok_or_else(|| format!("`{spec}` has no column"))?;
            let (column, optional) = column.strip_suffix('?').map_or((column, false), |column| (column, true));
            let column = match column {
                "time" => None,
                _ => Some(Column::named(column).ok_or_else(|| format!("there is no column `{column}`"))?),
            };
            Ok(Field { name: name.to_owned(), column, optional })
        };
        let fields: Vec<Field> = specs.iter().map(field).collect::<Result<_, String>>()?;
        let mut columns: Vec<Column> = fields.iter().filter_map(|field| field.column).collect();
        columns.sort();
        match columns.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("two fields fill the column `{}`", pair[0].name())),
            None => Ok(fields),
        }
    }

    pub fn columns(&self) -> Columns {
        self.fields.iter().filter_map(|field| field.column).collect()
    }

    /// Bars without rows, with a column for every field.
    pub fn none(&self) -> Bars {
        Bars::with_columns(self.fields.iter().filter_map(|field| field.column))
    }

    fn time(&self, raw: &RawValue) -> Result<Ts, Undecodable> {
        let text = json::word(raw).map_err(bad)?;
        self.instant(text)
    }

    fn instant(&self, text: &str) -> Result<Ts, Undecodable> {
        let ts = stamp::read(text, self.unit, &self.zone)
            .filter(|ts| (-62_000_000_000_000..253_000_000_000_000).contains(ts))
            .ok_or_else(|| bad(format!("{} is no time as it should be written", json::shown(text))))?;
        let open = (self.opens)(ts);
        if (self.label)(open) == ts {
            return Ok(open);
        }
        Err(Undecodable { foreign: true, ..bad(format!("no bar is shown under {}", json::shown(text))) })
    }

    fn write_time(&self, open: Ts, out: &mut String) {
        stamp::write((self.label)(open), self.unit, &self.zone, out);
    }

    /// Do times stand in quotes?
    fn has_text_times(&self) -> bool {
        !matches!(self.unit, Unit::Seconds | Unit::Millis)
    }

    /// Fills a column with one value.
    fn push(&self, bars: &mut Bars, column: usize, raw: Option<&RawValue>) -> Result<(), Undecodable> {
        let texts = &mut bars.columns[column].1;
        match raw.map(|raw| number(raw, self.quoted)).transpose().map_err(bad)?.flatten() {
            Some(text) => texts.push(text),
            None => texts.push_null(),
        }
        Ok(())
    }

    fn write_number(&self, text: Option<&str>, out: &mut String) {
        match text {
            None => out.push_str("null"),
            Some(text) if self.quoted => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            Some(text) => out.push_str(text),
        }
    }
}

fn bad(detail: impl Into<String>) -> Undecodable {
    Undecodable::new("", detail)
}

/// A member that no field names: it could not be given back.
fn unknown(name: &str) -> Undecodable {
    Undecodable { foreign: true, ..bad(format!("`{}` is named by no field of the manifest", json::shown(name))) }
}

/// Bars oldest first, in whichever order they came.
fn ascending(bars: Bars) -> Bars {
    let newest_first = bars.times.first() > bars.times.last();
    if !newest_first {
        return bars;
    }
    let mut out = Bars::with_columns(bars.columns.iter().map(|(column, _)| *column));
    (0..bars.len()).rev().for_each(|row| out.push_row(&bars, row));
    out
}

#[cfg(test)]
mod tests;
