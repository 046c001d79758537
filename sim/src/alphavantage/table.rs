//! Rows as JSON and as CSV.

use super::JSON;
use crate::facade::Reply;
use std::fmt::Write;

pub(super) struct Table {
    /// Without their numbers.
    pub meta: Vec<(&'static str, String)>,
    pub key: String,
    pub columns: &'static [Column],
    /// Newest first.
    pub rows: Vec<(String, Vec<String>)>,
}

/// How a column is called in JSON, without its number, and in CSV.
pub(super) type Column = (&'static str, &'static str);

pub(super) const PRICES: &[Column] = &[("open", "open"), ("high", "high"), ("low", "low"), ("close", "close")];
pub(super) const VOLUME: &[Column] =
    &[("open", "open"), ("high", "high"), ("low", "low"), ("close", "close"), ("volume", "volume")];
pub(super) const DAILY_ADJUSTED: &[Column] = &[
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("close", "close"),
    ("adjusted close", "adjusted_close"),
    ("volume", "volume"),
    ("dividend amount", "dividend_amount"),
    ("split coefficient", "split_coefficient"),
];
/// Of weeks and months the names have spaces in CSV too.
pub(super) const ADJUSTED: &[Column] = &[
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("close", "close"),
    ("adjusted close", "adjusted close"),
    ("volume", "volume"),
    ("dividend amount", "dividend amount"),
];

impl Table {
    pub(super) fn reply(&self, csv: bool) -> Reply {
        if csv { table(self.csv()) } else { Reply::new(200, JSON, self.json()) }
    }

    fn json(&self) -> String {
        let mut text = String::from("{\n    \"Meta Data\": {");
        for (index, (name, value)) in self.meta.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n        \"{}. {name}\": \"{value}\"", index + 1);
        }
        let _ = write!(text, "\n    }},\n    \"{}\": {{", self.key);
        for (index, (label, values)) in self.rows.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\n        \"{label}\": {{");
            for (index, ((name, _), value)) in self.columns.iter().zip(values).enumerate() {
                let comma = if index == 0 { "" } else { "," };
                let _ = write!(text, "{comma}\n            \"{}. {name}\": \"{value}\"", index + 1);
            }
            text.push_str("\n        }");
        }
        text.push_str("\n    }\n}");
        text
    }

    fn csv(&self) -> String {
        let mut text = String::from("timestamp");
        for (_, name) in self.columns {
            let _ = write!(text, ",{name}");
        }
        text.push_str("\r\n");
        for (label, values) in &self.rows {
            text.push_str(label);
            for value in values {
                let _ = write!(text, ",{value}");
            }
            text.push_str("\r\n");
        }
        text
    }
}

pub(super) fn table(body: String) -> Reply {
    Reply::new(200, "application/x-download", body).with("content-disposition", "attachment; filename=series.csv")
}
