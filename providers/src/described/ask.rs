//! Reading a request by the facts of an endpoint.

use super::{CSV, Described, ENDPOINT, NEWEST_FIRST, WINDOW, Way, bare, paging, refusal};
use crate::endpoint::{Accepts, Bound};
use crate::json::shown;
use crate::query::Query;
use crate::{Batch, Native, NativeAsk, NativeError, NativeRequest, Recognised, Shape, Unsupported, stamp};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::{Grid, Interval, Unit};
use finex_core::series::{Series, Variant};
use finex_core::time::{BEGINNING, END, Ts, Window};
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

const DAY: i64 = 86_400_000;
/// What is beyond the year 5138 in seconds is in milliseconds.
const LATEST_SECONDS: i64 = 99_999_999_999;

/// What a request names in its path.
type Captures<'a> = BTreeMap<&'a str, String>;

pub(super) fn recognise(provider: &Described, request: &NativeRequest<'_>) -> Recognised {
    let accept = (request.header)("accept").unwrap_or_default();
    let wants_lines = accept.contains("text/csv") && !accept.contains("json");
    for (at, way) in provider.ways.iter().enumerate() {
        let Some(captures) = captured(provider, way, request.path) else { continue };
        let reading =
            Reading { provider, way, at, captures, query: Query::read(request.query), now: request.now, wants_lines };
        return match reading.read() {
            Ok(Some(recognised)) => recognised,
            Ok(None) => Recognised::Forward,
            Err(error) => Recognised::Refused(error),
        };
    }
    Recognised::Forward
}

/// The parts of a path that an endpoint reads; none if it is another path.
fn captured<'a>(provider: &Described, way: &'a Way, path: &str) -> Option<Captures<'a>> {
    let mut segments = path.split('/');
    let mut captures = Captures::new();
    for expected in way.facts.path.split('/') {
        let name = expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let segment = segments.next()?;
        match name {
            Some("interval") => {
                // A word of several segments, such as `5/minute`.
                let words = provider.manifest.intervals.values().map(|word| word.matches('/').count()).max();
                let mut word = segment.to_owned();
                for _ in 0..words.unwrap_or(0) {
                    word = format!("{word}/{}", segments.next()?);
                }
                captures.insert("interval", word);
            }
            Some(name) => {
                let text = percent_decode_str(segment).decode_utf8().ok()?.into_owned();
                if text.contains('/') {
                    return None;
                }
                captures.insert(name, text);
            }
            None if expected == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(captures)
}

struct Reading<'a> {
    provider: &'a Described,
    way: &'a Way,
    at: usize,
    captures: Captures<'a>,
    query: Query,
    now: Ts,
    /// Does it ask for CSV by its `Accept`?
    wants_lines: bool,
}

/// The ends of a window as a client named them, half-open.
struct Ends {
    from: Option<Ts>,
    to: Option<Ts>,
}

impl Reading<'_> {
    /// What is asked for; none where only the provider knows.
    fn read(&self) -> Result<Option<Recognised>, NativeError> {
        if self.wants_lines || self.query.repeats() || !self.query.names().all(|name| self.knows(name)) {
            return Ok(None);
        }
        let facts = &self.way.facts;
        let Some(interval) = self.interval() else { return Ok(None) };
        let (Some(shape), Some(newest_first)) = (self.shape(), self.newest_first()) else { return Ok(None) };
        let Some(limit) = self.limit() else { return Ok(None) };
        let (Some(from), Some(to)) = (self.bound(&facts.from, "from")?, self.bound(&facts.to, "to")?) else {
            return Ok(None);
        };
        let ends = Ends { from, to };
        if (facts.from.required && ends.from.is_none()) || (facts.to.required && ends.to.is_none()) {
            return Ok(None);
        }
        let Ends { from, to } = ends;
        let from = from.map(|from| if facts.from.reaches_back { self.opening(from, interval) } else { from });
        let window = Window::new(from.unwrap_or(BEGINNING), to.unwrap_or(END));
        // A window that ends before it begins is refused by the provider, in its own words; and so may be one to come.
        let is_to_come = from.is_some_and(|from| from > self.now);
        if window.from > window.to || (window.is_empty() && from.is_some() && to.is_some()) || is_to_come {
            return Ok(None);
        }
        if self.is_too_long(window, interval) || !self.is_understood() {
            return Ok(None);
        }
        let cursor = match self.cursor() {
            Some(Ok(cursor)) => Some(cursor),
            Some(Err(())) => return Ok(None),
            None => None,
        };
        let page = limit;
        let shape = Shape(shape | if newest_first { NEWEST_FIRST } else { 0 });
        let native = Native { shape, options: self.at as u32, ..Native::default() };
        match &facts.symbols {
            Some(name) => {
                let names = self.query.get(name).unwrap_or_default();
                let batch = self.batch(names, interval, window, Native { page, ..native }, newest_first, cursor);
                Ok(batch.map(Recognised::Batch))
            }
            None => {
                let symbol = self.said(facts.symbol.as_deref(), "symbol").unwrap_or_default();
                let Some(symbol) = symbol_of(self.provider, &symbol) else { return Ok(None) };
                if cursor.as_ref().is_some_and(|(of, at)| *of != symbol || !window.contains(*at)) {
                    return Ok(None);
                }
                let (native, after) = (Native { page, ..native }, cursor.map(|(_, at)| at));
                Ok(Some(Recognised::Series(self.ask(&symbol, interval, window, native, newest_first, after))))
            }
        }
    }

    /// The series of a list; none where one of its names is no symbol.
    fn batch(
        &self,
        names: &str,
        interval: Interval,
        window: Window,
        native: Native,
        newest_first: bool,
        cursor: Option<(String, Ts)>,
    ) -> Option<Batch> {
        /// More would not fit into a request line.
        const MOST: usize = 1_000;
        let symbols: Option<Vec<String>> = names.split(',').map(|name| symbol_of(self.provider, name.trim())).collect();
        let mut symbols = symbols?;
        // Answers are sorted by symbol, whatever the order in which they were asked for.
        symbols.sort();
        symbols.dedup();
        if symbols.len() > MOST || cursor.as_ref().is_some_and(|(_, at)| !window.contains(*at)) {
            return None;
        }
        let ask = |symbol: &String| {
            let after = match &cursor {
                Some((at, _)) if symbol < at => return None,
                Some((at, ts)) if symbol == at => Some(*ts),
                _ => None,
            };
            Some((symbol.clone(), Ok(self.ask(symbol, interval, window, native, newest_first, after))))
        };
        let members = symbols.iter().filter_map(ask).collect();
        Some(Batch { members, page: native.page, newest_first, options: native.options })
    }

    /// The ask for a window, or for what is left of it behind the row that a page ended with.
    fn ask(
        &self,
        symbol: &str,
        interval: Interval,
        window: Window,
        native: Native,
        newest_first: bool,
        after: Option<Ts>,
    ) -> NativeAsk {
        let take = match native.page {
            // One more than fits, to see whether there is more.
            Some(page) if newest_first => Take::Last(page.saturating_add(1)),
            Some(page) => Take::First(page.saturating_add(1)),
            None => Take::All,
        };
        let series = self.series(symbol, interval, window);
        // What is put together may begin before the window that it is put together from.
        let longest = interval.nominal_len() + interval.nominal_len() / 30 + DAY;
        let is_whole = self.provider.is_whole(interval);
        let from = if is_whole { window.from.saturating_sub(longest) } else { window.from };
        let window = Window::new(from, window.to);
        let window = after.map_or(window, |at| paging::rest(window, at, newest_first));
        let ask = Ask { window, take, columns: self.way.table.columns() };
        NativeAsk { series: series.into(), ask, native }
    }

    fn series(&self, symbol: &str, interval: Interval, window: Window) -> Series {
        let facts = &self.way.facts;
        let mut variant: Vec<(String, String)> = Vec::new();
        if self.provider.ways.iter().any(|way| way.facts.name != facts.name) {
            variant.push((ENDPOINT.into(), facts.name.clone()));
        }
        for (name, default) in &facts.variant {
            let value = self.query.get(name).filter(|value| !value.eq_ignore_ascii_case(default));
            // In the manifest's spelling, where it has one: `False` is `false`.
            let known = facts.allowed.get(name).into_iter().flatten();
            let spelt = |value: &str| known.clone().find(|known| known.eq_ignore_ascii_case(value)).cloned();
            variant.extend(value.map(|value| (name.clone(), spelt(value).unwrap_or_else(|| value.to_owned()))));
        }
        if self.provider.is_whole(interval) {
            variant.push((WINDOW.into(), format!("{}~{}", window.from, window.to)));
        }
        let currency = currency(self.provider, self.way, symbol);
        Series {
            variant: variant.into_iter().collect::<Variant>(),
            ..bare(&self.provider.manifest, symbol, interval, currency)
        }
    }

    fn knows(&self, name: &str) -> bool {
        let facts = &self.way.facts;
        let single = [&facts.symbol, &facts.symbols, &facts.interval, &facts.from.name, &facts.to.name];
        single.into_iter().flatten().any(|known| known == name)
            || facts.limit.as_ref().is_some_and(|limit| limit.name == name)
            || facts.sort.as_ref().is_some_and(|sort| sort.name == name)
            || facts.csv.as_ref().is_some_and(|csv| csv.name == name)
            || facts.paging.as_ref().is_some_and(|paging| paging::parameter(paging) == name)
            || facts.variant.contains_key(name)
            || facts.ignored.iter().any(|known| known == name)
            || self.provider.manifest.keys.is_parameter(name)
    }

    /// What stands in the query under a name, or in the path.
    fn said(&self, name: Option<&str>, capture: &str) -> Option<String> {
        let in_query = name.and_then(|name| self.query.get(name)).map(str::to_owned);
        in_query.or_else(|| self.captures.get(capture).cloned())
    }

    /// Is it said elsewhere how such a window is answered?
    fn is_too_long(&self, window: Window, interval: Interval) -> bool {
        let class = self.provider.manifest.class_of(interval).filter(|class| class.longer_goes_through);
        class.is_some_and(|class| window.to.min(self.now).saturating_sub(window.from) > class.page)
    }

    /// Do all parameters that change the numbers have values of which that is known?
    fn is_understood(&self) -> bool {
        let facts = &self.way.facts;
        facts.allowed.iter().all(|(name, known)| {
            let default = facts.variant.get(name);
            let value = self.query.get(name);
            value.is_none_or(|value| known.iter().chain(default).any(|known| known.eq_ignore_ascii_case(value)))
        })
    }

    /// When the bar opens that an instant lies in.
    fn opening(&self, ts: Ts, interval: Interval) -> Ts {
        if self.provider.is_whole(interval) {
            return ts;
        }
        match interval.unit {
            Unit::Week | Unit::Month => {
                let grid = Grid::new(interval, 0);
                grid.open(grid.index(ts))
            }
            _ => {
                let local = stamp::local(ts, self.clock());
                if interval.nominal_len() >= DAY {
                    return stamp::global(local.div_euclid(DAY) * DAY, self.clock());
                }
                // Counted from the instant: an hour that the clock shows twice is two.
                ts - local.rem_euclid(DAY).rem_euclid(interval.nominal_len())
            }
        }
    }

    fn interval(&self) -> Option<Interval> {
        let facts = &self.way.facts;
        let said = self.said(facts.interval.as_deref(), "interval").or_else(|| facts.default_interval.clone())?;
        let word = facts.spellings.get(&said).unwrap_or(&said);
        let interval = self.provider.manifest.interval(word)?;
        has(self.way, interval).then_some(interval)
    }

    fn shape(&self) -> Option<u32> {
        let Some(csv) = &self.way.facts.csv else { return Some(0) };
        match self.query.get(&csv.name) {
            None => Some(0),
            Some(value) if value.eq_ignore_ascii_case(&csv.json) => Some(0),
            Some(value) if value.eq_ignore_ascii_case(&csv.value) => Some(CSV),
            Some(_) => None,
        }
    }

    fn newest_first(&self) -> Option<bool> {
        let Some(sort) = &self.way.facts.sort else { return Some(false) };
        let said = |words: &[String], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        match self.query.get(&sort.name) {
            None => Some(sort.newest_by_default),
            Some(word) if said(&sort.oldest_first, word) => Some(false),
            Some(word) if said(&sort.newest_first, word) => Some(true),
            Some(_) => None,
        }
    }

    /// Rows of a page, where the endpoint has pages; none of that where the number cannot be meant.
    fn limit(&self) -> Option<Option<u64>> {
        let Some(limit) = &self.way.facts.limit else { return Some(None) };
        match self.query.get(&limit.name) {
            None => Some(Some(limit.default)),
            Some(text) => text.parse::<u64>().ok().filter(|n| (1..=limit.max).contains(n)).map(Some),
        }
    }

    fn cursor(&self) -> Option<Result<(String, Ts), ()>> {
        let paging = self.way.facts.paging.as_ref()?;
        let text = self.query.get(paging::parameter(paging)).filter(|text| !text.is_empty())?;
        Some(paging::cursor(text).ok_or(()))
    }

    /// One end of the window, as `[from, to)`.
    ///
    /// None where it is written in a way that only the provider may read.
    fn bound(&self, bound: &Bound, capture: &str) -> Result<Option<Option<Ts>>, NativeError> {
        let Some(text) = self.said(bound.name.as_deref(), capture) else { return Ok(Some(None)) };
        let is_end = capture == "to";
        let name = bound.name.as_deref().unwrap_or(capture);
        for accepts in &bound.accepts {
            let number = || text.parse::<i64>().ok();
            let read = match accepts {
                Accepts::S => number().map(|seconds| match (-LATEST_SECONDS..=LATEST_SECONDS).contains(&seconds) {
                    true => Ok((seconds * 1_000, if is_end { 1_000 } else { 0 })),
                    false => Err(self.refused(&format!("{name} is in seconds; this looks like milliseconds"))),
                }),
                Accepts::Ms => number().map(|ms| match (1_000_000_000..10_000_000_000).contains(&ms) {
                    false => Ok((ms.clamp(BEGINNING, END - 1), 1)),
                    true => Err(self.refused(&format!("{name} is in milliseconds; this looks like seconds"))),
                }),
                Accepts::Time => stamp::client(&text, self.clock()).map(|(ts, day)| {
                    let whole = day && bound.whole_days;
                    // The end of a day is where the clock shows the next one.
                    let next = stamp::global(stamp::local(ts, self.clock()) + DAY, self.clock());
                    Ok((ts, if whole { next - ts } else { 1 }))
                }),
            };
            if let Some(read) = read {
                let (ts, len) = read?;
                return Ok(Some(Some(if is_end { ts.saturating_add(len) } else { ts })));
            }
        }
        Ok(None)
    }

    /// The clock of days in requests. Where bars are shown under days, those are days of no zone.
    fn clock(&self) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        let facts = &self.way.facts;
        let named = facts.symbol.as_deref().or(facts.symbols.as_deref());
        let symbol = || self.said(named, "symbol").unwrap_or_default();
        let is_utc =
            facts.from.unit == stamp::Unit::Date || (!facts.utc_like.is_empty() && self.way.keeps_utc(&symbol()));
        if is_utc { &UTC } else { &self.provider.zone }
    }

    fn refused(&self, reason: &str) -> NativeError {
        refusal::bad(&self.provider.manifest, self.provider.json, reason)
    }
}

fn symbol_of(provider: &Described, text: &str) -> Option<String> {
    let facts = &provider.manifest.symbols;
    let fits = |c: char| c.is_ascii_alphanumeric() || facts.beside.contains(c);
    let sound = (1..=facts.longest).contains(&text.len())
        && text.chars().all(fits)
        && text.contains(|c: char| c.is_ascii_alphanumeric());
    sound.then(|| if facts.upper { text.to_ascii_uppercase() } else { text.to_owned() })
}

/// Does an endpoint have bars of an interval?
fn has(way: &Way, interval: Interval) -> bool {
    way.facts.only.is_empty() || way.facts.only.contains(&interval.to_string())
}

fn currency(provider: &Described, way: &Way, symbol: &str) -> String {
    match way.facts.currency.as_str() {
        "quote" => provider.manifest.quote_of(&symbol.to_ascii_uppercase()).unwrap_or_default(),
        currency => currency.to_owned(),
    }
}

/// The series that the unified API means.
pub(super) fn unified(provider: &Described, text: &str, interval: Interval) -> Result<Series, Unsupported> {
    let own = symbol_of(provider, text).ok_or_else(|| Unsupported::Symbol {
        provider: provider.manifest.id.clone(),
        symbol: shown(text),
        rule: "it has characters that no symbol of this provider has",
    })?;
    provider.manifest.offers(interval)?;
    let like = |way: &&Way| way.facts.symbols_like.as_ref().is_some_and(|part| own.contains(part.as_str()));
    let any = |way: &&Way| way.facts.symbols_like.is_none();
    // What is put together from a window belongs to that window.
    let is_whole = provider.is_whole(interval);
    let fits = |way: &&Way| has(way, interval) && !is_whole;
    let ways = || provider.ways.iter().filter(fits);
    let way = ways().find(like).or_else(|| ways().find(any));
    let Some(way) = way else {
        let offered = provider.manifest.intervals.keys().filter(|known| !provider.is_whole(**known));
        let has = offered.map(Interval::to_string).collect::<Vec<_>>().join(", ");
        return Err(Unsupported::Interval {
            provider: provider.manifest.id.clone(),
            interval: interval.to_string(),
            has,
        });
    };
    let reading = Reading {
        provider,
        way,
        at: 0,
        captures: Captures::new(),
        query: Query::default(),
        now: 0,
        wants_lines: false,
    };
    Ok(reading.series(&own, interval, Window::ALL))
}
