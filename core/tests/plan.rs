//! The planner against brute force: random histories, random asks, every promise checked bar by bar.
#![allow(clippy::expect_used)]

use finex_core::ask::{Ask, Take};
use finex_core::calendar::Grid;
use finex_core::columns::Columns;
use finex_core::plan::coverage::{Ledger, Received, attest};
use finex_core::plan::{Anchor, Call, Facts, Held, Limits, Plan, plan};
use finex_core::time::{Ts, Window, WindowSet};
use finex_core::truth::finality;
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOUR: i64 = 3_600_000;
const NOW: Ts = 300 * HOUR + 17 * 60_000;

/// What a provider has, and what a gateway holds of it.
struct World {
    listed: Vec<Ts>,
    held: BTreeSet<Ts>,
    ledger: Ledger,
    limits: Limits,
    calls: Vec<Call>,
    now: Ts,
}

impl Held for World {
    fn count(&self, window: Window) -> u64 {
        if window.is_empty() { 0 } else { self.held.range(window.from..window.to).count() as u64 }
    }

    fn seam(&self, window: Window, _bars: u64) -> Window {
        window
    }
}

fn grid() -> Grid {
    Grid::new("1h".parse().expect("an interval"), 0)
}

impl World {
    fn new(listing: i64, halts: &[(i64, i64)], page: u64, widen: bool) -> Self {
        let halted = |h: i64| halts.iter().any(|(from, len)| (*from..from + len).contains(&h));
        let limits = Limits {
            page,
            cost: 2,
            settle: 5_000,
            row_bytes: 1,
            widen_bytes: if widen { u64::MAX } else { 0 },
            max_calls: 10_000,
            density: 1.0,
            windowed: false,
            strict: false,
            depth: None,
            seam: 0,
            whole: false,
            apart: None,
        };
        let listed = (listing..=300).filter(|h| !halted(*h)).map(|h| h * HOUR).collect();
        World { listed, held: BTreeSet::new(), ledger: Ledger::default(), limits, calls: vec![], now: NOW }
    }

    fn plan(&self, asks: &[Ask]) -> Plan {
        let facts = Facts {
            ledger: &self.ledger,
            held: self,
            flying: &WindowSet::default(),
            grid: grid(),
            limits: &self.limits,
            now: self.now,
        };
        plan(asks, &facts).expect("a plan")
    }

    /// Answers a call as Binance would, and keeps what came.
    fn fetch(&mut self, call: Call) {
        let fits = |t: &&Ts| match call.anchor {
            Anchor::Start => **t >= call.window.from,
            Anchor::End => **t < call.window.to,
            Anchor::Both => call.window.contains(**t),
        };
        let mut rows: Vec<Ts> = self.listed.iter().filter(fits).copied().collect();
        match call.anchor {
            Anchor::Start => rows.truncate(call.limit as usize),
            Anchor::End => rows.drain(..rows.len().saturating_sub(call.limit as usize)).for_each(drop),
            Anchor::Both => {}
        }
        let got = Received {
            times: &rows,
            suspect: &[],
            rows: rows.len() as u64,
            live: None,
            at: self.now,
            sure: self.now,
            expires: self.now + 60_000,
            settles: self.now + 60_000,
        };
        self.ledger.record(&attest(&call, got, grid(), self.limits.settle));
        self.held.extend(rows);
        self.calls.push(call);
    }

    fn serve(&mut self, ask: Ask) -> Vec<Ts> {
        for round in 0.. {
            let plan = self.plan(&[ask]);
            if plan.calls.is_empty() {
                break;
            }
            assert!(round < 8, "no end to {ask:?}");
            plan.calls.iter().for_each(|planned| self.fetch(planned.call));
        }
        take(self.held.iter().copied(), ask, self.now)
    }

    fn truth(&self, ask: Ask) -> Vec<Ts> {
        take(self.listed.iter().copied(), ask, self.now)
    }
}

fn take(times: impl Iterator<Item = Ts>, ask: Ask, now: Ts) -> Vec<Ts> {
    let mut rows: Vec<Ts> = times.filter(|t| ask.window.contains(*t) && *t <= now).collect();
    match ask.take {
        Take::All => {}
        Take::First(n) => rows.truncate(n as usize),
        Take::Last(n) => rows.drain(..rows.len().saturating_sub(n as usize)).for_each(drop),
    }
    rows
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let window = (-20i64..330, 0i64..200, 0i64..3_600_000, 0i64..3_600_000);
    let kind = (0u8..6, 1u64..40);
    (window, kind).prop_map(|((from, len, a, b), (kind, n))| {
        let (a, b) = if kind % 2 == 0 { (0, 0) } else { (a, b) };
        let window = Window::new(from * HOUR + a, (from + len) * HOUR + b);
        let columns = Columns::OHLCV;
        match kind {
            0 | 1 => Ask::between(window, columns),
            2 => Ask::last(n, columns),
            3 => Ask { window: Window::new(window.from, finex_core::time::END), take: Take::First(n), columns },
            4 => Ask { window, take: Take::First(n), columns },
            _ => Ask { window: Window::new(finex_core::time::BEGINNING, window.to), take: Take::Last(n), columns },
        }
    })
}

/// The fewest runs of `page` periods that touch every missing period, by dynamic programming.
fn brute_optimum(missing: &[i64], page: i64) -> usize {
    let mut best = vec![0usize; missing.len() + 1];
    for i in (0..missing.len()).rev() {
        let beyond = missing.partition_point(|m| *m < missing[i] + page);
        best[i] = 1 + best[beyond];
        for shift in 1..page.min(6) {
            let beyond = missing.partition_point(|m| *m < missing[i] - shift + page);
            best[i] = best[i].min(1 + best[beyond.max(i + 1)]);
        }
    }
    best[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_held_the_answer_is_the_truth(
        listing in -30i64..100,
        halts in prop::collection::vec((0i64..300, 1i64..30), 0..4),
        page in 1u64..60,
        widen in any::<bool>(),
        asks in prop::collection::vec(any_ask(), 1..8),
    ) {
        let mut world = World::new(listing, &halts, page, widen);
        for ask in asks {
            prop_assert_eq!(world.serve(ask), world.truth(ask));
            let again = world.calls.len();
            prop_assert_eq!(world.serve(ask), world.truth(ask));
            prop_assert_eq!(world.calls.len(), again, "asked again, nothing is fetched");
        }
    }

    #[test]
    fn a_plan_misses_nothing_repeats_nothing_and_is_the_cheapest(
        page in 1u64..40,
        widen in any::<bool>(),
        before in prop::collection::vec(any_ask(), 0..6),
        asks in prop::collection::vec((-20i64..300, 0i64..150), 1..4),
    ) {
        let mut world = World::new(0, &[], page, widen);
        before.into_iter().for_each(|ask| drop(world.serve(ask)));
        let asks: Vec<Ask> = asks
            .into_iter()
            .map(|(from, len)| Ask::between(Window::new(from * HOUR, (from + len) * HOUR), Columns::OHLCV))
            .collect();
        let plan = world.plan(&asks);
        let covered = world.ledger.covered(Columns::OHLCV, NOW);
        let wanted = |h: &i64| asks.iter().any(|ask| ask.window.contains(h * HOUR)) && h * HOUR <= NOW;
        let missing: Vec<i64> = (-20..=300).filter(wanted).filter(|h| covered.at(h * HOUR).is_none()).collect();
        for hour in &missing {
            let brought = plan.calls.iter().any(|c| c.call.window.contains(hour * HOUR));
            prop_assert!(brought, "bar {} of {:?} is in no call of {:?}", hour, asks, plan.calls);
        }
        for planned in &plan.calls {
            let some = missing.iter().any(|hour| planned.call.window.contains(hour * HOUR));
            prop_assert!(some, "{:?} brings only what is held", planned);
            prop_assert!(planned.call.limit <= page);
        }
        prop_assert_eq!(plan.calls.len(), brute_optimum(&missing, page as i64));
    }

    #[test]
    fn the_newest_bars_cost_no_more_than_the_tail(n in 1u64..40, later in 1i64..30) {
        let mut world = World::new(0, &[], 100, true);
        world.serve(Ask::last(n, Columns::OHLCV));
        let horizon = finality::horizon(grid(), 5_000, world.now);
        world.now += later * 60_000;
        let plan = world.plan(&[Ask::last(n, Columns::OHLCV)]);
        prop_assert_eq!(plan.calls.len(), 1);
        prop_assert!(plan.calls[0].call.window.from >= horizon, "{:?}", plan.calls);
    }
}

#[test]
fn what_is_under_way_is_awaited_and_not_asked_again() {
    let world = World::new(0, &[], 100, true);
    let flying = WindowSet::from_iter([Window::new(0, 100 * HOUR)]);
    let facts =
        Facts { ledger: &world.ledger, held: &world, flying: &flying, grid: grid(), limits: &world.limits, now: NOW };
    let inside = Ask::between(Window::new(10 * HOUR, 20 * HOUR), Columns::OHLCV);
    let planned = plan(&[inside], &facts).expect("a plan");
    assert_eq!((planned.calls.len(), planned.awaited.len()), (0, 1));
    let across = Ask::between(Window::new(90 * HOUR, 110 * HOUR), Columns::OHLCV);
    let planned = plan(&[across], &facts).expect("a plan");
    assert_eq!(planned.calls.len(), 1);
    assert_eq!(planned.calls[0].call.window, Window::new(100 * HOUR, 200 * HOUR));
}

#[test]
fn a_missing_column_is_fetched_alone() {
    let mut world = World::new(0, &[], 100, false);
    let window = Window::new(10 * HOUR, 20 * HOUR);
    world.serve(Ask::between(window, Columns::OHLCV));
    let more: Columns = Columns::parse("ohlcv+vwap").expect("columns");
    let plan = world.plan(&[Ask::between(window, more)]);
    assert_eq!(plan.calls.len(), 1);
    assert_eq!(plan.calls[0].call.columns, Columns::parse("vwap").expect("columns"));
}

#[test]
fn an_endless_ask_is_refused_at_once() {
    let mut world = World::new(0, &[], 1, true);
    world.limits.max_calls = 50;
    let facts = Facts {
        ledger: &world.ledger,
        held: &world,
        flying: &WindowSet::default(),
        grid: grid(),
        limits: &world.limits,
        now: NOW,
    };
    let all = Ask::between(Window::new(-1_000_000 * HOUR, 300 * HOUR), Columns::OHLCV);
    assert_eq!(plan(&[all], &facts).expect_err("too large").max, 50);
}
