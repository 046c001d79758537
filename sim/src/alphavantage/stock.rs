//! Stocks. Their prices are as traded, apart from the intraday ones, which are in shares of now unless told otherwise.

use super::function::{Kind, title};
use super::table::{ADJUSTED, Column, DAILY_ADJUSTED, Table, VOLUME};
use super::{Problem, full, interval, size_name, stamp};
use crate::facade::Request;
use crate::json::{Params, shortest};
use crate::prices::hash;
use crate::tape::adjustments::Adjustments;
use crate::tape::slots::{Period, Slot};
use crate::tape::{Instrument, Scale, Values};
use jiff::ToSpan;
use jiff::civil::Date;

const ZONE: &str = "US/Eastern";

/// A stock with the actions that are in effect.
pub(super) struct Listed {
    pub symbol: String,
    pub instrument: Instrument,
    pub adjustments: Adjustments,
}

impl Listed {
    pub(super) fn find(request: &Request<'_>, params: &Params) -> Result<Listed, Problem> {
        let symbol = params.get("symbol").ok_or(Problem::Call)?;
        let stock = request.stocks.find(symbol).ok_or(Problem::Call)?;
        let adjustments = Adjustments::of(&stock, stock.effective(request.now));
        Ok(Listed { symbol: symbol.to_owned(), instrument: Instrument::Stock(Box::new(stock)), adjustments })
    }

    fn scale(&self, adjusted: bool, date: Date) -> Scale {
        let split = if adjusted { self.adjustments.after(date).split } else { 1.0 };
        Scale { price: 1.0 / split, volume: split }
    }
}

pub(super) fn table(request: &Request<'_>, params: &Params, kind: Kind, now: i64) -> Result<Table, Problem> {
    let listed = Listed::find(request, params)?;
    match kind {
        Kind::Intraday => intraday(&listed, params, now),
        Kind::Raw(period) => periods(&listed, params, period, false, now),
        Kind::Adjusted(period) => periods(&listed, params, period, true, now),
    }
}

/// The oldest day that is shown.
fn since(period: Period) -> Date {
    match period {
        Period::Week => Date::constant(1999, 11, 8),
        Period::Month => Date::constant(1999, 12, 1),
        _ => Date::constant(1999, 11, 1),
    }
}

fn periods(listed: &Listed, params: &Params, period: Period, adjusted: bool, now: i64) -> Result<Table, Problem> {
    let daily = period == Period::Day;
    let full = full(params)? || !daily;
    let limit = if full { usize::MAX } else { 100 };
    let slots = listed.instrument.slots(period, false, now);
    let slots: Vec<Slot> = slots.take_while(|slot| slot.first >= since(period)).take(limit).collect();
    let row = |slot: &Slot| {
        let values = listed.instrument.values(slot, now, &|_| Scale::AS_TRADED);
        (slot.last.to_string(), if adjusted { adjusted_row(listed, period, slot, values) } else { plain(values) })
    };
    let name = title(period);
    let information = match (daily, adjusted) {
        (_, false) => format!("{name} Prices (open, high, low, close) and Volumes"),
        (true, true) => "Daily Time Series with Splits and Dividend Events".to_owned(),
        (false, true) => format!("{name} Adjusted Prices and Volumes"),
    };
    let newest = slots.first().map(|slot| slot.last.to_string()).unwrap_or_default();
    let mut meta = vec![("Information", information), ("Symbol", listed.symbol.clone()), ("Last Refreshed", newest)];
    meta.extend(daily.then(|| ("Output Size", size_name(full).to_owned())));
    meta.push(("Time Zone", ZONE.to_owned()));
    let key = match (daily, adjusted) {
        (true, _) => "Time Series (Daily)".to_owned(),
        (false, true) => format!("{name} Adjusted Time Series"),
        (false, false) => format!("{name} Time Series"),
    };
    Ok(Table { meta, key, columns: columns(daily, adjusted), rows: slots.iter().map(row).collect() })
}

fn columns(daily: bool, adjusted: bool) -> &'static [Column] {
    match (daily, adjusted) {
        (true, true) => DAILY_ADJUSTED,
        (false, true) => ADJUSTED,
        _ => VOLUME,
    }
}

fn plain(values: Values) -> Vec<String> {
    let prices = [values.open, values.high, values.low, values.close].map(|price| format!("{price:.4}"));
    prices.into_iter().chain([(values.volume as u64).to_string()]).collect()
}

/// Days have their numbers as they come, weeks and months theirs with four decimals.
fn adjusted_row(listed: &Listed, period: Period, slot: &Slot, values: Values) -> Vec<String> {
    let factors = listed.adjustments.after(slot.last);
    let adjusted = values.close / factors.split * factors.dividend;
    let (dividends, split) = listed.adjustments.events(slot.first, slot.last);
    let daily = period == Period::Day;
    let number = |price: f64| if daily { shortest(price) } else { format!("{price:.4}") };
    let prices = [values.open, values.high, values.low, values.close, adjusted].map(number);
    let mut row: Vec<String> = prices.into_iter().collect();
    row.extend([(values.volume as u64).to_string(), format!("{dividends:.4}")]);
    row.extend(daily.then(|| shortest(split)));
    row
}

fn intraday(listed: &Listed, params: &Params, now: i64) -> Result<Table, Problem> {
    let (name, period) = interval(params)?;
    let full = full(params)?;
    let flag = |name: &str| params.get(name) != Some("false");
    let (adjusted, extended) = (flag("adjusted"), flag("extended_hours"));
    let instrument = &listed.instrument;
    let (first, until) = match params.get("month") {
        Some(text) => month(instrument, text, now)?,
        None => (instrument.local(now).date().checked_sub(30.days()).unwrap_or_default(), now),
    };
    let slots = instrument.slots(period, extended, until).take_while(|slot| slot.first >= first);
    let traded = slots.filter(|slot| traded(&listed.symbol, period, slot));
    let slots: Vec<Slot> = traded.take(if full { usize::MAX } else { 100 }).collect();
    let row = |slot: &Slot| {
        let values = instrument.values(slot, now, &|date| listed.scale(adjusted, date));
        (stamp(instrument.local(slot.from)), plain(values))
    };
    let rows: Vec<(String, Vec<String>)> = slots.iter().map(row).collect();
    let newest = rows.first().map(|(label, _)| label.clone()).ok_or(Problem::Call)?;
    let meta = vec![
        ("Information", format!("Intraday ({name}) open, high, low, close prices and volume")),
        ("Symbol", listed.symbol.clone()),
        ("Last Refreshed", newest),
        ("Interval", name.to_owned()),
        ("Output Size", size_name(full).to_owned()),
        ("Time Zone", ZONE.to_owned()),
    ];
    Ok(Table { meta, key: format!("Time Series ({name})"), columns: VOLUME, rows })
}

/// `2024-02` as its first day and the instant at which it is over, or now.
fn month(instrument: &Instrument, text: &str, now: i64) -> Result<(Date, i64), Problem> {
    let first: Date = format!("{text}-01").parse().map_err(|_| Problem::Call)?;
    let next = first.checked_add(1.month()).map_err(|_| Problem::Call)?;
    let over = instrument.at(next.at(0, 0, 0, 0)) - 1;
    let known = first >= Date::constant(2000, 1, 1) && instrument.at(first.at(0, 0, 0, 0)) <= now;
    if known { Ok((first, over.min(now))) } else { Err(Problem::Call) }
}

/// Not in every minute anything is traded, early and late least.
fn traded(symbol: &str, period: Period, slot: &Slot) -> bool {
    let chance = hash(&symbol.to_ascii_uppercase(), slot.from ^ 4_711);
    match (period, slot.regular) {
        (Period::Minutes(1), true) => !chance.is_multiple_of(97),
        (Period::Minutes(1), false) => !chance.is_multiple_of(3),
        (Period::Minutes(5), false) => !chance.is_multiple_of(11),
        _ => true,
    }
}
