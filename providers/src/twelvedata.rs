//! Twelve Data's time series: records newest first, numbers as text, on the clock of the symbol's exchange.
//!
//! Within days finex asks on the clock of UTC and shows labels on the one that the client means; days and longer are
//! days of the exchange, not instants (`timezone` is ignored for them, says the OpenAPI file).

mod ask;
mod errors;
#[cfg(test)]
mod tests;
mod write;

use crate::json::Pairs;
use crate::manifest::Manifest;
use crate::query::Query;
use crate::rows::Runs;
use crate::shape::{Table, as_it_is, records};
use crate::stamp::{self, Unit};
use crate::{
    Batch, Composed, Decoded, Failure, Joined, Named, Native, NativeError, NativeRequest, Page, Part, Provider,
    Recognised, Shape, Undecodable, Unsupported, Upstream, json,
};
use finex_core::calendar::{Grid, Interval};
use finex_core::columns::Bars;
use finex_core::envelope::Envelope;
use finex_core::exchange::Exchange;
use finex_core::plan::{Anchor, Call, Limits};
use finex_core::series::{Scope, Series, Variant};
use finex_core::status::ErrorClass;
use finex_core::time::{BEGINNING, END, Ts, Window};
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;
use std::sync::Arc;

const DAY: i64 = 86_400_000;
const PATH: &str = "/time_series";
/// Held final bars fetched again beside a gap: three tell one corrected bar from a rewritten history.
const SEAM: u64 = 3;
/// A day begins in the east before it does in Greenwich.
const EAST: i64 = 14 * 3_600_000;

/// Parameters that change the numbers, with what holds without them.
const VARIANT: [(&str, &str); 8] = [
    ("adjust", "splits"),
    ("country", ""),
    ("dp", "-1"),
    ("exchange", ""),
    ("mic_code", ""),
    ("prepost", "false"),
    ("previous_close", "false"),
    ("type", ""),
];
/// Of those, the ones that tell symbols of one name apart.
const LISTING: [&str; 4] = ["country", "exchange", "mic_code", "type"];

pub struct TwelveData {
    manifest: Manifest,
}

impl TwelveData {
    #[allow(clippy::expect_used, reason = "the manifest is compiled in and read by a test")]
    pub fn new(adjust: &dyn Fn(&mut Manifest)) -> Self {
        let mut manifest = Manifest::parse(include_str!("../twelvedata.toml")).expect("twelvedata.toml is readable");
        adjust(&mut manifest);
        TwelveData { manifest }
    }

    fn make_series(&self, symbol: &str, interval: Interval, variant: Variant) -> Series {
        Series {
            provider: self.manifest.id.as_str().into(),
            symbol: symbol.into(),
            interval,
            currency: "own".into(),
            variant,
            scope: Scope::Shared,
        }
    }

    fn undecodable(&self, error: Undecodable) -> Undecodable {
        Undecodable { provider: self.manifest.name.clone(), ..error }
    }

    /// The bars of one symbol's answer.
    fn read(&self, series: &Series, call: &Call, text: &str) -> Result<Decoded, Undecodable> {
        let bad = |detail: String| Undecodable::new("", detail);
        let body: Pairs<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        if errors::is_empty_window(text) {
            return Ok(Decoded {
                bars: table(series, TimeZone::UTC).none(),
                spoken: Some(self.spoken_by(series, call, 0, None)),
                ..Decoded::default()
            });
        }
        let values = body.get("values").ok_or_else(|| bad("there are no values".into()))?;
        let mut table = table(series, TimeZone::UTC);
        // Some answers have their members by alphabet; what is written is the same.
        table.fields.sort_by_key(|field| values.find(&format!("\"{}\"", field.name)).unwrap_or(usize::MAX));
        let bars = in_order(series, &records::read(&table, values)?);
        let mut envelope = Envelope::default();
        let meta: Option<Pairs<'_>> = body.get("meta").and_then(|meta| serde_json::from_str(meta).ok());
        for (name, value) in meta.iter().flat_map(|meta| &meta.0) {
            envelope.facts.push((name.to_string(), value.get().to_owned()));
        }
        let admissible = self.admissible(series, call);
        let rows = bars.len() as u64;
        let bars = bars.select(|row| admissible.contains(bars.times[row]));
        let spoken = Some(self.spoken_by(series, call, rows, bars.times.first().copied()));
        Ok(Decoded { bars, envelope, spoken, ..Decoded::default() })
    }

    /// The window of which an answer of so many rows speaks. The oldest are cut from one that is full; from one that
    /// names no start and is not, none is missing.
    fn spoken_by(&self, series: &Series, call: &Call, rows: u64, first: Option<Ts>) -> Window {
        let asked = self.request(&[(series, call)]);
        let query = Query::read(&asked.query);
        let most = query.get("outputsize").and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
        match first.filter(|_| rows >= most) {
            Some(first) => Window::new(first, call.window.to),
            None if query.get("start_date").is_none() => Window::new(BEGINNING, call.window.to),
            None => call.window,
        }
    }
}

/// Columns in the order in which they are kept, whatever the order of an answer.
fn in_order(series: &Series, bars: &Bars) -> Bars {
    let mut out = table(series, TimeZone::UTC).none();
    out.times.clone_from(&bars.times);
    for (column, texts) in &mut out.columns {
        match bars.column(*column) {
            Some(found) => texts.clone_from(found),
            None => (0..bars.len()).for_each(|_| texts.push_null()),
        }
    }
    out
}

/// What a row is made of, with labels of `zone`.
fn table(series: &Series, zone: TimeZone) -> Table {
    let specs = [
        "datetime:time",
        "open:open",
        "high:high",
        "low:low",
        "close:close",
        "volume:volume?",
        "previous_close:previous_close?",
    ];
    let fields = Table::fields(&specs.map(str::to_owned)).unwrap_or_default();
    let unit = if is_intraday(series.interval) { Unit::DateTime } else { Unit::Date };
    Table { fields, quoted: true, unit, zone, opens: as_it_is, label: as_it_is }
}

fn is_intraday(interval: Interval) -> bool {
    interval.nominal_len() < DAY
}

/// Currencies and coins are written as pairs.
fn is_pair(series: &Series) -> bool {
    series.symbol.contains('/')
}

fn text_fact(sight: &Envelope, name: &str) -> Option<String> {
    serde_json::from_str(sight.fact(name)?).ok()
}

/// The clock of a symbol's exchange; what is not known yet is taken for New York, and pairs for UTC.
fn clock(series: &Series, sight: &Envelope) -> TimeZone {
    let named = text_fact(sight, "exchange_timezone").and_then(|name| stamp::zone(&name));
    named
        .or_else(|| if is_pair(series) || !sight.facts.is_empty() { None } else { stamp::zone("America/New_York") })
        .unwrap_or(TimeZone::UTC)
}

impl Provider for TwelveData {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn recognise(&self, request: &NativeRequest<'_>) -> Recognised {
        if request.path != PATH || !matches!(request.method, "GET" | "HEAD") {
            return Recognised::Forward;
        }
        ask::recognise(self, request.query)
    }

    fn series(&self, symbol: &str, interval: Interval) -> Result<Series, Unsupported> {
        let own = ask::symbol(symbol).ok_or_else(|| Unsupported::Symbol {
            provider: self.manifest.id.clone(),
            symbol: json::shown(symbol),
            rule: "write it as Twelve Data does, as in AAPL or EUR/USD",
        })?;
        self.manifest.offers(interval)?;
        Ok(self.make_series(&own, interval, Variant::default()))
    }

    fn grid(&self, series: &Series) -> Grid {
        let even = self.manifest.class_of(series.interval).is_some_and(|class| class.even);
        if even { Grid::new(series.interval, 0) } else { Grid::uneven(series.interval) }
    }

    fn limits(&self, series: &Series, widen_bytes: u64, max_calls: u64) -> Limits {
        let base = self.manifest.planning(widen_bytes, max_calls);
        let Some(class) = self.manifest.class_of(series.interval) else { return base };
        let density = if is_pair(series) { 1.0 } else { class.density };
        let is_adjusted = series.variant.get("adjust") != Some("none") && !is_pair(series);
        Limits {
            settle: class.settle,
            density,
            row_bytes: ((class.row_bytes as f64 * density) as u64).max(1),
            seam: if is_adjusted { SEAM } else { 0 },
            ..base
        }
    }

    fn ahead(&self, series: &Series) -> i64 {
        if is_intraday(series.interval) { 0 } else { EAST }
    }

    fn known_as(&self, series: &Series) -> Arc<str> {
        let listed = LISTING.iter().filter_map(|name| Some(format!("|{name}={}", series.variant.get(name)?)));
        let listed: String = listed.collect();
        if listed.is_empty() { series.symbol.clone() } else { format!("{}{listed}", series.symbol).into() }
    }

    fn call(&self, series: &Series, call: &Call, _named: Named, _now: Ts) -> Upstream {
        self.request(&[(series, call)])
    }

    fn admissible(&self, _series: &Series, call: &Call) -> Window {
        match call.anchor {
            // The newest rows up to an end, however far back they reach.
            Anchor::End => Window::new(BEGINNING, call.window.to),
            Anchor::Start | Anchor::Both => call.window,
        }
    }

    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
        errors::classify(status, content_type, body)
    }

    fn decode(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
        let text = std::str::from_utf8(body).map_err(|e| Undecodable::new(&self.manifest.name, e.to_string()))?;
        self.read(series, call, text).map_err(|error| self.undecodable(error))
    }

    fn together(&self, calls: &[(&Series, &Call)]) -> Option<Upstream> {
        Some(self.request(calls))
    }

    fn part(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Failure> {
        let up = |detail: String| Failure::new(ErrorClass::Up, detail);
        let members: Pairs<'_> = serde_json::from_slice(body).map_err(|e| up(e.to_string()))?;
        let own = |(name, _): &&(std::borrow::Cow<'_, str>, &RawValue)| name.eq_ignore_ascii_case(&series.symbol);
        let text = members.0.iter().find(own).map(|(_, value)| value.get());
        let text = text.ok_or_else(|| up(format!("the answer has nothing of {}", series.symbol)))?;
        match errors::classify(200, "application/json", text.as_bytes()) {
            Some(class) => Err(Failure {
                native: Some((200, text.to_owned())),
                ..Failure::new(class, format!("{} refused {}", self.manifest.name, series.symbol))
            }),
            None => self.read(series, call, text).map_err(|error| self.undecodable(error).failure()),
        }
    }

    fn encode(&self, series: &Series, bars: &Bars, shape: Shape) -> Runs {
        write::encode(series, bars, shape)
    }

    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
        let bad = |detail: &str| Undecodable::new(&self.manifest.name, detail);
        let rows = String::from_utf8(runs.slice(0, 0, runs.len()).to_vec()).map_err(|_| bad("rows are not UTF-8"))?;
        records::read(&table(series, TimeZone::UTC), &format!("[{rows}]")).map_err(|error| self.undecodable(error))
    }

    fn compose(&self, page: &Page<'_>) -> Composed {
        write::compose(page, self.manifest.native_interval(page.series.interval).unwrap_or_default())
    }

    fn join(&self, _batch: &Batch, parts: &[Part<'_>]) -> Joined {
        write::join(parts)
    }

    fn error(&self, failure: &Failure) -> NativeError {
        errors::answer(failure)
    }

    fn absent(&self, _native: Native, _sight: &Envelope) -> Option<NativeError> {
        Some(errors::no_data())
    }

    fn rewritten_by(&self, series: &Series) -> Option<&'static [&'static str]> {
        (series.variant.get("adjust") != Some("none") && !is_pair(series)).then_some(&[])
    }

    fn needs_sight(&self) -> bool {
        true
    }

    fn placed(&self, series: &Series, local: Window, sight: &Envelope) -> Window {
        let zone = clock(series, sight);
        let place = |ts: Ts| if ts <= BEGINNING || ts >= END { ts } else { stamp::global(ts, &zone) };
        Window::new(place(local.from), place(local.to - 1).saturating_add(1).min(END))
    }

    fn exchange(&self, _series: &Series, sight: &Envelope) -> Option<&'static Exchange> {
        let named = |name: &str| Exchange::find(&text_fact(sight, name)?);
        named("mic_code").or_else(|| named("exchange"))
    }

    fn currency(&self, _series: &Series, sight: &Envelope) -> String {
        text_fact(sight, "currency").or_else(|| text_fact(sight, "currency_quote")).unwrap_or_default()
    }

    fn timezone(&self, sight: &Envelope) -> String {
        text_fact(sight, "exchange_timezone").unwrap_or_else(|| "UTC".into())
    }
}

impl TwelveData {
    /// The request for calls that differ in their symbols alone.
    fn request(&self, calls: &[(&Series, &Call)]) -> Upstream {
        let Some((series, call)) = calls.first() else { return Upstream { path: PATH.into(), query: String::new() } };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let symbols: Vec<String> = calls.iter().map(|(series, _)| encoded(&series.symbol)).collect();
        let interval = self.manifest.native_interval(series.interval).unwrap_or_default();
        let unit = if is_intraday(series.interval) { Unit::DateTime } else { Unit::Date };
        let written = |ts: Ts| {
            let mut text = String::new();
            stamp::write(ts, unit, &TimeZone::UTC, &mut text);
            encoded(&text)
        };
        let rows = match call.anchor {
            Anchor::End => call.limit.clamp(1, self.manifest.page),
            Anchor::Start | Anchor::Both => self.manifest.page,
        };
        let start = match call.anchor {
            Anchor::End => String::new(),
            Anchor::Start | Anchor::Both => format!("&start_date={}", written(call.window.from)),
        };
        let mut query = format!(
            "symbol={}&interval={interval}{start}&end_date={}&outputsize={rows}",
            symbols.join("%2C"),
            written(call.window.to - 1),
        );
        if is_intraday(series.interval) {
            query.push_str("&timezone=UTC");
        }
        for (name, value) in series.variant.iter() {
            query.push_str(&format!("&{name}={}", encoded(value)));
        }
        Upstream { path: PATH.into(), query }
    }
}
