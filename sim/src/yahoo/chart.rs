//! Which rows a chart window holds.

use super::interval::{Interval, Unit};
use super::market::Session;
use super::view::{Values, View};
use jiff::Span;
use jiff::civil::Date;

/// What a chart request asks for; instants are seconds, both inclusive.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub interval: Interval,
    pub from: i64,
    pub to: i64,
    /// Empty when the window was given by its ends.
    pub range: String,
    pub extended: bool,
    pub dividends: bool,
    pub splits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    pub stamp: i64,
    pub values: Option<Values>,
}

/// A bar under which events are listed: those of sessions that open from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Holder {
    pub stamp: i64,
    pub first: i64,
    pub last: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    pub holders: Vec<Holder>,
    /// Date of the first session that has a part in the rows.
    pub first: Option<Date>,
}

impl Rows {
    fn push(&mut self, stamp: i64, values: Option<Values>) {
        self.rows.push(Row { stamp, values });
    }

    /// A live row only if it is newer than all others: stamps ascend.
    fn push_live(&mut self, stamp: i64, values: Values) {
        if self.rows.last().is_none_or(|row| row.stamp < stamp) {
            self.push(stamp, Some(values));
        }
    }

    fn starts(&mut self, session: &Session) {
        self.first.get_or_insert(session.date);
    }
}

impl Request {
    pub(crate) fn rows(&self, view: &View) -> Rows {
        let mut rows = Rows::default();
        match self.interval.unit {
            Unit::Slot(seconds) => self.intraday(view, seconds, &mut rows),
            Unit::Day => self.daily(view, &mut rows),
            Unit::FiveDays => {
                let days: Vec<Session> = self.sessions(view).filter(|session| session.open <= self.to).collect();
                days.chunks(5).for_each(|days| add(view, &mut rows, days[0].open, days));
            }
            Unit::Week | Unit::Months(_) => self.periods(view, &mut rows),
        }
        rows
    }

    /// Sessions that have opened and were not over at the window's start.
    fn sessions<'a>(&self, view: &'a View) -> impl Iterator<Item = Session> + use<'a> {
        let (from, now) = (self.from, view.now);
        let start = view.market.date(from).saturating_sub(Span::new().days(1));
        view.market
            .sessions(start, view.newest.date)
            .filter(move |session| session.post > from && session.open.min(session.pre) <= now)
    }

    fn intraday(&self, view: &View, seconds: i64, rows: &mut Rows) {
        let today = view.market.date(view.now);
        let start = view.market.date(self.from.saturating_sub(seconds)).saturating_sub(Span::new().days(1));
        let end = today.min(view.market.date(self.to).saturating_add(Span::new().days(1)));
        let last = self.to.min(view.now);
        for session in view.market.sessions(start, end) {
            let Session { pre, open, close, post, .. } = session;
            let parts = [(pre, open, false), (open, close, true), (close, post, false)];
            for (from, to, regular) in parts.into_iter().filter(|part| part.2 || self.extended) {
                let opens = (from..to).step_by(seconds as usize);
                for slot in opens.filter(|slot| slot + seconds > self.from).take_while(|slot| *slot <= last) {
                    let values = view.slot(slot, (slot + seconds).min(to));
                    let quiet = |values| Values { volume: 0, ..values };
                    rows.starts(&session);
                    rows.push(slot, if regular { values } else { values.map(quiet) });
                    if slot == open {
                        rows.holders.push(Holder { stamp: open, first: open, last: open });
                    }
                }
            }
        }
        let stamp = match view.open_now() {
            true => view.traded(),
            false => view.newest.close,
        };
        if (view.open_now() || !self.extended) && (self.from..=self.to).contains(&stamp) {
            rows.starts(&view.newest);
            rows.push_live(stamp, Values::flat(view.last()));
        }
    }

    fn daily(&self, view: &View, rows: &mut Rows) {
        const LIVE_AFTER_CLOSE: i64 = 4 * 3_600;
        let traded = view.traded();
        let live = view.now < view.newest.close + LIVE_AFTER_CLOSE && traded != view.newest.open;
        let days = self.sessions(view).filter(|day| day.close > self.from && day.open <= self.to.min(view.now));
        for day in days {
            let (kept, replaced) = (rows.rows.len(), live && day == view.newest);
            let twice = crate::prices::hash(view.market.listing.symbol, day.open ^ 0xb07).is_multiple_of(5);
            if !replaced || twice {
                rows.push(day.open, view.daily(&day));
            }
            if replaced && traded <= self.to {
                let values = view.day(&day);
                let volume = values.volume + if twice { values.volume / 50 } else { 0 };
                rows.push_live(traded, Values { volume, ..values });
            }
            if rows.rows.len() > kept {
                rows.starts(&day);
                rows.holders.push(Holder { stamp: day.open, first: day.open, last: day.open });
            }
        }
    }

    /// Weeks, months and quarters: the first is made of what the window leaves of it.
    fn periods(&self, view: &View, rows: &mut Rows) {
        let days: Vec<Session> =
            self.sessions(view).filter(|day| day.close > self.from && day.open <= view.now).collect();
        let label = |day: &Session| self.interval.label(day.date);
        for period in days.chunk_by(|a, b| label(a) == label(b)) {
            let stamp = view.market.midnight(label(&period[0]));
            if stamp <= self.to {
                add(view, rows, stamp, period);
            }
        }
        if view.newest.close > self.from && view.traded() <= self.to {
            rows.push_live(view.traded(), view.day(&view.newest));
        }
    }
}

fn add(view: &View, rows: &mut Rows, stamp: i64, days: &[Session]) {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return };
    rows.starts(first);
    rows.push(stamp, view.together(days));
    rows.holders.push(Holder { stamp, first: first.open, last: last.open });
}
