//! TwelveData: text for numbers, clocks of exchanges for times, credits for calls, and errors with their code in the body.

mod instruments;
mod interval;
mod pages;
mod query;
mod series;
#[cfg(test)]
mod tests;

use crate::facade::{Facade, Reply, Request, Spent};
use crate::json::Object;
use query::Query;

const JSON: &str = "application/json; charset=utf-8";

#[derive(Debug, Default)]
pub(crate) struct TwelveData;

/// Why there is no answer. The code is in the body and is the status as well.
#[derive(Debug)]
struct Problem {
    code: u16,
    message: String,
}

impl Problem {
    fn new(code: u16, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into() }
    }

    fn body(&self) -> String {
        Object::default().raw("code", self.code).text("message", &self.message).text("status", "error").end()
    }

    fn reply(&self) -> Reply {
        Reply::new(self.code, JSON, self.body())
    }
}

impl Facade for TwelveData {
    fn is_series(&self, path: &str, _query: &str) -> bool {
        path == "/time_series"
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let query = Query::read(request.query);
        if !request.account.admits(key(request, &query)) {
            return unknown_key().reply();
        }
        let symbols = query.symbols();
        let spent = request.account.spend(symbols.len().max(1) as u64, request.now);
        let reply = if spent.over { out_of_credits(spent).reply() } else { routed(request, &query, &symbols, spent) };
        // Whoever has no limit is shown the one of a paid plan.
        let quota = spent.quota.min(1_597);
        reply.with("api-credits-used", spent.used).with("api-credits-left", quota.saturating_sub(spent.used))
    }
}

/// `apikey=KEY`, or `Authorization: apikey KEY`.
fn key<'a>(request: &'a Request<'_>, query: &'a Query) -> Option<&'a str> {
    let header = request.header("authorization").and_then(|value| value.strip_prefix("apikey "));
    query.get("apikey").or(header)
}

fn unknown_key() -> Problem {
    Problem::new(
        401,
        "**apikey** parameter is incorrect or not specified. You can get your free API key instantly following this \
         link: https://twelvedata.com/pricing. If you believe that everything is correct, you can contact us at \
         https://twelvedata.com/contact/customer",
    )
}

fn out_of_credits(spent: Spent) -> Problem {
    Problem::new(
        429,
        format!(
            "You have run out of API credits for the current minute. {} API credits were used, with the current limit \
             being {}. Wait for the next minute or consider switching to a higher tier plan at \
             https://twelvedata.com/pricing",
            spent.used, spent.quota
        ),
    )
}

fn routed(request: &Request<'_>, query: &Query, symbols: &[&str], spent: Spent) -> Reply {
    let now = request.now.div_euclid(1_000);
    match request.path {
        "/time_series" => series::reply(request, query, symbols),
        "/quote" => each(symbols, |symbol| pages::quote(request, query, symbol)),
        "/price" => each(symbols, |symbol| pages::price(request, query, symbol)),
        "/eod" => each(symbols, |symbol| pages::eod(request, query, symbol)),
        "/earliest_timestamp" => each(symbols, |symbol| pages::earliest(request, query, symbol)),
        "/symbol_search" => Reply::new(200, JSON, pages::search(query)),
        "/api_usage" => Reply::new(200, JSON, pages::usage(now, spent)),
        "/technical_indicators" => Reply::new(200, JSON, pages::indicators()),
        path => Problem::new(404, format!("The requested endpoint {path} was not found.")).reply(),
    }
}

/// One symbol is answered flat, several by the names they were asked for: then one may fail and the others not.
fn each(symbols: &[&str], one: impl Fn(&str) -> Result<String, Problem>) -> Reply {
    match symbols {
        [] => no_symbol().reply(),
        [symbol] => match one(symbol) {
            Ok(body) => Reply::new(200, JSON, body),
            Err(problem) => problem.reply(),
        },
        _ => {
            let member = |symbol: &&str| one(symbol).unwrap_or_else(|problem| in_batch(symbol, problem).body());
            let body = symbols.iter().fold(Object::default(), |body, symbol| body.raw(symbol, member(symbol)));
            Reply::new(200, JSON, body.end()).with("is_batch", "true")
        }
    }
}

fn no_symbol() -> Problem {
    Problem::new(
        404,
        "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol according to API \
         documentation: https://twelvedata.com/docs#reference-data",
    )
}

/// Among others, an unknown symbol is named.
fn in_batch(symbol: &str, problem: Problem) -> Problem {
    match problem.code {
        404 => Problem::new(
            400,
            format!("**symbol** not found: {symbol}. Please specify it correctly according to API Documentation."),
        ),
        _ => problem,
    }
}
