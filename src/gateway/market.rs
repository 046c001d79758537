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
use finex_core::time::{Ts, Window};

const DAY: i64 = 86_400_000;
/// Before and after a session there is trading that some providers show.
const MARGIN: i64 = 6 * 3_600_000;
/// How long it is believed that there was nothing in a market that was closed: then the provider is asked.
const BELIEVED: i64 = 7 * DAY;
/// Held bars that have to lie in the calendar's sessions before it is believed.
const WITNESSES: usize = 20;

/// An exchange of which the held bars bear out what the calendar says.
struct Trusted {
    exchange: &'static Exchange,
    grid: Grid,
    dated: Dated,
}

impl Trusted {
    /// None where nothing is held, or where a held bar lies where there should be none.
    fn of(exchange: &'static Exchange, cell: &Cell, snapshot: &Snapshot) -> Option<Trusted> {
        let rows = snapshot.pieces.iter().rev().flat_map(|piece| {
            let rows = 0..piece.times.len();
            rows.rev().filter_map(|row| piece.times.get(row))
        });
        let newest: Vec<Ts> = rows.take(WITNESSES).collect();
        let ways = Dated::ALL.into_iter().map(|dated| Trusted { exchange, grid: cell.grid, dated });
        let fits = |way: &Trusted| newest.iter().all(|open| way.opens(Window::new(*open, open + 1)) == Some(true));
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
}

impl Gateway {
    /// The market of a series at the arrival of an answer.
    pub(super) fn market(&self, cell: &Cell, bars: &Bars, max_age: Option<i64>, now: Ts) -> Market {
        let exchange = cell.provider.exchange(&cell.series, &cell.sight().envelope);
        let closed = exchange.filter(|exchange| {
            let (snapshot, moment) = (cell.snapshot(), Window::new(now, now + 1));
            let is_trusted = snapshot.pieces.is_empty() || Trusted::of(exchange, cell, &snapshot).is_some();
            exchange.trades(moment, MARGIN) == Some(false) && is_trusted
        });
        let closed_until = closed.and_then(|exchange| exchange.next_open(now)).map(|open| open - MARGIN);
        Market { now, closed_until: closed_until.filter(|open| *open > now), max_age, swing: swing(bars) }
    }

    /// Takes note of what an ask lacks where nothing can have opened, so that nobody is asked for it.
    pub(super) fn pass_by_closed(&self, cell: &Cell, snapshot: &Snapshot, ask: &Ask, now: Ts) -> bool {
        let Some(exchange) = cell.provider.exchange(&cell.series, &cell.sight().envelope) else { return false };
        let wanted = Window::new(ask.window.from, ask.window.to.min(now.saturating_add(1)));
        let gaps = snapshot.ledger.covered(ask.columns, now).gaps(wanted);
        let Some(trusted) = (!gaps.is_empty()).then(|| Trusted::of(exchange, cell, snapshot)).flatten() else {
            return false;
        };
        let closed: Vec<Window> = gaps.into_iter().filter(|gap| trusted.opens(*gap) == Some(false)).collect();
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
