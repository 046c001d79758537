//! FRED: observations of economic series, as XML unless JSON is asked for.
//!
//! As documented and recorded: values are text, a missing one is a dot, and what is said of real time depends on today.

mod observations;
mod series;
#[cfg(test)]
mod tests;
mod write;

use crate::facade::{Facade, Reply, Request};
use crate::instruments::Instrument;
use crate::json::Params;
use jiff::civil::Date;
use series::Series;

const NOT_SET: &str = "Bad Request.  Variable api_key is not set.  Read \
                       https://fred.stlouisfed.org/docs/api/api_key.html for more information.";
const NO_KEY: &str = "Bad Request.  The value for variable api_key is not a 32 character alpha-numeric lower-case string.  \
                      Read https://fred.stlouisfed.org/docs/api/api_key.html for more information.";
const NOT_REGISTERED: &str = "Bad Request.  The value for variable api_key is not registered.  Read \
                              https://fred.stlouisfed.org/docs/api/api_key.html for more information.";

#[derive(Debug, Default)]
pub(crate) struct Fred;

impl Facade for Fred {
    /// Nothing of it is cached.
    fn is_series(&self, _path: &str, _query: &str) -> bool {
        false
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let call = Call::new(request);
        let answer = match call.refused(request) {
            Some(refusal) => Err(refusal),
            None => serve(request.path, &call),
        };
        match answer {
            Ok(reply) => reply,
            Err((status, message)) => write::error(&call, status, &message),
        }
    }
}

type Refusal = (u16, String);

fn serve(path: &str, call: &Call) -> Result<Reply, Refusal> {
    // The name of the provider is that of its mount, too: it may have been taken off twice.
    match path.strip_prefix("/fred").unwrap_or(path) {
        "/series/observations" => Ok(write::observations(call, &observations::page(call, call.series()?)?)),
        "/series" => Ok(write::series(call, &[call.series()?])),
        "/series/search" => {
            let text = call.get("search_text").ok_or_else(|| unset("search_text"))?;
            Ok(write::found(call, &Series::search(text)))
        }
        _ => Err((404, "Not Found.  The requested resource does not exist.".to_owned())),
    }
}

fn unset(name: &str) -> Refusal {
    (400, format!("Bad Request.  Variable {name} is not set."))
}

/// A request with what every answer to it needs.
struct Call {
    params: Params,
    json: bool,
    /// In St. Louis, whose clocks are an hour behind those of New York.
    today: Date,
    /// Hours of these clocks from Greenwich.
    offset: i32,
}

impl Call {
    fn new(request: &Request<'_>) -> Call {
        let params = Params::read(request.query);
        let json = params.get("file_type") == Some("json");
        let then = request.now.div_euclid(1_000) - 3_600;
        let (today, offset) = match Instrument::stock(request.stocks, "AAPL") {
            Some(Instrument::Stock(stock)) => (stock.market.date(then), stock.market.offset(then).0 / 3_600 - 1),
            _ => (crate::instruments::utc_date(then), 0),
        };
        Call { params, json, today, offset }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.params.get(name).filter(|value| !value.is_empty())
    }

    fn refused(&self, request: &Request<'_>) -> Option<Refusal> {
        let Some(key) = self.get("api_key") else { return Some((400, NOT_SET.to_owned())) };
        if key.len() != 32 || !key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            return Some((400, NO_KEY.to_owned()));
        }
        if !request.account.admits(Some(key)) {
            return Some((400, NOT_REGISTERED.to_owned()));
        }
        let over = request.account.spend(1, request.now).over;
        over.then(|| (429, "Too Many Requests.  Exceeded Rate Limit".to_owned()))
    }

    fn series(&self) -> Result<&'static Series, Refusal> {
        let id = self.get("series_id").ok_or_else(|| unset("series_id"))?;
        Series::find(id).ok_or_else(|| (400, "Bad Request.  The series does not exist.".to_owned()))
    }

    fn date(&self, name: &str, missing: &str) -> Result<Date, Refusal> {
        let text = self.get(name).unwrap_or(missing);
        let unparsable = || format!("Bad Request.  Value of {name} is not a valid date: '{text}'.");
        text.parse().map_err(|_| (400, unparsable()))
    }

    /// A number of rows within its limits.
    fn count(&self, name: &str, missing: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(missing) };
        let parsed = text.parse().ok().filter(|count| *count <= most);
        parsed.ok_or_else(|| (400, format!("Bad Request.  Variable {name} is not between 0 and {most}.")))
    }
}
