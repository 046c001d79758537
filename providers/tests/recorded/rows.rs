//! Every range of rows is what was recorded of that range.

use super::answer::Written;
use super::corpus::Recorded;
use super::json::Json;
use finex_providers::rows::Order;

/// The rows of each run, as they stand in a recorded body.
fn recorded_rows(recorded: &Recorded, body: &Json, symbol: &str) -> Option<Vec<Vec<Json>>> {
    let list = |json: &Json| json.list().to_vec();
    let lists = |names: &[&str]| names.iter().map(|name| body.get(name).map(list)).collect::<Option<Vec<_>>>();
    match recorded.provider.as_str() {
        "alphavantage" => {
            let rows = body.members().get(1)?.1.members();
            Some(vec![rows.iter().map(|row| Json::Object(vec![row.clone()])).collect()])
        }
        "alpaca" => {
            let bars = body.get("bars")?;
            Some(vec![list(bars.get(symbol).unwrap_or(bars))])
        }
        "coingecko" => match body {
            Json::List(rows) => Some(vec![rows.clone()]),
            _ => lists(&["prices", "market_caps", "total_volumes"]),
        },
        "finnhub" => lists(&["c", "h", "l", "o", "t", "v"]),
        "polygon" => Some(vec![body.get("results").map(list).unwrap_or_default()]),
        "tiingo" => {
            let is_own = |part: &&Json| part.get("ticker").is_some_and(|own| own.word().eq_ignore_ascii_case(symbol));
            let own = body.list().iter().find(is_own).and_then(|part| part.get("priceData"));
            Some(vec![list(own.unwrap_or(body))])
        }
        "twelvedata" => Some(vec![list(body.get(symbol).unwrap_or(body).get("values")?)]),
        _ => None,
    }
}

/// How many ranges are those that were recorded; else where the first difference is.
pub fn ranges(recorded: &Recorded, body: &Json, written: &Written) -> Result<usize, String> {
    let symbol = &written.series.symbol;
    let runs = recorded_rows(recorded, body, symbol).ok_or_else(|| format!("no rows of {symbol} are recorded"))?;
    if runs.len() != written.runs.iter().count() {
        return Err(format!("{} runs recorded, {} written", runs.len(), written.runs.iter().count()));
    }
    let mut found = 0;
    for (at, mut rows) in runs.into_iter().enumerate() {
        if written.runs.order() == Order::NewestFirst {
            rows.reverse();
        }
        found += ranges_of_run(at, &rows, written)?;
    }
    Ok(found)
}

/// Row by row with the recorded ones, then range by range with the rows.
fn ranges_of_run(run: usize, recorded: &[Json], written: &Written) -> Result<usize, String> {
    let rows = written.runs.get(run).ok_or("there is no such run")?;
    if rows.len() != recorded.len() {
        return Err(format!("{} rows recorded, {} written", recorded.len(), rows.len()));
    }
    let text = |at: usize| String::from_utf8_lossy(rows.row(at)).into_owned();
    for (at, row) in recorded.iter().enumerate() {
        // An entry of an object is not JSON by itself.
        let own = if row.members().len() == 1 { format!("{{{}}}", text(at)) } else { text(at) };
        if let Some(difference) = row.difference(&Json::read(&own)?, &format!("row {at}")) {
            return Err(difference);
        }
    }
    ranges_of(run, written)
}

/// How many ranges of a run are the rows that it has, with what stands between rows.
pub fn ranges_of(run: usize, written: &Written) -> Result<usize, String> {
    let rows = written.runs.get(run).ok_or("there is no such run")?;
    let mut found = 0;
    for from in (0..rows.len()).step_by((rows.len() / 17).max(1)) {
        for to in (from..=rows.len()).step_by((rows.len() / 13).max(1)) {
            let mut expected: Vec<&[u8]> = (from..to).map(|row| rows.row(row)).collect();
            if rows.order() == Order::NewestFirst {
                expected.reverse();
            }
            if written.runs.slice(run, from, to) != expected.join(written.separator.as_bytes()) {
                return Err(format!("rows {from}..{to} of run {run} are others than those"));
            }
            found += 1;
        }
    }
    Ok(found)
}
