//! What a chart request asks for, or why it is refused.

use super::Answer;
use super::chart::Request;
use super::interval::{INTERVALS, Interval, RANGES, range_start};
use super::view::View;
use crate::json::Params;

/// Beyond this no calendar goes.
const FAR: i64 = 200_000_000_000;

fn refused(status: u16, description: &str) -> Answer {
    let code = if status == 400 { "Bad Request" } else { "Unprocessable Entity" };
    Answer::error("chart", status, code, description)
}

pub(crate) fn not_found() -> Answer {
    Answer::error("chart", 404, "Not Found", "No data found, symbol may be delisted")
}

/// Interval and range, which are refused whatever the symbol.
pub(crate) fn names(params: &Params) -> Result<(Interval, &'static str), Answer> {
    let name = params.get("interval").unwrap_or("1d");
    let interval = Interval::find(name).ok_or_else(|| {
        let valid: Vec<&str> = INTERVALS.iter().map(|interval| interval.name).collect();
        unsupported("interval", name, &valid)
    })?;
    let name = params.get("range").unwrap_or("1d");
    let range = RANGES.into_iter().find(|range| *range == name).ok_or_else(|| unsupported("range", name, &RANGES))?;
    Ok((interval, range))
}

fn unsupported(what: &str, value: &str, valid: &[&str]) -> Answer {
    let valid = valid.join(", ");
    refused(422, &format!("Invalid input - {what}={value} is not supported. Valid {what}s: [{valid}]"))
}

/// The request once its symbol is known. A window beats a range.
pub(crate) fn chart(params: &Params, view: &View, stray_live: bool) -> Result<Request, Answer> {
    let (interval, range) = names(params)?;
    let (start, end) = (seconds(params, "period1")?, seconds(params, "period2")?);
    let (from, to, range) = match start {
        Some(start) => (start, end.unwrap_or(view.now), ""),
        None => (range_start(range, view).unwrap_or(view.now), view.now, range),
    };
    if from > to {
        let description = "Invalid input - start date cannot be after end date.";
        return Err(refused(400, &format!("{description} startDate = {from}, endDate = {to}")));
    }
    if let Some(description) = interval.refusal(from, to, view.now, !range.is_empty()) {
        return Err(refused(422, &description));
    }
    if to < view.market.listing.first_trade {
        return Err(refused(400, &format!("Data doesn't exist for startDate = {from}, endDate = {to}")));
    }
    let events: Vec<&str> = params.get("events").unwrap_or_default().split([',', '|']).map(str::trim).collect();
    let is = |name: &str, value: &str| params.get(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    Ok(Request {
        interval,
        from,
        to,
        range: range.to_owned(),
        extended: is("includePrePost", "true"),
        dividends: events.contains(&"div"),
        splits: events.contains(&"split") || events.contains(&"splits"),
        adjusted: !is("includeAdjustedClose", "false"),
        stray_live,
    })
}

fn seconds(params: &Params, name: &str) -> Result<Option<i64>, Answer> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let number: Result<i64, _> = text.parse();
    let number = number.map_err(|_| refused(400, &format!("Invalid input - {name}={text} is not a number")))?;
    Ok(Some(number.clamp(-FAR, FAR)))
}
