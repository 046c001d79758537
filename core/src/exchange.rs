//! When exchanges trade: their sessions, compiled in as text on their own clocks.
//!
//! A calendar is a hint. It saves calls that could bring nothing, and what was received wins over it: so it is rather
//! open on a closed day than closed on an open one, and says where it knows nothing.

use crate::time::{Ts, Window};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use std::iter::{once, successors};
use std::sync::LazyLock;

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

static ALL: LazyLock<Vec<Exchange>> =
    LazyLock::new(|| parse(include_str!("../calendars/sessions.txt")).unwrap_or_default());

/// A market with its clock, its regular hours and the days that are unlike the rest.
#[derive(Debug)]
pub struct Exchange {
    name: &'static str,
    names: Vec<&'static str>,
    zone: TimeZone,
    known: Window,
    last: Date,
    /// The days of the week on which sessions open, a bit each, from Monday on.
    week: u8,
    /// Midnights that the longest session goes through.
    nights: i8,
    /// Regular hours, each since a day.
    hours: Vec<(Date, Hours)>,
    /// Days with hours of their own; with none, closed.
    unlike: Vec<(Date, Option<Hours>)>,
}

/// One session on the exchange's clock, which a lunch break may part.
#[derive(Debug, Clone, Copy)]
struct Hours {
    morning: Stretch,
    afternoon: Option<Stretch>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    open: Time,
    close: Time,
    /// Midnights between the two.
    nights: i8,
}

/// Which time providers give to the bar of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// The open of its session.
    Open,
    /// Midnight on the exchange's clock.
    Midnight,
    /// Midnight in UTC.
    MidnightUtc,
}

impl Dated {
    pub const ALL: [Dated; 3] = [Dated::Open, Dated::Midnight, Dated::MidnightUtc];
}

impl Exchange {
    /// An exchange by its MIC, or by a name that a provider has for it; case does not matter.
    pub fn find(name: &str) -> Option<&'static Exchange> {
        let name = name.trim();
        ALL.iter().find(|e| once(&e.name).chain(&e.names).any(|known| known.eq_ignore_ascii_case(name)))
    }

    pub fn all() -> &'static [Exchange] {
        &ALL
    }

    /// Its MIC; foreign exchange is `24/5`, and what never closes is `24/7`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The years of which the calendar knows.
    pub fn known(&self) -> Window {
        self.known
    }

    /// Regular sessions that overlap `window`, from the day's open to its close: over lunch, and without auctions and
    /// trading before and after. What never closes has a session a day.
    pub fn sessions(&self, window: Window) -> impl Iterator<Item = Window> {
        within(window, self.from(window.from).filter_map(|date| self.session(date)))
    }

    /// The same without lunch breaks, each of which parts a session in two.
    pub fn stretches(&self, window: Window) -> impl Iterator<Item = Window> {
        let on = move |date| {
            let hours = self.hours(date);
            let stretches = hours.into_iter().flat_map(|hours| once(hours.morning).chain(hours.afternoon));
            stretches.filter_map(move |stretch| self.window(date, stretch))
        };
        within(window, self.from(window.from).flat_map(on))
    }

    /// Can anything trade in `window`, when trading goes on for `margin` milliseconds before and after each session?
    /// None where the calendar does not know.
    pub fn trades(&self, window: Window, margin: i64) -> Option<bool> {
        if window.is_empty() {
            return Some(false);
        }
        let widened = Window::new(window.from.saturating_sub(margin), window.to.saturating_add(margin));
        let open = self.sessions(widened).next().is_some();
        (open || self.known.covers(widened)).then_some(open)
    }

    /// Can the bar of a day bear a time in `window`? None where the calendar does not know.
    pub fn dates(&self, window: Window, dated: Dated) -> Option<bool> {
        const DAY: i64 = 86_400_000;
        let widened = Window::new(window.from.saturating_sub(DAY), window.to.saturating_add(DAY));
        let begins = |date: &Date| self.instant(*date, Time::midnight()).is_some_and(|midnight| midnight < widened.to);
        let mut stamps = self.from(widened.from).take_while(begins).filter_map(|date| self.stamp(date, dated));
        let found = stamps.any(|stamp| window.contains(stamp));
        (found || self.known.covers(widened)).then_some(found)
    }

    /// Days that overlap `window` and on which nothing trades, the oldest first: from midnight to midnight, on the clock by which
    /// bars are dated, and whether it is a weekend's.
    pub fn closures(&self, window: Window, dated: Dated) -> impl Iterator<Item = (Window, bool)> {
        let midnight = move |date: Date| match dated {
            Dated::MidnightUtc => {
                TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok().map(Timestamp::as_millisecond)
            }
            Dated::Open | Dated::Midnight => self.instant(date, Time::midnight()),
        };
        let day = move |date: Date| Some(Window::new(midnight(date)?, midnight(date.tomorrow().ok()?)?));
        let closed = |date: &Date| {
            let day = self.instant(*date, Time::midnight()).zip(date.tomorrow().ok());
            let end =
                day.and_then(|(from, tomorrow)| Some(Window::new(from, self.instant(tomorrow, Time::midnight())?)));
            end.is_some_and(|day| self.sessions(day).next().is_none())
        };
        let days = self.from(window.from).filter_map(move |date| Some((date, day(date)?)));
        let days = days.take_while(move |(_, day)| day.from < window.to).filter(move |(_, day)| day.overlaps(window));
        days.filter(move |(date, _)| closed(date))
            .map(|(date, day)| (day, matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)))
    }

    /// The time of the bar of a day, if there is a session.
    fn stamp(&self, date: Date, dated: Dated) -> Option<Ts> {
        let open = self.session(date).map(|session| session.from)?;
        match dated {
            Dated::Open => Some(open),
            Dated::Midnight => self.instant(date, Time::midnight()),
            Dated::MidnightUtc => {
                TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok().map(Timestamp::as_millisecond)
            }
        }
    }

    /// When the first session at or after `ts` opens.
    pub fn next_open(&self, ts: Ts) -> Option<Ts> {
        let known = self.known.from <= ts;
        let opens = self.from(ts).filter_map(|date| self.session(date)).map(|session| session.from);
        known.then_some(opens)?.find(|open| *open >= ts)
    }

    /// When the last session at or before `ts` closed.
    pub fn last_close(&self, ts: Ts) -> Option<Ts> {
        let known = ts <= self.known.to;
        let dates = successors(Some(self.date(ts)), |date| date.yesterday().ok());
        let closes = dates.take_while(|date| *date >= self.first()).filter_map(|date| self.session(date));
        known.then_some(closes)?.map(|session| session.to).find(|close| *close <= ts)
    }

    /// The days from the first on whose session may still be open at `ts`.
    fn from(&self, ts: Ts) -> impl Iterator<Item = Date> {
        let first = self.date(ts).saturating_sub(self.nights.days());
        successors(Some(first), |date| date.tomorrow().ok()).take_while(|date| *date <= self.last)
    }

    fn session(&self, date: Date) -> Option<Window> {
        let hours = self.hours(date)?;
        let Stretch { close, nights, .. } = hours.afternoon.unwrap_or(hours.morning);
        self.window(date, Stretch { open: hours.morning.open, close, nights })
    }

    fn hours(&self, date: Date) -> Option<Hours> {
        if date > self.last {
            return None;
        }
        if let Ok(at) = self.unlike.binary_search_by_key(&date, |(day, _)| *day) {
            return self.unlike.get(at)?.1;
        }
        let opens = (self.week >> date.weekday().to_monday_zero_offset()) & 1 == 1;
        let since = self.hours.partition_point(|(since, _)| *since <= date).checked_sub(1)?;
        self.hours.get(since).filter(|_| opens).map(|(_, hours)| *hours)
    }

    /// The first day that has regular hours.
    fn first(&self) -> Date {
        self.hours.first().map_or(Date::MAX, |(since, _)| *since)
    }

    /// The day at `ts` on the exchange's clock, or the nearest of which the calendar knows.
    fn date(&self, ts: Ts) -> Date {
        let known = Timestamp::from_millisecond(ts.clamp(self.known.from, self.known.to));
        self.zone.to_datetime(known.unwrap_or_default()).date()
    }

    fn window(&self, date: Date, stretch: Stretch) -> Option<Window> {
        let end = if stretch.nights == 0 { date } else { date.checked_add(stretch.nights.days()).ok()? };
        Some(Window::new(self.instant(date, stretch.open)?, self.instant(end, stretch.close)?))
    }

    fn instant(&self, date: Date, time: Time) -> Option<Ts> {
        self.zone.to_timestamp(date.to_datetime(time)).ok().map(Timestamp::as_millisecond)
    }

    /// Takes up one line of the calendar's text.
    fn learn(&mut self, key: &str, text: &'static str) -> Option<()> {
        match key {
            "names" => self.names = text.split(", ").collect(),
            "zone" => self.zone = TimeZoneDatabase::bundled().get(text).ok()?,
            "years" => {
                let (first, last) = text.split_once('-')?;
                let begins = |year: i16| self.instant(Date::new(year, 1, 1).ok()?, Time::midnight());
                let last: i16 = last.parse().ok()?;
                self.known = Window::new(begins(first.parse().ok()?)?, begins(last.checked_add(1)?)?);
                self.last = Date::new(last, 12, 31).ok()?;
            }
            "week" => {
                for day in text.split(' ') {
                    self.week |= 1 << WEEK.iter().position(|known| *known == day)?;
                }
            }
            "hours" => {
                let (since, hours) = text.split_once(' ')?;
                let hours = Hours::parse(hours)?;
                self.nights = self.nights.max(hours.morning.nights);
                self.hours.push((since.parse().ok()?, hours));
            }
            year => {
                for day in text.split_whitespace() {
                    let (day, hours) = day.split_once('@').map_or((day, None), |(day, hours)| (day, Some(hours)));
                    let hours = hours.map_or(Some(None), |hours| Hours::parse(hours).map(Some))?;
                    self.unlike.push((format!("{year}-{day}").parse().ok()?, hours));
                }
            }
        }
        Some(())
    }
}

impl Hours {
    /// `09:30-16:00`, `09:00-11:30,12:30-15:30`
    fn parse(text: &str) -> Option<Hours> {
        let mut stretches = text.split(',').map(Stretch::parse);
        Some(Hours { morning: stretches.next()??, afternoon: stretches.next().map_or(Some(None), |s| s.map(Some))? })
    }
}

impl Stretch {
    /// `09:30-16:00`, or `17:00-17:00+5` for a close five days later.
    fn parse(text: &str) -> Option<Stretch> {
        let (open, close) = text.split_once('-')?;
        let (close, nights) = close.split_once('+').unwrap_or((close, "0"));
        Some(Stretch { open: open.parse().ok()?, close: close.parse().ok()?, nights: nights.parse().ok()? })
    }
}

/// Those of `sessions`, which ascend, that overlap `window`.
fn within(window: Window, sessions: impl Iterator<Item = Window>) -> impl Iterator<Item = Window> {
    sessions.take_while(move |session| session.from < window.to).filter(move |session| session.overlaps(window))
}

/// Every exchange of a calendar's text; none where a line cannot be read.
fn parse(text: &'static str) -> Option<Vec<Exchange>> {
    let mut all: Vec<Exchange> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        if key == "exchange" {
            all.push(Exchange {
                name: rest,
                names: Vec::new(),
                zone: TimeZone::UTC,
                known: Window::new(0, 0),
                last: Date::ZERO,
                week: 0,
                nights: 0,
                hours: Vec::new(),
                unlike: Vec::new(),
            });
        } else {
            all.last_mut()?.learn(key, rest)?;
        }
    }
    Some(all)
}
