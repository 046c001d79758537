//! Polygon, which is also called Massive: aggregates by pages, and what is known of days and of corporate actions.
//!
//! As documented and recorded: a bar that `from` falls into is shown whole, weeks begin on Sunday, the limit counts the
//! minutes or days of which bars are made, and an answer without rows has no `results`.

mod actions;
mod aggregates;
mod pages;
mod rows;
#[cfg(test)]
mod tests;

use crate::facade::{Facade, Reply, Request};
use crate::instruments::Instrument;
use crate::json::{Object, Params, decode};
use crate::prices::hash;
use crate::stocks::Stocks;

const JSON: &str = "application/json";
const TOO_MANY: &str = "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to \
                        continue. https://polygon.io/pricing";

#[derive(Debug, Default)]
pub(crate) struct Polygon;

impl Facade for Polygon {
    fn is_series(&self, path: &str, _query: &str) -> bool {
        path.starts_with("/v2/aggs/ticker/") && path.contains("/range/")
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let call = Call::new(request);
        if !request.account.admits(call.key(request)) {
            return call.error(401, "Unknown API Key");
        }
        if request.account.spend(1, request.now).over {
            return call.error(429, TOO_MANY);
        }
        let path = decode(request.path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match parts.as_slice() {
            ["v2", "aggs", "ticker", ticker, "range", multiplier, timespan, from, to] => {
                aggregates::answer(&call, ticker, [multiplier, timespan, from, to])
            }
            ["v2", "aggs", "ticker", ticker, "prev"] => pages::previous(&call, ticker),
            ["v2", "aggs", "grouped", "locale", "us", "market", "stocks", date] => pages::grouped(&call, date),
            ["v1", "open-close", ticker, date] => pages::open_close(&call, ticker, date),
            ["v3", "reference", "splits"] => actions::splits(&call),
            ["v3", "reference", "dividends"] => actions::dividends(&call),
            ["v1", "marketstatus", "now"] => pages::status(&call),
            _ => Reply::new(404, "text/plain", "404 page not found"),
        }
    }
}

/// A request with what every answer to it needs. Instants are seconds.
struct Call<'a> {
    params: Params,
    now: i64,
    base: &'a str,
    stocks: &'a Stocks,
    /// The same for the same request at the same time.
    id: String,
}

impl<'a> Call<'a> {
    fn new(request: &Request<'a>) -> Call<'a> {
        let asked = request.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("apiKey="));
        let text = asked.fold(request.path.to_owned(), |text, pair| text + "&" + pair);
        let id = format!("{:016x}{:016x}", hash(&text, request.now), hash(&text, !request.now));
        let now = request.now.div_euclid(1_000);
        Call { params: Params::read(request.query), now, base: request.base, stocks: request.stocks, id }
    }

    fn key<'b>(&'b self, request: &'b Request<'_>) -> Option<&'b str> {
        let bearer = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        bearer.or_else(|| self.params.get("apiKey"))
    }

    /// Tickers are case-sensitive.
    fn instrument(&self, ticker: &str) -> Option<Instrument> {
        if ticker != ticker.to_uppercase() {
            return None;
        }
        match ticker.split_once(':') {
            Some(("X", symbol)) => Instrument::coin(symbol),
            Some(("C", symbol)) => Instrument::currency(symbol),
            Some(_) => None,
            None => Instrument::stock(self.stocks, ticker),
        }
    }

    /// Prices are adjusted for splits unless told otherwise.
    fn adjusted(&self) -> bool {
        self.params.get("adjusted") != Some("false")
    }

    fn error(&self, status: u16, message: &str) -> Reply {
        self.refusal(status, "ERROR", "error", message)
    }

    fn refusal(&self, status: u16, name: &str, field: &str, message: &str) -> Reply {
        let body = Object::default().text("status", name).text("request_id", &self.id).text(field, message);
        Reply::new(status, JSON, body.end())
    }
}
