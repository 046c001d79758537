//! Which rows a chart window holds.

use super::interval::{Interval, Unit};
use super::view::{Values, View};
use crate::market::Session;
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
    /// Whether daily and longer bars come with their adjusted closes.
    pub adjusted: bool,
    /// Whether intraday rows end with the live one even if the window ends before it.
    pub stray_live: bool,
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

    fn hold(&mut self, stamp: i64, first: i64, last: i64) {
        self.holders.push(Holder { stamp, first, last });
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
                days.chunks(5).for_each(|days| self.add(view, &mut rows, days[0].open, days));
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
        for session in view.market.sessions(start, end) {
            let Session { pre, open, close, post, .. } = session;
            let parts = [(pre, open), (open, close), (close, post)];
            for part in parts.into_iter().filter(|part| part.0 == open || self.extended) {
                self.slots(view, seconds, part, &session, rows);
            }
        }
        self.live_trade(view, rows);
    }

    /// The slots of a part of the day. The last one ends with its part, and so may be shorter.
    fn slots(&self, view: &View, seconds: i64, (from, to): (i64, i64), session: &Session, rows: &mut Rows) {
        let last = self.to.min(view.now);
        let slots = (from..to).step_by(seconds as usize).map(|slot| (slot, (slot + seconds).min(to)));
        for (slot, end) in slots.filter(|(_, end)| *end > self.from).take_while(|(slot, _)| *slot <= last) {
            let regular = from == session.open;
            let values = view.slot(slot, end, end == session.close).map(|values| match regular {
                true => values,
                false => Values { volume: 0, ..values },
            });
            rows.starts(session);
            rows.push(slot, view.corrected(self.interval.granularity(), slot, values));
            if slot == session.open {
                rows.hold(slot, slot, slot);
            }
        }
    }

    /// The last trade as a row of its own. Once the session is over it stands at its close.
    fn live_trade(&self, view: &View, rows: &mut Rows) {
        let stamp = if view.open_now() { view.traded() } else { view.newest.close };
        let stray = self.stray_live && self.to < stamp && !rows.rows.is_empty();
        let due = view.open_now() || !self.extended;
        if due && ((self.from..=self.to).contains(&stamp) || stray) {
            rows.starts(&view.newest);
            rows.push_live(stamp, Values::flat(view.last()));
        }
    }

    /// Until four hours after the close the newest day stands at the time of its last trade; for some days, as recorded,
    /// at both times, with different volumes.
    fn daily(&self, view: &View, rows: &mut Rows) {
        const LIVE_AFTER_CLOSE: i64 = 4 * 3_600;
        let traded = view.traded();
        let live = view.now < view.newest.close + LIVE_AFTER_CLOSE && traded != view.newest.open && traded <= self.to;
        let days = self.sessions(view).filter(|day| day.close > self.from && day.open <= self.to.min(view.now));
        for day in days {
            let replaced = live && day == view.newest;
            let twice = replaced && view.shown_twice(&day);
            rows.starts(&day);
            rows.hold(day.open, day.open, day.open);
            if !replaced || twice {
                rows.push(day.open, view.daily(&day));
            }
            if replaced {
                let values = view.day(&day);
                let volume = values.volume + if twice { values.volume / 50 } else { 0 };
                rows.push_live(traded, Values { volume, ..values });
            }
        }
    }

    /// Weeks, months and quarters. The window cuts the first of them, and a week at the day and a quarter at the month
    /// that hold its end, as recorded; a month is never cut at its end.
    fn periods(&self, view: &View, rows: &mut Rows) {
        let end = view.market.date(self.to);
        let last = match self.interval.unit {
            Unit::Week => end,
            Unit::Months(3) => end.last_of_month(),
            _ => Date::MAX,
        };
        let inside = |day: &Session| day.close > self.from && day.open <= view.now && day.date <= last;
        let days: Vec<Session> = self.sessions(view).filter(inside).collect();
        let label = |day: &Session| self.interval.label(day.date);
        for period in days.chunk_by(|a, b| label(a) == label(b)) {
            let stamp = view.market.midnight(label(&period[0]));
            if stamp <= self.to {
                self.add(view, rows, stamp, period);
            }
        }
        if view.newest.close > self.from && view.traded() <= self.to {
            rows.starts(&view.newest);
            rows.push_live(view.traded(), view.day(&view.newest));
        }
    }

    fn add(&self, view: &View, rows: &mut Rows, stamp: i64, days: &[Session]) {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return };
        rows.starts(first);
        rows.push(stamp, view.corrected(self.interval.name, stamp, view.together(days)));
        rows.hold(stamp, first.open, last.open);
    }
}
