//! Quotes and the search for symbols.

use super::{Call, JSON};
use crate::facade::Reply;
use crate::instruments::{Instrument, round};
use crate::json::{Object, list};
use crate::market::LISTINGS;
use jiff::Span;

/// Of an unknown symbol everything is zero.
pub(super) fn quote(call: &Call<'_>) -> Result<Reply, Reply> {
    let symbol = call.required("symbol")?;
    let days = Instrument::stock(call.stocks, symbol).map(|stock| {
        let today = stock.date(call.now);
        let since = today.checked_sub(Span::new().days(12)).unwrap_or(today);
        (stock.days(since, today, call.now), stock)
    });
    let body = Object::default();
    let body = match days.as_ref().map(|(days, stock)| (days.as_slice(), stock)) {
        Some(([.., before, day], Instrument::Stock(stock))) => {
            let change = day.close - before.close;
            let close = stock.market.session(day.date).map_or(call.now, |session| session.close.min(call.now));
            let body = body.raw("c", day.close).raw("d", round(change, 4));
            let body = body.raw("dp", round(change / before.close * 100.0, 4)).raw("h", day.high).raw("l", day.low);
            body.raw("o", day.open).raw("pc", before.close).raw("t", close)
        }
        _ => {
            let body = body.raw("c", 0).raw("d", "null").raw("dp", "null").raw("h", 0).raw("l", 0);
            body.raw("o", 0).raw("pc", 0).raw("t", 0)
        }
    };
    Ok(Reply::new(200, JSON, body.end()))
}

pub(super) fn search(call: &Call<'_>) -> Result<Reply, Reply> {
    let text = call.required("q")?.to_uppercase();
    let stocks = LISTINGS.iter().filter(|listing| call.stocks.find(listing.symbol).is_some());
    let found =
        stocks.filter(|listing| listing.symbol.contains(&text) || listing.long_name.to_uppercase().contains(&text));
    let rows: Vec<String> = found
        .map(|listing| {
            let row = Object::default().text("description", &listing.long_name.to_uppercase());
            let row = row.text("displaySymbol", listing.symbol).text("symbol", listing.symbol);
            row.text("type", "Common Stock").end()
        })
        .collect();
    let body = Object::default().raw("count", rows.len()).raw("result", list(rows.iter()));
    Ok(Reply::new(200, JSON, body.end()))
}
