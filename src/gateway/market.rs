//! What the calendar tells of a series' market. It is a hint: it saves calls that could bring nothing, and bars that came in
//! hours in which there should be none show that it is not to be trusted.

use super::Gateway;
use crate::store::cell::Cell;
use crate::store::snapshot::Snapshot;
use finex_core::ask::Ask;
use finex_core::calendar::{Grid, Unit};
use finex_core::columns::{Bars, Column};
use finex_core::exchange::{Dated, Exchange};
use finex_core::plan::coverage::{Attested, Loose};
use finex_core::plan::ttl::Market;
use finex_core::time::{Ts, Window, WindowSet};

const DAY: i64 = 86_400_000;
/// Before and after a session there is trading that some providers show.
const MARGIN: i64 = 6 * 3_600_000;
/// How long it is believed that there was nothing in a market that was closed: then the provider is asked.
const BELIEVED: i64 = 7 * DAY;
/// Bars that have to lie in the calendar's sessions before it is believed.
const WITNESSES: usize = 20;
/// So far back is looked for days on which it was closed as the calendar says.
const LOOKED_AT: i64 = 400 * DAY;

/// What is known of a series' bars, by which a calendar is judged.
struct Evidence<'a> {
    newest: Vec<Ts>,
    covered: WindowSet,
    has: &'a dyn Fn(Window) -> bool,
}

/// An exchange of which the bars bear out what the calendar says.
struct Trusted<'a> {
    exchange: &'static Exchange,
    grid: Grid,
    dated: Dated,
    evidence: &'a Evidence<'a>,
}

impl<'a> Trusted<'a> {
    /// None where there is no bar, or one lies where there should be none.
    fn of(exchange: &'static Exchange, grid: Grid, evidence: &'a Evidence<'a>) -> Option<Trusted<'a>> {
        let ways = Dated::ALL.into_iter().map(|dated| Trusted { exchange, grid, dated, evidence });
        let newest = &evidence.newest;
        let fits = |way: &Trusted<'_>| newest.iter().all(|open| way.opens(Window::new(*open, open + 1)) == Some(true));
        ways.filter(|_| !newest.is_empty()).find(fits)
    }

    /// Can a bar open in a window? None where nobody knows.
    fn opens(&self, window: Window) -> Option<bool> {
        match self.grid.interval.unit {
            Unit::Week | Unit::Month => None,
            Unit::Day => self.exchange.dates(window, self.dated),
            Unit::Second | Unit::Minute | Unit::Hour => self.exchange.trades(window, MARGIN),
        }
    }

    /// Is it known that there is nothing in a window?
    fn is_closed(&self, window: Window) -> bool {
        self.opens(window) == Some(false) && self.was_closed_on(window)
    }

    /// Was there nothing either on other closed days like those of a window: weekends, or working days?
    fn was_closed_on(&self, window: Window) -> bool {
        let newest = self.evidence.newest.first().copied().unwrap_or(0);
        let closures = |window| self.exchange.closures(window, self.dated);
        let looked_at: Vec<(Window, bool)> = closures(Window::new(newest.saturating_sub(LOOKED_AT), newest)).collect();
        let answered = |day: Window| self.evidence.covered.gaps(day).is_empty();
        let was_open = looked_at.iter().any(|(day, _)| (self.evidence.has)(*day));
        let was_closed = |weekend: bool| looked_at.iter().rev().any(|(day, kind)| *kind == weekend && answered(*day));
        !was_open && closures(window).all(|(_, weekend)| was_closed(weekend))
    }
}

/// The newest bars of those that are held.
fn newest_of(snapshot: &Snapshot) -> Vec<Ts> {
    let pieces = snapshot.pieces.iter().rev();
    pieces
        .flat_map(|piece| (0..piece.times.len()).rev().filter_map(|row| piece.times.get(row)))
        .take(WITNESSES)
        .collect()
}

impl Gateway {
    /// The market of a series at the arrival of an answer to a window.
    pub(super) fn market(&self, cell: &Cell, bars: &Bars, asked: Window, max_age: Option<i64>, now: Ts) -> Market {
        let snapshot = cell.snapshot();
        let mut newest: Vec<Ts> = bars.times.iter().rev().take(WITNESSES).copied().collect();
        if newest.is_empty() {
            newest = newest_of(&snapshot);
        }
        let mut covered = snapshot.ledger.covered(bars.set(), now);
        covered.insert(asked);
        let has = |day: Window| {
            let next = bars.times.get(bars.times.partition_point(|open| *open < day.from));
            next.is_some_and(|open| *open < day.to) || !snapshot.opens(day).is_empty()
        };
        let evidence = Evidence { newest, covered, has: &has };
        let closed_until = || {
            let exchange = cell.provider.exchange(&cell.series, &cell.sight().envelope)?;
            let since = exchange.last_close(now)?.saturating_add(MARGIN);
            let is_closed = since < now && exchange.trades(Window::new(now, now + 1), MARGIN) == Some(false);
            let trusted = Trusted::of(exchange, cell.grid, &evidence).filter(|_| is_closed)?;
            let open = exchange.next_open(now)?.saturating_sub(MARGIN);
            trusted.was_closed_on(Window::new(since, open)).then_some(open)
        };
        let closed_until = closed_until().filter(|open| *open > now);
        Market { now, closed_until, max_age, swing: swing(bars) }
    }

    /// Takes note of what an ask lacks where nothing can have opened, so that nobody is asked for it.
    pub(super) fn pass_by_closed(&self, cell: &Cell, snapshot: &Snapshot, ask: &Ask, now: Ts) -> bool {
        let Some(exchange) = cell.provider.exchange(&cell.series, &cell.sight().envelope) else { return false };
        let wanted = Window::new(ask.window.from, ask.window.to.min(now.saturating_add(1)));
        let covered = snapshot.ledger.covered(ask.columns, now);
        let gaps = covered.gaps(wanted);
        let has = |day: Window| !snapshot.opens(day).is_empty();
        let evidence = Evidence { newest: newest_of(snapshot), covered, has: &has };
        let Some(trusted) = (!gaps.is_empty()).then(|| Trusted::of(exchange, cell.grid, &evidence)).flatten() else {
            return false;
        };
        let closed: Vec<Window> = gaps.into_iter().filter(|gap| trusted.is_closed(*gap)).collect();
        let until = |gap: &Window| match gap.to >= now {
            true => exchange.next_open(now).map_or(now, |open| open - MARGIN),
            false => now + BELIEVED,
        };
        let loose =
            closed.iter().map(|gap| Loose { window: *gap, columns: ask.columns, fetched_at: now, expires: until(gap) });
        let attested =
            Attested { horizon: 0, known: Vec::new(), loose: loose.filter(|loose| loose.expires > now).collect() };
        let epoch = snapshot.epoch;
        cell.update(|snapshot| {
            if snapshot.epoch == epoch {
                snapshot.ledger.record(&attested);
            }
        });
        !attested.loose.is_empty()
    }
}

/// How much wider the newest bar swings than is usual among those before it.
fn swing(bars: &Bars) -> f64 {
    const BEFORE: usize = 20;
    let value = |column, row| bars.column(column).and_then(|texts| texts.value(row));
    let width =
        |row: usize| Some((value(Column::High, row)? - value(Column::Low, row)?) / value(Column::Close, row)?.abs());
    let Some(last) = bars.len().checked_sub(1) else { return 1.0 };
    let mut before: Vec<f64> =
        (last.saturating_sub(BEFORE)..last).filter_map(width).filter(|w| w.is_finite()).collect();
    before.sort_by(f64::total_cmp);
    let usual = before.get(before.len() / 2).copied().unwrap_or(0.0);
    match width(last) {
        Some(newest) if usual > 0.0 && newest.is_finite() => newest / usual,
        _ => 1.0,
    }
}
