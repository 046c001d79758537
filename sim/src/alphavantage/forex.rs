//! Currencies: no volume, five decimals, and a time in `Last Refreshed`.

use super::function::title;
use super::table::{PRICES, Table};
use super::{Problem, full, interval, size_name, stamp};
use crate::json::Params;
use crate::tape::pairs::Pair;
use crate::tape::slots::{Period, Slot};
use crate::tape::{Instrument, Scale, Values};

pub(super) fn table(params: &Params, period: Option<Period>, now: i64) -> Result<Table, Problem> {
    let (from, to) = (params.get("from_symbol"), params.get("to_symbol"));
    let pair = Pair::find(from.unwrap_or_default(), to.unwrap_or_default()).filter(|pair| !pair.has_coin());
    let pair = pair.ok_or(Problem::Call)?;
    let instrument = Instrument::Pair(pair);
    let symbols = [("From Symbol", pair.base.code.to_owned()), ("To Symbol", pair.quote.code.to_owned())];
    let refreshed = ("Last Refreshed", refreshed(&instrument, now)?);
    let size = ("Output Size", size_name(full(params)?).to_owned());
    let zone = ("Time Zone", "UTC".to_owned());
    let Some(period) = period else {
        let (name, period) = interval(params)?;
        let rows = rows(&instrument, period, limit(params, period)?, now);
        let newest = ("Last Refreshed", rows.first().map(|(label, _)| label.clone()).unwrap_or_default());
        let mut meta = vec![("Information", format!("FX Intraday ({name}) Time Series"))];
        meta.extend(symbols);
        meta.extend([newest, ("Interval", name.to_owned()), size, zone]);
        return Ok(Table { meta, key: format!("Time Series FX ({name})"), columns: PRICES, rows });
    };
    let name = title(period);
    let mut meta = vec![("Information", format!("Forex {name} Prices (open, high, low, close)"))];
    meta.extend(symbols);
    meta.extend((period == Period::Day).then_some(size));
    meta.extend([refreshed, zone]);
    let rows = rows(&instrument, period, limit(params, period)?, now);
    Ok(Table { meta, key: format!("Time Series FX ({name})"), columns: PRICES, rows })
}

fn limit(params: &Params, period: Period) -> Result<usize, Problem> {
    Ok(match (period, full(params)?) {
        (Period::Day | Period::Minutes(_), false) => 100,
        // As many minutes as thirty days have.
        (Period::Minutes(minutes), true) => (30 * 1_440 / minutes) as usize,
        (Period::Day, true) => 5_000,
        (Period::Week | Period::Month, _) => 1_000,
    })
}

/// The newest five minutes.
fn refreshed(instrument: &Instrument, now: i64) -> Result<String, Problem> {
    let newest = instrument.slots(Period::Minutes(5), false, now).next().ok_or(Problem::Call)?;
    Ok(stamp(instrument.local(newest.from)))
}

fn rows(instrument: &Instrument, period: Period, limit: usize, now: i64) -> Vec<(String, Vec<String>)> {
    let slots: Vec<Slot> = instrument.slots(period, false, now).take(limit).collect();
    let row = |slot: &Slot| {
        let label = match period {
            Period::Minutes(_) => stamp(instrument.local(slot.from)),
            _ => slot.last.to_string(),
        };
        let Values { open, high, low, close, .. } = instrument.values(slot, now, &|_| Scale::AS_TRADED);
        (label, [open, high, low, close].map(|price| format!("{price:.5}")).to_vec())
    };
    slots.iter().map(row).collect()
}
