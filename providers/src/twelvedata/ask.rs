//! Reading a request.

use super::write::{ASCENDING, CSV, DELIMITER, ZONE};
use super::{DAY, TwelveData, VARIANT, is_intraday};
use crate::query::Query;
use crate::{Batch, Named, Native, NativeAsk, NativeError, Recognised, Shape, stamp};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::Interval;
use finex_core::series::Variant;
use finex_core::time::{BEGINNING, END, Ts, Window};
use jiff::tz::TimeZone;

/// Parameters that are read beside those that change the numbers.
const READ: [&str; 10] =
    ["date", "symbol", "interval", "outputsize", "start_date", "end_date", "order", "timezone", "format", "delimiter"];
/// Parameters that say nothing about rows.
const IGNORED: [&str; 2] = ["apikey", "source"];
const MOST_ROWS: u64 = 5_000;
const ROWS: u64 = 30;
/// More would not fit into a request line.
const MOST_SYMBOLS: usize = 500;

/// A series request; what cannot be read with certainty goes through.
pub(super) fn recognise(provider: &TwelveData, query: &str) -> Recognised {
    // Names have no case (api-evangelist, conventions of Twelve Data).
    let query =
        Query(Query::read(query).0.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect());
    let known =
        |name: &str| READ.contains(&name) || IGNORED.contains(&name) || VARIANT.iter().any(|(known, _)| *known == name);
    if query.repeats() || !query.names().all(known) {
        return Recognised::Forward;
    }
    match (Reading { provider, query }).read() {
        Ok(Some(recognised)) => recognised,
        Ok(None) => Recognised::Forward,
        Err(error) => Recognised::Refused(error),
    }
}

/// A symbol in capitals, of characters that a symbol can have.
pub(super) fn symbol(text: &str) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"./:-_^=&".contains(&b);
    let sound =
        (1..=40).contains(&text.len()) && text.bytes().all(fits) && text.bytes().any(|b| b.is_ascii_alphanumeric());
    sound.then(|| text.to_ascii_uppercase())
}

struct Reading<'a> {
    provider: &'a TwelveData,
    query: Query,
}

impl Reading<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).filter(|value| !value.is_empty())
    }

    fn read(&self) -> Result<Option<Recognised>, NativeError> {
        let Some(interval) = self.get("interval").and_then(|name| self.provider.manifest.interval(name)) else {
            return Ok(None);
        };
        let (Some(shape), Some(zone)) = (self.shape(interval), self.zone(interval)) else { return Ok(None) };
        let Some((window, is_dated)) = self.window(interval, zone.as_ref()) else { return Ok(None) };
        if window.is_empty() {
            return Ok(None);
        }
        let rows = match self.get("outputsize").map(str::parse::<u64>) {
            None => {
                if is_dated {
                    MOST_ROWS
                } else {
                    ROWS
                }
            }
            Some(Ok(rows)) if (1..=MOST_ROWS).contains(&rows) => rows,
            Some(_) => return Ok(None),
        };
        let names = self.get("symbol").unwrap_or_default();
        let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() || names.len() > MOST_SYMBOLS {
            return Ok(None);
        }
        let ask = |name: &&str| self.ask(name, interval, window, rows, shape, zone.is_none() && is_dated);
        if let [name] = names.as_slice() {
            return ask(name).map(Recognised::Series).map(Some);
        }
        if shape.0 & CSV != 0 {
            return Ok(None);
        }
        let members = names.iter().map(|name| ((*name).to_owned(), ask(name))).collect();
        Ok(Some(Recognised::Batch(Batch { members, page: None, newest_first: false, options: 0 })))
    }

    fn ask(
        &self,
        name: &str,
        interval: Interval,
        window: Window,
        rows: u64,
        shape: Shape,
        is_local: bool,
    ) -> Result<NativeAsk, NativeError> {
        let symbol = symbol(name).ok_or_else(|| super::errors::not_found(name))?;
        let given = |(name, default): &(&str, &str)| {
            let value = self.get(name).filter(|value| !value.eq_ignore_ascii_case(default))?;
            Some(((*name).to_owned(), value.to_ascii_lowercase()))
        };
        let variant: Variant = VARIANT.iter().filter_map(given).collect();
        let series = self.provider.make_series(&symbol, interval, variant);
        let named = match is_local && is_intraday(interval) {
            true => Named::Local { from: window.from, to: window.to },
            false => Named::Ask,
        };
        let ask = Ask { window, take: Take::Last(rows), columns: self.provider.manifest.columns };
        Ok(NativeAsk { series: series.into(), ask, native: Native { shape, named, ..Native::default() } })
    }

    /// Start and end, and whether one of them is named. Days and longer are days of no clock.
    fn window(&self, interval: Interval, zone: Option<&TimeZone>) -> Option<(Window, bool)> {
        let utc = TimeZone::UTC;
        let clock = zone.filter(|_| is_intraday(interval)).unwrap_or(&utc);
        let read = |name: &str| match self.get(name) {
            None => Some(None),
            Some(text) => {
                let (ts, is_day) = stamp::client(text, clock)?;
                // What a clock shows twice, or never, the provider may read in its own way.
                if stamp::jumps(stamp::local(ts, clock), clock) {
                    return None;
                }
                // Where a day is asked for by a time within it, the provider knows what is meant.
                (is_intraday(interval) || is_day || ts.rem_euclid(DAY) == 0).then_some(Some(ts))
            }
        };
        if let Some(day) = self.get("date") {
            // Today and yesterday are the provider's to know.
            let day =
                stamp::date(day).filter(|_| self.get("start_date").is_none() && self.get("end_date").is_none())?;
            let instant = |local: Ts| if zone.is_some() { stamp::global(local, clock) } else { local };
            return Some((Window::new(instant(day), instant(day + DAY)), true));
        }
        let (from, to): (Option<Ts>, Option<Ts>) = (read("start_date")?, read("end_date")?);
        let window = Window::new(from.unwrap_or(BEGINNING), to.map_or(END, |to| to.saturating_add(1)));
        Some((window, from.is_some() || to.is_some()))
    }

    /// The clock that is named; none inside where it is the exchange's.
    #[allow(clippy::option_option, reason = "no clock, the exchange's, or a named one")]
    fn zone(&self, interval: Interval) -> Option<Option<TimeZone>> {
        match self.get("timezone") {
            _ if !is_intraday(interval) => Some(None),
            None => Some(None),
            Some(name) if name.eq_ignore_ascii_case("exchange") => Some(None),
            Some(name) => stamp::zone(name).map(Some),
        }
    }

    fn shape(&self, interval: Interval) -> Option<Shape> {
        let order = match self.get("order").unwrap_or("desc") {
            order if order.eq_ignore_ascii_case("desc") => 0,
            order if order.eq_ignore_ascii_case("asc") => ASCENDING,
            _ => return None,
        };
        let format = match self.get("format").unwrap_or("json") {
            format if format.eq_ignore_ascii_case("json") => 0,
            format if format.eq_ignore_ascii_case("csv") => {
                let delimiter = self.get("delimiter").unwrap_or(";");
                let [delimiter] = delimiter.as_bytes() else { return None };
                CSV | u32::from(*delimiter) << DELIMITER
            }
            _ => return None,
        };
        let named = self.get("timezone").filter(|name| is_intraday(interval) && !name.eq_ignore_ascii_case("exchange"));
        let zone = match named {
            None => 0,
            Some(name) => u32::from(stamp::zone_number(name)?) + 1,
        };
        Some(Shape(order | format | zone << ZONE))
    }
}
