//! How rows are written.

use super::{Call, JSON};
use crate::facade::Reply;
use crate::json::{Object, list};

/// Names and values, as JSON, in order; the first is the date, as text without quotes.
pub(super) type Row = Vec<(&'static str, String)>;

/// Python writes floats so: whole ones keep a `.0`.
pub(super) fn float(value: f64) -> String {
    format!("{value:?}")
}

pub(super) fn object(row: &Row) -> String {
    row.iter().fold(Object::default(), |object, (name, value)| object.raw(name, value)).end()
}

/// Columns that were asked for, and always the date. `usual` are those without a wish.
pub(super) fn chosen(call: &Call<'_>, row: Row, usual: &[&str]) -> Row {
    let asked: Vec<&str> = call.get("columns").map_or_else(|| usual.to_vec(), |text| text.split(',').collect());
    row.into_iter().filter(|(name, _)| *name == "date" || asked.contains(name)).collect()
}

pub(super) fn wants_csv(call: &Call<'_>) -> bool {
    call.get("format") == Some("csv")
}

pub(super) fn reply(call: &Call<'_>, rows: &[Row]) -> Reply {
    if !wants_csv(call) {
        return Reply::new(200, JSON, list(rows.iter().map(object)));
    }
    let line =
        |row: &Row, cell: fn(&(&'static str, String)) -> String| row.iter().map(cell).collect::<Vec<_>>().join(",");
    let mut text = rows.first().map_or(String::new(), |row| line(row, |(name, _)| (*name).to_owned()) + "\n");
    for row in rows {
        text.push_str(&line(row, |(_, value)| value.trim_matches('"').to_owned()));
        text.push('\n');
    }
    Reply::new(200, "text/csv", text)
}
