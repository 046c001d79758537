//! The stretches of trading that bars show.

use super::Instrument;
use crate::market::Session;
use jiff::civil::Date;
use jiff::{Span, ToSpan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Minutes(i64),
    Day,
    Week,
    Month,
}

/// What one bar shows. Instants are seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub from: i64,
    pub to: i64,
    /// First and last day of trading in it.
    pub first: Date,
    pub last: Date,
    /// Does it start in the regular session?
    pub regular: bool,
}

pub(crate) fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |date| *date <= to)
}

pub(crate) fn monday(date: Date) -> Date {
    let back = Span::new().days(i64::from(date.weekday().to_monday_zero_offset()));
    date.checked_sub(back).unwrap_or(date)
}

/// The first day of the period, as a calendar has it.
pub(crate) fn start_of(period: Period, date: Date) -> Date {
    match period {
        Period::Minutes(_) | Period::Day => date,
        Period::Week => monday(date),
        Period::Month => date.first_of_month(),
    }
}

pub(super) fn back(
    instrument: &Instrument,
    period: Period,
    extended: bool,
    until: i64,
) -> Box<dyn Iterator<Item = Slot> + '_> {
    match period {
        Period::Minutes(minutes) => {
            let sessions = sessions(instrument, until, false);
            Box::new(sessions.flat_map(move |session| intraday(instrument, session, minutes * 60, extended, until)))
        }
        _ => Box::new(Grouped { days: sessions(instrument, until, true), period, ahead: None, until }),
    }
}

/// Sessions of the day of `until` and before, newest first.
fn sessions(instrument: &Instrument, until: i64, whole: bool) -> Box<dyn Iterator<Item = Session> + '_> {
    let oldest = instrument.local(instrument.first_trade()).date();
    let dates = instrument.local(until).date().series(-1.day()).take_while(move |date| *date >= oldest);
    Box::new(dates.filter_map(move |date| instrument.session(date, whole)))
}

/// Slots of one session, newest first.
fn intraday(
    instrument: &Instrument,
    session: Session,
    step: i64,
    extended: bool,
    until: i64,
) -> impl Iterator<Item = Slot> + use<> {
    let (start, end) = if extended { (session.pre, session.post) } else { (session.open, session.close) };
    // Stocks count from the opening, everything else from midnight.
    let anchor = match instrument {
        Instrument::Stock(_) => start,
        Instrument::Pair(_) => start - start.rem_euclid(86_400),
    };
    let last = (end.min(until + 1) - 1 - anchor).div_euclid(step);
    (0..=last).rev().map(move |index| anchor + index * step).filter(move |from| *from >= start).map(move |from| Slot {
        from,
        to: (from + step).min(end),
        first: session.date,
        last: session.date,
        regular: (session.open..session.close).contains(&from),
    })
}

/// Days together that belong to one period.
struct Grouped<'a> {
    days: Box<dyn Iterator<Item = Session> + 'a>,
    period: Period,
    ahead: Option<Session>,
    until: i64,
}

impl Iterator for Grouped<'_> {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let until = self.until;
        let newest = self.ahead.take().or_else(|| self.days.find(|day| day.open <= until))?;
        let start = start_of(self.period, newest.date);
        let mut slot =
            Slot { from: newest.open, to: newest.close, first: newest.date, last: newest.date, regular: true };
        for day in self.days.by_ref() {
            if day.date < start || self.period == Period::Day {
                self.ahead = Some(day);
                break;
            }
            (slot.from, slot.first) = (day.open, day.date);
        }
        Some(slot)
    }
}
