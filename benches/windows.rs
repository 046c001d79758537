//! How many calls random windows cost: `cargo bench --bench windows`.
//!
//! Asks for windows of a market that has every bar, through the planner alone, and counts calls four ways: a direct
//! client, finex, a planner that knew all windows beforehand, and a gap filler that never asks for more than is missing.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use finex_core::ask::Ask;
use finex_core::calendar::Grid;
use finex_core::columns::Columns;
use finex_core::plan::coverage::{Ledger, Received, attest};
use finex_core::plan::{Facts, Held, Limits, plan};
use finex_core::time::{Ts, Window, WindowSet};
use finex_providers::Provider;
use finex_providers::yahoo::Yahoo;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const PAGE: u64 = 1_000;

/// Three symbols over a universe of bars that ends some time before now.
struct Universe {
    name: &'static str,
    interval: &'static str,
    bars: i64,
    /// Window lengths in bars, from and to, each as likely.
    lengths: (i64, i64),
    of: Of,
}

/// Whose limits hold.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Binance,
    Yahoo,
}

struct Series {
    ledger: Ledger,
    grid: Grid,
}

impl Held for Series {
    fn count(&self, window: Window) -> u64 {
        let covered = self.ledger.covered(Columns::OHLCV, 0);
        let bars = covered.iter().map(|w| w.intersect(window)).filter(|w| !w.is_empty());
        bars.map(|w| (self.grid.ceil(w.to) - self.grid.ceil(w.from)) as u64).sum()
    }

    fn seam(&self, window: Window, _bars: u64) -> Window {
        window
    }
}

fn main() {
    let universes = [
        Universe {
            name: "1h, 2 years, windows of 24 to 720 bars",
            interval: "1h",
            bars: 17_520,
            lengths: (24, 720),
            of: Of::Binance,
        },
        Universe {
            name: "1h, 2 years, windows of 24 to 168 bars",
            interval: "1h",
            bars: 17_520,
            lengths: (24, 168),
            of: Of::Binance,
        },
        Universe {
            name: "1m, 30 days, windows of 60 to 1000 bars",
            interval: "1m",
            bars: 43_200,
            lengths: (60, 1_000),
            of: Of::Binance,
        },
        Universe {
            name: "1d, 7 years, windows of 30 to 365 bars",
            interval: "1d",
            bars: 2_555,
            lengths: (30, 365),
            of: Of::Binance,
        },
        Universe {
            name: "5m, 1 year, windows of 12 to 2000 bars",
            interval: "5m",
            bars: 105_120,
            lengths: (12, 2_000),
            of: Of::Binance,
        },
        Universe {
            name: "Yahoo 1d, 20 years, windows of 30 to 365 bars",
            interval: "1d",
            bars: 7_300,
            lengths: (30, 365),
            of: Of::Yahoo,
        },
        Universe {
            name: "Yahoo 5m, 45 days, windows of 12 to 2000 bars",
            interval: "5m",
            bars: 12_900,
            lengths: (12, 2_000),
            of: Of::Yahoo,
        },
    ];
    println!(
        "{:<46} {:>5} {:>7} {:>7} {:>12} {:>10} {:>7} {:>9} {:>10}",
        "universe (3 symbols)", "asks", "direct", "finex", "clairvoyant", "gap filler", "ratio", "over-kB", "blocks+1"
    );
    for universe in &universes {
        for asks in [50, 500] {
            let runs: Vec<Figures> = (0..5).map(|seed| figures(universe, asks, seed)).collect();
            let mean = |of: fn(&Figures) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
            println!(
                "{:<46} {asks:>5} {:>7.1} {:>7.1} {:>12.1} {:>10.1} {:>7.3} {:>9.0} {:>10}",
                universe.name,
                mean(|f| f.direct),
                mean(|f| f.finex),
                mean(|f| f.clairvoyant),
                mean(|f| f.filler),
                mean(|f| f.finex) / mean(|f| f.clairvoyant),
                mean(|f| f.over_bytes) / 1e3,
                3 * (universe.bars as u64).div_ceil(rules(universe).1.page) + 1,
            );
        }
    }
}

struct Figures {
    direct: f64,
    finex: f64,
    clairvoyant: f64,
    filler: f64,
    over_bytes: f64,
}

/// The grid of a universe, and what its provider allows if calls are widened, and if they are not.
fn rules(universe: &Universe) -> (Grid, Limits, Limits) {
    let hour = finex_core::calendar::Interval { count: 1, unit: finex_core::calendar::Unit::Hour };
    let interval = universe.interval.parse().unwrap_or(hour);
    let binance = |widen_bytes| Limits {
        page: PAGE,
        cost: 2,
        settle: 2_000,
        row_bytes: 1,
        widen_bytes,
        max_calls: 100_000,
        density: 1.0,
        windowed: false,
        strict: false,
        depth: None,
        seam: 0,
        whole: false,
        apart: None,
    };
    match (universe.of, Yahoo::new(&|_| {}).series("AAPL", interval)) {
        (Of::Yahoo, Ok(series)) => {
            let limits = |widen| Limits { seam: 0, ..Yahoo::new(&|_| {}).limits(&series, widen, 100_000) };
            (Grid::uneven(interval), limits(1 << 20), limits(0))
        }
        _ => (Grid::new(interval, 0), binance(PAGE), binance(0)),
    }
}

fn figures(universe: &Universe, asks: usize, seed: u64) -> Figures {
    let (grid, widening, filling) = rules(universe);
    let now = 1_767_225_600_000; // 2026-01-01
    let first = grid.index(now - 10 * DAY) - universe.bars;
    let mut random = fastrand::Rng::with_seed(seed);
    let windows: Vec<(usize, Window)> = (0..asks)
        .map(|_| {
            let len = random.i64(universe.lengths.0..=universe.lengths.1);
            let from = first + random.i64(0..=universe.bars - len);
            (random.usize(0..3), Window::new(grid.open(from), grid.open(from + len)))
        })
        .collect();
    let bars = |w: &Window| (grid.index(w.to) - grid.index(w.from)) as u64;
    let direct = windows.iter().map(|(_, w)| widening.direct_calls(bars(w))).sum::<u64>();
    let (finex, fetched) = walk(&windows, grid, now, &widening);
    let (filler, _) = walk(&windows, grid, now, &filling);
    let (mut clairvoyant, mut needed) = (0, 0);
    for symbol in 0..3 {
        let all: WindowSet = windows.iter().filter(|(s, _)| *s == symbol).map(|(_, w)| *w).collect();
        needed += all.iter().map(|w| bars(&w)).sum::<u64>();
        let asks: Vec<Ask> = all.iter().map(|w| Ask::between(w, Columns::OHLCV)).collect();
        let fresh = Series { ledger: Ledger::default(), grid };
        clairvoyant += planned(&fresh, &asks, now, &filling).len() as u64;
    }
    let row_bytes = if universe.of == Of::Yahoo { widening.row_bytes } else { 160 };
    Figures {
        direct: direct as f64,
        finex: finex as f64,
        clairvoyant: clairvoyant as f64,
        filler: filler as f64,
        over_bytes: (fetched.saturating_sub(needed) * row_bytes) as f64,
    }
}

fn planned(series: &Series, asks: &[Ask], now: Ts, limits: &Limits) -> Vec<finex_core::plan::Call> {
    let flying = WindowSet::default();
    let facts = Facts { ledger: &series.ledger, held: series, flying: &flying, grid: series.grid, limits, now };
    plan(asks, &facts).map(|plan| plan.calls.iter().map(|c| c.call).collect()).unwrap_or_default()
}

/// Serves the windows one after the other; calls made and rows fetched.
fn walk(windows: &[(usize, Window)], grid: Grid, now: Ts, limits: &Limits) -> (u64, u64) {
    let mut series: Vec<Series> = (0..3).map(|_| Series { ledger: Ledger::default(), grid }).collect();
    let (mut calls, mut rows) = (0, 0);
    for (symbol, window) in windows {
        let one = &mut series[*symbol];
        for call in planned(one, &[Ask::between(*window, Columns::OHLCV)], now, limits) {
            let opens: Vec<Ts> =
                (grid.index(call.window.from)..grid.index(call.window.to)).map(|i| grid.open(i)).collect();
            let got = Received {
                times: &opens,
                suspect: &[],
                rows: opens.len() as u64,
                live: None,
                at: now,
                sure: now,
                expires: now,
                settles: now,
            };
            one.ledger.record(&attest(&call, got, grid, limits.settle));
            calls += 1;
            rows += opens.len() as u64;
        }
    }
    (calls, rows)
}
