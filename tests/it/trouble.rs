//! The reference model with everything at once: clients side by side at several providers, while time passes, stocks are
//! split, providers fail, memory and disk are too small, files are spoilt and the gateway is started anew. Whatever happens,
//! an answer is the market's truth, or an error while the provider fails.
//!
//! A seed is replayed by `FINEX_MODEL_SEED=7`; a long run is
//! `FINEX_MODEL_MINUTES=60 cargo test --release --test it trouble -- --nocapture`, which tells how memory grows.

use crate::others::WINDOWS;
use crate::world::*;
use crate::yahoo::chart;
use crate::yahoo_model::rows_before;
use finex::config::{Config, values::Bytes, values::Span};
use finex_sim::Fault;
use finex_sim::yahoo::Effect;
use futures_util::future::join_all;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const STEPS: usize = 40;
/// Seeds of an ordinary run.
const SEEDS: u64 = 4;

struct Run {
    seed: u64,
    random: fastrand::Rng,
    world: World,
    /// Sessions from which on a share is two, by provider as a simulator knows them.
    splits: Vec<(i16, i8, i8)>,
    compared: usize,
    without_calls: usize,
    marked: usize,
}

/// Odd seeds have too little room, every other pair asks for no more than it needs.
fn settings(seed: u64) -> impl FnOnce(&mut Config) {
    move |config| {
        config.plan.widen = seed % 4 < 2;
        // A busy machine is no trouble of a provider: nothing here hangs.
        config.server.request_timeout = Span::seconds(300);
        // A circuit would go on failing after the provider is well again, and what may be wrong then is not told by the step.
        for provider in config.providers.values_mut() {
            (provider.timeout.attempt, provider.timeout.total) = (Span::seconds(120), Span::seconds(240));
            provider.patience = Span::seconds(120);
            (provider.breaker.failures, provider.breaker.success_rate) = (1_000_000, 0.0);
        }
        if is_cramped(seed) {
            config.cache.l1.max_memory = Bytes(200 * 1024);
            config.cache.l3.max_size = Bytes(400 * 1024);
        }
    }
}

fn is_cramped(seed: u64) -> bool {
    seed % 2 == 1
}

fn native(path: &str) -> &str {
    ["/binance", "/yahoo"].iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "parquet" || end == "json"));
    found.sort();
    found
}

impl Run {
    async fn begin(seed: u64) -> Run {
        let world = World::with(settings(seed)).await;
        world.sim.yahoo().set_noise(false);
        let random = fastrand::Rng::with_seed(seed);
        Run { seed, random, world, splits: Vec::new(), compared: 0, without_calls: 0, marked: 0 }
    }

    fn draw(&mut self, range: std::ops::Range<i64>) -> i64 {
        self.random.i64(range)
    }

    fn path(&mut self) -> String {
        let (now, today) = (self.world.now(), self.world.now() / DAY);
        match self.draw(0..14) {
            0..=8 => {
                let (provider, written) = WINDOWS[self.draw(0..WINDOWS.len() as i64) as usize];
                let from = today - self.draw(0..250);
                let to = (from + self.draw(0..60)).min(today + 2);
                format!("/{provider}{}", written(from, to))
            }
            9..=11 => {
                let symbol = ["BTCUSDT", "SOLUSDT"][self.draw(0..2) as usize];
                let (interval, len) = [("1m", MINUTE), ("1h", HOUR), ("1d", DAY)][self.draw(0..3) as usize];
                // Now and then around the halt of February 2018, after which a bar opened off the grid.
                let base = if self.draw(0..5) == 0 { 1_518_168_495_000 + 20 * len } else { now };
                let start = base - self.draw(0..2_500) * len + self.draw(-2..3);
                let end = start + self.draw(0..700) * len;
                let window = match self.draw(0..4) {
                    0 => format!("&limit={}", self.draw(1..1_000)),
                    1 => format!("&startTime={start}&limit={}", self.draw(1..1_000)),
                    2 => format!("&endTime={end}&limit={}", self.draw(1..1_000)),
                    _ => format!("&startTime={start}&endTime={end}&limit=1000"),
                };
                format!("/binance{}", klines(symbol, interval, &window))
            }
            _ => {
                let symbol = ["NVDA", "7203.T", "BTC-USD"][self.draw(0..3) as usize];
                let (interval, reach) = [("1d", 900), ("5m", 40), ("60m", 300)][self.draw(0..3) as usize];
                let from = now / SECOND - self.draw(86_400..reach * 86_400);
                let to = from + self.draw(3_600..reach * 30_000);
                let query = format!("period1={from}&period2={to}&interval={interval}&events=div,splits");
                format!("/yahoo{}", chart(symbol, &query))
            }
        }
    }

    /// Several clients at once; while the provider fails an error is an answer too.
    async fn ask(&mut self, step: usize, fault: Option<Fault>) {
        let mut paths: Vec<String> = (0..self.draw(1..7)).map(|_| self.path()).collect();
        if self.draw(0..3) == 0 {
            paths.push(paths[0].clone());
        }
        let is_failing = fault.is_some();
        println!(
            "step {step} at {}, {fault:?}: {paths:#?}",
            jiff::Timestamp::from_millisecond(self.world.now()).unwrap()
        );
        if let Some(fault) = &fault {
            let times = self.draw(1..5) as usize;
            self.world.sim.faults().inject(fault.clone(), times);
        }
        let answers = join_all(paths.iter().map(|path| self.world.get(path))).await;
        self.world.sim.faults().clear();
        for (path, through) in paths.iter().zip(&answers) {
            let straight = self.world.direct(native(path)).await;
            let (status, warning) = (through.cache_status(), through.header("finex-warning"));
            let id = path.split('/').nth(1).unwrap_or_default();
            let failed = &self.world.told_of(id).await["last_error"];
            let what = format!("seed {}, step {step} ({fault:?}): {path} ({status}; {warning}; {failed})", self.seed);
            // Held bars that may have moved on are marked.
            let is_marked = ["because the provider failed", "not compared"].iter().any(|words| warning.contains(words));
            if is_failing && (is_marked || !through.status.is_success()) {
                continue;
            }
            // Where too much was never compared, as after lost ledgers, an answer does not wait for all of it, and says so. That
            // it is an old one is rare.
            let until = self.world.now() / SECOND - 5 * 86_400;
            let charted = through.status.is_success() && path.starts_with("/yahoo");
            if warning.contains("not compared") && through.status == straight.status {
                let is_same = match charted {
                    true => rows_before(&through.json(), until) == rows_before(&straight.json(), until),
                    false => nameless(&through.body) == nameless(&straight.body),
                };
                self.marked += usize::from(!is_same);
                continue;
            }
            assert_eq!(through.status, straight.status, "{what}: {}", through.body);
            self.compared += 1;
            if charted {
                let (a, b) = (rows_before(&through.json(), until), rows_before(&straight.json(), until));
                assert_eq!(a, b, "{what}");
            } else {
                let (a, b) = (nameless(&through.body), nameless(&straight.body));
                let at = a.bytes().zip(b.bytes()).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
                let around = |text: &str| {
                    let bytes = &text.as_bytes()[at.saturating_sub(80)..(at + 120).min(text.len())];
                    String::from_utf8_lossy(bytes).into_owned()
                };
                assert!(a == b, "{what}:\nthrough  {}\nstraight {}", around(&a), around(&b));
            }
        }
        if is_failing {
            // Failures are remembered for a second.
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        } else if !is_cramped(self.seed) {
            // What joined another's comparison may have to make its own; then there is nothing left to ask.
            let (mut again, mut heard) = (Vec::new(), 0);
            for _ in 0..2 {
                heard = self.world.sim.received().len();
                again = join_all(paths.iter().map(|path| self.world.get(path))).await;
                let bypassed = |got: &Got| got.cache_status().contains("bypass") || !got.status.is_success();
                if again.iter().any(bypassed) || paths.iter().any(|path| path.starts_with("/yahoo")) {
                    return;
                }
            }
            let asked = self.world.sim.received();
            let asked: Vec<String> =
                asked[heard..].iter().map(|call| format!("{}?{}", call.path, call.query)).collect();
            let what = format!("seed {}, step {step}: asked again: {paths:?}, by {asked:?}", self.seed);
            // Calls alone would not tell: bars that grow may be fetched again behind a hit, the slower the machine the earlier.
            assert!(again.iter().all(|got| got.cache_status().starts_with("finex; hit")), "{what}");
            self.without_calls += 1;
        }
    }

    /// A split before the next session in the middle of a week; it is noticed within a day.
    async fn split(&mut self) {
        let tomorrow = self.world.now() / DAY + 1;
        // 1970 began on a Thursday.
        let ex = (tomorrow..).find(|day| [5, 6, 0].contains(&day.rem_euclid(7))).expect("a day");
        let at = jiff::Timestamp::from_millisecond(ex * DAY).expect("a day").to_zoned(jiff::tz::TimeZone::UTC);
        println!("a split on {at}");
        self.splits.push((at.year(), at.month(), at.day()));
        self.apply(self.splits.len() - 1);
        self.world.advance((ex + 3) * DAY - self.world.now());
    }

    /// A dividend is noticed within a day as well: New York's are paid four times a year.
    fn pass_by_dividends(&self) {
        let today = self.world.now() / DAY;
        let is_ex = |day: &i64| {
            let at = jiff::Timestamp::from_millisecond(day * DAY).expect("a day").to_zoned(jiff::tz::TimeZone::UTC);
            at.weekday() == jiff::civil::Weekday::Friday && at.month() % 3 == 2 && (8..15).contains(&at.day())
        };
        if let Some(ex) = (today - 1..=today).find(is_ex) {
            self.world.advance((ex + 3) * DAY - self.world.now());
        }
    }

    fn apply(&self, from: usize) {
        for (year, month, day) in &self.splits[from..] {
            let ex = (*year, *month, *day);
            self.world.sim.stocks().add_split("NVDA", ex, 2, 1);
            let at: jiff::civil::Date = jiff::civil::date(*year, *month, *day);
            let midnight = at.to_zoned(jiff::tz::TimeZone::UTC).expect("a day").timestamp().as_millisecond();
            self.world.sim.yahoo().add_split("NVDA", ex, 2, 1, Effect::now(midnight));
        }
    }

    /// Ends the gateway and begins again, after some files have been spoilt.
    async fn restart(&mut self) {
        println!("a restart");
        let now = self.world.now();
        let mut next = Run::begin(self.seed).await.world;
        std::mem::swap(&mut next, &mut self.world);
        let folder = next.stop().await;
        for path in files(folder.path()) {
            let mut bytes = std::fs::read(&path).expect("a file");
            match self.draw(0..24) {
                0 => bytes.truncate(self.draw(0..bytes.len() as i64) as usize),
                1 => {
                    let at = self.draw(0..bytes.len() as i64) as usize;
                    bytes[at] ^= 1 << self.draw(0..8);
                }
                2 => {
                    std::fs::remove_file(&path).expect("removed");
                    continue;
                }
                _ => continue,
            }
            std::fs::write(&path, bytes).expect("written");
        }
        self.world = World::at(folder, now, settings(self.seed)).await;
        self.world.sim.yahoo().set_noise(false);
        self.apply(0);
    }

    async fn step(&mut self, step: usize) {
        let fault = match self.draw(0..10) {
            0 => {
                let faults = [Fault::Reset, Fault::Cut, Fault::Html, Fault::status(503), Fault::status(429)];
                Some(faults[self.draw(0..faults.len() as i64) as usize].clone())
            }
            _ => None,
        };
        self.ask(step, fault).await;
        // Forming bars live for a minute at most.
        let minutes = self.draw(2..300);
        self.world.advance(minutes * MINUTE);
        match self.draw(0..14) {
            0 => {
                let days = self.draw(1..12);
                self.world.advance(days * DAY);
            }
            1 if step > 10 => self.split().await,
            2 | 3 => self.restart().await,
            4 => {
                let symbol = ["NVDA", "BTCUSDT"][self.draw(0..2) as usize];
                let body = serde_json::json!({ "symbol": symbol, "from": "-60d", "to": "-20d" });
                assert_eq!(self.world.post("/api/v1/cache/invalidate", body).await.status, 200);
            }
            _ => {}
        }
        self.pass_by_dividends();
    }

    /// Bytes on disk that no budget takes away, since their provider does not give them any more.
    fn precious(&self) -> u64 {
        let (tiers, now) = (&self.world.app.gateway.tiers, self.world.now());
        let disk = tiers.disk.as_ref().expect("a disk");
        let of = |cell: std::sync::Arc<finex::store::cell::Cell>| -> u64 {
            let snapshot = cell.snapshot();
            let beyond =
                snapshot.all_pieces().filter(|piece| cell.reach(now).is_some_and(|reach| piece.key.first < reach));
            // As long as they are now: some were cut short before a restart.
            let len = |path: PathBuf| path.metadata().map_or(0, |data| data.len());
            beyond.filter_map(|piece| disk.file(piece.id)).map(|file| len(file.path)).sum()
        };
        tiers.catalog.all().into_iter().map(of).sum()
    }

    async fn all(seed: u64) -> Run {
        let mut run = Run::begin(seed).await;
        for step in 0..STEPS {
            run.step(step).await;
        }
        run.world.settle().await;
        if is_cramped(seed) {
            let (memory, disk) = (run.world.app.gateway.tiers.memory.usage().0, run.world.folder.path());
            assert!(memory <= 200 * 1024, "seed {seed}: {memory} bytes in memory");
            let parquet = files(disk).into_iter().filter(|path| path.extension().is_some_and(|end| end == "parquet"));
            let kept: u64 = parquet.map(|path| path.metadata().expect("a file").len()).sum();
            let kept = kept - run.precious();
            assert!(kept <= 400 * 1024, "seed {seed}: {kept} bytes on disk");
        }
        assert!(run.marked <= 2, "seed {seed}: {} answers were old and marked", run.marked);
        assert_eq!(run.world.app.metrics.panics.get(), 0, "seed {seed}");
        run
    }
}

/// Bytes that this process has in memory.
pub fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

/// Growth per hour of a line through points of seconds and bytes.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let (xy, xx) = points.iter().fold((0.0, 0.0), |(xy, xx), p| (xy + (p.0 - x) * (p.1 - y), xx + (p.0 - x).powi(2)));
    3_600.0 * xy / xx.max(f64::MIN_POSITIVE)
}

pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_all_kinds_of_trouble_an_answer_is_the_truth_or_an_error() {
    let (first, minutes) = (number("FINEX_MODEL_SEED"), number("FINEX_MODEL_MINUTES"));
    let begun = Instant::now();
    let is_over = |ran: u64| match minutes {
        Some(minutes) => begun.elapsed() > Duration::from_secs(minutes * 60),
        None => ran >= if first.is_some() { 1 } else { SEEDS },
    };
    let (mut ran, mut compared, mut grown) = (0, 0, Vec::new());
    while !is_over(ran) {
        let seed = first.unwrap_or(0) + ran;
        let run = Run::all(seed).await;
        compared += run.compared;
        let (seconds, bytes) = (begun.elapsed().as_secs_f64(), resident());
        println!(
            "seed {seed}: {} answers, {} rounds asked again, {} MiB",
            run.compared,
            run.without_calls,
            bytes >> 20
        );
        grown.push((seconds, bytes as f64));
        ran += 1;
    }
    // What is set up once is not growth.
    let later = &grown[grown.len() / 4..];
    let growth = if later.len() > 2 { slope(later) / f64::from(1 << 20) } else { 0.0 };
    println!(
        "{ran} seeds, {compared} answers compared in {:.0} s, {growth:.1} MiB per hour",
        begun.elapsed().as_secs_f64()
    );
    assert!(compared > 20);
}
