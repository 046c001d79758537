//! A provider from its manifest alone: a request is read by the endpoints that the manifest lists, bars by a table of
//! fields, and answers are written from templates.
//!
//! What an endpoint does not name is not guessed: a request with an unknown parameter or interval goes through.

mod answer;
mod ask;
mod call;
mod labels;
mod paging;
mod refusal;
mod template;
#[cfg(test)]
mod tests;

use crate::endpoint::Endpoint;
use crate::manifest::Manifest;
use crate::rows::Runs;
use crate::shape::{Table, as_it_is};
use crate::{
    Batch, Composed, Decoded, Failure, Joined, Named, NativeError, NativeRequest, Page, Part, Provider, Recognised,
    Shape, Undecodable, Unsupported, Upstream, stamp,
};
use finex_core::calendar::{Grid, Interval};
use finex_core::columns::{Bars, Columns};
use finex_core::envelope::Envelope;
use finex_core::exchange::Exchange;
use finex_core::plan::{Anchor, Call, Limits};
use finex_core::series::{Scope, Series};
use finex_core::status::ErrorClass;
use finex_core::time::{Ts, Window};
use jiff::tz::TimeZone;
use template::Template;

const DAY: i64 = 86_400_000;
/// Held final bars fetched again beside a gap: three tell one corrected bar from a rewritten history.
const SEAM: u64 = 3;
/// Names of a series' variant that are not the provider's.
const ENDPOINT: &str = "endpoint";
const WINDOW: &str = "window";

/// Shapes of every endpoint, in bits.
const NEWEST_FIRST: u32 = 1;
const CSV: u32 = 2;

pub struct Described {
    manifest: Manifest,
    zone: TimeZone,
    ways: Vec<Way>,
    json: &'static str,
}

/// An endpoint, ready for use.
struct Way {
    facts: Endpoint,
    /// By label rule: bars under their opening, weeks under their last weekday, and so on.
    table: Table,
    answer: Template,
    empty: Option<Template>,
    member: Option<Template>,
    csv: &'static str,
}

impl Described {
    /// Checks a manifest as far as that can be done without asking anybody.
    pub fn new(mut manifest: Manifest) -> Result<Described, String> {
        let zone = stamp::zone(&manifest.timezone).ok_or_else(|| format!("no zone is named {}", manifest.timezone))?;
        let ways: Vec<Way> =
            manifest.endpoints.iter().map(|facts| Way::new(facts, &zone, &manifest)).collect::<Result<_, _>>()?;
        manifest.columns = ways.iter().flat_map(|way| way.table.columns().iter()).collect();
        let json = leaked(manifest.content_type.as_deref().unwrap_or("application/json"));
        Ok(Described { manifest, zone, ways, json })
    }

    /// The endpoint that finex asks for a series.
    fn way(&self, series: &Series) -> Option<&Way> {
        match series.variant.get(ENDPOINT) {
            Some(name) => self.ways.iter().find(|way| way.facts.name == name),
            None => self.ways.first(),
        }
    }

    fn table(&self, series: &Series) -> Option<Table> {
        self.way(series).map(|way| labels::table(way, series.interval))
    }

    fn undecodable(&self, error: Undecodable) -> Undecodable {
        Undecodable { provider: self.manifest.name.clone(), ..error }
    }

    /// Is an answer one piece, which no other window can be cut from?
    fn is_whole(&self, interval: Interval) -> bool {
        self.manifest.class_of(interval).is_some_and(|class| class.whole)
    }

    fn is_rewritten(&self, series: &Series) -> bool {
        let Some(facts) = self.way(series).and_then(|way| way.facts.rewritten.as_ref()) else { return false };
        let is = |(name, value): (&String, &String)| {
            let default = self.way(series).and_then(|way| way.facts.variant.get(name));
            let own = series.variant.get(name).or(default.map(String::as_str));
            own.is_some_and(|own| own.eq_ignore_ascii_case(value))
        };
        let interval = series.interval.to_string();
        (facts.intervals.is_empty() || facts.intervals.contains(&interval)) && !facts.unless.iter().any(is)
    }
}

impl Way {
    /// Are a symbol's days those of UTC?
    fn keeps_utc(&self, symbol: &str) -> bool {
        self.facts.utc_like.iter().any(|part| symbol.contains(part.as_str()))
    }

    fn new(facts: &Endpoint, zone: &TimeZone, manifest: &Manifest) -> Result<Way, String> {
        let named = |error: String| format!("endpoint {}: {error}", facts.name);
        let fields = Table::fields(&facts.fields).map_err(named)?;
        if fields.iter().filter(|field| field.column.is_none()).count() != 1 {
            return Err(named("exactly one field is the time".into()));
        }
        for interval in facts.only.iter() {
            let known: Interval = interval.parse().map_err(|e| named(format!("{e}")))?;
            manifest.offers(known).map_err(|e| named(e.to_string()))?;
        }
        let zone = zone.clone();
        let table = Table { fields, quoted: facts.quoted, unit: facts.stamp, zone, opens: as_it_is, label: as_it_is };
        let template = |text: &String| Template::parse(text, &table, facts.shape).map_err(named);
        Ok(Way {
            answer: template(&facts.answer)?,
            empty: facts.empty.as_ref().map(template).transpose()?,
            member: facts.member.as_ref().map(template).transpose()?,
            csv: leaked(facts.csv.as_ref().and_then(|csv| csv.content_type.as_deref()).unwrap_or("text/csv")),
            facts: facts.clone(),
            table,
        })
    }
}

/// A content type for as long as the gateway runs.
fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

impl Provider for Described {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn recognise(&self, request: &NativeRequest<'_>) -> Recognised {
        if !matches!(request.method, "GET" | "HEAD") {
            return Recognised::Forward;
        }
        ask::recognise(self, request)
    }

    fn series(&self, symbol: &str, interval: Interval) -> Result<Series, Unsupported> {
        ask::unified(self, symbol, interval)
    }

    fn grid(&self, series: &Series) -> Grid {
        let even = match self.manifest.class_of(series.interval) {
            Some(class) => class.even,
            None => series.interval.nominal_len() < DAY,
        };
        if even { Grid::new(series.interval, 0) } else { Grid::uneven(series.interval) }
    }

    fn columns(&self, series: &Series) -> Columns {
        self.way(series).map_or(Columns::OHLCV, |way| way.table.columns())
    }

    fn limits(&self, series: &Series, widen_bytes: u64, max_calls: u64) -> Limits {
        let base = self.manifest.planning(widen_bytes, max_calls);
        let apart = self.way(series).and_then(|way| way.facts.apart.as_ref());
        let apart = apart.filter(|apart| series.variant.get(&apart.unless).is_none()).map(|apart| apart.newest);
        let rows = call::rows(self, series);
        let base =
            Limits { windowed: rows.is_none(), seam: if self.is_rewritten(series) { SEAM } else { 0 }, apart, ..base };
        let Some(class) = self.manifest.class_of(series.interval) else { return base };
        let never_closes = self.way(series).is_some_and(|way| way.keeps_utc(&series.symbol));
        let density = if never_closes { 1.0 } else { class.density };
        Limits {
            page: rows.map_or(class.page / series.interval.nominal_len(), |rows| (rows as f64 / density) as i64).max(1)
                as u64,
            depth: class.depth,
            settle: class.settle.max(apart.unwrap_or(0)),
            density,
            row_bytes: ((class.row_bytes as f64 * class.density) as u64).max(1),
            whole: class.whole,
            ..base
        }
    }

    fn call(&self, series: &Series, call: &Call, _named: Named, _now: Ts) -> Upstream {
        call::upstream(self, &[(series, call)])
    }

    fn admissible(&self, series: &Series, call: &Call) -> Window {
        call::spoken(self, series, call)
    }

    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
        refusal::classify(&self.manifest, status, content_type, body)
    }

    fn decode(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
        answer::read(self, series, call, body).map_err(|error| self.undecodable(error))
    }

    fn part(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Failure> {
        // Of several series every page is fetched, so that there is nothing more.
        let all = Call { anchor: Anchor::Both, ..*call };
        self.decode(series, &all, body).map_err(|error| error.failure())
    }

    fn next(&self, series: &Series, asked: &Upstream, body: &[u8]) -> Option<Upstream> {
        paging::next(self.way(series)?, &self.manifest, asked, body)
    }

    fn together(&self, calls: &[(&Series, &Call)]) -> Option<Upstream> {
        let way = self.way(calls.first()?.0)?;
        (way.facts.symbols.is_some() && self.manifest.batch.is_some()).then(|| call::upstream(self, calls))
    }

    fn encode(&self, series: &Series, bars: &Bars, shape: Shape) -> Runs {
        answer::encode(self, series, bars, shape)
    }

    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
        answer::reread(self, series, runs).map_err(|error| self.undecodable(error))
    }

    fn compose(&self, page: &Page<'_>) -> Composed {
        answer::compose(self, page)
    }

    fn join(&self, batch: &Batch, parts: &[Part<'_>]) -> Joined {
        answer::join(self, batch, parts)
    }

    fn error(&self, failure: &Failure) -> NativeError {
        refusal::answer(&self.manifest, self.json, failure)
    }

    fn rewritten_by(&self, series: &Series) -> Option<&'static [&'static str]> {
        self.is_rewritten(series).then_some(&[])
    }

    fn exchange(&self, series: &Series, _sight: &Envelope) -> Option<&'static Exchange> {
        // Symbols of other kinds are written with something before or between.
        let is_stock = series.symbol.bytes().all(|b| b.is_ascii_uppercase() || b == b'.');
        let keeps_utc = self.way(series).is_some_and(|way| way.keeps_utc(&series.symbol));
        if is_stock && !keeps_utc { Exchange::find(&self.manifest.exchange) } else { None }
    }

    fn currency(&self, series: &Series, _sight: &Envelope) -> String {
        series.currency.to_string()
    }
}

/// A series without what its endpoint adds.
fn bare(manifest: &Manifest, symbol: &str, interval: Interval, currency: String) -> Series {
    Series {
        provider: manifest.id.as_str().into(),
        symbol: symbol.into(),
        interval,
        currency: currency.into(),
        variant: Default::default(),
        scope: Scope::Shared,
    }
}
