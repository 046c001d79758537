//! What tells of now, and what is listed.

use super::instruments::{self, exchange_of, name_of, price_text, symbol_of};
use super::interval::Interval;
use super::query::Query;
use super::{Problem, series};
use crate::facade::{Request, Spent};
use crate::json::{Object, list};
use crate::market::LISTINGS;
use crate::tape::slots::Slot;
use crate::tape::{Instrument, Values, pairs};

fn no_data() -> Problem {
    Problem::new(404, "Data not found")
}

type Days = Vec<(Slot, Values)>;

/// The instrument with its newest days, and the newest of them.
fn latest(
    request: &Request<'_>,
    query: &Query,
    symbol: &str,
    days: usize,
) -> Result<(Instrument, Days, Slot, Values), Problem> {
    let instrument = instruments::find(request.stocks, query, symbol)?;
    let recent = series::recent(&instrument, days, request.now.div_euclid(1_000));
    let (slot, values) = recent.first().copied().ok_or_else(no_data)?;
    Ok((instrument, recent, slot, values))
}

pub(super) fn price(request: &Request<'_>, query: &Query, symbol: &str) -> Result<String, Problem> {
    let (instrument, _, _, today) = latest(request, query, symbol, 1)?;
    let decimals = query.get("dp").and_then(|text| text.parse().ok());
    Ok(Object::default().text("price", &price_text(&instrument, today.close, decimals)).end())
}

fn identity(instrument: &Instrument, body: Object) -> Object {
    let (exchange, mic) = exchange_of(instrument);
    let body = body.text("exchange", exchange);
    match instrument {
        Instrument::Stock(stock) => body.text("mic_code", mic).text("currency", stock.market.listing.currency),
        Instrument::Pair(pair) => body.text("currency_base", pair.base.name).text("currency_quote", pair.quote.name),
    }
}

/// The last close that is final.
pub(super) fn eod(request: &Request<'_>, query: &Query, symbol: &str) -> Result<String, Problem> {
    let (instrument, recent, ..) = latest(request, query, symbol, 2)?;
    let now = request.now.div_euclid(1_000);
    let (slot, values) = recent.iter().find(|(slot, _)| slot.to <= now).ok_or_else(no_data)?;
    let body = identity(&instrument, Object::default().text("symbol", &symbol_of(&instrument)));
    let body = body.text("datetime", &slot.last.to_string());
    Ok(body.text("close", &price_text(&instrument, values.close, None)).end())
}

pub(super) fn quote(request: &Request<'_>, query: &Query, symbol: &str) -> Result<String, Problem> {
    let (instrument, recent, slot, today) = latest(request, query, symbol, 253)?;
    let now = request.now.div_euclid(1_000);
    let text = |price: f64| price_text(&instrument, price, None);
    let previous = recent.get(1).map_or(today.open, |(_, values)| values.close);
    let change = today.close - previous;
    let name = Object::default().text("symbol", &symbol_of(&instrument)).text("name", &name_of(&instrument));
    let mut body = identity(&instrument, name)
        .text("datetime", &slot.last.to_string())
        .raw("timestamp", slot.from)
        .raw("last_quote_at", (now.min(slot.to) - 60).div_euclid(60) * 60)
        .text("open", &text(today.open))
        .text("high", &text(today.high))
        .text("low", &text(today.low))
        .text("close", &text(today.close));
    if let Instrument::Stock(_) = instrument {
        body = body.text("volume", &(today.volume as u64).to_string());
    }
    body = body
        .text("previous_close", &text(previous))
        .text("change", &text(change))
        .text("percent_change", &format!("{:.5}", change / previous * 100.0));
    if let Instrument::Stock(_) = instrument {
        let average = recent.iter().map(|(_, values)| values.volume).sum::<f64>() / recent.len() as f64;
        body = body.text("average_volume", &(average as u64).to_string());
    }
    let open = (slot.from..slot.to).contains(&now);
    Ok(body.raw("is_market_open", open).raw("fifty_two_week", year(&instrument, &recent, today.close)).end())
}

fn year(instrument: &Instrument, days: &[(Slot, Values)], close: f64) -> String {
    let text = |price: f64| price_text(instrument, price, None);
    let low = days.iter().map(|(_, values)| values.low).fold(close, f64::min);
    let high = days.iter().map(|(_, values)| values.high).fold(close, f64::max);
    let percent = |from: f64| format!("{:.5}", (close - from) / from * 100.0);
    Object::default()
        .text("low", &text(low))
        .text("high", &text(high))
        .text("low_change", &text(close - low))
        .text("high_change", &text(close - high))
        .text("low_change_percent", &percent(low))
        .text("high_change_percent", &percent(high))
        .text("range", &format!("{low:.6} - {high:.6}"))
        .end()
}

pub(super) fn earliest(request: &Request<'_>, query: &Query, symbol: &str) -> Result<String, Problem> {
    let instrument = instruments::find(request.stocks, query, symbol)?;
    let interval = Interval::read(query.get("interval"))?;
    let first = instrument.first_trade();
    let local = instrument.local(first);
    let label = match interval.intraday() {
        true => local.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        false => local.date().to_string(),
    };
    Ok(Object::default().text("datetime", &label).raw("unix_time", first).end())
}

pub(super) fn search(query: &Query) -> String {
    let wanted = query.get("symbol").unwrap_or_default().to_ascii_uppercase();
    let stocks = LISTINGS.iter().filter(|listing| listing.extended.is_some());
    let found = stocks.filter(|listing| {
        listing.symbol.starts_with(&wanted) || listing.long_name.to_ascii_uppercase().contains(&wanted)
    });
    let entry = |listing: &crate::market::Listing| {
        let (exchange, mic) = if listing.exchange == "NYQ" { ("NYSE", "XNYS") } else { ("NASDAQ", "XNGS") };
        Object::default()
            .text("symbol", listing.symbol)
            .text("instrument_name", listing.long_name)
            .text("exchange", exchange)
            .text("mic_code", mic)
            .text("exchange_timezone", listing.zone)
            .text("instrument_type", "Common Stock")
            .text("country", "United States")
            .text("currency", listing.currency)
            .end()
    };
    Object::default().raw("data", list(found.map(entry))).text("status", "ok").end()
}

pub(super) fn usage(now: i64, spent: Spent) -> String {
    Object::default()
        .text("timestamp", &pairs::utc(now).strftime("%Y-%m-%d %H:%M:%S").to_string())
        .raw("current_usage", spent.used)
        .raw("plan_limit", spent.quota.min(1_597))
        .text("plan_category", "basic")
        .end()
}

/// The official client asks for it before anything else.
pub(super) fn indicators() -> String {
    Object::default().raw("data", "{}").text("status", "ok").end()
}
