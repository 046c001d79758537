//! The newest finished minutes.

use super::query::{Feed, symbols};
use super::{Call, Class, JSON, bars, error};
use crate::facade::Reply;
use crate::json::Object;

pub(super) fn answer(call: &Call<'_>, class: Class, text: &str) -> Reply {
    let (symbols, feed) = match symbols(text).and_then(|symbols| Ok((symbols, feed(call)?))) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let bars = symbols.iter().fold(Object::default(), |bars, symbol| {
        let instrument = call.instrument(class, symbol);
        bars.maybe(symbol, instrument.and_then(|instrument| bars::newest(&instrument, feed, call.now)))
    });
    Reply::new(200, JSON, Object::default().raw("bars", bars.end()).end())
}

pub(super) fn single(call: &Call<'_>, symbol: &str) -> Reply {
    let feed = match feed(call) {
        Ok(feed) => feed,
        Err(refusal) => return refusal,
    };
    let instrument = call.instrument(Class::Stocks, symbol);
    match instrument.and_then(|instrument| bars::newest(&instrument, feed, call.now)) {
        Some(bar) => Reply::new(200, JSON, Object::default().raw("bar", bar).text("symbol", symbol).end()),
        None => error(404, &format!("no bar found for {symbol}")),
    }
}

fn feed(call: &Call<'_>) -> Result<Feed, Reply> {
    match call.params.get("feed").unwrap_or_default() {
        "sip" if call.basic => Err(error(403, "subscription does not permit querying recent SIP data")),
        "" if call.basic => Ok(Feed::Iex),
        "" | "sip" => Ok(Feed::Sip),
        "iex" => Ok(Feed::Iex),
        other => Err(error(400, &format!("invalid feed: {other}"))),
    }
}
