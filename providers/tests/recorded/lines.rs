//! Alpha Vantage's recorded CSV: the same rows, kept as JSON, are written as the lines that were recorded.

use super::answer;
use super::asked::{self, Asked};
use super::corpus::Recorded;
use super::rows;
use finex_core::plan::{Anchor, Call};
use finex_core::time::Window;
use finex_providers::Provider;

/// How many ranges of lines were compared; else why they are not those that were recorded.
pub fn compare(provider: &dyn Provider, recorded: &Recorded) -> Result<usize, String> {
    let query = match recorded.file.as_str() {
        "alphavantage/csv-daily_AMJ-pt.csv" => "function=TIME_SERIES_DAILY&symbol=AMJ",
        "alphavantage/csv-intraday_5min_IBM-pt.csv" => "function=TIME_SERIES_INTRADAY&symbol=IBM&interval=5min",
        _ => &recorded.query,
    };
    let query = if query.contains("datatype") { query.to_owned() } else { format!("{query}&datatype=csv") };
    let Asked::Series(ask) = asked::read(provider, "/query", &query)? else { return Err("is a batch".into()) };
    let (window, columns) = (Window::ALL, provider.columns(&ask.series));
    let call =
        Call { window, limit: u64::MAX, anchor: Anchor::Both, columns, need: window, reach: window, exact: false };
    let body = as_json(&query, &recorded.body)?;
    let decoded = provider.decode(&ask.series, &call, body.as_bytes()).map_err(|e| e.to_string())?;
    let written = answer::write(provider, &ask, decoded, false);
    same_lines(&recorded.body, &written.text)?;
    rows::ranges_of(0, &written)
}

/// To the byte where the ends of lines were kept as they came.
fn same_lines(recorded: &str, written: &str) -> Result<(), String> {
    let is_wire = recorded.contains('\r');
    let written = if is_wire { written.to_owned() } else { written.replace("\r\n", "\n") };
    if written.lines().any(|line| line.contains('\r')) && !is_wire {
        return Err("a line has a carriage return within".into());
    }
    match recorded.lines().zip(written.lines()).enumerate().find(|(_, (a, b))| a != b) {
        Some((at, (a, b))) => Err(format!("line {at} is `{a}` recorded, `{b}` written")),
        None if recorded == written => Ok(()),
        None => Err(format!("{} bytes recorded, {} written", recorded.len(), written.len())),
    }
}

/// The JSON that has the same rows; numbers have the same texts in both.
fn as_json(query: &str, csv: &str) -> Result<String, String> {
    let said = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let function = said("function").ok_or("the request names no function")?;
    let key = key(function, said("interval"));
    let mut lines = csv.lines().map(|line| line.trim_end_matches('\r'));
    let header: Vec<&str> = lines.next().ok_or("there is no header")?.split(',').skip(1).collect();
    let row = |line: &str| {
        let (label, values) = line.split_once(',')?;
        let members = header.iter().zip(values.split(',')).enumerate();
        let members = members.map(|(at, (name, value))| format!("\"{}. {name}\":\"{value}\"", at + 1));
        Some(format!("\"{label}\":{{{}}}", members.collect::<Vec<_>>().join(",")))
    };
    let rows: Option<Vec<String>> = lines.map(row).collect();
    let rows = rows.ok_or("a line has one value")?.join(",");
    Ok(format!("{{\"Meta Data\":{{}},\"{key}\":{{{rows}}}}}"))
}

/// The member of the JSON answer that has the rows.
fn key(function: &str, interval: Option<&str>) -> String {
    let (family, unit) = match function.strip_suffix("_ADJUSTED").unwrap_or(function).rsplit_once('_') {
        Some((family, "INTRADAY")) => (family, interval.unwrap_or_default()),
        Some((family, "DAILY")) => (family, "Daily"),
        Some((family, "WEEKLY")) => (family, "Weekly"),
        Some((family, _)) => (family, "Monthly"),
        None => ("", ""),
    };
    let adjusted = if function.ends_with("_ADJUSTED") { "Adjusted " } else { "" };
    match family {
        "FX" => format!("Time Series FX ({unit})"),
        "CRYPTO" => format!("Time Series Crypto ({unit})"),
        "DIGITAL_CURRENCY" => format!("Time Series (Digital Currency {unit})"),
        _ if matches!(unit, "Weekly" | "Monthly") => format!("{unit} {adjusted}Time Series"),
        _ => format!("Time Series ({unit})"),
    }
}
