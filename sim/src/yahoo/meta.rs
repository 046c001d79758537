//! What a chart says about its symbol: partly of now, partly of the window.

use super::chart::{Request, Rows};
use super::interval::RANGES;
use super::view::{Latest, View};
use crate::json::{Object, list, rounded, shortest};
use crate::market::Session;

pub(crate) fn meta(request: &Request, view: &View, rows: &Rows) -> String {
    let listing = view.market.listing;
    let latest = view.latest();
    let price = |price: f64| shortest(rounded(price, listing.hint));
    let (offset, zone) = view.market.offset(view.now);
    let intraday = request.interval.intraday();
    let meta = Object::default()
        .text("currency", listing.currency)
        .text("symbol", listing.symbol)
        .text("exchangeName", listing.exchange)
        .text("fullExchangeName", listing.full_exchange)
        .text("instrumentType", listing.kind)
        .raw("firstTradeDate", listing.first_trade)
        .raw("regularMarketTime", latest.traded)
        .raw("hasPrePostMarketData", listing.extended.is_some())
        .raw("gmtoffset", offset)
        .text("timezone", &zone)
        .text("exchangeTimezoneName", listing.zone);
    let meta = today(meta, &latest, price)
        .text("longName", listing.long_name)
        .text("shortName", listing.short_name)
        .maybe("chartPreviousClose", previous(request, view, rows).map(price))
        .maybe("previousClose", latest.previous.filter(|_| intraday).map(price))
        .maybe("scale", intraday.then_some(listing.hint.max(3)))
        .raw("priceHint", listing.hint)
        .raw("currentTradingPeriod", current(view));
    meta.maybe("tradingPeriods", periods(request, view, rows))
        .text("dataGranularity", request.interval.granularity())
        .text("range", &request.range)
        .raw("validRanges", list(RANGES.iter().map(|range| format!("\"{range}\""))))
        .end()
}

fn today(meta: Object, latest: &Latest, price: impl Fn(f64) -> String) -> Object {
    meta.raw("regularMarketPrice", price(latest.day.close))
        .raw("fiftyTwoWeekHigh", price(latest.year_high))
        .raw("fiftyTwoWeekLow", price(latest.year_low))
        .raw("regularMarketDayHigh", price(latest.day.high))
        .raw("regularMarketDayLow", price(latest.day.low))
        .raw("regularMarketVolume", latest.day.volume)
}

/// The close before the first row: of the bar before it, and of the session before if it is intraday. Where nothing was
/// traded before, its own. A window without rows begins after the last session that was over by then.
fn previous(request: &Request, view: &View, rows: &Rows) -> Option<f64> {
    let empty = || {
        let date = view.market.date(request.from);
        let over = view.market.session(date).is_some_and(|session| session.close <= request.from);
        let next = |date: jiff::civil::Date| date.tomorrow().unwrap_or(date);
        (if over { next(date) } else { date }).min(next(view.newest.date))
    };
    let first = rows.first.unwrap_or_else(empty);
    let before = match request.interval.intraday() {
        true => view.session_close_before(first),
        false => view.close_before(first),
    };
    before.or_else(|| rows.rows.iter().find_map(|row| row.values).map(|values| values.close))
}

fn period(view: &View, start: i64, end: i64) -> String {
    let (offset, zone) = view.market.offset(start);
    Object::default().text("timezone", &zone).raw("start", start).raw("end", end).raw("gmtoffset", offset).end()
}

/// Parts of a session. One that lasts the whole day ends a minute before midnight.
struct Parts {
    pre: String,
    regular: String,
    post: String,
}

fn parts(view: &View, session: &Session) -> Parts {
    let minute = if view.market.listing.hours.1 == 1_440 { 60 } else { 0 };
    let close = session.close - minute;
    Parts {
        pre: period(view, session.pre, session.open),
        regular: period(view, session.open, close),
        post: period(view, close, session.post - minute),
    }
}

/// Today's session, or the last one on a day without.
fn current(view: &View) -> String {
    let today = view.market.date(view.now);
    let session = view.market.session(today).unwrap_or(view.newest);
    let Parts { pre, regular, post } = parts(view, &session);
    Object::default().raw("pre", pre).raw("regular", regular).raw("post", post).end()
}

/// The sessions from the day on which the window, or for a range its first row, begins to the day of the last row.
fn periods(request: &Request, view: &View, rows: &Rows) -> Option<String> {
    let last = rows.rows.last().filter(|_| request.interval.intraday())?;
    let first = if request.range.is_empty() { view.market.date(request.from) } else { rows.first? };
    // A row at midnight closes the day before.
    let sessions = view.market.sessions(first, view.market.date(last.stamp)).take_while(|it| it.pre <= last.stamp);
    let parts: Vec<Parts> = sessions.map(|session| parts(view, &session)).collect();
    let lists = |part: fn(&Parts) -> &String| list(parts.iter().map(|it| format!("[{}]", part(it))));
    if !request.extended {
        return Some(lists(|it| &it.regular));
    }
    let object = Object::default().raw("pre", lists(|it| &it.pre)).raw("post", lists(|it| &it.post));
    Some(object.raw("regular", lists(|it| &it.regular)).end())
}
