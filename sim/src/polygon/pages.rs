//! What is known of single days.

use super::rows::{adjust, adjustment, number, row};
use super::{Call, JSON};
use crate::facade::Reply;
use crate::instruments::{Bar, Instrument, date};
use crate::json::{Object, list};
use crate::market::{LISTINGS, Session};
use jiff::civil::Date;

/// The last day before today. Its label is its close.
pub(super) fn previous(call: &Call<'_>, ticker: &str) -> Reply {
    let row = call.instrument(ticker).and_then(|instrument| {
        let today = instrument.date(call.now);
        let adjustment = adjustment(&instrument, call.adjusted(), call.now);
        let before =
            instrument.days(today.checked_sub(jiff::Span::new().days(12)).ok()?, today.yesterday().ok()?, call.now);
        let bar = adjust(*before.last()?, &adjustment);
        Some(row(Some(ticker), closes(&instrument, &bar), &bar))
    });
    let body = Object::default().text("ticker", ticker);
    Reply::new(200, JSON, finished(call, body, &row.into_iter().collect::<Vec<String>>()))
}

/// All stocks on one day.
pub(super) fn grouped(call: &Call<'_>, text: &str) -> Reply {
    let Some(day) = date(text) else { return call.error(400, "Could not parse the time parameter: 'date'") };
    let row = |ticker: &str| {
        let instrument = Instrument::stock(call.stocks, ticker)?;
        let bar = *instrument.days(day, day, call.now).first()?;
        let bar = adjust(bar, &adjustment(&instrument, call.adjusted(), call.now));
        Some(row(Some(ticker), closes(&instrument, &bar), &bar))
    };
    let rows: Vec<String> = LISTINGS.iter().filter_map(|listing| row(listing.symbol)).collect();
    Reply::new(200, JSON, finished(call, Object::default(), &rows))
}

fn finished(call: &Call<'_>, body: Object, rows: &[String]) -> String {
    let count = rows.len();
    let body = body.raw("queryCount", count).raw("resultsCount", count).raw("adjusted", call.adjusted());
    if rows.is_empty() {
        return body.text("status", "OK").text("request_id", &call.id).end();
    }
    let body = body.raw("results", list(rows.iter())).text("status", "OK");
    body.text("request_id", &call.id).raw("count", count).end()
}

fn session(instrument: &Instrument, date: Date) -> Option<Session> {
    match instrument {
        Instrument::Stock(stock) => stock.market.session(date),
        Instrument::Floating(_) => None,
    }
}

fn closes(instrument: &Instrument, bar: &Bar) -> i64 {
    session(instrument, bar.date).map_or(bar.at, |session| session.close)
}

pub(super) fn open_close(call: &Call<'_>, ticker: &str, text: &str) -> Reply {
    let Some(day) = date(text) else { return call.error(400, "Could not parse the time parameter: 'date'") };
    let found = call.instrument(ticker).and_then(|instrument| {
        let bar = *instrument.days(day, day, call.now).first()?;
        let adjustment = adjustment(&instrument, call.adjusted(), call.now);
        let bar = adjust(bar, &adjustment);
        let Instrument::Stock(stock) = &instrument else { return None };
        let session = stock.market.session(day)?;
        let dollars = |price: i64| number(crate::instruments::round(price as f64 / 1e4 / adjustment.splits(day), 4));
        let early = stock.traded(session.pre, session.pre + 60, call.now).open;
        let late = (session.close <= call.now).then(|| stock.traded(session.close, session.post, call.now).close);
        let body = Object::default().text("status", "OK").text("from", text).text("symbol", ticker);
        let body = body.raw("open", bar.open).raw("high", bar.high).raw("low", bar.low).raw("close", bar.close);
        let body = body.raw("volume", bar.volume).maybe("afterHours", late.map(dollars));
        Some(body.raw("preMarket", dollars(early)).end())
    });
    match found {
        Some(body) => Reply::new(200, JSON, body),
        None => call.refusal(404, "NOT_FOUND", "message", "Data not found."),
    }
}

pub(super) fn status(call: &Call<'_>) -> Reply {
    let apple = Instrument::stock(call.stocks, "AAPL");
    let session = apple.as_ref().and_then(|stock| session(stock, stock.date(call.now)));
    let within =
        |span: fn(Session) -> (i64, i64)| session.map(span).is_some_and(|(from, to)| (from..to).contains(&call.now));
    let (early, late) = (within(|s| (s.pre, s.open)), within(|s| (s.close, s.post)));
    let open = within(|s| (s.open, s.close));
    let market = if open { "open" } else { "closed" };
    let extended = if early || late { "extended-hours" } else { market };
    let currencies = Object::default().text("crypto", "open").text("fx", "open").end();
    let exchanges = ["nasdaq", "nyse", "otc"].iter().fold(Object::default(), |o, name| o.text(name, extended)).end();
    let body = Object::default().raw("afterHours", late).raw("currencies", currencies).raw("earlyHours", early);
    let body =
        body.raw("exchanges", exchanges).text("market", extended).text("serverTime", &local_time(&apple, call.now));
    Reply::new(200, JSON, body.end())
}

fn local_time(stock: &Option<Instrument>, now: i64) -> String {
    let Some(Instrument::Stock(stock)) = stock else { return String::new() };
    let hours = stock.market.offset(now).0 / 3_600;
    format!("{}-{:02}:00", stock.market.local(now).strftime("%Y-%m-%dT%H:%M:%S"), hours.abs())
}
