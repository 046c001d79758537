//! Finnhub: candles as columns.
//!
//! As documented and recorded: days are adjusted for splits and what is within days is not, a call is answered with at
//! most a month of what is within days, and unknown symbols are like symbols without candles.

mod candles;
mod pages;
#[cfg(test)]
mod tests;

use crate::facade::{Facade, Reply, Request, Spent};
use crate::json::{Object, Params, decode};
use crate::stocks::Stocks;
use candles::Class;

const JSON: &str = "application/json; charset=utf-8";

#[derive(Debug, Default)]
pub(crate) struct Finnhub;

impl Facade for Finnhub {
    fn is_series(&self, path: &str, _query: &str) -> bool {
        path.ends_with("/candle")
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let call =
            Call { params: Params::read(request.query), now: request.now.div_euclid(1_000), stocks: request.stocks };
        let key = call.params.get("token").or_else(|| request.header("x-finnhub-token"));
        if !request.account.admits(key) {
            return error(401, "Invalid API key");
        }
        let spent = request.account.spend(1, request.now);
        let reply = if spent.over {
            error(429, "API limit reached. Please try again later. Remaining Limit: 0")
        } else {
            serve(&decode(request.path), &call).unwrap_or_else(|refusal| refusal)
        };
        limited(reply, spent, request.now)
    }
}

fn serve(path: &str, call: &Call<'_>) -> Result<Reply, Reply> {
    match path.strip_prefix("/api/v1").unwrap_or(path) {
        "/stock/candle" => candles::answer(call, Class::Stocks),
        "/forex/candle" => candles::answer(call, Class::Currencies),
        "/crypto/candle" => candles::answer(call, Class::Coins),
        "/quote" => pages::quote(call),
        "/search" => pages::search(call),
        _ => Err(Reply::new(404, "text/plain; charset=utf-8", "404 page not found")),
    }
}

/// What every answer says of the allowance; without one that of the free plan.
fn limited(reply: Reply, spent: Spent, now: i64) -> Reply {
    let quota = if spent.quota == u64::MAX { 60 } else { spent.quota };
    let reset = (now.div_euclid(60_000) + 1) * 60;
    let reply = reply.with("X-Ratelimit-Limit", quota);
    reply.with("X-Ratelimit-Remaining", quota.saturating_sub(spent.used)).with("X-Ratelimit-Reset", reset)
}

fn error(status: u16, message: &str) -> Reply {
    Reply::new(status, JSON, Object::default().text("error", message).end())
}

/// A request with what every answer to it needs. Instants are seconds.
struct Call<'a> {
    params: Params,
    now: i64,
    stocks: &'a Stocks,
}

impl Call<'_> {
    fn required(&self, name: &str) -> Result<&str, Reply> {
        self.params.get(name).filter(|value| !value.is_empty()).ok_or_else(|| error(422, &format!("Wrong {name}")))
    }
}
