//! Yahoo Finance charts: columns, with an envelope that depends on the window and on now.
//!
//! Windows, from recorded answers: `period1` and `period2` are seconds and both inclusive, and the bar that contains
//! `period1` comes too, a daily one if its session was not over. Daily bars open when their session does. Weeks and
//! longer are put together from the window, whose edges cut the first and the last: such an answer is one piece.

mod chart;
mod errors;
mod notes;
mod range;
mod write;

use crate::manifest::Manifest;
use crate::rows::Runs;
use crate::{
    Composed, Decoded, Failure, Local, Named, Native, NativeAsk, NativeError, NativeRequest, Page, Provider,
    Recognised, Shape, Undecodable, Unsupported, Upstream,
};
use bytes::Bytes;
use errors::{bad_request, not_found, unprocessable};
use finex_core::ask::Ask;
use finex_core::calendar::{Grid, Interval, Unit};
use finex_core::columns::{Bars, Columns};
use finex_core::envelope::Envelope;
use finex_core::exchange::Exchange;
use finex_core::plan::{Call, Limits};
use finex_core::series::{Scope, Series, Variant};
use finex_core::status::ErrorClass;
use finex_core::time::{BEGINNING, END, Ts, Window};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const CHART: &str = "/v8/finance/chart/";
/// A path segment; only what every server reads alike stays as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');
const DAY: i64 = 86_400_000;
/// Held final bars fetched again beside a gap: three tell one corrected bar from a rewritten history.
const SEAM: u64 = 3;
/// Intervals that Yahoo has and finex hands on: they are anchored to the window, or too new to be known well.
const FORWARDED: [&str; 2] = ["5d", "4h"];
const INTERVALS: &str = "[1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 4h, 1d, 5d, 1wk, 1mo, 3mo]";
/// Currency of a series: that of its symbol, which only an answer tells.
const OWN_CURRENCY: &str = "own";
/// Name of the variant whose bars come from one window alone.
const WINDOW: &str = "window";

/// What of the envelope a client wants.
mod wanted {
    pub(super) const DIVIDENDS: u32 = 1;
    pub(super) const SPLITS: u32 = 2;
    pub(super) const CAPITAL_GAINS: u32 = 4;
    pub(super) const EARNINGS: u32 = 8;
    pub(super) const ADJUSTED: u32 = 16;
}

pub struct Yahoo {
    manifest: Manifest,
}

impl Yahoo {
    #[allow(clippy::expect_used, reason = "the manifest is compiled in and read by a test")]
    pub fn new(adjust: &dyn Fn(&mut Manifest)) -> Self {
        let mut manifest = Manifest::parse(include_str!("../yahoo.toml")).expect("yahoo.toml is readable");
        adjust(&mut manifest);
        Yahoo { manifest }
    }

    fn interval(&self, native: &str) -> Option<Interval> {
        self.manifest.interval(if native == "60m" { "1h" } else { native })
    }

    /// A chart request as an ask; none where only Yahoo knows what is meant.
    fn native_ask(&self, symbol: &str, query: &str) -> Result<Option<NativeAsk>, NativeError> {
        let params = Params::read(query);
        let symbol = symbol_of(symbol).ok_or_else(|| not_found("the symbol has characters that no symbol has"))?;
        let Some(native) = params.get("interval") else { return Ok(None) };
        let interval = self.interval(native);
        let known_elsewhere = FORWARDED.contains(&native);
        if interval.is_none() && !known_elsewhere {
            let what =
                format!("Invalid input - interval={} is not supported. Valid intervals: {INTERVALS}", shown(native));
            return Err(unprocessable(&what));
        }
        let named = match (params.get("range"), params.seconds("period1")?, params.seconds("period2")?) {
            (Some(name), None, None) => match range::known(name) {
                Some(name) => Named::Range(name),
                None if range::is_one(name) => return Ok(None),
                None => return Err(unprocessable(&range::refusal(&shown(name)))),
            },
            (None, Some(from), to) => {
                let to = to.unwrap_or(END / 1_000);
                if from > to {
                    return Err(bad_request(&format!(
                        "Invalid input - start date cannot be after end date. startDate = {from}, endDate = {to}"
                    )));
                }
                Named::Span { from: from * 1_000, to: to * 1_000 }
            }
            // Both at once, or neither: Yahoo decides.
            _ => return Ok(None),
        };
        let Some(interval) = interval else { return Ok(None) };
        let extended = interval.nominal_len() < DAY && params.is_true("includePrePost", false);
        Ok(self.ask(&symbol, interval, extended, named).map(|(series, ask)| NativeAsk {
            series: series.into(),
            ask,
            native: Native { named, options: params.options(), ..Native::default() },
        }))
    }

    fn ask(&self, symbol: &str, interval: Interval, extended: bool, named: Named) -> Option<(Series, Ask)> {
        let mut variant = Vec::new();
        if extended {
            variant.push(("session", "extended".to_owned()));
        }
        let (from, to) = match named {
            Named::Span { from, to } => (from, to),
            // Where a range begins is seen when it is asked for; what is put together would be cut there.
            Named::Range(_) if !is_put_together(interval) => (BEGINNING, END),
            Named::Range(_) | Named::Local { .. } | Named::Ask => return None,
        };
        if is_put_together(interval) {
            variant.push((WINDOW, format!("{}~{}", from / 1_000, to / 1_000)));
        }
        let series = self.make_series(symbol, interval, variant.into_iter().collect());
        let window = Window::new(self.earliest(&series, from), to.saturating_add(1));
        let ask = Ask::between(window, self.columns(&series));
        Some((series, ask))
    }

    fn make_series(&self, symbol: &str, interval: Interval, variant: Variant) -> Series {
        Series {
            provider: self.manifest.id.as_str().into(),
            symbol: symbol.into(),
            interval,
            currency: OWN_CURRENCY.into(),
            variant,
            scope: Scope::Shared,
        }
    }

    fn is_daily_or_longer(series: &Series) -> bool {
        series.interval.nominal_len() >= DAY
    }
}

/// Weeks, months and quarters.
fn is_put_together(interval: Interval) -> bool {
    matches!(interval.unit, Unit::Week | Unit::Month)
}

/// First and last second of a series that is one window.
fn window_of(series: &Series) -> Option<(i64, i64)> {
    let (from, to) = series.variant.get(WINDOW)?.split_once('~')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

impl Provider for Yahoo {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn recognise(&self, request: &NativeRequest<'_>) -> Recognised {
        if !matches!(request.method, "GET" | "HEAD") {
            return Recognised::Forward;
        }
        if let Some(local) = local(request.path) {
            return Recognised::Local(local);
        }
        match request.path.strip_prefix(CHART) {
            Some(symbol) if !symbol.contains('/') => match self.native_ask(symbol, request.query) {
                Ok(Some(ask)) => Recognised::Series(ask),
                Ok(None) => Recognised::Forward,
                Err(error) => Recognised::Refused(error),
            },
            _ => Recognised::Forward,
        }
    }

    fn series(&self, symbol: &str, interval: Interval) -> Result<Series, Unsupported> {
        let own = symbol_of(symbol).ok_or_else(|| Unsupported::Symbol {
            provider: self.manifest.id.clone(),
            symbol: shown(symbol),
            rule: "write it as Yahoo does, as in AAPL, BRK-B, VOD.L, ^GSPC or EURUSD=X",
        })?;
        self.manifest.offers(interval)?;
        Ok(self.make_series(&own, interval, Variant::default()))
    }

    fn grid(&self, series: &Series) -> Grid {
        Grid::uneven(series.interval)
    }

    fn columns(&self, series: &Series) -> Columns {
        self.manifest.class_of(series.interval).map_or(self.manifest.columns, |class| class.columns)
    }

    fn limits(&self, series: &Series, widen_bytes: u64, max_calls: u64) -> Limits {
        let base = self.manifest.planning(widen_bytes, max_calls);
        let Some(class) = self.manifest.class_of(series.interval) else { return base };
        Limits {
            page: u64::try_from(class.page / series.interval.nominal_len()).unwrap_or(1).max(1),
            depth: class.depth,
            settle: class.settle,
            density: class.density,
            row_bytes: ((class.row_bytes as f64 * class.density) as u64).max(1),
            windowed: true,
            strict: true,
            seam: SEAM,
            whole: window_of(series).is_some(),
            ..base
        }
    }

    fn call(&self, series: &Series, call: &Call, named: Named, _now: Ts) -> Upstream {
        let interval = self.manifest.native_interval(series.interval).unwrap_or_default();
        let seconds = |ts: Ts| ts.div_euclid(1_000);
        let window = match (named, window_of(series)) {
            (_, Some((from, to))) => format!("period1={from}&period2={}", to.min(seconds(call.window.to))),
            (Named::Range(name), None) if call.exact => format!("range={name}"),
            (Named::Span { from, to }, None) if call.exact => {
                format!("period1={}&period2={}", seconds(from), seconds(to.min(call.window.to)))
            }
            // What is put together is whole when the window goes beyond its period.
            _ if is_put_together(series.interval) => {
                let beyond = call.window.to + series.interval.nominal_len() + 2 * DAY;
                format!("period1={}&period2={}", seconds(call.window.from), seconds(beyond))
            }
            _ => format!("period1={}&period2={}", seconds(call.window.from), seconds(call.window.to - 1)),
        };
        let extended = series.variant.get("session").is_some();
        let symbol = utf8_percent_encode(&series.symbol, SEGMENT);
        Upstream {
            path: format!("{CHART}{symbol}"),
            query: format!("{window}&interval={interval}&includePrePost={extended}&events=div%2Csplits%2CcapitalGains"),
        }
    }

    fn admissible(&self, _series: &Series, call: &Call) -> Window {
        call.window
    }

    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
        errors::classify(status, content_type, body)
    }

    fn decode(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
        let interval = self.manifest.native_interval(series.interval).unwrap_or_default();
        chart::read(series, interval, call, body)
    }

    fn encode(&self, _series: &Series, bars: &Bars, _shape: Shape) -> Runs {
        write::runs(bars)
    }

    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
        write::bars(self.columns(series), runs)
    }

    fn compose(&self, page: &Page<'_>) -> Composed {
        write::compose(page, self.manifest.native_interval(page.series.interval).unwrap_or_default())
    }

    fn error(&self, failure: &Failure) -> NativeError {
        errors::answer(failure)
    }

    fn opened_before(&self, live: Ts, to: Ts, sight: &Envelope) -> bool {
        range::session(sight).is_none_or(|(start, _)| start < to || start > live)
    }

    fn absent(&self, native: Native, sight: &Envelope) -> Option<NativeError> {
        let Named::Span { from, to } = native.named else { return None };
        let since = number_fact(sight, "firstTradeDate").and_then(notes::millis)?;
        let (from, until) = (from.div_euclid(1_000), to.div_euclid(1_000));
        (to < since).then(|| bad_request(&format!("Data doesn't exist for startDate = {from}, endDate = {until}")))
    }

    fn rewritten_by(&self, series: &Series) -> Option<&'static [&'static str]> {
        let daily = Yahoo::is_daily_or_longer(series);
        Some(if daily { &["splits", "dividends", "capitalGains"] } else { &["splits"] })
    }

    fn needs_sight(&self) -> bool {
        true
    }

    fn portray(&self, envelope: &Envelope) -> Bytes {
        write::portray(envelope)
    }

    fn first_instant(&self, named: Named, sight: &Envelope, opens: &dyn Fn(Window) -> Vec<Ts>) -> Option<Ts> {
        match named {
            Named::Range(name) => range::start(name, sight, opens),
            Named::Span { from, .. } => Some(from),
            Named::Local { .. } | Named::Ask => None,
        }
    }

    fn first_guess(&self, named: Named, now: Ts) -> Ts {
        if let Named::Range(name) = named { range::guess(name, now) } else { now }
    }

    fn earliest(&self, series: &Series, from: Ts) -> Ts {
        let interval = series.interval;
        let longest = interval.fixed_len().unwrap_or(31 * DAY * i64::from(interval.count));
        let longest = if interval.nominal_len() > DAY { longest + DAY } else { longest };
        from.saturating_sub(longest).saturating_add(1).max(BEGINNING)
    }

    fn leads(&self, series: &Series, open: Ts, from: Ts, sight: &Envelope, notes: &Envelope) -> bool {
        let end = match series.interval.fixed_len() {
            _ if is_put_together(series.interval) => return true,
            Some(len) if len < DAY => notes::end_of(notes, open, len),
            _ => open.saturating_add(range::session_len(sight)),
        };
        end > from
    }

    fn note_before(&self, series: &Series, answered: &Bars, first: Ts, notes: &mut Envelope) {
        chart::note_before(series, answered, first, notes);
    }

    fn close_before(&self, series: &Series, first: Option<Ts>, from: Option<Ts>, notes: &Envelope) -> Option<Ts> {
        match first {
            Some(first) => write::close_before(series, first, notes),
            None => from.and_then(|from| write::close_before_nothing(series, from, notes)),
        }
    }

    fn close_of(&self, runs: &Runs, row: usize) -> Option<f64> {
        write::close_of(runs, row)
    }

    fn exchange(&self, _series: &Series, sight: &Envelope) -> Option<&'static Exchange> {
        let text = |name: &str| serde_json::from_str::<String>(sight.fact(name)?).ok();
        Exchange::find(&text("exchangeName")?)
    }

    fn currency(&self, _series: &Series, sight: &Envelope) -> String {
        text_fact(sight, "currency").unwrap_or_default()
    }

    fn timezone(&self, sight: &Envelope) -> String {
        text_fact(sight, "exchangeTimezoneName").unwrap_or_else(|| self.manifest.timezone.clone())
    }
}

fn text_fact(sight: &Envelope, name: &str) -> Option<String> {
    serde_json::from_str(sight.fact(name)?).ok()
}

fn number_fact(sight: &Envelope, name: &str) -> Option<i64> {
    sight.fact(name)?.parse().ok()
}

/// The paths by which clients look for a cookie and a crumb: theirs is the gateway's business.
fn local(path: &str) -> Option<Local> {
    /// Some libraries keep cookies of hosts under yahoo.com only, some of the host that answered only.
    const COOKIES: [&str; 2] = ["A3=finex; Path=/; SameSite=Lax", "A3=finex; Domain=.yahoo.com; Path=/; SameSite=Lax"];
    let page = Local { content_type: "text/html; charset=utf-8", body: "<html></html>", cookies: &COOKIES };
    let crumb = Local { content_type: "text/plain;charset=utf-8", body: "finex", cookies: &[] };
    match path {
        "/v1/test/getcrumb" => Some(crumb),
        "/" | "/consent" | "/quote" => Some(page),
        _ => (path.starts_with("/quote/") || path.starts_with("/consent/")).then_some(page),
    }
}

/// A symbol as it is kept: in capitals, of characters that a symbol can have.
fn symbol_of(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    let fits =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'^' | b'=' | b'.' | b'-' | b'_' | b'&' | b'$' | b'!' | b':');
    let sound =
        (1..=40).contains(&text.len()) && text.bytes().all(fits) && text.bytes().any(|b| b.is_ascii_alphanumeric());
    sound.then(|| text.to_ascii_uppercase())
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>')).take(40).collect()
}

/// Query parameters; those that say nothing about bars are passed by. The first of a name counts.
struct Params(Vec<(String, String)>);

impl Params {
    fn read(query: &str) -> Params {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').take(100).filter_map(|pair| pair.split_once('='));
        Params(pairs.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn is_true(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| value.eq_ignore_ascii_case("true"))
    }

    /// Seconds since 1970, of which the fraction is cut off.
    fn seconds(&self, name: &str) -> Result<Option<i64>, NativeError> {
        const LATEST: i64 = 99_999_999_999;
        let Some(text) = self.get(name) else { return Ok(None) };
        let whole =
            text.split_once('.').filter(|(_, f)| f.bytes().all(|b| b.is_ascii_digit())).map_or(text, |(w, _)| w);
        match whole.parse::<i64>() {
            Ok(seconds) if (-LATEST..=LATEST).contains(&seconds) => Ok(Some(seconds)),
            Ok(_) => Err(NativeError {
                reason: format!("{name} is in seconds; this looks like milliseconds"),
                ..bad_request(&format!("Invalid input - {name} = {whole}"))
            }),
            Err(_) => Err(bad_request(&format!("Invalid input - {name} = {}", shown(text)))),
        }
    }

    fn options(&self) -> u32 {
        let named = |name: &str| match name.trim() {
            "div" | "dividends" => wanted::DIVIDENDS,
            "split" | "splits" => wanted::SPLITS,
            "capitalGains" => wanted::CAPITAL_GAINS,
            "earn" => wanted::EARNINGS,
            _ => 0,
        };
        let events = self.get("events").unwrap_or_default().split([',', '|']).map(named).fold(0, |all, one| all | one);
        let adjusted = if self.is_true("includeAdjustedClose", true) { wanted::ADJUSTED } else { 0 };
        events | adjusted
    }
}

#[cfg(test)]
mod tests;
