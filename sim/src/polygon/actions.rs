//! Splits and dividends of stocks, newest first, announced ones of the next month too.

use super::{Call, JSON};
use crate::facade::Reply;
use crate::json::{Object, list};
use crate::market::LISTINGS;
use crate::prices::hash;
use crate::stocks::Action;
use jiff::Span;
use jiff::civil::Date;

pub(super) fn splits(call: &Call<'_>) -> Reply {
    rows(call, "execution_date", |ticker, ex, action| {
        let Action::Split { numerator, denominator } = action else { return None };
        let body = Object::default().text("execution_date", &ex.to_string()).text("id", &id(ticker, ex));
        Some(body.raw("split_from", denominator).raw("split_to", numerator).text("ticker", ticker).end())
    })
}

pub(super) fn dividends(call: &Call<'_>) -> Reply {
    rows(call, "ex_dividend_date", |ticker, ex, action| {
        let Action::Dividend(dollars) = action else { return None };
        let day = |days: i64| ex.checked_add(Span::new().days(days)).unwrap_or(ex).to_string();
        let body = Object::default().raw("cash_amount", dollars).text("currency", "USD");
        let body = body.text("declaration_date", &day(-14)).text("dividend_type", "CD");
        let body = body.text("ex_dividend_date", &ex.to_string()).raw("frequency", 4).text("id", &id(ticker, ex));
        Some(body.text("pay_date", &day(6)).text("record_date", &day(3)).text("ticker", ticker).end())
    })
}

fn id(ticker: &str, ex: Date) -> String {
    let day = i64::from(ex.year()) * 10_000 + i64::from(ex.month()) * 100 + i64::from(ex.day());
    format!("E{:016x}{:016x}", hash(ticker, day), hash(ticker, !day))
}

fn rows(call: &Call<'_>, field: &str, row: impl Fn(&str, Date, Action) -> Option<String>) -> Reply {
    let tickers = LISTINGS.iter().map(|listing| listing.symbol);
    let asked = tickers.filter(|symbol| call.params.get("ticker").is_none_or(|ticker| ticker == *symbol));
    let mut found: Vec<(Date, String)> = Vec::new();
    for stock in asked.filter_map(|symbol| call.stocks.find(symbol)) {
        let soon = stock.market.date(call.now + 30 * 86_400);
        let known = stock.actions.iter().filter(|(ex, _)| *ex <= soon && admitted(call, field, *ex));
        let ticker = stock.market.listing.symbol;
        found.extend(known.filter_map(|(ex, action)| Some((*ex, row(ticker, *ex, *action)?))));
    }
    found.sort_by_key(|(ex, _)| std::cmp::Reverse(*ex));
    let limit = call.params.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10usize).clamp(1, 1_000);
    let rows = list(found.iter().take(limit).map(|(_, row)| row));
    let body = Object::default().raw("results", rows).text("status", "OK").text("request_id", &call.id);
    Reply::new(200, JSON, body.end())
}

/// Dates may be given, or compared with: `execution_date.gte=2020-01-01`.
fn admitted(call: &Call<'_>, field: &str, ex: Date) -> bool {
    let is = |suffix: &str, holds: fn(&str, &str) -> bool| {
        let given = call.params.get(&format!("{field}{suffix}"));
        given.is_none_or(|given| holds(ex.to_string().as_str(), given))
    };
    is("", |ex, given| ex == given)
        && is(".gte", |ex, given| ex >= given)
        && is(".gt", |ex, given| ex > given)
        && is(".lte", |ex, given| ex <= given)
        && is(".lt", |ex, given| ex < given)
}
