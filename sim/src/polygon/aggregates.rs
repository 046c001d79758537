//! Bars of a range, by pages.

use super::rows::{adjust, adjustment, row};
use super::{Call, JSON};
use crate::facade::Reply;
use crate::instruments::{Adjustment, Bar, Cut, DAY, Instrument, Unit, base64, date, group, utc_midnight};
use crate::json::{Object, Params, list};
use jiff::civil::{Date, Weekday};

const NO_TIMEFRAME: &str =
    "Your plan doesn't include this data timeframe. Please upgrade your plan at https://polygon.io/pricing";

/// Nothing traded before 1900.
const FIRST: i64 = -2_208_988_800;

/// Seconds of a bar within a day, or a unit of days and how many of them.
#[derive(Debug, Clone, Copy)]
enum Size {
    Within(i64),
    Days(Unit, i64),
}

struct Range<'a> {
    ticker: &'a str,
    /// As they came, for the link to the next page.
    multiplier: &'a str,
    timespan: &'a str,
    from_text: &'a str,
    to_text: &'a str,
    size: Size,
    from: i64,
    to: i64,
    options: Options,
}

/// What a cursor carries on.
#[derive(Debug, Clone, Copy)]
struct Options {
    limit: usize,
    newest_first: bool,
    adjusted: bool,
}

pub(super) fn answer(call: &Call<'_>, ticker: &str, [multiplier, timespan, from, to]: [&str; 4]) -> Reply {
    let instrument = call.instrument(ticker);
    let Some(options) = options(call) else { return call.error(400, "The cursor is invalid") };
    if timespan == "second" {
        return call.refusal(403, "NOT_AUTHORIZED", "message", NO_TIMEFRAME);
    }
    let Some(size) = size(multiplier, timespan) else {
        return call.error(400, "Could not parse the multiplier or the timespan");
    };
    let at = |text: &str, last: bool| moment(instrument.as_ref(), text, last);
    let unparsable =
        |name| format!("Could not parse the time parameter: '{name}'. Use YYYY-MM-DD or Unix MS Timestamps");
    let Some(since) = at(from, false) else { return call.error(400, &unparsable("from")) };
    let Some(until) = at(to, true) else { return call.error(400, &unparsable("to")) };
    if since > until {
        return call.error(400, "The parameter 'to' cannot be a time that occurs before 'from'");
    }
    let (from_text, to_text) = (from, to);
    let range = Range { ticker, multiplier, timespan, from_text, to_text, size, from: since, to: until, options };
    let page = instrument.map(|instrument| range.page(&instrument, call.now)).unwrap_or_default();
    Reply::new(200, JSON, range.body(call, &page))
}

fn options(call: &Call<'_>) -> Option<Options> {
    let params = match call.params.get("cursor") {
        Some(cursor) => &Params::read(&base64::decode(cursor)?),
        None => &call.params,
    };
    let limit = params.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(5_000usize);
    Some(Options {
        limit: limit.clamp(1, 50_000),
        newest_first: params.get("sort") == Some("desc"),
        adjusted: params.get("adjusted") != Some("false"),
    })
}

fn size(multiplier: &str, timespan: &str) -> Option<Size> {
    let count: i64 = multiplier.parse().ok().filter(|count| (1..=10_000).contains(count))?;
    Some(match timespan {
        "minute" => Size::Within((count * 60).min(DAY)),
        "hour" => Size::Within((count * 3_600).min(DAY)),
        "day" => Size::Days(Unit::Day, count),
        "week" => Size::Days(Unit::Week(Weekday::Sunday), count),
        "month" => Size::Days(Unit::Months(1), count),
        "quarter" => Size::Days(Unit::Months(3), count),
        "year" => Size::Days(Unit::Months(12), count),
        _ => return None,
    })
}

/// Milliseconds, or a day where the instrument trades: its beginning or its last second.
fn moment(instrument: Option<&Instrument>, text: &str, last: bool) -> Option<i64> {
    if let Some(day) = date(text) {
        let midnight = |day| instrument.map_or_else(|| utc_midnight(day), |instrument| instrument.midnight(day));
        return Some(if last { midnight(day.tomorrow().unwrap_or(day)) - 1 } else { midnight(day) });
    }
    text.parse::<i64>().ok().map(|ms| ms.div_euclid(1_000).max(FIRST))
}

#[derive(Debug, Default)]
struct Page {
    /// Labels and values.
    rows: Vec<(i64, Bar)>,
    scanned: usize,
    /// The label of the first row that did not fit.
    next: Option<i64>,
}

impl Page {
    /// Bars until the minutes or days they are made of are too many; at least one.
    fn cut(bars: impl Iterator<Item = (i64, Bar)>, limit: usize) -> Page {
        let mut page = Page::default();
        for (at, bar) in bars {
            if !page.rows.is_empty() && page.scanned + bar.parts > limit {
                page.next = Some(at);
                break;
            }
            page.scanned += bar.parts;
            page.rows.push((at, bar));
        }
        page
    }
}

impl Range<'_> {
    fn page(&self, instrument: &Instrument, now: i64) -> Page {
        let adjustment = adjustment(instrument, self.options.adjusted, now);
        match self.size {
            Size::Within(width) => self.within(instrument, width, &adjustment, now),
            Size::Days(unit, count) => self.days(instrument, (unit, count), &adjustment, now),
        }
    }

    fn within(&self, instrument: &Instrument, width: i64, adjustment: &Adjustment, now: i64) -> Page {
        // The bar that `from` falls into belongs to the range; none reaches into the next day.
        let midnight = instrument.midnight(instrument.date(self.from));
        let from = midnight.max(self.from - width + 1);
        let newest_first = self.options.newest_first;
        let cut = Cut { width, extended: true, from, to: self.to, newest_first };
        let bars = instrument.intraday(cut, now).map(|bar| (bar.at, adjust(bar, adjustment)));
        Page::cut(bars, self.options.limit)
    }

    fn days(&self, instrument: &Instrument, size: (Unit, i64), adjustment: &Adjustment, now: i64) -> Page {
        let (unit, count) = size;
        let anchor = unit.floor(instrument.date(self.from));
        let last = instrument.date(self.to).min(instrument.date(now));
        let days = instrument.days(anchor, end(anchor, last, size), now);
        let days: Vec<Bar> = days.into_iter().map(|day| adjust(day, adjustment)).collect();
        let groups = group(&days, unit, count, anchor).into_iter();
        let mut bars: Vec<(i64, Bar)> = groups.map(|(first, bar)| (instrument.midnight(first), bar)).collect();
        if self.options.newest_first {
            bars.reverse();
        }
        Page::cut(bars.into_iter(), self.options.limit)
    }

    fn body(&self, call: &Call<'_>, page: &Page) -> String {
        let count = page.rows.len();
        let body = Object::default().text("ticker", self.ticker).raw("queryCount", page.scanned);
        let body = body.raw("resultsCount", count).raw("adjusted", self.options.adjusted);
        if count == 0 {
            return body.text("status", "OK").text("request_id", &call.id).end();
        }
        let rows = list(page.rows.iter().map(|(at, bar)| row(None, *at, bar)));
        let body = body.raw("results", rows).text("status", "OK").text("request_id", &call.id).raw("count", count);
        match page.next {
            Some(_) => body.text("next_url", &self.next_url(call.base, page)).end(),
            None => body.end(),
        }
    }

    /// Forward the range begins with the next row, backward it ends before the last one that was shown.
    fn next_url(&self, base: &str, page: &Page) -> String {
        let Options { limit, newest_first, adjusted } = self.options;
        let (mut from, mut to) = (self.from_text.to_owned(), self.to_text.to_owned());
        if newest_first {
            to = page.rows.last().map_or(to, |(at, _)| (at * 1_000 - 1).to_string());
        } else {
            from = page.next.map_or(from, |at| (at * 1_000).to_string());
        }
        let sort = if newest_first { "desc" } else { "asc" };
        let cursor = base64::encode(&format!("limit={limit}&sort={sort}&adjusted={adjusted}")).replace('=', "%3D");
        let Range { ticker, multiplier, timespan, .. } = self;
        format!("{base}/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}?cursor={cursor}")
    }
}

/// The last day of the units that begin by `last`.
fn end(anchor: Date, last: Date, (unit, count): (Unit, i64)) -> Date {
    let mut next = anchor;
    while next <= last && next < Date::MAX {
        next = unit.later(next, count);
    }
    next.yesterday().unwrap_or(next)
}
