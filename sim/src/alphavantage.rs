//! Alpha Vantage: one path for everything, text for numbers, newest first, and status 200 whatever happens.

mod digital;
mod forex;
mod function;
mod pages;
mod stock;
mod table;
#[cfg(test)]
mod tests;

use crate::facade::{Facade, Reply, Request};
use crate::json::Params;
use crate::tape::slots::Period;
use function::Function;

const JSON: &str = "application/json";

#[derive(Debug, Default)]
pub(crate) struct AlphaVantage;

/// Why there is no answer.
#[derive(Debug)]
enum Problem {
    /// An unknown symbol and a bad parameter read the same.
    Call,
    Function,
    Key,
    Burst,
}

impl Facade for AlphaVantage {
    fn is_series(&self, path: &str, query: &str) -> bool {
        let params = Params::read(query);
        path == "/query" && params.get("function").and_then(Function::read).is_some_and(|function| function.is_series())
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        if request.path != "/query" {
            return Reply::new(404, "text/html", "<h1>Not Found</h1>");
        }
        let params = Params::read(request.query);
        let name = params.get("function").unwrap_or_default();
        answered(request, &params, name).unwrap_or_else(|problem| refused(&problem, name))
    }
}

fn answered(request: &Request<'_>, params: &Params, name: &str) -> Result<Reply, Problem> {
    if !request.account.admits(params.get("apikey").filter(|key| !key.is_empty())) {
        return Err(Problem::Key);
    }
    if request.account.spend(1, request.now).over {
        return Err(Problem::Burst);
    }
    let now = request.now.div_euclid(1_000);
    let csv = params.get("datatype") == Some("csv");
    match Function::read(name).ok_or(Problem::Function)? {
        Function::Stock(kind) => stock::table(request, params, kind, now).map(|table| table.reply(csv)),
        Function::Forex(period) => forex::table(params, period, now).map(|table| table.reply(csv)),
        Function::Digital(period) => digital::table(params, period, now).map(|table| table.reply(csv)),
        Function::Quote => pages::quote(request, params, csv, now),
        Function::Search => pages::search(params, csv),
        Function::Rate => pages::rate(params, now),
    }
}

fn refused(problem: &Problem, function: &str) -> Reply {
    let (kind, text) = match problem {
        Problem::Call => (
            "Error Message",
            format!(
                "Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) \
                 for {function}."
            ),
        ),
        Problem::Function => ("Error Message", format!("This API function ({function}) does not exist.")),
        Problem::Key => (
            "Error Message",
            "the parameter apikey is invalid or missing. Please claim your free API key on \
             (https://www.alphavantage.co/support/#api-key). It should take less than 20 seconds."
                .to_owned(),
        ),
        Problem::Burst => (
            "Information",
            "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 \
             request per second) to avoid hitting our API rate limit. Or subscribe to any of the premium plans at \
             https://www.alphavantage.co/premium/ to instantly remove all daily rate limits and lift the free key rate \
             limit (25 requests per day) as well."
                .to_owned(),
        ),
    };
    Reply::new(200, JSON, format!("{{\n    \"{kind}\": {}\n}}", serde_json::Value::from(text)))
}

/// `5min` as what it says and what it means. None where no interval is meant.
fn interval(params: &Params) -> Result<(&'static str, Period), Problem> {
    const INTERVALS: [(&str, i64); 5] = [("1min", 1), ("5min", 5), ("15min", 15), ("30min", 30), ("60min", 60)];
    let wanted = params.get("interval").unwrap_or_default();
    let found = INTERVALS.iter().find(|(name, _)| *name == wanted);
    found.map(|(name, minutes)| (*name, Period::Minutes(*minutes))).ok_or(Problem::Call)
}

/// Does the answer hold all there is, or the newest hundred rows?
fn full(params: &Params) -> Result<bool, Problem> {
    match params.get("outputsize").unwrap_or("compact") {
        "compact" => Ok(false),
        "full" => Ok(true),
        _ => Err(Problem::Call),
    }
}

fn size_name(full: bool) -> &'static str {
    if full { "Full size" } else { "Compact" }
}

fn stamp(local: jiff::civil::DateTime) -> String {
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
