//! Coins: eight decimals, or five within the day. What is longer than that is refreshed once a day.

use super::function::title;
use super::table::{Table, VOLUME};
use super::{Problem, full, interval, size_name, stamp};
use crate::json::Params;
use crate::tape::pairs::{Pair, midnight, utc};
use crate::tape::slots::{Period, Slot, start_of};
use crate::tape::{Instrument, Scale, Values};
use jiff::ToSpan;

/// How many days are shown.
const DAYS: i64 = 350;
/// How long after midnight the day's row is taken. Until the next midnight it stays as it was then.
const REFRESH: i64 = 600;

pub(super) fn table(params: &Params, period: Option<Period>, now: i64) -> Result<Table, Problem> {
    let (symbol, market) = (params.get("symbol"), params.get("market"));
    let pair = Pair::find(symbol.unwrap_or_default(), market.unwrap_or_default()).filter(|pair| pair.base.coin);
    let pair = pair.ok_or(Problem::Call)?;
    match period {
        None => intraday(params, pair, now),
        Some(period) => Ok(periods(pair, period, now)),
    }
}

fn names(pair: Pair) -> [(&'static str, String); 4] {
    [
        ("Digital Currency Code", pair.base.code.to_owned()),
        ("Digital Currency Name", pair.base.name.to_owned()),
        ("Market Code", pair.quote.code.to_owned()),
        ("Market Name", super::pages::currency_name(pair.quote).to_owned()),
    ]
}

fn intraday(params: &Params, pair: Pair, now: i64) -> Result<Table, Problem> {
    let (name, period) = interval(params)?;
    let full = full(params)?;
    let instrument = Instrument::Pair(pair);
    let oldest = now - 30 * 86_400;
    let slots = instrument.slots(period, false, now).take_while(|slot| slot.from >= oldest);
    let slots: Vec<Slot> = slots.take(if full { usize::MAX } else { 100 }).collect();
    let row = |slot: &Slot| {
        let Values { open, high, low, close, volume } = instrument.values(slot, now, &|_| Scale::AS_TRADED);
        let prices = [open, high, low, close].map(|price| format!("{price:.5}"));
        (stamp(utc(slot.from)), prices.into_iter().chain([(volume as u64).to_string()]).collect())
    };
    let rows: Vec<(String, Vec<String>)> = slots.iter().map(row).collect();
    let newest = rows.first().map(|(label, _)| label.clone()).ok_or(Problem::Call)?;
    let mut meta = vec![("Information", format!("Crypto Intraday ({name}) Time Series"))];
    meta.extend(names(pair));
    meta.extend([
        ("Last Refreshed", newest),
        ("Interval", name.to_owned()),
        ("Output Size", size_name(full).to_owned()),
        ("Time Zone", "UTC".to_owned()),
    ]);
    Ok(Table { meta, key: format!("Time Series Crypto ({name})"), columns: VOLUME, rows })
}

fn periods(pair: Pair, period: Period, now: i64) -> Table {
    let instrument = Instrument::Pair(pair);
    let today = utc(now).date();
    let refreshed = now.min(midnight(today) + REFRESH);
    let oldest = today.checked_sub((DAYS - 1).days()).unwrap_or(today);
    // A period that began before the oldest day is not whole.
    let slots = instrument.slots(period, false, refreshed).take_while(|slot| start_of(period, slot.last) >= oldest);
    let row = |slot: Slot| {
        let Values { open, high, low, close, volume } = instrument.values(&slot, refreshed, &|_| Scale::AS_TRADED);
        (slot.last.to_string(), [open, high, low, close, volume].map(|number| format!("{number:.8}")).to_vec())
    };
    let name = title(period);
    let mut meta = vec![("Information", format!("{name} Prices and Volumes for Digital Currency"))];
    meta.extend(names(pair));
    meta.extend([("Last Refreshed", stamp(today.at(0, 0, 0, 0))), ("Time Zone", "UTC".to_owned())]);
    let key = format!("Time Series (Digital Currency {name})");
    Table { meta, key, columns: VOLUME, rows: slots.map(row).collect() }
}
