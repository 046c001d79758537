//! Binance spot klines: rows of twelve, ascending, numbers as text with a fixed scale.
//!
//! Semantics of the window parameters from binance-spot-api-docs, rest-api.md §Kline: both ends are inclusive and
//! compared with the open time; with a start the oldest `limit` bars are returned, without one the newest.

use crate::manifest::Manifest;
use crate::rows::{Order, Rows, Runs};
use crate::{
    Composed, Decoded, Failure, Named, Native, NativeAsk, NativeError, NativeRequest, Page, Provider, Recognised,
    Segment, Shape, Undecodable, Unsupported, Upstream,
};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::{Grid, Interval, Unit};
use finex_core::columns::{Bars, Column};
use finex_core::plan::{Anchor, Call};
use finex_core::series::{Scope, Series, Variant};
use finex_core::status::ErrorClass;
use finex_core::time::{BEGINNING, END, Ts, Window};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::borrow::Cow;

pub const MILLISECONDS: Shape = Shape(0);
pub const MICROSECONDS: Shape = Shape(1);

const COLUMNS: [Column; 11] = [
    Column::Open,
    Column::High,
    Column::Low,
    Column::Close,
    Column::Volume,
    Column::CloseTime,
    Column::QuoteVolume,
    Column::Trades,
    Column::TakerBase,
    Column::TakerQuote,
    Column::Ignore,
];
const DEFAULT_LIMIT: u64 = 500;
/// Binance answers a limit somewhat too high with a full page; far beyond that it can only be a mistake.
const ABSURD_LIMIT: u64 = 100_000;
const PARAMETERS: [&str; 6] = ["symbol", "interval", "startTime", "endTime", "timeZone", "limit"];
const JSON: &str = "application/json;charset=UTF-8";

pub struct Binance {
    manifest: Manifest,
}

impl Binance {
    #[allow(clippy::expect_used, reason = "the manifest is compiled in and read by a test")]
    pub fn new(adjust: &dyn Fn(&mut Manifest)) -> Self {
        let mut manifest = Manifest::parse(include_str!("../binance.toml")).expect("binance.toml is readable");
        adjust(&mut manifest);
        Binance { manifest }
    }

    fn native_ask(&self, endpoint: &str, request: &NativeRequest<'_>) -> Result<NativeAsk, NativeError> {
        let params = Params::read(request.query)?;
        let symbol = params.required("symbol")?;
        if !is_symbol(symbol) {
            return Err(illegal("symbol", "^[A-Z0-9-_.]{1,20}$"));
        }
        let native = params.required("interval")?;
        let interval = self.manifest.interval(native).ok_or_else(|| refuse(-1120, "Invalid interval."))?;
        let shape = time_unit((request.header)("x-mbx-time-unit"))?;
        let offset =
            params.get("timeZone").map_or(Ok(0), |zone| zone_offset(zone).ok_or_else(|| invalid("timeZone")))?;
        let (start, end) = (params.time("startTime")?, params.time("endTime")?);
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return Err(refuse(-1023, "Start time is greater than end time."));
        }
        let limit = params.limit(self.manifest.page)?;
        let from = start.unwrap_or(BEGINNING);
        let to = end.map_or(END, |end| end.saturating_add(1));
        let take = if start.is_some() { Take::First(limit) } else { Take::Last(limit) };
        let ask = Ask { window: Window::new(from, to), take, columns: self.manifest.columns };
        let series = self.make_series(symbol, interval, endpoint, offset);
        Ok(NativeAsk { series: series.into(), ask, native: Native { shape, ..Native::default() } })
    }

    fn make_series(&self, symbol: &str, interval: Interval, endpoint: &str, offset: i64) -> Series {
        let mut variant = vec![("endpoint", endpoint.to_owned())];
        if moves_boundaries(interval, offset) {
            variant.push(("tz", offset_text(offset)));
        }
        Series {
            provider: self.manifest.id.as_str().into(),
            symbol: symbol.into(),
            interval,
            currency: self.manifest.quote_of(symbol).unwrap_or_default().into(),
            variant: variant.into_iter().collect::<Variant>(),
            scope: Scope::Shared,
        }
    }
}

impl Provider for Binance {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn recognise(&self, request: &NativeRequest<'_>) -> Recognised {
        let endpoint = match request.path {
            "/api/v3/klines" => "klines",
            "/api/v3/uiKlines" => "uiKlines",
            _ => return Recognised::Forward,
        };
        if !matches!(request.method, "GET" | "HEAD") {
            return Recognised::Forward;
        }
        match self.native_ask(endpoint, request) {
            Ok(ask) => Recognised::Series(ask),
            Err(error) => Recognised::Refused(error),
        }
    }

    fn series(&self, symbol: &str, interval: Interval) -> Result<Series, Unsupported> {
        if !is_symbol(symbol) {
            return Err(Unsupported::Symbol {
                provider: self.manifest.id.clone(),
                symbol: symbol.chars().filter(|c| !c.is_control()).take(40).collect(),
                rule: "write it in capitals, as in BTCUSDT",
            });
        }
        self.manifest.offers(interval)?;
        Ok(self.make_series(symbol, interval, "klines", 0))
    }

    fn grid(&self, series: &Series) -> Grid {
        Grid::new(series.interval, series.variant.get("tz").and_then(zone_offset).unwrap_or(0))
    }

    fn call(&self, series: &Series, call: &Call, _named: Named, _now: Ts) -> Upstream {
        let endpoint = series.variant.get("endpoint").unwrap_or("klines");
        let interval = self.manifest.native_interval(series.interval).unwrap_or_default();
        let mut query = format!("symbol={}&interval={interval}", series.symbol);
        match call.anchor {
            // Before 1970 there is nothing, and Binance reads no sign.
            Anchor::Start | Anchor::Both => query.push_str(&format!("&startTime={}", call.window.from.max(0))),
            Anchor::End => query.push_str(&format!("&endTime={}", (call.window.to - 1).max(0))),
        }
        query.push_str(&format!("&limit={}", call.limit));
        if let Some(zone) = series.variant.get("tz") {
            query.push_str(&format!("&timeZone={}", zone.replace('+', "")));
        }
        Upstream { path: format!("/api/v3/{endpoint}"), query }
    }

    fn admissible(&self, _series: &Series, call: &Call) -> Window {
        match call.anchor {
            Anchor::Start | Anchor::Both => Window::new(call.window.from, END),
            Anchor::End => Window::new(BEGINNING, call.window.to),
        }
    }

    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
        let code = serde_json::from_slice::<ErrorBody<'_>>(body).ok().map(|error| error.code);
        match (status, code) {
            (429 | 418, _) | (_, Some(-1003)) => Some(ErrorClass::Rate),
            (451, _) => Some(ErrorClass::Plan),
            (401, _) => Some(ErrorClass::Auth),
            (_, Some(-1121)) => Some(ErrorClass::NotFound),
            (200, None) if content_type.starts_with("text/html") || starts_with(body, b'<') => Some(ErrorClass::Up),
            (200, None) => None,
            (400, Some(_)) => Some(ErrorClass::Bad),
            _ => Some(ErrorClass::Up),
        }
    }

    fn decode(&self, series: &Series, _call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
        read(series, body).map(|bars| Decoded { bars, ..Decoded::default() })
    }

    fn encode(&self, _series: &Series, bars: &Bars, shape: Shape) -> Runs {
        let write = |text: &mut bytes::BytesMut, row| write_row(text, bars, row, shape);
        Rows::each(bars.len(), self.manifest.row_bytes, Order::OldestFirst, b',', write).into()
    }

    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
        let rows = runs.slice(0, 0, runs.len());
        let mut body = Vec::with_capacity(rows.len() + 2);
        body.push(b'[');
        body.extend_from_slice(&rows);
        body.push(b']');
        read(series, &body)
    }

    fn compose(&self, page: &Page<'_>) -> Composed {
        let segments = vec![Segment::Static("["), Segment::Run(0), Segment::Static("]")];
        Composed { segments, content_type: JSON, separator: ",", shape: page.native.shape }
    }

    fn error(&self, failure: &Failure) -> NativeError {
        let (status, code, msg) = match failure.class {
            ErrorClass::Rate | ErrorClass::Quota => {
                (429, -1003, "Too much request weight used; please wait before sending more requests.")
            }
            ErrorClass::NotFound => (400, -1121, "Invalid symbol."),
            ErrorClass::Bad | ErrorClass::OutOfWindow => (400, -1130, "Data sent for a parameter is not valid."),
            ErrorClass::Auth => (401, -2015, "Invalid API-key, IP, or permissions for action."),
            ErrorClass::Plan => (451, -1000, "Service unavailable from a restricted location."),
            ErrorClass::Up if failure.timed_out => (504, -1007, "Timeout waiting for response from backend server."),
            ErrorClass::Up => (503, -1001, "Internal error; unable to process your request. Please try again."),
        };
        let is_own = |status: u16, body: &str| status >= 400 && serde_json::from_str::<ErrorBody<'_>>(body).is_ok();
        let own = failure.native.clone().filter(|(status, body)| is_own(*status, body));
        match own {
            Some((status, body)) => NativeError { status, body, content_type: JSON, reason: failure.detail.clone() },
            None => NativeError { reason: failure.detail.clone(), ..shaped(status, code, msg) },
        }
    }
}

/// The bars of a klines body.
pub fn read(series: &Series, body: &[u8]) -> Result<Bars, Undecodable> {
    let bad = |detail: String| Undecodable::new("Binance", detail);
    let rows: Vec<Kline<'_>> = serde_json::from_slice(body).map_err(|e| bad(e.to_string()))?;
    let longest = series.interval.fixed_len().unwrap_or(series.interval.nominal_len() / 30 * 31);
    let mut bars = Bars::with_columns(COLUMNS);
    bars.times.reserve(rows.len());
    for row in &rows {
        if row.close_time() < row.0 || row.close_time().saturating_sub(row.0) >= longest + 86_400_000 / 24 {
            return Err(bad(format!("a bar from {} to {} is not one of {}", row.0, row.close_time(), series.interval)));
        }
        if let Some(text) = row.numbers().into_iter().find(|text| !is_number(text)) {
            return Err(bad(format!("{text:?} is no number")));
        }
        row.append_to(&mut bars);
    }
    Ok(bars)
}

/// `[openTime,"open","high","low","close","volume",closeTime,"quoteVolume",trades,"takerBase","takerQuote","ignore"]`
#[derive(Deserialize)]
struct Kline<'a>(
    Ts,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    Ts,
    #[serde(borrow)] Cow<'a, str>,
    u64,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
);

impl Kline<'_> {
    fn close_time(&self) -> Ts {
        self.6
    }

    fn numbers(&self) -> [&str; 9] {
        [&self.1, &self.2, &self.3, &self.4, &self.5, &self.7, &self.9, &self.10, &self.11]
    }

    /// Columns in the order of [`COLUMNS`].
    fn append_to(&self, bars: &mut Bars) {
        let mut number = itoa::Buffer::new();
        let close_time = number.format(self.6).to_owned();
        let mut number = itoa::Buffer::new();
        let trades = number.format(self.8);
        let texts = [
            &self.1,
            &self.2,
            &self.3,
            &self.4,
            &self.5,
            close_time.as_str(),
            &self.7,
            trades,
            &self.9,
            &self.10,
            &self.11,
        ];
        bars.times.push(self.0);
        bars.columns.iter_mut().zip(texts).for_each(|((_, column), text)| column.push(text));
    }
}

fn write_row(out: &mut bytes::BytesMut, bars: &Bars, row: usize, shape: Shape) {
    let micro = shape == MICROSECONDS;
    let mut number = itoa::Buffer::new();
    out.extend_from_slice(b"[");
    out.extend_from_slice(number.format(bars.times[row]).as_bytes());
    out.extend_from_slice(if micro { b"000" } else { b"" });
    for (column, texts) in &bars.columns {
        let text = texts.get(row).unwrap_or("0").as_bytes();
        let parts: [&[u8]; 3] = match *column {
            // A close time is the last millisecond, or microsecond, of the bar.
            Column::CloseTime => [b",", text, if micro { b"999" } else { b"" }],
            Column::Trades => [b",", text, b""],
            _ => [b",\"", text, b"\""],
        };
        parts.iter().for_each(|part| out.extend_from_slice(part));
    }
    out.extend_from_slice(b"]");
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    code: i64,
    #[allow(dead_code, reason = "its presence is what tells an error from other JSON")]
    #[serde(borrow)]
    msg: Cow<'a, str>,
}

fn starts_with(body: &[u8], byte: u8) -> bool {
    body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&byte)
}

/// Plain decimals, as every number of Binance is written.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain && digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().filter(|b| *b == b'.').count() <= 1
}

fn is_symbol(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
        && text.bytes().any(|b| b.is_ascii_alphanumeric())
}

/// Query parameters, each at most once and each known.
struct Params(Vec<(String, String)>);

impl Params {
    fn read(query: &str) -> Result<Params, NativeError> {
        let mut params: Vec<(String, String)> = Vec::new();
        let mut unread = 0;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            if params.iter().any(|(seen, _)| *seen == name) {
                return Err(refuse(-1101, "Duplicate values for a parameter detected."));
            }
            unread += usize::from(!PARAMETERS.contains(&name.as_str()));
            params.push((name, value));
        }
        if unread > 0 {
            let (read, sent) = (params.len() - unread, params.len());
            let msg = format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
            return Err(refuse(-1104, &msg));
        }
        Ok(Params(params))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, NativeError> {
        match self.get(name) {
            Some("") => Err(refuse(-1105, &format!("Parameter '{name}' was empty."))),
            Some(value) => Ok(value),
            None => {
                let msg = format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
                Err(refuse(-1102, &msg))
            }
        }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, NativeError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if text.is_empty() {
            return Err(refuse(-1105, &format!("Parameter '{name}' was empty.")));
        }
        if text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(illegal(name, "^[0-9]{1,20}$"));
        }
        text.parse().map(Some).map_err(|_| invalid(name))
    }

    /// Milliseconds; sixteen digits are microseconds, as Binance reads them. What can only be seconds is refused:
    /// Binance would answer for January 1970.
    fn time(&self, name: &str) -> Result<Option<Ts>, NativeError> {
        const SECONDS: std::ops::Range<u64> = 1_000_000_000..10_000_000_000;
        const MICROSECONDS: u64 = 100_000_000_000_000;
        match self.number(name)? {
            Some(n) if SECONDS.contains(&n) => {
                let reason = format!("{name} is in seconds: send milliseconds, {n}000");
                Err(NativeError { reason, ..invalid(name) })
            }
            Some(n) if n >= MICROSECONDS => {
                let ms = if name == "startTime" { n.div_ceil(1_000) } else { n / 1_000 };
                i64::try_from(ms).map(|ms| Some(ms.min(END - 1))).map_err(|_| invalid(name))
            }
            n => Ok(n.map(|n| n as i64)),
        }
    }

    fn limit(&self, page: u64) -> Result<u64, NativeError> {
        match self.number("limit")? {
            None => Ok(DEFAULT_LIMIT),
            Some(0) | Some(ABSURD_LIMIT..) => Err(invalid("limit")),
            Some(n) => Ok(n.min(page)),
        }
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn time_unit(header: Option<&str>) -> Result<Shape, NativeError> {
    match header.map(str::trim) {
        None | Some("") => Ok(MILLISECONDS),
        Some(unit) if unit.eq_ignore_ascii_case("millisecond") => Ok(MILLISECONDS),
        Some(unit) if unit.eq_ignore_ascii_case("microsecond") => Ok(MICROSECONDS),
        Some(_) => Err(invalid("X-MBX-TIME-UNIT")),
    }
}

/// `8`, `-1:00`, `05:45`, `+05:45` in milliseconds east of UTC, from -12:00 to +14:00.
fn zone_offset(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = text.split_once(':').unwrap_or((text, "00"));
    let digits = |t: &str| !t.is_empty() && t.len() <= 2 && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) || minutes.len() != 2 {
        return None;
    }
    let minutes: i64 = minutes.parse().ok().filter(|m| *m < 60)?;
    let total = sign * (hours.parse::<i64>().ok()? * 60 + minutes);
    (-12 * 60..=14 * 60).contains(&total).then_some(total * 60_000)
}

fn offset_text(offset: i64) -> String {
    let minutes = offset.abs() / 60_000;
    format!("{}{:02}:{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

/// Does a zone change the bars at all? Minutes open together in every zone.
fn moves_boundaries(interval: Interval, offset: i64) -> bool {
    let intraday = matches!(interval.unit, Unit::Second | Unit::Minute | Unit::Hour);
    let in_step = interval.fixed_len().is_some_and(|len| offset % len == 0);
    offset != 0 && !(intraday && in_step)
}

fn refuse(code: i64, msg: &str) -> NativeError {
    shaped(400, code, msg)
}

fn shaped(status: u16, code: i64, msg: &str) -> NativeError {
    let body = serde_json::json!({ "code": code, "msg": msg }).to_string();
    NativeError { status, body, content_type: JSON, reason: msg.to_owned() }
}

fn illegal(name: &str, range: &str) -> NativeError {
    refuse(-1100, &format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
}

fn invalid(name: &str) -> NativeError {
    refuse(-1130, &format!("Data sent for parameter '{name}' is not valid."))
}

#[cfg(test)]
mod tests;
