//! Candles of a window.

use super::{Call, JSON, error};
use crate::facade::Reply;
use crate::instruments::{
    Adjustment, Bar, Cut, DAY, Instrument, Unit, group, new_york_evening, utc_date, utc_midnight,
};
use crate::json::{Object, list};
use jiff::Span;
use jiff::civil::{Date, Weekday};

/// What a call is answered with of a longer window within days: the newest of it.
const MONTH: i64 = 31 * DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Stocks,
    Currencies,
    Coins,
}

/// Nothing traded before 1900.
const FIRST: i64 = -2_208_988_800;

enum Size {
    Within(i64),
    Days(Unit),
}

pub(super) fn answer(call: &Call<'_>, class: Class) -> Result<Reply, Reply> {
    let symbol = call.required("symbol")?;
    let size = match call.required("resolution")? {
        "D" => Size::Days(Unit::Day),
        "W" => Size::Days(Unit::Week(Weekday::Monday)),
        "M" => Size::Days(Unit::Months(1)),
        text if ["1", "5", "15", "30", "60"].contains(&text) => Size::Within(text.parse().map_or(60, |n: i64| n * 60)),
        _ => return Err(error(422, "Wrong resolution")),
    };
    let seconds = |name| call.required(name)?.parse::<i64>().map_err(|_| error(422, &format!("Wrong {name}")));
    let (from, to) = (seconds("from")?.max(FIRST), seconds("to")?.max(FIRST));
    // A switch for tests: an exchange that the plan does not include.
    if symbol.starts_with("KRAKEN:") {
        return Err(error(403, "You don't have access to this resource."));
    }
    let bars = match instrument(call, class, symbol) {
        Some(instrument) if from <= to => match size {
            Size::Within(width) => within(&instrument, width, from, to, call.now),
            Size::Days(unit) => days(&instrument, unit, from, to, call.now),
        },
        _ => Vec::new(),
    };
    Ok(Reply::new(200, JSON, body(&bars)))
}

/// Coins and currencies are named with where they trade: `BINANCE:BTCUSDT`, `OANDA:EUR_USD`.
fn instrument(call: &Call<'_>, class: Class, symbol: &str) -> Option<Instrument> {
    match class {
        Class::Stocks => Instrument::stock(call.stocks, symbol),
        Class::Currencies => Instrument::currency(symbol.split_once(':')?.1),
        Class::Coins => Instrument::coin(symbol.split_once(':')?.1),
    }
}

fn within(instrument: &Instrument, width: i64, from: i64, to: i64, now: i64) -> Vec<Bar> {
    let to = to.min(now);
    let cut = Cut { width, extended: true, from: from.max(to - MONTH), to, newest_first: false };
    instrument.intraday(cut, now).collect()
}

fn days(instrument: &Instrument, unit: Unit, from: i64, to: i64, now: i64) -> Vec<Bar> {
    let (first, last) = (unit.floor(utc_date(from)), utc_date(to.min(now + DAY)));
    // A unit is whole even if the window ends within it.
    let end = unit.later(unit.floor(last), 1);
    let days = match instrument {
        Instrument::Floating(floating) if floating.closes => evenings(floating, first, end, now),
        _ => labelled_in_utc(instrument, first, end.yesterday().unwrap_or(end), now),
    };
    let groups = group(&days, unit, 1, first).into_iter();
    let labelled = groups.map(|(first, bar)| match instrument {
        Instrument::Floating(floating) if floating.closes => bar,
        _ => Bar { at: utc_midnight(first), ..bar },
    });
    labelled.filter(|bar| (from..=to).contains(&bar.at)).collect()
}

fn labelled_in_utc(instrument: &Instrument, first: Date, last: Date, now: i64) -> Vec<Bar> {
    let adjustment = match instrument {
        Instrument::Stock(stock) => Adjustment::new(stock, stock.effective(now * 1_000)),
        Instrument::Floating(_) => Adjustment::default(),
    };
    let days = instrument.days(first, last, now).into_iter();
    let adjusted = days.map(|bar| match adjustment.splits(bar.date) {
        1.0 => bar,
        factor => bar.divided(factor, factor, 4),
    });
    adjusted.map(|bar| Bar { at: utc_midnight(bar.date), ..bar }).collect()
}

/// Days of currencies begin in the evening before, at 17:00 in New York.
fn evenings(floating: &crate::instruments::Floating, first: Date, end: Date, now: i64) -> Vec<Bar> {
    let since = first.max(utc_date(floating.since));
    let dates = since.series(Span::new().days(1)).take_while(|date| *date <= end);
    let business = dates.filter(|date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday));
    let bar = |date: Date| {
        let (from, to) = (new_york_evening(date.yesterday().ok()?)?, new_york_evening(date)?);
        (from <= now).then(|| Bar { date, ..floating.traded(from, to, now) })
    };
    business.map_while(bar).collect()
}

fn body(bars: &[Bar]) -> String {
    if bars.is_empty() {
        return Object::default().text("s", "no_data").end();
    }
    let column = |value: fn(&Bar) -> f64| list(bars.iter().map(value));
    let body = Object::default().raw("c", column(|bar| bar.close)).raw("h", column(|bar| bar.high));
    let body = body.raw("l", column(|bar| bar.low)).raw("o", column(|bar| bar.open)).text("s", "ok");
    body.raw("t", list(bars.iter().map(|bar| bar.at))).raw("v", column(|bar| bar.volume)).end()
}
