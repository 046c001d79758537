//! `/time_series`.

use super::instruments::{self, price_text};
use super::query::{Adjust, Ask, Day, Query};
use super::{Problem, each};
use crate::facade::{Reply, Request};
use crate::tape::adjustments::Adjustments;
use crate::tape::slots::{Period, Slot, start_of};
use crate::tape::{Instrument, Scale, Values};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::fmt::Write;

struct Row {
    label: String,
    values: Values,
    regular: bool,
    previous: Option<f64>,
}

pub(super) fn reply(request: &Request<'_>, query: &Query, symbols: &[&str]) -> Reply {
    let ask = match Ask::read(query) {
        Ok(ask) => ask,
        Err(problem) => return problem.reply(),
    };
    if ask.csv && symbols.len() > 1 {
        return Problem::new(400, "CSV format is not supported for batch requests").reply();
    }
    let reply = each(symbols, |symbol| one(request, query, &ask, symbol));
    if ask.csv && reply.status == 200 { Reply { content_type: "text/csv", ..reply } } else { reply }
}

fn one(request: &Request<'_>, query: &Query, ask: &Ask, symbol: &str) -> Result<String, Problem> {
    let instrument = instruments::find(request.stocks, query, symbol)?;
    let now = request.now.div_euclid(1_000);
    let mut rows = rows(&instrument, ask, now);
    if rows.is_empty() {
        let message = "No data is available on the specified dates. Try setting different start/end dates.";
        return Err(Problem::new(400, message));
    }
    if ask.ascending {
        rows.reverse();
    }
    Ok(if ask.csv { csv(&instrument, ask, &rows) } else { json(&instrument, ask, &rows) })
}

/// Newest first.
fn rows(instrument: &Instrument, ask: &Ask, now: i64) -> Vec<Row> {
    let window = Window::of(instrument, ask, now);
    let extended = ask.prepost && matches!(instrument, Instrument::Stock(_));
    let (mut picked, mut older): (Vec<Slot>, Option<Slot>) = (Vec::new(), None);
    let slots = instrument.slots(ask.interval.period, extended, window.until);
    for slot in slots.skip_while(|slot| window.is_before(slot)) {
        if picked.len() == ask.rows || window.is_after(&slot) {
            older = Some(slot);
            break;
        }
        picked.push(slot);
    }
    let scale = scale(instrument, ask.adjust, now);
    let values: Vec<Values> =
        picked.iter().chain(&older).map(|slot| instrument.values(slot, now, scale.as_ref())).collect();
    let row = |(index, slot): (usize, &Slot)| {
        Some(Row {
            label: window.label(slot),
            values: *values.get(index)?,
            regular: slot.regular,
            previous: values.get(index + 1).map(|values| values.close).filter(|_| ask.previous_close),
        })
    };
    picked.iter().enumerate().filter_map(row).collect()
}

/// Factors of a day, for the actions in effect at `now`.
fn scale(instrument: &Instrument, adjust: Adjust, now: i64) -> Box<dyn Fn(Date) -> Scale> {
    let Instrument::Stock(stock) = instrument else { return Box::new(|_| Scale::AS_TRADED) };
    if adjust == Adjust::None {
        return Box::new(|_| Scale::AS_TRADED);
    }
    let adjustments = Adjustments::of(stock, stock.effective(now * 1_000));
    Box::new(move |date| {
        let factors = adjustments.after(date);
        let split = if adjust == Adjust::Dividends { 1.0 } else { factors.split };
        let dividend = if adjust == Adjust::Splits { 1.0 } else { factors.dividend };
        Scale { price: dividend / split, volume: split }
    })
}

/// The labels that are asked for, both ends included.
struct Window<'a> {
    instrument: &'a Instrument,
    period: Period,
    zone: Option<TimeZone>,
    start: Option<DateTime>,
    end: Option<DateTime>,
    /// Nothing later is looked at.
    until: i64,
}

impl Window<'_> {
    fn of<'a>(instrument: &'a Instrument, ask: &Ask, now: i64) -> Window<'a> {
        let (mut start, mut end) = (ask.start, ask.end);
        let mut window =
            Window { instrument, period: ask.interval.period, zone: ask.zone.clone(), start, end, until: now };
        if let Some(day) = ask.day {
            let date = match day {
                Day::Exactly(date) => date,
                Day::Today => window.local(now).date(),
                Day::Yesterday => window.local(now).date().yesterday().unwrap_or_default(),
            };
            (start, end) = (Some(date.at(0, 0, 0, 0)), Some(date.at(23, 59, 59, 0)));
        }
        (window.start, window.end) = (start, end);
        // A day more than is asked for covers every zone.
        let last = end.filter(|_| ask.interval.intraday()).and_then(|end| end.checked_add(1.day()).ok());
        window.until = last.map_or(now, |last| instrument.at(last).min(now));
        window
    }

    fn local(&self, at: i64) -> DateTime {
        match &self.zone {
            Some(zone) => zone.to_datetime(Timestamp::from_second(at).unwrap_or_default()),
            None => self.instrument.local(at),
        }
    }

    fn stamp(&self, slot: &Slot) -> DateTime {
        match self.period {
            Period::Minutes(_) => self.local(slot.from),
            period => start_of(period, slot.last).at(0, 0, 0, 0),
        }
    }

    fn label(&self, slot: &Slot) -> String {
        let stamp = self.stamp(slot);
        match self.period {
            Period::Minutes(_) => stamp.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            _ => stamp.date().to_string(),
        }
    }

    /// Newest first: what comes before the end is reached.
    fn is_before(&self, slot: &Slot) -> bool {
        self.end.is_some_and(|end| self.stamp(slot) > end)
    }

    fn is_after(&self, slot: &Slot) -> bool {
        self.start.is_some_and(|start| self.stamp(slot) < start)
    }
}

/// Names and texts of a row in their order.
fn fields(instrument: &Instrument, ask: &Ask, row: &Row) -> Vec<(&'static str, String)> {
    let price = |price: f64| price_text(instrument, price, ask.decimals);
    let values = row.values;
    let mut fields = Vec::with_capacity(7);
    fields.push(("datetime", row.label.clone()));
    let prices = [("open", values.open), ("high", values.high), ("low", values.low), ("close", values.close)];
    fields.extend(prices.map(|(name, value)| (name, price(value))));
    if let Instrument::Stock(_) = instrument {
        // Nothing is counted outside the regular session.
        let volume = if row.regular { values.volume as u64 } else { 0 };
        fields.push(("volume", volume.to_string()));
    }
    fields.extend(row.previous.map(|previous| ("previous_close", price(previous))));
    fields
}

fn json(instrument: &Instrument, ask: &Ask, rows: &[Row]) -> String {
    let mut text = format!("{{\"meta\":{},\"values\":[", instruments::meta(instrument, ask.interval.name));
    for (index, row) in rows.iter().enumerate() {
        text.push_str(if index == 0 { "{" } else { ",{" });
        for (column, (name, value)) in fields(instrument, ask, row).into_iter().enumerate() {
            let comma = if column == 0 { "" } else { "," };
            let _ = write!(text, "{comma}\"{name}\":\"{value}\"");
        }
        text.push('}');
    }
    text.push_str("],\"status\":\"ok\"}");
    text
}

fn csv(instrument: &Instrument, ask: &Ask, rows: &[Row]) -> String {
    let mut names = vec!["datetime", "open", "high", "low", "close"];
    if let Instrument::Stock(_) = instrument {
        names.push("volume");
    }
    if ask.previous_close {
        names.push("previous_close");
    }
    let mut text = names.join(&ask.delimiter);
    for row in rows {
        let mut values: Vec<String> = fields(instrument, ask, row).into_iter().map(|(_, value)| value).collect();
        values.resize(names.len(), String::new());
        text.push('\n');
        text.push_str(&values.join(&ask.delimiter));
    }
    text.push('\n');
    text
}

/// The newest rows by day, for what tells of now.
pub(super) fn recent(instrument: &Instrument, days: usize, now: i64) -> Vec<(Slot, Values)> {
    let scale = scale(instrument, Adjust::Splits, now);
    let slots = instrument.slots(Period::Day, false, now).take(days);
    slots.map(|slot| (slot, instrument.values(&slot, now, scale.as_ref()))).collect()
}
