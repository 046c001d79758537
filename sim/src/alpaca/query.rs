//! What is asked for.

use super::{Call, Class, error};
use crate::facade::Reply;
use crate::instruments::{Bar, Instrument, Unit, base64, date, instant, utc_text};
use crate::market::Market;
use crate::prices::hash;
use jiff::civil::{Date, Weekday};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Within(i64),
    Days(Unit),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    Sip,
    Iex,
}

/// What prices are adjusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Adjust {
    pub splits: bool,
    pub dividends: bool,
}

#[derive(Debug)]
pub(super) struct Query {
    /// Each once, in order.
    pub symbols: Vec<String>,
    pub size: Size,
    pub start: i64,
    pub end: i64,
    pub limit: usize,
    pub newest_first: bool,
    pub adjust: Adjust,
    pub feed: Feed,
    /// After which bar of which symbol the page begins.
    pub after: Option<(String, i64)>,
}

pub(super) fn read(call: &Call<'_>, class: Class, symbols: &str) -> Result<Query, Reply> {
    let get = |name| call.params.get(name).filter(|value| !value.is_empty());
    let invalid = |name: &str, value: &str| error(400, &format!("invalid {name}: {value}"));
    let size = get("timeframe").ok_or_else(|| error(400, "timeframe is required"))?;
    let size = timeframe(size).ok_or_else(|| invalid("timeframe", size))?;
    let (start, end) = window(call, class)?;
    let limit = get("limit").unwrap_or("1000");
    let parsed = limit.parse().ok().filter(|limit| (1..=10_000).contains(limit));
    let sort = get("sort").unwrap_or("asc");
    if !["asc", "desc"].contains(&sort) {
        return Err(invalid("sort", sort));
    }
    if let Some(currency) = get("currency").filter(|currency| *currency != "USD") {
        return Err(invalid("currency", currency));
    }
    Ok(Query {
        symbols: self::symbols(symbols)?,
        size,
        start,
        end,
        limit: parsed.ok_or_else(|| invalid("limit", limit))?,
        newest_first: sort == "desc",
        adjust: adjustment(get("adjustment").unwrap_or("raw"))?,
        feed: feed(call, class, end)?,
        after: get("page_token")
            .map(|token| from_token(token).ok_or_else(|| invalid("page_token", token)))
            .transpose()?,
    })
}

/// As they are written: capitals, digits and what separates.
pub(super) fn symbols(text: &str) -> Result<Vec<String>, Reply> {
    let mut symbols: Vec<String> = text.split(',').filter(|symbol| !symbol.is_empty()).map(str::to_owned).collect();
    if symbols.is_empty() {
        return Err(error(400, "symbols is required"));
    }
    let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || ".-/".contains(c);
    if let Some(symbol) = symbols.iter().find(|symbol| !symbol.chars().all(known)) {
        return Err(error(400, &format!("invalid symbol: {symbol}")));
    }
    symbols.sort();
    symbols.dedup();
    Ok(symbols)
}

fn timeframe(text: &str) -> Option<Size> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let count: i64 = count.parse().ok()?;
    match unit {
        "Min" | "T" if (1..=59).contains(&count) => Some(Size::Within(count * 60)),
        "Hour" | "H" if (1..=23).contains(&count) => Some(Size::Within(count * 3_600)),
        "Day" | "D" if count == 1 => Some(Size::Days(Unit::Day)),
        "Week" | "W" if count == 1 => Some(Size::Days(Unit::Week(Weekday::Monday))),
        "Month" | "M" if [1, 2, 3, 4, 6, 12].contains(&count) => Some(Size::Days(Unit::Months(count as i8))),
        _ => None,
    }
}

/// From the beginning of today until now, unless told otherwise.
fn window(call: &Call<'_>, class: Class) -> Result<(i64, i64), Reply> {
    let zone = if class == Class::Stocks { "AAPL" } else { "BTC-USD" };
    let Some(market) = Market::find(zone) else { return Err(error(500, "internal server error occurred")) };
    let moment = |name: &str, at: &dyn Fn(Date) -> i64| match call.params.get(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match date(text).map(at).or_else(|| instant(text)) {
            Some(at) => Ok(Some(at)),
            None => Err(error(400, &format!("invalid format for parameter {name}: error parsing '{text}' as RFC3339"))),
        },
    };
    let start = moment("start", &|day| market.midnight(day))?;
    let end = moment("end", &|day| market.midnight(day.tomorrow().unwrap_or(day)) - 1)?;
    let start = start.unwrap_or_else(|| market.midnight(market.date(call.now)));
    let end = end.unwrap_or(call.now);
    if start > end {
        return Err(error(400, "end should not be before start"));
    }
    Ok((start, end))
}

fn adjustment(text: &str) -> Result<Adjust, Reply> {
    let mut adjust = Adjust { splits: false, dividends: false };
    for name in text.split(',') {
        match name {
            "raw" | "spin-off" => {}
            "split" => adjust.splits = true,
            "dividend" => adjust.dividends = true,
            "all" => adjust = Adjust { splits: true, dividends: true },
            _ => return Err(error(400, &format!("invalid adjustment: {text}"))),
        }
    }
    Ok(adjust)
}

/// Without a wish it is the consolidated tape, as far as the plan allows.
fn feed(call: &Call<'_>, class: Class, end: i64) -> Result<Feed, Reply> {
    let barred = call.basic && class == Class::Stocks && end > call.now - 900;
    match call.params.get("feed").unwrap_or_default() {
        "" if barred => Ok(Feed::Iex),
        "sip" if barred => Err(error(403, "subscription does not permit querying recent SIP data")),
        "" | "sip" => Ok(Feed::Sip),
        "iex" => Ok(Feed::Iex),
        other => Err(error(400, &format!("invalid feed: {other}"))),
    }
}

impl Feed {
    /// One exchange sees a small part of what is traded, at about the same prices.
    pub(super) fn seen(self, instrument: &Instrument, bar: Bar) -> Bar {
        let Instrument::Stock(stock) = instrument else { return bar };
        if self == Feed::Sip {
            return bar;
        }
        let chance = hash(stock.market.listing.symbol, bar.at ^ 1_313);
        let cents = (chance % 5) as f64 / 100.0;
        let close = crate::instruments::round((bar.close + cents).clamp(bar.low, bar.high), 4);
        let share = 0.025 + (chance % 1_000) as f64 / 50_000.0;
        Bar { close, volume: (bar.volume * share).floor() + 1.0, trades: bar.trades / 20 + 1, ..bar }
    }
}

impl Size {
    /// The letter of the bars from which it is made.
    fn letter(self) -> char {
        match self {
            Size::Within(_) => 'M',
            Size::Days(_) => 'D',
        }
    }
}

pub(super) fn token(symbol: &str, size: Size, at: i64) -> String {
    base64::encode(&format!("{symbol}|{}|{}.000000000Z", size.letter(), utc_text(at)))
}

fn from_token(token: &str) -> Option<(String, i64)> {
    let text = base64::decode(token)?;
    let mut parts = text.split('|');
    let (symbol, _, at) = (parts.next()?, parts.next()?, parts.next()?);
    Some((symbol.to_owned(), instant(at)?))
}
