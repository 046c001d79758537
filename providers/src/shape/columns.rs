//! `{"c":[…],"h":[…],"t":[…]}`: a run of values per field.

use super::{Table, ascending, bad, records};
use crate::Undecodable;
use crate::json::Pairs;
use crate::rows::{Order, Rows, Runs};
use finex_core::columns::Bars;
use serde_json::value::RawValue;

/// Bars of an object of lists, all of one length. Members that no field names are the envelope's.
pub fn read(table: &Table, text: &str) -> Result<Bars, Undecodable> {
    let body: Pairs<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let list = |field: &super::Field| match body.get(&field.name) {
        Some(text) => serde_json::from_str::<Vec<&RawValue>>(text).map(Some).map_err(|e| bad(e.to_string())),
        None if field.optional => Ok(None),
        None => Err(bad(format!("there is no `{}`", field.name))),
    };
    let lists: Vec<Option<Vec<&RawValue>>> = table.fields.iter().map(list).collect::<Result<_, _>>()?;
    let mut lengths = lists.iter().flatten().map(Vec::len);
    let rows = lengths.next().unwrap_or(0);
    if lengths.any(|len| len != rows) {
        return Err(bad("its columns differ in length"));
    }
    let mut bars = table.none();
    for row in 0..rows {
        let values: Vec<Option<&RawValue>> =
            lists.iter().map(|list| list.as_ref().and_then(|list| list.get(row).copied())).collect();
        records::push(table, &mut bars, &values)?;
    }
    Ok(ascending(bars))
}

/// A run per field, in the order of the table.
pub fn write(table: &Table, bars: &Bars, order: Order) -> Runs {
    const VALUE: u64 = 12;
    let mut column = 0;
    let mut value = String::new();
    let runs = table.fields.iter().map(|field| {
        let texts = field.column.and_then(|_| {
            column += 1;
            bars.columns.get(column - 1).map(|(_, texts)| texts)
        });
        Rows::each(bars.len(), VALUE, order, b',', |text, row| {
            value.clear();
            match (field.column, texts) {
                (None, _) => records::time(table, bars, row, &mut value),
                (Some(_), texts) => table.write_number(texts.and_then(|texts| texts.get(row)), &mut value),
            }
            text.extend_from_slice(value.as_bytes());
        })
    });
    Runs::new(runs.collect())
}

/// The bars behind runs that [`write`] wrote.
pub fn reread(table: &Table, runs: &Runs) -> Result<Bars, Undecodable> {
    let mut body = String::from("{");
    for (at, field) in table.fields.iter().enumerate() {
        let joint = if at == 0 { "" } else { "," };
        let values = runs.slice(at, 0, runs.len());
        let values = std::str::from_utf8(&values).map_err(|e| bad(e.to_string()))?;
        body.push_str(&format!("{joint}{}:[{values}]", crate::json::string(&field.name)));
    }
    body.push('}');
    read(table, &body)
}
