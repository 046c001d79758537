//! Fetching ahead of time what will be asked for: within what is left of the allowances, and behind every client.

use super::{Gateway, Request};
use crate::fetch::turns::{Haste, Who};
use finex_core::ask::{Ask, Take};
use finex_core::calendar::Grid;
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::terms::Terms;
use finex_core::time::{Ts, Window};
use finex_providers::{Failure, Native};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// Jobs that are remembered, and those that may be under way at once.
const REMEMBERED: usize = 50;
const AT_ONCE: usize = 8;
/// Pages that are asked for in one go: after each there is news of the progress, and clients have their turn.
const PAGES: i64 = 10;
/// Goes at one stretch before the job is given up, and the first pause between them.
const GOES: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);
/// How long until it is looked again whether enough is left.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Jobs, the latest last.
#[derive(Default)]
pub struct Warmings(Mutex<VecDeque<Arc<Job>>>);

/// How far a job is.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Progress {
    pub id: String,
    pub provider: String,
    pub symbols: Vec<String>,
    pub state: State,
    /// Stretches of its windows.
    pub total: u64,
    pub done: u64,
    /// Bars of them, and those that were not held before.
    pub bars: u64,
    pub fetched: u64,
    pub calls: u64,
    /// Milliseconds since 1970.
    pub began_at: Ts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Ts>,
    /// What it waits for, or why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    /// For an allowance, or for a provider that failed.
    Waiting,
    Done,
    GivenUp,
}

pub struct Job(Mutex<Progress>);

impl Job {
    pub fn progress(&self) -> Progress {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn is_under_way(&self) -> bool {
        matches!(self.progress().state, State::Running | State::Waiting)
    }
}

impl Gateway {
    /// Begins to fetch a window of several series of one provider; none if too many jobs are under way.
    pub fn warm(&self, series: Vec<Arc<Series>>, window: Window) -> Option<Arc<Job>> {
        let now = (self.clock)();
        let window = Window::new(window.from, window.to.min(now));
        let stretches: Vec<(Arc<Series>, Window)> = series
            .iter()
            .flat_map(|series| self.stretches(series, window).into_iter().map(|window| (series.clone(), window)))
            .collect();
        let mut jobs = self.warmings.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.iter().filter(|job| job.is_under_way()).count() >= AT_ONCE {
            return None;
        }
        let progress = Progress {
            id: format!("warm_{:016x}", fastrand::u64(..)),
            provider: series.first().map_or_else(String::new, |series| series.provider.to_string()),
            symbols: series.iter().map(|series| series.symbol.to_string()).collect(),
            state: State::Running,
            total: stretches.len() as u64,
            done: 0,
            bars: 0,
            fetched: 0,
            calls: 0,
            began_at: now,
            ended_at: None,
            why: None,
        };
        let job = Arc::new(Job(Mutex::new(progress)));
        if jobs.len() >= REMEMBERED {
            let oldest = jobs.iter().position(|job| !job.is_under_way());
            oldest.and_then(|at| jobs.remove(at));
        }
        jobs.push_back(job.clone());
        tokio::spawn(run(self.me.clone(), job.clone(), stretches));
        Some(job)
    }

    /// Jobs, the latest last.
    pub fn warmings(&self) -> Vec<Progress> {
        self.warmings.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|job| job.progress()).collect()
    }

    fn stretches(&self, series: &Series, window: Window) -> Vec<Window> {
        let provider = self.fetchers.get(series.provider.as_ref()).map(|fetcher| &fetcher.provider);
        let (Some(provider), Some(limits)) = (provider, self.limits(series)) else { return Vec::new() };
        // What is one piece is not cut.
        let pages = if limits.whole { i64::MAX } else { PAGES };
        let step = i64::try_from(limits.page).unwrap_or(i64::MAX).saturating_mul(pages);
        cut(window, provider.grid(series), step)
    }
}

/// A window in stretches of at most `step` periods.
fn cut(window: Window, grid: Grid, step: i64) -> Vec<Window> {
    let mut out = Vec::new();
    let (mut from, last) = (window.from, grid.index(window.to));
    while from < window.to {
        let next = grid.index(from).saturating_add(step.max(1));
        // A period that lies far beyond the window has no instant to be asked for.
        let to = if next >= last { window.to } else { grid.open(next).clamp(from + 1, window.to) };
        out.push(Window::new(from, to));
        from = to;
    }
    out
}

async fn run(gateway: Weak<Gateway>, job: Arc<Job>, stretches: Vec<(Arc<Series>, Window)>) {
    let mut outcome = Ok(());
    for (series, window) in stretches {
        outcome = fetch(&gateway, &job, &series, window).await;
        if outcome.is_err() {
            break;
        }
    }
    let Some(gateway) = gateway.upgrade() else { return };
    job.change(|progress| {
        progress.state = if outcome.is_ok() { State::Done } else { State::GivenUp };
        progress.why = outcome.err().map(|failure| in_words(&failure));
        progress.ended_at = Some((gateway.clock)());
    });
}

/// Fetches a stretch, once enough is left of the allowances for it.
async fn fetch(gateway: &Weak<Gateway>, job: &Job, series: &Arc<Series>, window: Window) -> Result<(), Failure> {
    let ended = || Failure::new(ErrorClass::Up, "the gateway ends");
    let mut pause = PAUSE;
    for go in 1.. {
        let standing = loop {
            let standing = gateway.upgrade().ok_or_else(ended)?;
            if standing.fetcher(&series.provider).is_some_and(|fetcher| fetcher.limiter.is_ample(None)) {
                break standing;
            }
            drop(standing);
            job.change(|progress| {
                progress.state = State::Waiting;
                progress.why = Some("a quarter of the provider's allowance is left to clients".to_owned());
            });
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        job.change(|progress| {
            progress.state = State::Running;
            progress.why = None;
        });
        let failure = match standing.serve(&ahead_of_time(&standing, series, window)).await {
            Ok(served) => {
                job.change(|progress| {
                    progress.done += 1;
                    progress.bars += served.rows() as u64;
                    progress.fetched += served.fetched() as u64;
                    progress.calls += u64::from(served.journey.calls);
                });
                return Ok(());
            }
            Err(failure) => failure,
        };
        drop(standing);
        let passes = matches!(failure.class, ErrorClass::Up | ErrorClass::Rate | ErrorClass::Quota);
        if !passes || go >= GOES {
            return Err(failure);
        }
        job.change(|progress| {
            progress.state = State::Waiting;
            progress.why = Some(in_words(&failure));
        });
        tokio::time::sleep(failure.retry_after.map_or(pause, Duration::from_secs)).await;
        pause *= 2;
    }
    Ok(())
}

/// With what the provider itself said, if that is short.
fn in_words(failure: &Failure) -> String {
    const LONGEST: usize = 200;
    let native = failure.native.as_ref().map(|(_, body)| body.trim()).filter(|body| body.len() <= LONGEST);
    native.map_or_else(|| failure.detail.clone(), |body| format!("{}: {body}", failure.detail))
}

/// A request that nobody waits for.
pub(super) fn ahead_of_time(gateway: &Gateway, series: &Arc<Series>, window: Window) -> Request {
    let columns = gateway.fetcher(&series.provider).map(|fetcher| fetcher.provider.columns(series)).unwrap_or_default();
    Request {
        series: series.clone(),
        ask: Ask { window, take: Take::All, columns },
        native: Native::default(),
        terms: Terms::default(),
        who: Who { haste: Haste::Nobody, ..Who::default() },
        credential: None,
        member: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_into_stretches_that_leave_nothing_out() {
        let hour = 3_600_000;
        let grid = Grid::new("1h".parse().expect("an interval"), 0);
        let window = Window::new(5, 25 * hour);
        let cut_at: Vec<(Ts, Ts)> = cut(window, grid, 10).iter().map(|w| (w.from, w.to)).collect();
        assert_eq!(cut_at, [(5, 10 * hour), (10 * hour, 20 * hour), (20 * hour, 25 * hour)]);
        for interval in ["1h", "1w", "1mo"] {
            let grid = Grid::new(interval.parse().expect("an interval"), 0);
            assert_eq!(cut(window, grid, i64::MAX), [window], "{interval}");
        }
        assert!(cut(Window::new(7, 7), grid, 10).is_empty());
    }
}
