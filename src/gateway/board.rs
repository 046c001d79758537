//! What is under way for a series, and who waits for it.

use crate::store::snapshot::Snapshot;
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::Window;
use finex_providers::Failure;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a failure answers those who come after.
pub(super) const HOLD: Duration = Duration::from_secs(1);

/// How far a flight is.
#[derive(Debug, Clone)]
pub enum Progress {
    Flying,
    /// An attempt failed, and another one is made.
    Troubled,
    Landed(Result<(), Failure>),
}

impl Progress {
    fn has_landed(&self) -> bool {
        matches!(self, Progress::Landed(_))
    }

    fn is_in_trouble(&self) -> bool {
        matches!(self, Progress::Troubled)
    }
}

/// The boards of series that something is under way for.
#[derive(Default)]
pub struct Flights {
    boards: papaya::HashMap<Arc<Series>, Arc<Board>>,
}

#[derive(Default)]
pub(super) struct Board(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    pub flying: Vec<Flying>,
    pub next: u64,
    hold: Option<(Instant, Failure)>,
    /// Taken down: whoever still has it looks for the one that stands now.
    pub closed: bool,
}

impl State {
    /// The failure that answers whoever comes just after it.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.hold.as_ref().filter(|(since, _)| since.elapsed() < HOLD).map(|(_, failure)| failure)
    }
}

pub(super) struct Flying {
    pub id: u64,
    pub window: Window,
    pub landed: watch::Receiver<Progress>,
}

/// What an ask has to wait for.
pub struct Boarded {
    /// The state that was planned upon.
    pub snapshot: Arc<Snapshot>,
    pub flights: Vec<watch::Receiver<Progress>>,
    /// Of those, how many were launched for it.
    pub launched: usize,
}

impl Boarded {
    /// Waits for all; the first failure ends it.
    pub async fn landed(self) -> Result<(), Failure> {
        for mut flight in self.flights {
            match flight.wait_for(Progress::has_landed).await.as_deref() {
                Ok(Progress::Landed(outcome)) => outcome.clone()?,
                _ => return Err(lost()),
            }
        }
        Ok(())
    }

    /// Waits until one of them is in trouble, for ever if none gets into any.
    pub fn troubled(&self) -> impl Future<Output = ()> + use<> {
        let flights = self.flights.clone();
        let each = flights.into_iter().map(|mut flight| {
            Box::pin(async move {
                if flight.wait_for(Progress::is_in_trouble).await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
        });
        let all: Vec<_> = each.collect();
        async move {
            match all.is_empty() {
                true => std::future::pending().await,
                false => drop(futures_util::future::select_all(all).await),
            }
        }
    }
}

impl Board {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flights {
    pub(super) fn board(&self, series: &Arc<Series>) -> Arc<Board> {
        self.boards.pin().get_or_insert_with(series.clone(), Arc::default).clone()
    }

    /// Takes down a board that nothing is on.
    pub(super) fn clear(&self, series: &Arc<Series>) {
        let boards = self.boards.pin();
        let Some(board) = boards.get(series.as_ref()) else { return };
        let mut state = board.lock();
        if !state.closed && state.flying.is_empty() && state.failure().is_none() {
            state.closed = true;
            let _ = boards.remove_if(series.as_ref(), |_, standing| Arc::ptr_eq(standing, board));
        }
    }

    pub fn len(&self) -> usize {
        self.boards.len()
    }

    pub fn is_empty(&self) -> bool {
        self.boards.is_empty()
    }
}

/// Lands a flight whatever becomes of its task.
pub(super) struct Landing {
    pub board: Arc<Board>,
    pub id: u64,
    pub outcome: Arc<watch::Sender<Progress>>,
    pub result: Result<(), Failure>,
    /// Was the call made with a client's own key, whose troubles are not everybody's?
    pub with_own_key: bool,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.board.lock();
        state.flying.retain(|flying| flying.id != self.id);
        let result = std::mem::replace(&mut self.result, Ok(()));
        let held = result.as_ref().err().filter(|failure| concerns_all(failure));
        let of_the_key = |failure: &&Failure| self.with_own_key && failure.class != ErrorClass::Up;
        let held = held.filter(|failure| !of_the_key(failure));
        state.hold = held.map(|failure| (Instant::now(), failure.clone())).or(state.hold.take());
        if result.is_ok() {
            state.hold = None;
        }
        self.outcome.send_replace(Progress::Landed(result));
    }
}

/// Is a failure one of the provider, not of the window that was asked for or of the key that asked?
fn concerns_all(failure: &Failure) -> bool {
    !matches!(failure.class, ErrorClass::OutOfWindow | ErrorClass::Bad) && !concerns_the_key(failure)
}

pub(super) fn lost() -> Failure {
    Failure::new(ErrorClass::Up, "the call ended without an answer")
}

/// Is it the key that was refused?
pub(super) fn concerns_the_key(failure: &Failure) -> bool {
    matches!(failure.class, ErrorClass::Auth | ErrorClass::Plan)
}
