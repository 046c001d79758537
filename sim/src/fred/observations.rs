//! Observations of a window, in the units that are asked for.

use super::series::Series;
use super::{Call, Refusal};
use jiff::Span;
use jiff::civil::Date;

/// The window of everything.
const FIRST: &str = "1776-07-04";
const LAST: &str = "9999-12-31";

pub(super) struct Page {
    pub start: Date,
    pub end: Date,
    pub units: String,
    pub sort: String,
    pub count: usize,
    pub offset: usize,
    pub limit: usize,
    pub rows: Vec<(Date, String)>,
}

pub(super) fn page(call: &Call, series: &Series) -> Result<Page, Refusal> {
    let (start, end) = (call.date("observation_start", FIRST)?, call.date("observation_end", LAST)?);
    if start > end {
        let message = "Bad Request.  Variable observation_start can not be after observation_end.";
        return Err((400, message.to_owned()));
    }
    let (units, sort) = (call.get("units").unwrap_or("lin"), call.get("sort_order").unwrap_or("asc"));
    if !["asc", "desc"].contains(&sort) {
        return Err((400, "Bad Request.  Variable sort_order is not one of the values: asc, desc.".to_owned()));
    }
    let (limit, offset) = (call.count("limit", 100_000, 100_000)?, call.count("offset", 0, usize::MAX)?);
    let mut rows = values(call, series, units)?;
    rows.retain(|(date, _)| (start..=end).contains(date));
    if sort == "desc" {
        rows.reverse();
    }
    let count = rows.len();
    let rows = rows.into_iter().skip(offset).take(limit).collect();
    Ok(Page { start, end, units: units.to_owned(), sort: sort.to_owned(), count, offset, limit, rows })
}

/// All of the series, as text: changes need what is before the window.
fn values(call: &Call, series: &Series, units: &str) -> Result<Vec<(Date, String)>, Refusal> {
    let all = series.observations(Date::MIN, Date::MAX, call.today);
    let all: Vec<(Date, Option<f64>)> = all.into_iter().map(|(date, value)| (date, series.rounded(value))).collect();
    let before = |index: usize| index.checked_sub(1).and_then(|index| all.get(index)?.1);
    let year_ago = |date: Date| {
        let then = date.checked_sub(Span::new().years(1)).ok()?;
        all.get(all.partition_point(|(date, _)| *date < then)).filter(|(date, _)| *date == then)?.1
    };
    let change: fn(f64, f64) -> f64 = match units {
        "lin" | "log" | "chg" | "ch1" => |now, then| now - then,
        "pch" | "pc1" => |now, then| (now / then - 1.0) * 100.0,
        _ => {
            let known = "lin, chg, ch1, pch, pc1, log";
            return Err((400, format!("Bad Request.  Variable units is not one of the values: {known}.")));
        }
    };
    let decimals = if matches!(units, "lin" | "chg" | "ch1") { None } else { Some(5) };
    let value = |(index, (date, value)): (usize, &(Date, Option<f64>))| {
        let shown = match units {
            "lin" => *value,
            "log" => value.map(f64::ln),
            "ch1" | "pc1" => value.zip(year_ago(*date)).map(|(now, then)| change(now, then)),
            _ => value.zip(before(index)).map(|(now, then)| change(now, then)),
        };
        (*date, series.text(shown, decimals))
    };
    Ok(all.iter().enumerate().map(value).collect())
}
