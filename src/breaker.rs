//! The circuit breaker of a provider or of a tier: failsafe's state machine, driven by our own calls.
//!
//! failsafe lets every call through while half open, records nothing for a call that is dropped, and changes state when
//! asked whether a call is permitted. So one probe at a time passes here, a dropped call counts as a failure, and the
//! state is read from what the machine announces.

use crate::config;
use failsafe::backoff::{self, Constant};
use failsafe::failure_policy::{self, ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow};
use failsafe::{Instrument, StateMachine};
use finex_core::time::{Clock, Ts};
use prometheus_client::metrics::gauge::Gauge;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Changes that are remembered.
const REMEMBERED: usize = 20;

const LEFT_ALONE: &str = "the circuit is open: it failed repeatedly and is left alone for a moment";
const BY_HAND: &str = "the circuit was opened by hand: there are no calls until it is closed";

/// No leave: why, and for how many seconds there will be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftAlone {
    pub why: &'static str,
    pub seconds: u64,
}

const CLOSED: u8 = 0;
const HALF_OPEN: u8 = 1;
const OPEN: u8 = 2;

/// Calls within the window before their success rate counts.
const ENOUGH_CALLS: u32 = 10;

type Policy = OrElse<SuccessRateOverTimeWindow<Constant>, ConsecutiveFailures<Constant>>;

#[derive(Clone)]
pub struct Breaker {
    machine: StateMachine<Policy, Announced>,
    state: Arc<AtomicU8>,
    probing: Arc<AtomicBool>,
    /// Opened by hand: it stays so until it is closed by hand, or left to itself again.
    held_open: Arc<AtomicBool>,
    history: Arc<History>,
    gauge: Gauge,
    /// How often it opened.
    opened: Arc<AtomicU64>,
    open_for: Duration,
}

/// A change of state, when and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Milliseconds since 1970.
    pub at: Ts,
    pub state: &'static str,
    pub by_hand: bool,
}

/// The latest changes of state.
struct History {
    clock: Clock,
    changes: Mutex<VecDeque<Change>>,
}

impl History {
    fn note(&self, state: u8, by_hand: bool) {
        let change = Change { at: (self.clock)(), state: name(state), by_hand };
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() == REMEMBERED {
            changes.pop_front();
        }
        changes.push_back(change);
    }
}

fn name(state: u8) -> &'static str {
    ["closed", "half_open", "open"][usize::from(state.min(2))]
}

/// What is to become of a breaker by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
    /// Nobody is called until it is closed or left to itself.
    Open,
    /// Calls are let through, until failures open it.
    Closed,
    /// It goes on as if it had never been touched.
    Auto,
}

/// Notes what the machine announces.
#[derive(Clone)]
struct Announced {
    state: Arc<AtomicU8>,
    history: Arc<History>,
    gauge: Gauge,
    opened: Arc<AtomicU64>,
}

impl Announced {
    fn set(&self, state: u8) {
        if self.state.swap(state, Ordering::SeqCst) != state {
            self.history.note(state, false);
        }
    }
}

impl Instrument for Announced {
    fn on_call_rejected(&self) {}

    fn on_open(&self) {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.set(OPEN);
        self.gauge.set(1);
    }

    fn on_half_open(&self) {
        self.set(HALF_OPEN);
    }

    fn on_closed(&self) {
        self.set(CLOSED);
        self.gauge.set(0);
    }
}

impl Breaker {
    pub fn new(settings: &config::Breaker, gauge: Gauge, clock: Clock) -> Breaker {
        let pause = backoff::constant(settings.open_for.0);
        let window = settings.window.0.max(Duration::from_secs(1));
        let rate =
            failure_policy::success_rate_over_time_window(settings.success_rate, ENOUGH_CALLS, window, pause.clone());
        let row = failure_policy::consecutive_failures(settings.failures, pause);
        let state = Arc::new(AtomicU8::new(CLOSED));
        let history = Arc::new(History { clock, changes: Mutex::default() });
        let opened = Arc::new(AtomicU64::new(0));
        let announced =
            Announced { state: state.clone(), history: history.clone(), gauge: gauge.clone(), opened: opened.clone() };
        Breaker {
            machine: StateMachine::new(failsafe::FailurePolicy::or_else(rate, row), announced),
            state,
            probing: Arc::default(),
            held_open: Arc::default(),
            history,
            gauge,
            opened,
            open_for: settings.open_for.0,
        }
    }

    /// `closed`, `half_open` or `open`; asking changes nothing.
    pub fn state(&self) -> &'static str {
        name(if self.is_held_open() { OPEN } else { self.state.load(Ordering::SeqCst) })
    }

    /// Was it opened by hand?
    pub fn is_held_open(&self) -> bool {
        self.held_open.load(Ordering::SeqCst)
    }

    /// The latest changes of state, oldest first.
    pub fn history(&self) -> Vec<Change> {
        self.history.changes.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How often it opened.
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    pub fn set(&self, by_hand: ByHand) {
        let held = by_hand == ByHand::Open;
        self.opened.fetch_add(u64::from(held), Ordering::SeqCst);
        if by_hand == ByHand::Closed {
            self.machine.reset();
        }
        let was_held = self.held_open.swap(held, Ordering::SeqCst);
        if was_held != held || by_hand == ByHand::Closed {
            let state = if held { OPEN } else { self.state.load(Ordering::SeqCst) };
            self.history.note(state, true);
            self.gauge.set(i64::from(state == OPEN));
        }
    }

    /// Leave to call, if there is any.
    pub fn permit(&self) -> Result<Permit, LeftAlone> {
        if self.is_held_open() {
            return Err(LeftAlone { why: BY_HAND, ..self.refusal() });
        }
        let probe = self.state.load(Ordering::SeqCst) != CLOSED;
        if probe && self.probing.swap(true, Ordering::SeqCst) {
            return Err(self.refusal());
        }
        if !self.machine.is_call_permitted() {
            if probe {
                self.probing.store(false, Ordering::SeqCst);
            }
            return Err(self.refusal());
        }
        Ok(Permit { breaker: self.clone(), probe, judged: false })
    }

    pub fn refusal(&self) -> LeftAlone {
        LeftAlone { why: LEFT_ALONE, seconds: self.open_for.as_secs().max(1) }
    }
}

/// Leave for one call; it counts as a failure unless it is judged.
pub struct Permit {
    breaker: Breaker,
    probe: bool,
    judged: bool,
}

impl Permit {
    pub fn judge(mut self, healthy: bool) {
        self.judged = true;
        if healthy { self.breaker.machine.on_success() } else { self.breaker.machine.on_error() }
    }
}

impl Permit {
    /// Gives leave back unused.
    pub fn release(mut self) {
        self.judged = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.judged {
            self.breaker.machine.on_error();
        }
        if self.probe {
            self.breaker.probing.store(false, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(open_for: Duration) -> Breaker {
        let settings =
            config::Breaker { failures: 3, open_for: config::values::Span(open_for), ..config::Breaker::default() };
        Breaker::new(&settings, Gauge::default(), Arc::new(|| 7))
    }

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.permit().expect("leave").judge(false);
        }
    }

    #[test]
    fn it_opens_lets_one_probe_through_and_closes_again() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, 3);
        assert_eq!(breaker.state(), "open");
        std::thread::sleep(Duration::from_millis(2));
        let probe = breaker.permit().expect("a probe");
        for _ in 0..50 {
            assert!(breaker.permit().is_err(), "a second probe passed");
        }
        probe.judge(true);
        assert_eq!(breaker.state(), "closed");
        assert!(breaker.permit().is_ok());
    }

    #[test]
    fn it_is_opened_and_closed_by_hand_and_remembers_it() {
        let breaker = breaker(Duration::from_secs(60));
        breaker.set(ByHand::Open);
        assert_eq!((breaker.state(), breaker.permit().is_err(), breaker.gauge.get()), ("open", true, 1));
        breaker.set(ByHand::Auto);
        fail(&breaker, 3);
        assert!(breaker.permit().is_err());
        breaker.set(ByHand::Closed);
        assert_eq!((breaker.state(), breaker.permit().is_ok(), breaker.gauge.get()), ("closed", true, 0));
        let told: Vec<(&str, bool)> = breaker.history().iter().map(|change| (change.state, change.by_hand)).collect();
        // The machine tells that it is closed as it is made, and again as it is closed by hand.
        let expected = [("open", true), ("closed", true), ("open", false), ("closed", false), ("closed", true)];
        assert_eq!(told, expected);
        (0..50).for_each(|_| breaker.set(ByHand::Closed));
        assert_eq!(breaker.history().len(), REMEMBERED);
    }

    #[test]
    fn while_open_nothing_passes() {
        let breaker = breaker(Duration::from_secs(60));
        fail(&breaker, 3);
        let refused = breaker.permit().err().expect("no leave");
        assert_eq!(refused.seconds, 60);
    }

    #[test]
    fn a_dropped_call_is_a_failure() {
        let breaker = breaker(Duration::from_secs(60));
        for _ in 0..3 {
            drop(breaker.permit().expect("leave"));
        }
        assert_eq!(breaker.state(), "open");
    }

    #[test]
    fn leave_that_was_not_used_says_nothing() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, 3);
        std::thread::sleep(Duration::from_millis(2));
        breaker.permit().expect("a probe").release();
        assert_eq!(breaker.state(), "half_open");
        assert!(breaker.permit().is_ok(), "the place of the probe is free again");
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, 3);
        std::thread::sleep(Duration::from_millis(2));
        breaker.permit().expect("a probe").judge(false);
        assert_eq!(breaker.state(), "open");
        std::thread::sleep(Duration::from_millis(2));
        assert!(breaker.permit().is_ok(), "the place of the probe is free again");
    }
}
