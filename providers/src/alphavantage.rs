//! Alpha Vantage: objects keyed by a label, newest first, numbers as text.
//!
//! Requests name no window: they ask for the newest hundred rows, for a month, or for everything. Weeks and months stand
//! under the last day that was traded, which moves while they last; they are kept under the beginning of their period.

mod ask;
mod errors;
mod function;
#[cfg(test)]
mod tests;
mod write;

use crate::json::Pairs;
use crate::manifest::Manifest;
use crate::query::Query;
use crate::rows::Runs;
use crate::shape::{Table, as_it_is, keyed};
use crate::stamp::{self, Unit as Written};
use crate::{
    Composed, Decoded, Failure, Named, NativeError, NativeRequest, Page, Provider, Recognised, Shape, Undecodable,
    Unsupported, Upstream, json,
};
use finex_core::calendar::{Grid, Interval, Unit};
use finex_core::columns::{Bars, Column, Columns, Texts};
use finex_core::envelope::Envelope;
use finex_core::plan::{Anchor, Call, Limits};
use finex_core::series::{Scope, Series, Variant};
use finex_core::status::ErrorClass;
use finex_core::time::{BEGINNING, Ts, Window};
use function::{Function, Market};
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

const PATH: &str = "/query";
/// Rows of a compact answer.
const COMPACT: u64 = 100;
const DAY: i64 = 86_400_000;
/// A day begins in the east before it does in Greenwich.
const EAST: i64 = 14 * 3_600_000;
/// Names of a series' variant: the function, and the fact that tells how far back it goes.
const FUNCTION: &str = "function";
const OLDEST: &str = "oldest";
/// An option of an answer: was all asked for, and not the newest part?
const FULL: u32 = 1;
/// All there is, as far as the newest answer went.
const ALL: Named = Named::Range("all");

pub struct AlphaVantage {
    manifest: Manifest,
    eastern: TimeZone,
}

impl AlphaVantage {
    #[allow(clippy::expect_used, reason = "the manifest is compiled in and read by a test")]
    pub fn new(adjust: &dyn Fn(&mut Manifest)) -> Self {
        let text = include_str!("../alphavantage.toml");
        let mut manifest = Manifest::parse(text).expect("alphavantage.toml is readable");
        adjust(&mut manifest);
        let eastern = stamp::zone(&manifest.timezone).expect("alphavantage.toml names a zone");
        AlphaVantage { manifest, eastern }
    }

    fn function(&self, series: &Series) -> Option<&'static Function> {
        function::find(series.variant.get(FUNCTION)?)
    }

    fn make_series(
        &self,
        function: &Function,
        symbol: &str,
        currency: &str,
        interval: Interval,
        variant: Vec<(String, String)>,
    ) -> Series {
        let named = [(FUNCTION.to_owned(), function.name.to_owned())];
        Series {
            provider: self.manifest.id.as_str().into(),
            symbol: symbol.into(),
            interval,
            currency: currency.to_lowercase().into(),
            variant: named.into_iter().chain(variant).collect::<Variant>(),
            scope: Scope::Shared,
        }
    }

    /// Stocks trade on the clock of New York, everything else on that of UTC.
    fn clock(&self, function: &Function) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        if function.market == Market::Stocks { &self.eastern } else { &UTC }
    }

    fn table(&self, function: &Function) -> Table {
        let specs: Vec<String> =
            std::iter::once("label:time").chain(function.fields.iter().copied()).map(str::to_owned).collect();
        Table {
            fields: Table::fields(&specs).unwrap_or_default(),
            quoted: true,
            unit: if function.unit.is_none() { Written::DateTime } else { Written::Date },
            zone: self.clock(function).clone(),
            opens: as_it_is,
            label: as_it_is,
        }
    }

    fn read(&self, series: &Series, text: &str) -> Result<(Bars, Envelope), Undecodable> {
        let bad = |detail: String| Undecodable::new(&self.manifest.name, detail);
        let function = self.function(series).ok_or_else(|| bad("no function brings such bars".into()))?;
        let body: Pairs<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        let key = function.key(self.manifest.native_interval(series.interval).unwrap_or_default());
        let rows = body.get(&key).ok_or_else(|| bad(format!("there is no {key}")))?;
        let named = |error| Undecodable { provider: self.manifest.name.clone(), ..error };
        let bars = keyed::read(&self.table(function), rows).map_err(named)?;
        let mut envelope = Envelope::default();
        let meta: Option<Pairs<'_>> = body.get("Meta Data").and_then(|meta| serde_json::from_str(meta).ok());
        for (name, value) in meta.iter().flat_map(|meta| &meta.0) {
            envelope.facts.push((name.to_string(), value.get().to_owned()));
        }
        Ok((placed(function, series, bars), envelope))
    }

    fn recent(call: &Call, now: Ts, interval: Interval) -> bool {
        call.window.to.saturating_add(interval.nominal_len()) > now
    }

    /// Do the newest hundred rows answer a call?
    fn is_compact(&self, series: &Series, call: &Call, now: Ts) -> bool {
        let limits = self.limits(series, 0, 1);
        AlphaVantage::recent(call, now, series.interval) && limits.bars(call.limit) <= COMPACT + 1
    }
}

/// Bars under the beginning of their period, with the label beside them.
fn placed(function: &Function, series: &Series, mut bars: Bars) -> Bars {
    if function.is_labelled() {
        let grid = Grid::new(series.interval, 0);
        let mut labels = Texts::default();
        bars.times.iter().for_each(|label| labels.push(&label.to_string()));
        bars.columns.push((Column::Label, labels));
        bars.times.iter_mut().for_each(|open| *open = grid.open(grid.index(*open)));
    }
    bars
}

/// Bars under their labels again.
fn labelled(bars: &Bars) -> Bars {
    let mut out = bars.clone();
    let Some(at) = out.columns.iter().position(|(column, _)| *column == Column::Label) else { return out };
    let (_, labels) = out.columns.remove(at);
    for (open, label) in out.times.iter_mut().zip(labels.iter()) {
        *open = label.and_then(|label| label.parse().ok()).unwrap_or(*open);
    }
    out
}

/// A month of a clock, in UTC.
fn month_of(ts: Ts, zone: &TimeZone) -> (Ts, Window) {
    let grid = Grid::new(Interval { count: 1, unit: Unit::Month }, 0);
    let index = grid.index(stamp::local(ts, zone));
    let (from, to) = (grid.open(index), grid.open(index + 1));
    (from, Window::new(stamp::global(from, zone), stamp::global(to, zone)))
}

impl Provider for AlphaVantage {
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
            rule: "write it as Alpha Vantage does, as in IBM or TSCO.LON",
        })?;
        self.manifest.offers(interval)?;
        let name = match interval.unit {
            Unit::Day => "TIME_SERIES_DAILY",
            Unit::Week => "TIME_SERIES_WEEKLY",
            Unit::Month => "TIME_SERIES_MONTHLY",
            _ => "TIME_SERIES_INTRADAY",
        };
        let unknown = || Unsupported::Interval {
            provider: self.manifest.id.clone(),
            interval: interval.to_string(),
            has: String::new(),
        };
        let function = function::find(name).ok_or_else(unknown)?;
        Ok(self.make_series(function, own, "own", interval, Vec::new()))
    }

    fn grid(&self, series: &Series) -> Grid {
        let even = self.manifest.class_of(series.interval).is_some_and(|class| class.even);
        if even { Grid::new(series.interval, 0) } else { Grid::uneven(series.interval) }
    }

    fn columns(&self, series: &Series) -> Columns {
        let Some(function) = self.function(series) else { return Columns::OHLCV };
        let fields = self.table(function).columns();
        fields.iter().chain(function.is_labelled().then_some(Column::Label)).collect()
    }

    fn limits(&self, series: &Series, _widen_bytes: u64, max_calls: u64) -> Limits {
        // An answer has what it has; nothing is gained by asking for more.
        let base = self.manifest.planning(0, max_calls);
        let Some(class) = self.manifest.class_of(series.interval) else { return base };
        let always = self.function(series).is_some_and(|function| function.market == Market::Digital);
        /// More periods than there ever were.
        const EVERYTHING: u64 = 1 << 50;
        let is_intraday = series.interval.nominal_len() < DAY;
        let months = u64::try_from(class.page / series.interval.nominal_len()).unwrap_or(1).max(1);
        Limits {
            page: if is_intraday { months } else { EVERYTHING },
            settle: class.settle,
            density: if always { 1.0 } else { class.density },
            ..base
        }
    }

    fn ahead(&self, series: &Series) -> i64 {
        if series.interval.nominal_len() < DAY { 0 } else { EAST }
    }

    fn known_as(&self, series: &Series) -> Arc<str> {
        let function = series.variant.get(FUNCTION).unwrap_or_default();
        format!("{}|{function}|{}|{}", series.symbol, series.currency, series.interval).into()
    }

    fn call(&self, series: &Series, call: &Call, named: Named, now: Ts) -> Upstream {
        let Some(function) = self.function(series) else {
            return Upstream { path: PATH.into(), query: String::new() };
        };
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut query = format!("function={}&{}={}", function.name, function.symbols()[0], encoded(&series.symbol));
        if let Some(name) = function.symbols().get(1) {
            query.push_str(&format!("&{name}={}", encoded(&series.currency.to_uppercase())));
        }
        if function.unit.is_none() {
            query
                .push_str(&format!("&interval={}", self.manifest.native_interval(series.interval).unwrap_or_default()));
        }
        for (name, value) in series.variant.iter().filter(|(name, _)| *name != FUNCTION) {
            query.push_str(&format!("&{name}={}", encoded(value)));
        }
        let month = self.month(function, series, call, named, now).map(|(month, _)| month);
        if let Some(month) = month {
            let mut text = String::new();
            stamp::write(month, Written::Date, &TimeZone::UTC, &mut text);
            query.push_str(&format!("&month={}", &text[..7]));
        }
        if function.is_sized {
            let is_newest = call.anchor == Anchor::End && named != ALL;
            let compact = match month {
                Some(_) => is_newest && matches!(named, Named::Local { .. }),
                None => self.is_compact(series, call, now),
            };
            query.push_str(if compact { "&outputsize=compact" } else { "&outputsize=full" });
        }
        Upstream { path: PATH.into(), query }
    }

    fn admissible(&self, _series: &Series, _call: &Call) -> Window {
        Window::ALL
    }

    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
        errors::classify(status, content_type, body)
    }

    fn decode(&self, series: &Series, _call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
        let text = std::str::from_utf8(body).map_err(|e| Undecodable::new(&self.manifest.name, e.to_string()))?;
        let (bars, mut envelope) = self.read(series, text)?;
        let first = bars.times.first().copied();
        let function = self.function(series);
        if let (Some(first), true) = (first, function.is_some_and(Function::rolls)) {
            envelope.facts.push((OLDEST.into(), first.to_string()));
        }
        Ok(Decoded { bars, envelope, ..Decoded::default() })
    }

    fn spoken(&self, series: &Series, asked: &Upstream, said: &Decoded, at: Ts) -> Option<Window> {
        let query = Query::read(&asked.query);
        let function = self.function(series)?;
        let month = query.get("month").and_then(|month| stamp::date(&format!("{month}-01")));
        let whole = match month {
            Some(month) => month_of(stamp::global(month, self.clock(function)), self.clock(function)).1,
            None => Window::ALL,
        };
        // Where the newest rows alone came, nothing is said of what is before the first of them.
        let is_cut = query.get("outputsize") == Some("compact") && said.bars.len() as u64 >= COMPACT;
        // Nor is it where the last days come without a month being named: how far back they go is not said.
        let recent = function.unit.is_none() && month.is_none();
        let first = said.bars.times.first().copied();
        let from = match first.filter(|_| is_cut || recent) {
            Some(first) => first,
            None if recent => at,
            None => whole.from,
        };
        Some(Window::new(from, whole.to))
    }

    fn encode(&self, series: &Series, bars: &Bars, shape: Shape) -> Runs {
        match self.function(series) {
            Some(function) => write::encode(&self.table(function), function, &labelled(bars), shape),
            None => Runs::default(),
        }
    }

    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
        let bad = |detail: &str| Undecodable::new(&self.manifest.name, detail);
        let function = self.function(series).ok_or_else(|| bad("no function brings such bars"))?;
        keyed::reread(&self.table(function), runs)
            .map(|bars| placed(function, series, bars))
            .map_err(|error| Undecodable { provider: self.manifest.name.clone(), ..error })
    }

    fn compose(&self, page: &Page<'_>) -> Composed {
        let native = self.manifest.native_interval(page.series.interval).unwrap_or_default();
        write::compose(page, self.function(page.series), native)
    }

    fn error(&self, failure: &Failure) -> NativeError {
        errors::answer(failure)
    }

    fn rewritten_by(&self, series: &Series) -> Option<&'static [&'static str]> {
        let adjusted = series.variant.get("adjusted");
        self.function(series).is_some_and(|function| function.is_rewritten(adjusted)).then_some(&[])
    }

    fn needs_sight(&self) -> bool {
        true
    }

    fn placed(&self, series: &Series, local: Window, _sight: &Envelope) -> Window {
        let Some(function) = self.function(series) else { return local };
        let zone = self.clock(function);
        Window::new(stamp::global(local.from, zone), stamp::global(local.to, zone))
    }

    fn first_instant(&self, named: Named, sight: &Envelope, _opens: &dyn Fn(Window) -> Vec<Ts>) -> Option<Ts> {
        if named == ALL { sight.fact(OLDEST)?.parse().ok() } else { None }
    }

    fn first_guess(&self, _named: Named, _now: Ts) -> Ts {
        BEGINNING
    }

    fn currency(&self, series: &Series, _sight: &Envelope) -> String {
        if series.currency.as_ref() == "own" { String::new() } else { series.currency.to_string() }
    }
}

impl AlphaVantage {
    /// The month that a call asks for, and its window: the client's own, or the one with the missing rows nearest to the
    /// side on which they are wanted.
    fn month(&self, function: &Function, series: &Series, call: &Call, named: Named, now: Ts) -> Option<(Ts, Window)> {
        if function.unit.is_some() || function.market != Market::Stocks {
            return None;
        }
        let zone = self.clock(function);
        match named {
            Named::Local { from, .. } => Some(month_of(stamp::global(from, zone), zone)),
            _ if self.is_compact(series, call, now) => None,
            _ if call.anchor == Anchor::End => Some(month_of(call.window.to - 1, zone)),
            _ => Some(month_of(call.window.from, zone)),
        }
    }
}
