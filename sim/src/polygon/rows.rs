//! How rows are written: numbers as Go prints them with %g.

use crate::instruments::{Adjustment, Bar, Instrument};
use std::fmt::Write;

/// The shortest digits; from a million on, and below a ten-thousandth, with an exponent of at least two digits.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

/// `at` is in seconds. Only some rows say of which ticker they are.
pub(super) fn row(ticker: Option<&str>, at: i64, bar: &Bar) -> String {
    let mut row = String::with_capacity(112);
    row.push('{');
    if let Some(ticker) = ticker {
        let _ = write!(row, "\"T\":\"{ticker}\",");
    }
    let fields =
        [("v", bar.volume), ("vw", bar.vwap), ("o", bar.open), ("c", bar.close), ("h", bar.high), ("l", bar.low)];
    for (name, value) in fields {
        let _ = write!(row, "\"{name}\":{},", number(value));
    }
    let _ = write!(row, "\"t\":{},\"n\":{}}}", at * 1_000, bar.trades);
    row
}

/// Splits that took effect change the past of stocks.
pub(super) fn adjustment(instrument: &Instrument, adjusted: bool, now: i64) -> Adjustment {
    match instrument {
        Instrument::Stock(stock) if adjusted => Adjustment::new(stock, stock.effective(now * 1_000)),
        _ => Adjustment::default(),
    }
}

pub(super) fn adjust(bar: Bar, adjustment: &Adjustment) -> Bar {
    let factor = adjustment.splits(bar.date);
    if factor == 1.0 { bar } else { bar.divided(factor, factor, 4) }
}
