//! Alpaca's market data: bars of several symbols by pages, from one tape or another.
//!
//! As documented and recorded: windows are inclusive and about the labels of bars, a date at their end means all of it,
//! pages count the bars of all symbols together, and what is recent is refused to the customers of the basic plan.

mod bars;
mod latest;
mod query;
#[cfg(test)]
mod tests;

use crate::facade::{Facade, Reply, Request, Spent};
use crate::instruments::Instrument;
use crate::json::{Object, Params, decode};
use crate::stocks::Stocks;

const JSON: &str = "application/json; charset=UTF-8";

#[derive(Debug, Default)]
pub(crate) struct Alpaca;

impl Facade for Alpaca {
    fn is_series(&self, path: &str, _query: &str) -> bool {
        path.ends_with("/bars") && !path.contains("/latest")
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let path = decode(request.path);
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let key = request.header("apca-api-key-id");
        // Coins are for everybody.
        if parts.first() != Some(&"v1beta3") && !request.account.admits(key) {
            let body = Object::default().raw("code", 40_110_000).text("message", "request is not authorized.");
            return Reply::new(401, JSON, body.end());
        }
        let spent = request.account.spend(1, request.now);
        let reply = if spent.over { error(429, "too many requests.") } else { serve(&parts, &Call::new(request, key)) };
        limited(reply, spent, request.now)
    }
}

fn serve(parts: &[&str], call: &Call<'_>) -> Reply {
    let symbols = call.params.get("symbols").unwrap_or_default();
    match parts {
        ["v2", "stocks", "bars"] => bars::answer(call, Class::Stocks, symbols, false),
        ["v2", "stocks", "bars", "latest"] => latest::answer(call, Class::Stocks, symbols),
        ["v2", "stocks", symbol, "bars"] => bars::answer(call, Class::Stocks, symbol, true),
        ["v2", "stocks", symbol, "bars", "latest"] => latest::single(call, symbol),
        ["v1beta3", "crypto", "us", "bars"] => bars::answer(call, Class::Coins, symbols, false),
        ["v1beta3", "crypto", "us", "latest", "bars"] => latest::answer(call, Class::Coins, symbols),
        _ => {
            let body = Object::default().raw("code", 40_410_000).text("message", "resource not found");
            Reply::new(404, JSON, body.end())
        }
    }
}

/// What every answer says of the allowance; without one that of the basic plan.
fn limited(reply: Reply, spent: Spent, now: i64) -> Reply {
    let quota = if spent.quota == u64::MAX { 200 } else { spent.quota };
    let reset = (now.div_euclid(60_000) + 1) * 60;
    let reply = reply.with("X-RateLimit-Limit", quota);
    reply.with("X-RateLimit-Remaining", quota.saturating_sub(spent.used)).with("X-RateLimit-Reset", reset)
}

fn error(status: u16, message: &str) -> Reply {
    Reply::new(status, JSON, Object::default().text("message", message).end())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Stocks,
    Coins,
}

/// A request with what every answer to it needs. Instants are seconds.
struct Call<'a> {
    params: Params,
    now: i64,
    stocks: &'a Stocks,
    /// Customers of the basic plan do not see the consolidated tape of the last minutes.
    basic: bool,
}

impl<'a> Call<'a> {
    fn new(request: &Request<'a>, key: Option<&str>) -> Call<'a> {
        let basic = key.is_some_and(|key| key.starts_with("BASIC"));
        let now = request.now.div_euclid(1_000);
        Call { params: Params::read(request.query), now, stocks: request.stocks, basic }
    }

    fn instrument(&self, class: Class, symbol: &str) -> Option<Instrument> {
        match class {
            Class::Stocks => Instrument::stock(self.stocks, symbol),
            Class::Coins => Instrument::coin(symbol),
        }
    }
}
