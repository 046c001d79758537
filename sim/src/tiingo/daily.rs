//! Ends of days, and of weeks, months and years.

use super::write::{Row, chosen, float, reply, wants_csv};
use super::{Call, JSON, error};
use crate::facade::Reply;
use crate::instruments::{Adjustment, Bar, Instrument, Unit, group};
use crate::json::Object;
use crate::stocks::{Action, Stock};
use jiff::Span;
use jiff::civil::{Date, Weekday};

/// After midnight in New York, when the row of a day appears.
const EVENING: i64 = 63_000;
const COLUMNS: [&str; 12] = [
    "close",
    "high",
    "low",
    "open",
    "volume",
    "adjClose",
    "adjHigh",
    "adjLow",
    "adjOpen",
    "adjVolume",
    "divCash",
    "splitFactor",
];

pub(super) fn answer(call: &Call<'_>, ticker: &str) -> Result<Reply, Reply> {
    let stock = call.stock(ticker)?;
    let Some(newest) = newest(&stock, call.now) else { return Ok(Reply::new(200, JSON, "[]")) };
    let unit = match call.get("resampleFreq").unwrap_or("daily").to_lowercase().as_str() {
        "daily" => Unit::Day,
        "weekly" => Unit::Week(Weekday::Monday),
        "monthly" => Unit::Months(1),
        "annually" => Unit::Months(12),
        _ => return Err(error(400, "Error: resampleFreq must be daily, weekly, monthly or annually.")),
    };
    let (since, until) = (call.date("startDate")?, call.date("endDate")?);
    let Some(since) = since else { return Ok(latest(call, &stock, newest)) };
    let days = Days { stock: &stock, newest, unit, csv: wants_csv(call) };
    let mut rows: Vec<Row> = days.rows(since, until.unwrap_or(newest), "T00:00:00.000Z", call.now);
    if call.get("sort") == Some("-date") {
        rows.reverse();
    }
    let rows: Vec<Row> = rows.into_iter().map(|row| chosen(call, row, &COLUMNS)).collect();
    Ok(reply(call, &rows))
}

/// The newest row alone: its names come in the order of the alphabet, its date with an offset.
fn latest(call: &Call<'_>, stock: &Stock, newest: Date) -> Reply {
    let days = Days { stock, newest, unit: Unit::Day, csv: wants_csv(call) };
    let mut rows: Vec<Row> = days.rows(newest, newest, "T00:00:00+00:00", call.now);
    for row in &mut rows {
        *row = chosen(call, std::mem::take(row), &COLUMNS);
        row.sort_by_key(|(name, _)| *name);
    }
    reply(call, &rows)
}

pub(super) fn meta(call: &Call<'_>, ticker: &str) -> Result<Reply, Reply> {
    let stock = call.stock(ticker)?;
    let listing = stock.market.listing;
    let exchange = if listing.exchange == "NYQ" { "NYSE" } else { "NASDAQ" };
    let end = newest(&stock, call.now).map_or("null".to_owned(), |date| format!("\"{date}\""));
    let body = Object::default().text("ticker", listing.symbol).text("name", listing.long_name);
    let body = body.text("description", listing.long_name);
    let body = body.text("startDate", &stock.market.date(listing.first_trade).to_string()).raw("endDate", end);
    Ok(Reply::new(200, JSON, body.text("exchangeCode", exchange).end()))
}

/// The last day that has a row.
fn newest(stock: &Stock, now: i64) -> Option<Date> {
    let today = stock.market.date(now);
    let over = |date: Date| stock.market.midnight(date) + EVENING <= now;
    let session = stock.market.session(today).filter(|session| over(session.date));
    session.or_else(|| stock.market.before(today)).map(|session| session.date)
}

struct Days<'a> {
    stock: &'a Stock,
    newest: Date,
    unit: Unit,
    csv: bool,
}

impl Days<'_> {
    /// Whole units, also those at the ends.
    fn rows(&self, since: Date, until: Date, suffix: &str, now: i64) -> Vec<Row> {
        let Days { stock, newest, unit, csv } = *self;
        let first = unit.floor(since);
        let end = unit.later(unit.floor(until.min(newest)), 1).yesterday().unwrap_or(until);
        let days = Instrument::Stock(stock.clone()).days(first, end.min(newest), now);
        // As of the newest row, whose prices are never adjusted.
        let adjustment = Adjustment::new(stock, newest);
        // Rows as JSON are rounded more than those as CSV.
        let decimals = if csv { 13 } else { 10 };
        let adjusted: Vec<Bar> = days.iter().map(|bar| adjust(*bar, &adjustment, decimals)).collect();
        let (raw, adjusted) = (group(&days, unit, 1, first), group(&adjusted, unit, 1, first));
        let pairs = raw.iter().zip(&adjusted);
        let row = |first: Date, raw: &Bar, adjusted: &Bar| {
            let mut row = vec![("date", self.label(first, suffix))];
            row.extend(values(raw, ["close", "high", "low", "open", "volume"]));
            row.extend(values(adjusted, ["adjClose", "adjHigh", "adjLow", "adjOpen", "adjVolume"]));
            row.extend(self.paid(first));
            row
        };
        pairs.map(|((first, raw), (_, adjusted))| row(*first, raw, adjusted)).collect()
    }

    /// The last business day of the unit, whether it is a holiday or not.
    fn label(&self, first: Date, suffix: &str) -> String {
        let next = self.unit.later(first, 1);
        let business = |date: &Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let last = next.series(Span::new().days(-1)).skip(1).take(3).find(business);
        let suffix = if self.csv { "" } else { suffix };
        format!("\"{}{suffix}\"", last.unwrap_or(first))
    }

    fn paid(&self, first: Date) -> [(&'static str, String); 2] {
        let next = self.unit.later(first, 1);
        let actions = self.stock.actions.iter().filter(|(ex, _)| (first..next).contains(ex) && *ex <= self.newest);
        let (cash, factor) = actions.fold((0.0, 1.0), |(cash, factor), (_, action)| match action {
            Action::Dividend(dollars) => (cash + dollars, factor),
            Action::Split { numerator, denominator } => {
                (cash, factor * f64::from(*numerator) / f64::from(*denominator))
            }
        });
        [("divCash", float(cash)), ("splitFactor", float(factor))]
    }
}

fn adjust(bar: Bar, adjustment: &Adjustment, decimals: i32) -> Bar {
    let (splits, dividends) = (adjustment.splits(bar.date), adjustment.dividends(bar.date));
    if splits == 1.0 && dividends == 1.0 { bar } else { bar.divided(splits / dividends, splits, decimals) }
}

fn values(bar: &Bar, names: [&'static str; 5]) -> [(&'static str, String); 5] {
    let [close, high, low, open, volume] = names;
    [
        (close, float(bar.close)),
        (high, float(bar.high)),
        (low, float(bar.low)),
        (open, float(bar.open)),
        (volume, format!("{:.0}", bar.volume)),
    ]
}
