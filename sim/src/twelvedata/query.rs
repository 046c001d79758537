//! Parameters: their names in any case, their dates in any of the ways in which they are written.

use super::Problem;
use super::interval::Interval;
use crate::json::Params;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

pub(super) struct Query(Params);

impl Query {
    pub(super) fn read(query: &str) -> Query {
        let lower = |pair: &str| match pair.split_once('=') {
            Some((name, value)) => format!("{}={value}", name.to_ascii_lowercase()),
            None => pair.to_ascii_lowercase(),
        };
        let pairs: Vec<String> = query.split('&').map(lower).collect();
        Query(Params::read(&pairs.join("&")))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).filter(|value| !value.is_empty())
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name).is_some_and(|given| given.eq_ignore_ascii_case(value))
    }

    pub(super) fn symbols(&self) -> Vec<&str> {
        let symbols = self.get("symbol").unwrap_or_default();
        symbols.split(',').map(str::trim).filter(|symbol| !symbol.is_empty()).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adjust {
    All,
    Splits,
    Dividends,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Day {
    Today,
    Yesterday,
    Exactly(Date),
}

/// What of a series is asked for.
#[derive(Debug)]
pub(super) struct Ask {
    pub interval: Interval,
    /// Newest rows; the rest is cut.
    pub rows: usize,
    pub start: Option<DateTime>,
    pub end: Option<DateTime>,
    pub day: Option<Day>,
    /// None is that of the exchange.
    pub zone: Option<TimeZone>,
    pub ascending: bool,
    pub decimals: Option<usize>,
    pub adjust: Adjust,
    pub prepost: bool,
    pub previous_close: bool,
    pub csv: bool,
    pub delimiter: String,
}

impl Ask {
    pub(super) fn read(query: &Query) -> Result<Ask, Problem> {
        let interval = Interval::read(query.get("interval"))?;
        let (start, end) = (local(query, "start_date")?, local(query, "end_date")?);
        let day = day(query)?;
        let dated = start.is_some() || end.is_some() || day.is_some();
        Ok(Ask {
            interval,
            rows: rows(query, dated)?,
            start,
            end,
            day,
            zone: zone(query)?.filter(|_| interval.intraday()),
            ascending: query.is("order", "asc"),
            decimals: decimals(query)?,
            adjust: adjust(query)?,
            prepost: query.is("prepost", "true") && interval.extended(),
            previous_close: query.is("previous_close", "true"),
            csv: query.is("format", "csv"),
            delimiter: query.get("delimiter").unwrap_or(";").to_owned(),
        })
    }
}

fn invalid(name: &str, value: &str, hint: &str) -> Problem {
    Problem::new(400, format!("Invalid **{name}** provided: {value}. {hint}"))
}

fn rows(query: &Query, dated: bool) -> Result<usize, Problem> {
    let Some(text) = query.get("outputsize") else { return Ok(if dated { 5_000 } else { 30 }) };
    let rows = text.parse().ok().filter(|rows| (1..=5_000).contains(rows));
    rows.ok_or_else(|| invalid("outputsize", text, "Supported values range from 1 to 5000"))
}

fn decimals(query: &Query) -> Result<Option<usize>, Problem> {
    let Some(text) = query.get("dp").filter(|text| *text != "-1") else { return Ok(None) };
    let decimals = text.parse().ok().filter(|decimals| *decimals <= 11);
    decimals.map(Some).ok_or_else(|| invalid("dp", text, "Supported values range from 0 to 11"))
}

fn adjust(query: &Query) -> Result<Adjust, Problem> {
    match query.get("adjust").unwrap_or("splits") {
        "all" => Ok(Adjust::All),
        "splits" => Ok(Adjust::Splits),
        "dividends" => Ok(Adjust::Dividends),
        "none" => Ok(Adjust::None),
        text => Err(invalid("adjust", text, "Supported values: all, splits, dividends, none")),
    }
}

/// `2024-03-01`, or with a time behind a space, a plus or a `T`.
fn local(query: &Query, name: &str) -> Result<Option<DateTime>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let date = || text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0));
    let format = |format| DateTime::strptime(format, text.replace('T', " ")).ok();
    let read = if text.len() <= 10 { date() } else { None };
    let read = read.or_else(|| format("%Y-%m-%d %H:%M:%S")).or_else(|| format("%Y-%m-%d %H:%M"));
    read.map(Some).ok_or_else(|| invalid(name, text, "Use the format 2006-01-02 or 2006-01-02 15:04:05"))
}

fn day(query: &Query) -> Result<Option<Day>, Problem> {
    Ok(match query.get("date") {
        None => None,
        Some("today") => Some(Day::Today),
        Some("yesterday") => Some(Day::Yesterday),
        Some(_) => local(query, "date")?.map(|local| Day::Exactly(local.date())),
    })
}

/// Names of zones count with their case.
fn zone(query: &Query) -> Result<Option<TimeZone>, Problem> {
    static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    match query.get("timezone").unwrap_or("Exchange") {
        "Exchange" | "exchange" => Ok(None),
        "UTC" => Ok(Some(TimeZone::UTC)),
        name => {
            let zone = ZONES.get(name).ok().filter(|zone| zone.iana_name() == Some(name));
            zone.map(Some).ok_or_else(|| invalid("timezone", name, "Use Exchange, UTC or a name of the IANA database"))
        }
    }
}
