//! Reading a request.

use super::function::{self, Function, Market};
use super::write::CSV;
use super::{ALL, AlphaVantage, COMPACT, FULL, errors};
use crate::query::Query;
use crate::{Named, Native, NativeAsk, NativeError, Recognised, Shape, stamp};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::{Grid, Interval, Unit};
use finex_core::time::Window;

/// Parameters that are read beside those that change the numbers, and those that say nothing about rows.
const READ: [&str; 5] = ["function", "interval", "month", "outputsize", "datatype"];
const IGNORED: [&str; 2] = ["apikey", "source"];
const DAY: i64 = 86_400_000;

/// A series request; what cannot be read with certainty goes through.
pub(super) fn recognise(provider: &AlphaVantage, query: &str) -> Recognised {
    let query = Query::read(query);
    let Some(function) = query.get("function").and_then(function::find) else { return Recognised::Forward };
    let known = |name: &str| {
        READ.contains(&name)
            || IGNORED.contains(&name)
            || function.symbols().contains(&name)
            || function.variant().iter().any(|(known, _)| *known == name)
    };
    if query.repeats() || !query.names().all(known) {
        return Recognised::Forward;
    }
    match (Reading { provider, function, query }).read() {
        Ok(Some(ask)) => Recognised::Series(ask),
        Ok(None) => Recognised::Forward,
        Err(error) => Recognised::Refused(error),
    }
}

/// A symbol of characters that a symbol can have, as it was written: answers repeat it.
pub(super) fn symbol(text: &str) -> Option<&str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-:_^=&".contains(&b);
    let sound = (1..=40).contains(&text.len()) && text.bytes().all(fits);
    (sound && text.bytes().any(|b| b.is_ascii_alphanumeric())).then_some(text)
}

struct Reading<'a> {
    provider: &'a AlphaVantage,
    function: &'static Function,
    query: Query,
}

impl Reading<'_> {
    fn read(&self) -> Result<Option<NativeAsk>, NativeError> {
        let (Some(interval), Some(shape)) = (self.interval(), self.shape()) else { return Ok(None) };
        let mut names = Vec::new();
        for name in self.function.symbols() {
            // Alpha Vantage has its own words for what is missing.
            let Some(text) = self.query.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
            names.push(symbol(text).ok_or_else(|| errors::invalid_call(self.function.name))?);
        }
        let Some((window, take, named)) = self.window()? else { return Ok(None) };
        let given = |(name, default): &(&str, &str)| {
            let value = self.query.get(name).filter(|value| !value.eq_ignore_ascii_case(default))?;
            Some(((*name).to_owned(), value.to_ascii_lowercase()))
        };
        let variant = self.function.variant().iter().filter_map(given).collect();
        let currency = names.get(1).copied().unwrap_or("own");
        let series = self.provider.make_series(self.function, names[0], currency, interval, variant);
        let columns = crate::Provider::columns(self.provider, &series);
        let ask = Ask { window, take, columns };
        let options = if take == Take::All { FULL } else { 0 };
        Ok(Some(NativeAsk {
            series: series.into(),
            ask,
            native: Native { shape, named, options, ..Native::default() },
        }))
    }

    fn interval(&self) -> Option<Interval> {
        if let Some(interval) = self.function.interval() {
            return Some(interval);
        }
        let interval = self.provider.manifest.interval(self.query.get("interval")?)?;
        (interval.nominal_len() < DAY).then_some(interval)
    }

    fn shape(&self) -> Option<Shape> {
        match self.query.get("datatype").unwrap_or("json") {
            name if name.eq_ignore_ascii_case("json") => Some(Shape(0)),
            // With other texts it would be another series.
            name if name.eq_ignore_ascii_case("csv") && self.function.csv.is_some() => Some(Shape(CSV)),
            _ => None,
        }
    }

    /// What is asked for; none where only the provider knows.
    fn window(&self) -> Result<Option<(Window, Take, Named)>, NativeError> {
        if !self.function.is_sized {
            let named = if self.function.rolls() { ALL } else { Named::Ask };
            return Ok(Some((Window::ALL, Take::All, named)));
        }
        let is_full = match self.query.get("outputsize").unwrap_or("compact") {
            size if size.eq_ignore_ascii_case("compact") => false,
            size if size.eq_ignore_ascii_case("full") => true,
            _ => return Ok(None),
        };
        let take = if is_full { Take::All } else { Take::Last(COMPACT) };
        let is_intraday = self.function.unit.is_none();
        match self.query.get("month").filter(|month| !month.is_empty()) {
            Some(month) if is_intraday && self.function.market == Market::Stocks => {
                let from =
                    stamp::date(&format!("{month}-01")).ok_or_else(|| errors::invalid_call(self.function.name))?;
                let grid = Grid::new(Interval { count: 1, unit: Unit::Month }, 0);
                let to = grid.open(grid.index(from) + 1);
                Ok(Some((Window::new(from, to), take, Named::Local { from, to })))
            }
            Some(_) => Ok(None),
            // How far back the last thirty days reach is not said.
            None if is_intraday && is_full => Ok(None),
            None => Ok(Some((Window::ALL, take, Named::Ask))),
        }
    }
}
