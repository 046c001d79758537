//! Tiingo: ends of days with what adjusts them, bars of one exchange within days, coins and currencies.
//!
//! As documented and recorded: floats keep their `.0`, the newest row alone is written differently, weeks are named after
//! their Friday and months after their last business day, and a day has no row before its evening.

mod daily;
mod intraday;
#[cfg(test)]
mod tests;
mod write;

use crate::facade::{Facade, Reply, Request};
use crate::instruments::{Instrument, date, instant};
use crate::json::{Object, Params, decode};
use crate::stocks::{Stock, Stocks};
use jiff::civil::Date;

const JSON: &str = "application/json";
const TOO_MANY: &str = "Error: You have run over your hourly request allocation. Please upgrade at \
                        https://api.tiingo.com/pricing to have your limits increased.";

#[derive(Debug, Default)]
pub(crate) struct Tiingo;

impl Facade for Tiingo {
    fn is_series(&self, path: &str, _query: &str) -> bool {
        path.trim_end_matches('/').ends_with("/prices")
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let params = Params::read(request.query);
        let header = request.header("authorization").and_then(|header| header.strip_prefix("Token "));
        if !request.account.admits(header.or_else(|| params.get("token"))) {
            return error(401, "Invalid token.");
        }
        if request.account.spend(1, request.now).over {
            return error(429, TOO_MANY);
        }
        let call = Call { params, now: request.now.div_euclid(1_000), stocks: request.stocks };
        let path = decode(request.path);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // Most paths begin with the name of the provider, which is that of its mount, too: it may have been taken off twice.
        let parts = parts.strip_prefix(&["tiingo"]).unwrap_or(&parts);
        let answer = match parts {
            ["daily", ticker, "prices"] => daily::answer(&call, ticker),
            ["daily", ticker] => daily::meta(&call, ticker),
            ["iex", ticker, "prices"] => intraday::iex(&call, ticker),
            ["crypto", "prices"] => intraday::coins(&call),
            ["fx", ticker, "prices"] => intraday::currencies(&call, ticker),
            ["fx", "prices"] => intraday::currencies(&call, call.params.get("tickers").unwrap_or_default()),
            ["api", "test"] => {
                let body = Object::default().text("message", "You successfully sent a request");
                Ok(Reply::new(200, JSON, body.end()))
            }
            _ => Err(error(404, "Not found.")),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }
}

fn error(status: u16, detail: &str) -> Reply {
    Reply::new(status, JSON, Object::default().text("detail", detail).end())
}

/// A request with what every answer to it needs. Instants are seconds.
struct Call<'a> {
    params: Params,
    now: i64,
    stocks: &'a Stocks,
}

impl Call<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.params.get(name).filter(|value| !value.is_empty())
    }

    fn stock(&self, ticker: &str) -> Result<Stock, Reply> {
        self.stocks.find(ticker).ok_or_else(|| error(404, "Not found."))
    }

    fn date(&self, name: &str) -> Result<Option<Date>, Reply> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.get(..10).and_then(date) {
            Some(day) => Ok(Some(day)),
            None => Err(error(400, &format!("Error: {name} is not a valid date."))),
        }
    }

    /// A date, all of it, or an instant.
    fn moment(&self, name: &str, instrument: &Instrument, last: bool) -> Result<Option<i64>, Reply> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if let Some(day) = date(text) {
            let next = day.tomorrow().unwrap_or(day);
            return Ok(Some(if last { instrument.midnight(next) - 1 } else { instrument.midnight(day) }));
        }
        let zoned = instant(text).or_else(|| instant(&format!("{text}Z")));
        zoned.map(Some).ok_or_else(|| error(400, &format!("Error: {name} is not a valid date.")))
    }
}
