//! The functions that bring bars: what each is called, and what its answers look like.

use finex_core::calendar::{Interval, Unit};

/// Whose bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Market {
    Stocks,
    Forex,
    /// What has days, weeks and months of its own.
    Digital,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Function {
    pub name: &'static str,
    pub market: Market,
    /// None: within days.
    pub unit: Option<Unit>,
    /// Fields of a row, as they are numbered.
    pub fields: &'static [&'static str],
    /// The first line as CSV; none where its numbers have other texts than those of JSON.
    pub csv: Option<&'static str>,
    /// Does it know `outputsize`?
    pub is_sized: bool,
}

const PRICES: &[&str] = &["1. open:open", "2. high:high", "3. low:low", "4. close:close"];
const VOLUME: &[&str] = &["1. open:open", "2. high:high", "3. low:low", "4. close:close", "5. volume:volume"];
const ADJUSTED: &[&str] = &[
    "1. open:open",
    "2. high:high",
    "3. low:low",
    "4. close:close",
    "5. adjusted close:adj_close",
    "6. volume:volume",
    "7. dividend amount:dividend",
];
const ADJUSTED_DAYS: &[&str] = &[
    "1. open:open",
    "2. high:high",
    "3. low:low",
    "4. close:close",
    "5. adjusted close:adj_close",
    "6. volume:volume",
    "7. dividend amount:dividend",
    "8. split coefficient:split",
];
const CSV_PRICES: &str = "timestamp,open,high,low,close";
const CSV_VOLUME: &str = "timestamp,open,high,low,close,volume";
const CSV_ADJUSTED: &str = "timestamp,open,high,low,close,adjusted close,volume,dividend amount";

const fn stocks(
    name: &'static str,
    unit: Option<Unit>,
    fields: &'static [&'static str],
    csv: Option<&'static str>,
    is_sized: bool,
) -> Function {
    Function { name, market: Market::Stocks, unit, fields, csv, is_sized }
}

const fn forex(name: &'static str, unit: Option<Unit>, is_sized: bool) -> Function {
    Function { name, market: Market::Forex, unit, fields: PRICES, csv: Some(CSV_PRICES), is_sized }
}

const fn digital(name: &'static str, unit: Option<Unit>, is_sized: bool) -> Function {
    Function { name, market: Market::Digital, unit, fields: VOLUME, csv: Some(CSV_VOLUME), is_sized }
}

const FUNCTIONS: [Function; 15] = [
    stocks("TIME_SERIES_INTRADAY", None, VOLUME, Some(CSV_VOLUME), true),
    stocks("TIME_SERIES_DAILY", Some(Unit::Day), VOLUME, Some(CSV_VOLUME), true),
    stocks("TIME_SERIES_WEEKLY", Some(Unit::Week), VOLUME, Some(CSV_VOLUME), false),
    stocks("TIME_SERIES_MONTHLY", Some(Unit::Month), VOLUME, Some(CSV_VOLUME), false),
    stocks("TIME_SERIES_DAILY_ADJUSTED", Some(Unit::Day), ADJUSTED_DAYS, None, true),
    stocks("TIME_SERIES_WEEKLY_ADJUSTED", Some(Unit::Week), ADJUSTED, Some(CSV_ADJUSTED), false),
    stocks("TIME_SERIES_MONTHLY_ADJUSTED", Some(Unit::Month), ADJUSTED, Some(CSV_ADJUSTED), false),
    forex("FX_INTRADAY", None, true),
    forex("FX_DAILY", Some(Unit::Day), true),
    forex("FX_WEEKLY", Some(Unit::Week), false),
    forex("FX_MONTHLY", Some(Unit::Month), false),
    digital("CRYPTO_INTRADAY", None, true),
    digital("DIGITAL_CURRENCY_DAILY", Some(Unit::Day), false),
    digital("DIGITAL_CURRENCY_WEEKLY", Some(Unit::Week), false),
    digital("DIGITAL_CURRENCY_MONTHLY", Some(Unit::Month), false),
];

pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

impl Function {
    /// Parameters that name the symbol, and what it is quoted in.
    pub(super) fn symbols(&self) -> &'static [&'static str] {
        match (self.market, self.unit) {
            (Market::Stocks, _) => &["symbol"],
            (Market::Forex, _) => &["from_symbol", "to_symbol"],
            (Market::Digital, _) => &["symbol", "market"],
        }
    }

    /// Other parameters that change the numbers, with what holds without them.
    pub(super) fn variant(&self) -> &'static [(&'static str, &'static str)] {
        match (self.market, self.unit) {
            (Market::Stocks, None) => &[("adjusted", "true"), ("extended_hours", "true"), ("entitlement", "")],
            (Market::Stocks, Some(_)) => &[("entitlement", "")],
            _ => &[],
        }
    }

    /// The member that has the rows.
    pub(super) fn key(&self, native: &str) -> String {
        let title = match self.unit {
            None => native,
            Some(Unit::Week) => "Weekly",
            Some(Unit::Month) => "Monthly",
            Some(_) => "Daily",
        };
        let adjusted = if self.name.ends_with("_ADJUSTED") { "Adjusted " } else { "" };
        match (self.market, self.unit) {
            (Market::Stocks, Some(Unit::Week | Unit::Month)) => format!("{title} {adjusted}Time Series"),
            (Market::Stocks, _) => format!("Time Series ({title})"),
            (Market::Forex, _) => format!("Time Series FX ({title})"),
            (Market::Digital, None) => format!("Time Series Crypto ({title})"),
            (Market::Digital, Some(_)) => format!("Time Series (Digital Currency {title})"),
        }
    }

    /// Are rows shown under another day than that on which their period began?
    pub(super) fn is_labelled(&self) -> bool {
        matches!(self.unit, Some(Unit::Week | Unit::Month))
    }

    /// Does history change with every split and dividend?
    pub(super) fn is_rewritten(&self, adjusted: Option<&str>) -> bool {
        match (self.market, self.unit) {
            (Market::Stocks, None) => adjusted != Some("false"),
            _ => self.name.ends_with("_ADJUSTED"),
        }
    }

    /// Is it the provider that says how far back it goes, and not always as far?
    pub(super) fn rolls(&self) -> bool {
        self.market == Market::Digital && self.unit.is_some()
    }

    /// The interval, where the function alone says it.
    pub(super) fn interval(&self) -> Option<Interval> {
        self.unit.map(|unit| Interval { count: 1, unit })
    }
}
