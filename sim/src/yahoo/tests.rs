//! What the simulated Yahoo promises, seen through its answers.

mod access;
mod actions;
mod edges;
mod meta;
mod served;

use super::*;
use crate::market::Market;
use jiff::civil::date;
use serde_json::Value;

/// The instant of a local time of the symbol's exchange.
fn at(symbol: &str, (year, month, day): (i16, i8, i8), (hour, minute, second): (i8, i8, i8)) -> i64 {
    Market::find(symbol).expect("listed").at(date(year, month, day).at(hour, minute, second, 0))
}

fn get(yahoo: &Yahoo, target: &str, now: i64) -> (u16, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let answer = yahoo.answer("GET", path, query, &HeaderMap::new(), now * 1_000, None).expect("one of Yahoo's paths");
    (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
}

fn result(yahoo: &Yahoo, symbol: &str, query: &str, now: i64) -> Value {
    let (status, mut body) = get(yahoo, &format!("/v8/finance/chart/{symbol}?{query}"), now);
    assert_eq!(status, 200, "{body}");
    body["chart"]["result"][0].take()
}

/// The result of a window of one interval.
fn window(yahoo: &Yahoo, symbol: &str, interval: &str, (from, to): (i64, i64), more: &str, now: i64) -> Value {
    result(yahoo, symbol, &format!("period1={from}&period2={to}&interval={interval}{more}"), now)
}

fn refused(yahoo: &Yahoo, query: &str, now: i64) -> (u16, String) {
    let (status, body) = get(yahoo, &format!("/v8/finance/chart/AAPL?{query}"), now);
    let error = &body["chart"]["error"];
    assert_eq!(body["chart"]["result"], Value::Null);
    (status, format!("{}: {}", text(&error["code"]), text(&error["description"])))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn stamps(result: &Value) -> Vec<i64> {
    let stamps = result["timestamp"].as_array().map(Vec::as_slice).unwrap_or_default();
    stamps.iter().map(|stamp| stamp.as_i64().expect("seconds")).collect()
}

fn column(result: &Value, name: &str) -> Vec<Option<f64>> {
    let indicators = &result["indicators"];
    let list = if name == "adjclose" { &indicators["adjclose"][0] } else { &indicators["quote"][0] };
    list[name].as_array().expect("a column").iter().map(Value::as_f64).collect()
}

fn prices(result: &Value, name: &str) -> Vec<f64> {
    column(result, name).into_iter().map(|price| price.expect("no hole")).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}
