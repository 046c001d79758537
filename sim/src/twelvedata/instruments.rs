//! What is listed, how it is described, and how its numbers are written.

use super::query::Query;
use super::{Problem, no_symbol};
use crate::json::Object;
use crate::stocks::Stocks;
use crate::tape::Instrument;
use crate::tape::pairs::Pair;

/// `AAPL`, `AAPL:NASDAQ` or `EUR/USD`. An exchange that does not list it makes it unknown.
pub(super) fn find(stocks: &Stocks, query: &Query, symbol: &str) -> Result<Instrument, Problem> {
    if let Some((base, quote)) = symbol.split_once('/') {
        return Pair::find(base, quote).map(Instrument::Pair).ok_or_else(no_symbol);
    }
    let (name, exchange) = symbol.split_once(':').map_or((symbol, None), |(name, exchange)| (name, Some(exchange)));
    let stock = stocks.find(name).map(Box::new).map(Instrument::Stock).ok_or_else(no_symbol)?;
    let listed = |wanted: Option<&str>, at: &str| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(at));
    let (at, mic) = exchange_of(&stock);
    let fits = listed(exchange, at) && listed(query.get("exchange"), at) && listed(query.get("mic_code"), mic);
    if fits { Ok(stock) } else { Err(no_symbol()) }
}

/// Name and market identifier code.
pub(super) fn exchange_of(instrument: &Instrument) -> (&'static str, &'static str) {
    match instrument {
        Instrument::Stock(stock) if stock.market.listing.exchange == "NYQ" => ("NYSE", "XNYS"),
        Instrument::Stock(_) => ("NASDAQ", "XNGS"),
        Instrument::Pair(_) => ("Binance", ""),
    }
}

pub(super) fn symbol_of(instrument: &Instrument) -> String {
    match instrument {
        Instrument::Stock(stock) => stock.market.listing.symbol.replace('-', "."),
        Instrument::Pair(pair) => format!("{}/{}", pair.base.code, pair.quote.code),
    }
}

pub(super) fn name_of(instrument: &Instrument) -> String {
    match instrument {
        Instrument::Stock(stock) => stock.market.listing.long_name.to_owned(),
        Instrument::Pair(pair) => format!("{} / {}", pair.base.name, pair.quote.name),
    }
}

pub(super) fn meta(instrument: &Instrument, interval: &str) -> String {
    let meta = Object::default().text("symbol", &symbol_of(instrument)).text("interval", interval);
    let (exchange, mic) = exchange_of(instrument);
    match instrument {
        Instrument::Stock(stock) => meta
            .text("currency", stock.market.listing.currency)
            .text("exchange_timezone", stock.market.listing.zone)
            .text("exchange", exchange)
            .text("mic_code", mic)
            .text("type", "Common Stock"),
        Instrument::Pair(pair) => {
            let meta = meta.text("currency_base", pair.base.name).text("currency_quote", pair.quote.name);
            match pair.has_coin() {
                true => meta.text("exchange", exchange).text("type", "Digital Currency"),
                false => meta.text("type", "Physical Currency"),
            }
        }
    }
    .end()
}

/// Prices of stocks are 32-bit numbers, shown with five decimals. All others are as short as they can be.
pub(super) fn price_text(instrument: &Instrument, price: f64, decimals: Option<usize>) -> String {
    let price = match instrument {
        Instrument::Stock(_) => price,
        Instrument::Pair(pair) => {
            let scale = if pair.quote.coin {
                1e8
            } else if pair.has_coin() {
                1e2
            } else {
                1e5
            };
            (price * scale).round() / scale
        }
    };
    match (decimals, instrument) {
        (Some(decimals), _) => format!("{price:.decimals$}"),
        (None, Instrument::Stock(_)) => format!("{:.5}", f64::from(price as f32)),
        (None, Instrument::Pair(_)) => price.to_string(),
    }
}
