//! Binance spot, as far as its public market data goes.
//!
//! Behaviour from binance-spot-api-docs (rest-api.md, errors.md): windows inclusive at both ends, the oldest rows with a
//! start and the newest without, at most 1000; request weight per calendar minute, 429 and then 418.

use crate::faults::Fault;
use crate::prices::{Bar, LISTINGS, Listing, find};
use finex_core::calendar::{Grid, Interval};
use finex_core::time::Ts;
use std::fmt::Write;

/// An answer before faults.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// What a kline request asks for, in milliseconds.
#[derive(Debug, Clone)]
pub struct KlineQuery {
    pub listing: Listing,
    pub grid: Grid,
    pub start: Option<Ts>,
    pub end: Option<Ts>,
    pub limit: usize,
    pub micro: bool,
    pub ui: bool,
}

const INTERVALS: [(&str, &str); 16] = [
    ("1s", "1s"),
    ("1m", "1m"),
    ("3m", "3m"),
    ("5m", "5m"),
    ("15m", "15m"),
    ("30m", "30m"),
    ("1h", "1h"),
    ("2h", "2h"),
    ("4h", "4h"),
    ("6h", "6h"),
    ("8h", "8h"),
    ("12h", "12h"),
    ("1d", "1d"),
    ("3d", "3d"),
    ("1w", "1w"),
    ("1M", "1mo"),
];

pub fn error(status: u16, code: i64, msg: &str) -> Answer {
    Answer { status, body: format!("{{\"code\":{code},\"msg\":\"{msg}\"}}") }
}

/// Weight of a request.
pub fn weight(path: &str) -> u32 {
    match path {
        "/api/v3/klines" | "/api/v3/uiKlines" | "/api/v3/avgPrice" | "/api/v3/ticker/24hr" => 2,
        "/api/v3/exchangeInfo" => 20,
        "/api/v3/ticker/price" => 2,
        _ => 1,
    }
}

pub fn is_series(path: &str) -> bool {
    matches!(path, "/api/v3/klines" | "/api/v3/uiKlines")
}

/// Everything that is no series.
pub fn other(path: &str, query: &str, now: Ts) -> Answer {
    let listing = param(query, "symbol").and_then(|symbol| find(&symbol));
    let body = match (path, listing) {
        ("/api/v3/ping", _) => "{}".to_owned(),
        ("/api/v3/time", _) => format!("{{\"serverTime\":{now}}}"),
        ("/api/v3/exchangeInfo", _) => exchange_info(now),
        ("/api/v3/ticker/price", Some(listing)) => price(&listing, now),
        ("/api/v3/ticker/price", None) if param(query, "symbol").is_none() => {
            let all: Vec<String> = LISTINGS.iter().map(|listing| price(listing, now)).collect();
            format!("[{}]", all.join(","))
        }
        ("/api/v3/ticker/24hr", Some(listing)) => ticker(&listing, now),
        ("/api/v3/ticker/price" | "/api/v3/ticker/24hr", None) => return error(400, -1121, "Invalid symbol."),
        _ => return Answer { status: 404, body: "{\"code\":-1000,\"msg\":\"Not found.\"}".into() },
    };
    Answer { status: 200, body }
}

/// Reads a kline request, in the order in which Binance complains.
pub fn read_query(path: &str, query: &str, time_unit: Option<&str>) -> Result<KlineQuery, Answer> {
    let symbol = param(query, "symbol")
        .ok_or_else(|| error(400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."))?;
    let interval = param(query, "interval").ok_or_else(|| {
        error(400, -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.")
    })?;
    let listing = find(&symbol).ok_or_else(|| error(400, -1121, "Invalid symbol."))?;
    let name = INTERVALS.iter().find(|(native, _)| *native == interval).map(|(_, name)| *name);
    let interval: Interval =
        name.and_then(|name| name.parse().ok()).ok_or_else(|| error(400, -1120, "Invalid interval."))?;
    let number = |name: &str| match param(query, name) {
        None => Ok(None),
        Some(text) => text.parse::<i64>().ok().filter(|n| *n >= 0).map(Some).ok_or_else(|| {
            error(
                400,
                -1100,
                &format!("Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."),
            )
        }),
    };
    let offset = param(query, "timeZone").map_or(Some(0), |zone| offset(&zone));
    let offset = offset.ok_or_else(|| error(400, -1130, "Data sent for parameter 'timeZone' is not valid."))?;
    let in_ms = |n: i64| if n >= 100_000_000_000_000 { n / 1_000 } else { n };
    Ok(KlineQuery {
        listing,
        grid: Grid::new(interval, offset),
        start: number("startTime")?.map(in_ms),
        end: number("endTime")?.map(in_ms),
        limit: number("limit")?.unwrap_or(500).clamp(1, 1_000) as usize,
        micro: time_unit.is_some_and(|unit| unit.eq_ignore_ascii_case("microsecond")),
        ui: path.ends_with("uiKlines"),
    })
}

fn offset(zone: &str) -> Option<i64> {
    let (hours, minutes) = zone.split_once(':').unwrap_or((zone, "0"));
    let negative = hours.starts_with('-');
    let minutes = minutes.parse::<i64>().ok()? + hours.parse::<i64>().ok()?.abs() * 60;
    Some(if negative { -minutes } else { minutes } * 60_000)
}

impl KlineQuery {
    /// The bars of the answer.
    pub fn bars(&self, now: Ts) -> Vec<Bar> {
        let end = self.end.unwrap_or(Ts::MAX).min(now);
        let opens: Vec<Ts> = match self.start {
            Some(start) => self.listing.opens(self.grid, start, end).take(self.limit).collect(),
            None => {
                let mut back: Vec<Ts> = self.listing.opens_back(self.grid, end).take(self.limit).collect();
                back.reverse();
                back
            }
        };
        opens.into_iter().map(|open| self.listing.bar(self.grid, open, now)).collect()
    }

    /// The body, with what a fault does to its rows.
    pub fn body(&self, now: Ts, fault: Option<&Fault>) -> String {
        let mut bars = match fault {
            Some(Fault::OtherInterval) => {
                let minute = Grid::new(Interval { count: 1, unit: finex_core::calendar::Unit::Minute }, 0);
                KlineQuery { grid: minute, ..self.clone() }.bars(now)
            }
            _ => self.bars(now),
        };
        match fault {
            Some(Fault::Duplicated) => bars = bars.into_iter().flat_map(|bar| [bar, bar]).collect(),
            Some(Fault::Reversed) => bars.reverse(),
            _ => {}
        }
        let middle = bars.len() / 2;
        if let (Some(Fault::Implausible), Some(bar)) = (fault, bars.get_mut(middle)) {
            std::mem::swap(&mut bar.high, &mut bar.low);
        }
        let rows: Vec<String> = bars.iter().map(|bar| self.row(bar)).collect();
        let body = format!("[{}]", rows.join(","));
        match fault {
            Some(Fault::NanToken) => body.replacen(",\"", ",NaN,\"", 1),
            Some(Fault::WrongType) => wrong_type(&body),
            _ => body,
        }
    }

    fn row(&self, bar: &Bar) -> String {
        let (opens, closes) = if self.micro {
            (bar.open_time * 1_000, bar.close_time * 1_000 + 999)
        } else {
            (bar.open_time, bar.close_time)
        };
        // Charts see prices slightly smoothed: enough to tell the two endpoints apart.
        let smooth = |price: i128| if self.ui { price / 1_000 * 1_000 } else { price };
        let quote = bar.volume * ((bar.open + bar.close) / 2) / 100_000_000;
        let mut row = String::with_capacity(160);
        let _ = write!(
            row,
            "[{opens},\"{}\",\"{}\",\"{}\",\"{}\",\"{}\",{closes},\"{}\",{},\"{}\",\"{}\",\"0\"]",
            fixed(smooth(bar.open)),
            fixed(smooth(bar.high)),
            fixed(smooth(bar.low)),
            fixed(smooth(bar.close)),
            fixed(bar.volume),
            fixed(quote),
            bar.trades,
            fixed(bar.volume / 2),
            fixed(quote / 2),
        );
        row
    }
}

/// The first price without its quotation marks.
fn wrong_type(body: &str) -> String {
    let mut parts = body.splitn(3, '"');
    let (head, price, tail) = (parts.next(), parts.next(), parts.next());
    [head, price, tail].into_iter().flatten().collect()
}

/// Eight decimals, whatever the size.
fn fixed(value: i128) -> String {
    format!("{}{}.{:08}", if value < 0 { "-" } else { "" }, value.abs() / 100_000_000, value.abs() % 100_000_000)
}

fn param(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.split_once('=').filter(|(n, _)| *n == name))?;
    Some(pair.1.replace("%3A", ":").replace("%2B", "+"))
}

fn price(listing: &Listing, now: Ts) -> String {
    let bar = listing.bar(minute(), minute().open(minute().index(now)), now);
    format!("{{\"symbol\":\"{}\",\"price\":\"{}\"}}", listing.symbol, fixed(bar.close))
}

fn ticker(listing: &Listing, now: Ts) -> String {
    let bar = listing.bar(minute(), minute().open(minute().index(now)), now);
    format!(
        "{{\"symbol\":\"{}\",\"lastPrice\":\"{}\",\"openPrice\":\"{}\",\"highPrice\":\"{}\",\"lowPrice\":\"{}\",\
         \"volume\":\"{}\",\"openTime\":{},\"closeTime\":{},\"count\":{}}}",
        listing.symbol,
        fixed(bar.close),
        fixed(bar.open),
        fixed(bar.high),
        fixed(bar.low),
        fixed(bar.volume),
        now - 86_400_000,
        now,
        bar.trades
    )
}

fn minute() -> Grid {
    Grid::new(Interval { count: 1, unit: finex_core::calendar::Unit::Minute }, 0)
}

fn exchange_info(now: Ts) -> String {
    let symbols: Vec<String> = LISTINGS.iter().map(symbol_info).collect();
    format!(
        "{{\"timezone\":\"UTC\",\"serverTime\":{now},\"rateLimits\":[{{\"rateLimitType\":\"REQUEST_WEIGHT\",\
         \"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000}}],\"exchangeFilters\":[],\"symbols\":[{}]}}",
        symbols.join(",")
    )
}

fn symbol_info(listing: &Listing) -> String {
    format!(
        "{{\"symbol\":\"{}\",\"status\":\"TRADING\",\"baseAsset\":\"{}\",\"baseAssetPrecision\":8,\"quoteAsset\":\"{}\",\
         \"quotePrecision\":8,\"quoteAssetPrecision\":8,\"baseCommissionPrecision\":8,\"quoteCommissionPrecision\":8,\
         \"orderTypes\":[\"LIMIT\",\"MARKET\"],\"icebergAllowed\":true,\"ocoAllowed\":true,\
         \"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,\"permissions\":[\"SPOT\"],\"filters\":[\
         {{\"filterType\":\"PRICE_FILTER\",\"minPrice\":\"0.00000001\",\"maxPrice\":\"1000000.00000000\",\
         \"tickSize\":\"0.00000001\"}},{{\"filterType\":\"LOT_SIZE\",\"minQty\":\"0.00000100\",\
         \"maxQty\":\"9000.00000000\",\"stepSize\":\"0.00000100\"}}]}}",
        listing.symbol, listing.base, listing.quote
    )
}
