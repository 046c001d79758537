//! The planner for providers that answer windows whole or refuse them: sessions off the grid, a reach that slides, seams.
#![allow(clippy::expect_used)]

use finex_core::ask::{Ask, Take};
use finex_core::calendar::Grid;
use finex_core::columns::Columns;
use finex_core::plan::coverage::{Ledger, Received, attest};
use finex_core::plan::{Call, Facts, Held, Limits, Plan, plan};
use finex_core::time::{Ts, Window, WindowSet};
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const NOW: Ts = 300 * DAY + 15 * HOUR;
const SEAM: u64 = 3;

struct World {
    listed: Vec<Ts>,
    held: BTreeSet<Ts>,
    ledger: Ledger,
    limits: Limits,
    calls: Vec<Call>,
}

impl Held for World {
    fn count(&self, window: Window) -> u64 {
        if window.is_empty() { 0 } else { self.held.range(window.from..window.to).count() as u64 }
    }

    fn seam(&self, window: Window, bars: u64) -> Window {
        let left = self.held.range(..window.from).rev().take(bars as usize).last();
        Window::new(left.copied().unwrap_or(window.from), window.to)
    }
}

fn grid() -> Grid {
    Grid::uneven("1d".parse().expect("an interval"))
}

impl World {
    /// Five sessions in seven days that open at `hour`, an hour earlier in every second half of a hundred days.
    fn new(hour: i64, page: u64, depth: Option<i64>, widen: bool) -> Self {
        let open = |day: i64| day * DAY + (hour - i64::from(day.rem_euclid(100) > 50)) * HOUR;
        let listed = (0..=300i64).filter(|day| day % 7 < 5).map(open).filter(|open| *open <= NOW).collect();
        let limits = Limits {
            page,
            cost: 1,
            settle: DAY,
            row_bytes: 1,
            widen_bytes: if widen { u64::MAX } else { 0 },
            max_calls: 10_000,
            density: 0.71,
            windowed: true,
            strict: true,
            depth,
            seam: SEAM,
            whole: false,
            apart: None,
        };
        World { listed, held: BTreeSet::new(), ledger: Ledger::default(), limits, calls: vec![] }
    }

    fn plan(&self, ask: Ask) -> Plan {
        let flying = WindowSet::default();
        let facts =
            Facts { ledger: &self.ledger, held: self, flying: &flying, grid: grid(), limits: &self.limits, now: NOW };
        plan(&[ask], &facts).expect("a plan")
    }

    /// Answers a call whole; none if the provider would refuse it.
    fn fetch(&mut self, call: Call) -> Option<()> {
        let periods = grid().index(call.window.to - 1) - grid().index(call.window.from);
        let refused =
            periods > self.limits.page as i64 || self.limits.depth.is_some_and(|d| call.window.from < NOW - d);
        if refused {
            assert!(call.exact, "{call:?} is refused although it is not the client's own");
            return None;
        }
        let rows: Vec<Ts> = self.listed.iter().filter(|t| call.window.contains(**t)).copied().collect();
        let (times, rows) = (&rows, rows.len() as u64);
        let got = Received {
            times,
            suspect: &[],
            rows,
            live: None,
            at: NOW,
            sure: NOW,
            expires: NOW + 10_000,
            settles: NOW + 10_000,
        };
        self.ledger.record(&attest(&call, got, grid(), self.limits.settle));
        self.held.extend(times);
        self.calls.push(call);
        Some(())
    }

    fn serve(&mut self, ask: Ask) -> Option<Vec<Ts>> {
        for round in 0.. {
            let plan = self.plan(ask);
            if plan.calls.is_empty() {
                break;
            }
            assert!(round < 12, "no end to {ask:?}: {:?}", plan.calls);
            for planned in plan.calls {
                self.fetch(planned.call)?;
            }
        }
        Some(take(self.held.iter().copied(), ask))
    }
}

fn take(times: impl Iterator<Item = Ts>, ask: Ask) -> Vec<Ts> {
    let mut rows: Vec<Ts> = times.filter(|t| ask.window.contains(*t) && *t <= NOW).collect();
    match ask.take {
        Take::All => {}
        Take::First(n) => rows.truncate(n as usize),
        Take::Last(n) => rows.drain(..rows.len().saturating_sub(n as usize)).for_each(drop),
    }
    rows
}

fn any_ask() -> impl Strategy<Value = Ask> {
    (0i64..310 * 24, 0i64..120 * 24, 0i64..HOUR, 0u8..5, 1u64..30).prop_map(|(from, len, off, kind, n)| {
        let window = Window::new(from * HOUR + off, (from + len) * HOUR + off);
        match kind {
            0 => Ask { window, take: Take::First(n), columns: Columns::OHLCV },
            1 => Ask { window: Window::new(100 * DAY, window.to), take: Take::Last(n), columns: Columns::OHLCV },
            _ => Ask::between(window, Columns::OHLCV),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whatever_the_hour_no_bar_is_missing_and_nothing_is_asked_twice(
        hour in 1i64..24,
        widen in any::<bool>(),
        page in 40u64..400,
        asks in prop::collection::vec(any_ask(), 1..8),
    ) {
        let mut world = World::new(hour, page, None, widen);
        for ask in asks {
            let truth = take(world.listed.iter().copied(), ask);
            if let Some(got) = world.serve(ask) {
                prop_assert_eq!(got, truth, "{:?}", ask);
                prop_assert!(world.plan(ask).calls.is_empty(), "asked again: {:?}", ask);
            }
        }
    }

    #[test]
    fn no_call_of_ours_goes_beyond_the_reach(
        widen in any::<bool>(),
        depth in 20i64..200,
        page in 10u64..60,
        asks in prop::collection::vec(any_ask(), 1..8),
    ) {
        let mut world = World::new(14, page, Some(depth * DAY), widen);
        for ask in asks.into_iter().filter(|ask| ask.take == Take::All) {
            let held = world.held.clone();
            let truth = take(world.listed.iter().copied(), ask);
            match world.serve(ask) {
                Some(got) => prop_assert_eq!(got, truth),
                // Refused: then some of it was not held, and it is too old or too long.
                None => {
                    let old = ask.window.from < NOW - depth * DAY;
                    let long = ask.window.to.min(NOW + DAY) - ask.window.from > page as i64 * DAY;
                    prop_assert!((old || long) && !world.ledger.covers(ask.window, Columns::OHLCV, NOW), "{:?}", ask);
                    prop_assert_eq!(&held, &world.held);
                }
            }
        }
    }
}

#[test]
fn gaps_are_sewn_to_what_is_held() {
    let mut world = World::new(14, 400, None, false);
    world.serve(Ask::between(Window::new(100 * DAY, 130 * DAY), Columns::OHLCV));
    let next = Ask::between(Window::new(100 * DAY, 160 * DAY), Columns::OHLCV);
    let call = world.plan(next).calls[0].call;
    let again = world.held.range(call.window.from..call.window.to).count();
    assert_eq!((again as u64, call.need), (SEAM, Window::new(130 * DAY, 160 * DAY)));
}
