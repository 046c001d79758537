//! CoinGecko: samples whose spacing the server chooses, candles that are named by their end, four shapes of errors.

mod candles;
mod chart;
mod coins;
mod pages;
#[cfg(test)]
mod tests;

use crate::facade::{Facade, Reply, Request};
use crate::json::{Object, Params, decode};
use crate::prices::hash;
use jiff::Timestamp;

const JSON: &str = "application/json; charset=utf-8";
const DAY: i64 = 86_400_000;
/// With this key, history older than a year is refused, as it is of the plans that cost nothing.
const OLD_LIMIT_KEY: &str = "CG-old-limit";

#[derive(Debug, Default)]
pub(crate) struct CoinGecko;

/// Why there is no answer.
#[derive(Debug)]
enum Problem {
    NoCoin,
    NoPath,
    Invalid(String),
    TooOld,
    NoKey,
    WrongKey,
    RateLimit,
}

/// A request with what every answer asks of it.
struct Ask<'a> {
    params: Params,
    now: i64,
    key: Option<&'a str>,
}

impl Ask<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.params.get(name).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).ok_or_else(|| Problem::Invalid(format!("Missing parameter {name}")))
    }

    /// Free plans see a year.
    fn may_see(&self, from: i64) -> Result<(), Problem> {
        let limited = self.key == Some(OLD_LIMIT_KEY) || self.get("x_cg_demo_api_key") == Some(OLD_LIMIT_KEY);
        if limited && from < self.now - 365 * DAY - 60_000 { Err(Problem::TooOld) } else { Ok(()) }
    }
}

impl Facade for CoinGecko {
    fn is_series(&self, path: &str, _query: &str) -> bool {
        let path = path.trim_end_matches('/').trim_end_matches("/range");
        path.starts_with("/api/v3/coins/") && (path.ends_with("/market_chart") || path.ends_with("/ohlc"))
    }

    fn answer(&self, request: &Request<'_>) -> Reply {
        let header = request.header("x-cg-demo-api-key").or_else(|| request.header("x-cg-pro-api-key"));
        let ask = Ask { params: Params::read(request.query), now: request.now, key: header };
        answered(request, &ask).unwrap_or_else(|problem| refused(&problem, request.now))
    }
}

fn answered(request: &Request<'_>, ask: &Ask<'_>) -> Result<Reply, Problem> {
    let key = ask.key.or_else(|| ask.get("x_cg_demo_api_key")).or_else(|| ask.get("x_cg_pro_api_key"));
    if !request.account.admits(key) {
        return Err(if key.is_none() { Problem::NoKey } else { Problem::WrongKey });
    }
    if request.account.spend(1, request.now).over {
        return Err(Problem::RateLimit);
    }
    let path = request.path.strip_prefix("/api/v3/").ok_or(Problem::NoPath)?;
    let path: Vec<String> = path.trim_end_matches('/').split('/').map(decode).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["ping"] => Ok(fresh("{\"gecko_says\":\"(V3) To the Moon!\"}".to_owned(), Keep::Day)),
        ["coins", "list"] => Ok(fresh(pages::list_of_coins(), Keep::Range)),
        ["coins", "markets"] => pages::markets(ask).map(|body| fresh(body, Keep::Day)),
        ["search"] => Ok(fresh(pages::search(ask), Keep::Range)),
        ["simple", "price"] => pages::price(ask).map(|body| fresh(body, Keep::Day)),
        ["simple", "supported_vs_currencies"] => Ok(fresh("[\"btc\",\"usd\",\"eur\"]".to_owned(), Keep::Range)),
        ["coins", id, "market_chart"] => chart::days(ask, id),
        ["coins", id, "market_chart", "range"] => chart::range(ask, id),
        ["coins", id, "ohlc"] => candles::days(ask, id),
        ["coins", id, "ohlc", "range"] => candles::range(ask, id),
        ["coins", id, "history"] => pages::history(ask, id).map(|body| fresh(body, Keep::Range)),
        _ => Err(Problem::NoPath),
    }
}

/// How long an answer may be kept, as headers of recorded answers have it.
#[derive(Debug, Clone, Copy)]
enum Keep {
    Day,
    Days,
    Range,
}

impl Keep {
    fn of(span: i64) -> Keep {
        if span <= DAY { Keep::Day } else { Keep::Days }
    }

    fn control(self) -> &'static str {
        match self {
            Keep::Day => "max-age=30, public, must-revalidate, s-maxage=30",
            Keep::Days => "public, max-age=30",
            Keep::Range => "max-age=30, public, must-revalidate, s-maxage=300",
        }
    }
}

fn fresh(body: String, keep: Keep) -> Reply {
    let tag = format!("W/\"{:016x}{:016x}\"", hash(&body, 0), hash(&body, 1));
    Reply::new(200, JSON, body).with("cache-control", keep.control()).with("etag", tag)
}

fn refused(problem: &Problem, now: i64) -> Reply {
    let plain = |status: u16, text: &str| Reply::new(status, JSON, Object::default().text("error", text).end());
    let time = Timestamp::from_millisecond(now).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00").to_string();
    let status = |code: u16, message: &str| {
        Object::default().text("timestamp", &time).raw("error_code", code).text("error_message", message).end()
    };
    let wrap = |name: &str, inner: String| Object::default().raw(name, inner).end();
    match problem {
        Problem::NoCoin => plain(404, "coin not found"),
        Problem::NoPath => Reply::new(404, JSON, "{\"status\":404,\"error\":\"Not Found\"}"),
        Problem::Invalid(text) => plain(422, text),
        Problem::TooOld => {
            let message = "Your request exceeds the allowed time range. Public API users are limited to querying \
                           historical data within the past 365 days. Upgrade to a paid plan to enjoy full historical \
                           data access: https://www.coingecko.com/en/api/pricing. ";
            Reply::new(401, JSON, wrap("error", wrap("status", status(10_012, message))))
        }
        Problem::NoKey => Reply::new(401, JSON, wrap("status", status(10_002, "API Key Missing"))),
        Problem::WrongKey => Reply::new(401, JSON, wrap("status", status(10_010, "Invalid API Key"))),
        Problem::RateLimit => {
            let message = "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to \
                           subscribe to our API plans for higher rate limits.";
            let inner = Object::default().raw("error_code", 429).text("error_message", message).end();
            Reply::new(429, JSON, wrap("status", inner))
        }
    }
}
