//! Range flights: asks that want the same bars at the same time share the calls that bring them.
//!
//! A flight is a task of its own, so a client that leaves takes nobody with it. Boarding plans under a lock, with what
//! is already under way counted as held; so a second ask fetches only the rest. A failed flight fails those who waited
//! for it once, and for a moment those who come after.

use super::bisect::{DEEPEST, halves, periods};
use super::board::{Board, Boarded, Flying, HOLD, Landing, Progress, State, lost};
use super::gather::Member;
use super::{Gateway, Request};
use crate::fetch::turns::Who;
use crate::fetch::{Caller, FetchError, Landed, Trouble};
use crate::plan;
use crate::render::Journey;
use crate::store::cell::Cell;
use crate::store::snapshot::Snapshot;
use finex_core::plan::{Anchor, Call, Held, Plan};
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::{Ts, Window, WindowSet};
use finex_providers::keys::Credential;
use finex_providers::{Failure, Named};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, MutexGuard};
use tokio::sync::watch;

/// By how much fewer bars are expected each time that too few came.
const SPARSER: f64 = 32.0;

impl Gateway {
    /// Forgets a series of which nothing is known and for which nothing is under way, so that invented symbols leave no
    /// trace. The board's lock keeps flights from starting meanwhile.
    pub(super) fn forget_if_empty(&self, series: &Arc<Series>) {
        if self.tiers.catalog.get(series).is_some_and(|cell| cell.is_empty()) {
            self.forget(series);
        }
    }

    /// Forgets a series without bars, if nothing is under way for it.
    fn forget(&self, series: &Arc<Series>) {
        let board = self.flights.board(series);
        let state = board.lock();
        if !state.closed && state.flying.is_empty() {
            self.tiers.catalog.forget_hollow(series);
        }
        drop(state);
        self.flights.clear(series);
    }

    /// Plans with what is under way, launches what is still missing, and says what to wait for.
    pub(super) fn board(
        &self,
        cell: &Arc<Cell>,
        request: &Request,
        journey: &mut Journey,
    ) -> Result<Option<Boarded>, Failure> {
        loop {
            let board = self.flights.board(&cell.series);
            let state = board.lock();
            if !state.closed {
                return self.board_at(&board, state, cell, request, journey);
            }
        }
    }

    /// Boards a call of our own for a window: what is under way for it is waited for, else it is launched. None if the
    /// series was given up meanwhile, or the provider failed just now.
    pub(super) fn board_window(&self, cell: &Arc<Cell>, window: Window, request: &Request) -> Option<Boarded> {
        let limit = cell.grid.ceil(window.to).saturating_sub(cell.grid.index(window.from)).max(1) as u64;
        let columns = request.ask.columns;
        let call = Call { window, limit, anchor: Anchor::Both, columns, need: window, reach: window, exact: false };
        loop {
            let board = self.flights.board(&cell.series);
            let state = board.lock();
            if !state.closed {
                return self.board_call_at(&board, state, cell, call, request);
            }
        }
    }

    fn board_call_at(
        &self,
        board: &Arc<Board>,
        mut state: MutexGuard<'_, State>,
        cell: &Arc<Cell>,
        call: Call,
        request: &Request,
    ) -> Option<Boarded> {
        if state.failure().is_some() || !self.tiers.catalog.stands(cell) {
            return None;
        }
        let snapshot = cell.snapshot();
        let joined = state.flying.iter().filter(|flying| flying.window.overlaps(call.window));
        let mut flights: Vec<_> = joined.map(|flying| flying.landed.clone()).collect();
        let launched = usize::from(flights.is_empty());
        if launched > 0 {
            let flight = Flight { call, named: Named::Ask, member: None, ..Flight::of(request, snapshot.epoch) };
            flights.push(self.launch(cell, flight, board, &mut state));
        }
        Some(Boarded { snapshot, flights, launched })
    }

    fn board_at(
        &self,
        board: &Arc<Board>,
        mut state: MutexGuard<'_, State>,
        cell: &Arc<Cell>,
        request: &Request,
        journey: &mut Journey,
    ) -> Result<Option<Boarded>, Failure> {
        if !self.tiers.catalog.stands(cell) {
            return Ok(None);
        }
        let snapshot = cell.snapshot().under(&request.terms, (self.clock)());
        let plan = self.plan_under_way(cell, &snapshot, request, &state, journey.plans)?;
        if journey.missing.is_empty() {
            journey.missing.clone_from(&plan.awaited);
        }
        if let Some(failure) = self.unknown.word(&cell.series, (self.clock)()).filter(|_| !plan.calls.is_empty()) {
            if let Some(fetcher) = self.fetcher(&cell.series.provider) {
                fetcher.metrics.avoided_unknown.inc();
            }
            return Err(failure);
        }
        if let Some(failure) = self.unaffordable(cell, &plan, request) {
            return Err(failure);
        }
        if let Some(failure) = state.failure()
            && !plan.calls.is_empty()
        {
            return Err(failure.clone());
        }
        // Without a sight of the symbol any answer is worth waiting for.
        let sightless = plan::lacks_sight(cell);
        let awaited = |window: Window| sightless || plan.awaited.iter().any(|w| w.overlaps(window));
        let joined = state.flying.iter().filter(|flying| awaited(flying.window));
        let mut flights: Vec<_> = joined.map(|flying| flying.landed.clone()).collect();
        journey.collapsed |= !flights.is_empty();
        let mut launched = 0;
        let flight = Flight::of(request, snapshot.epoch);
        for planned in &plan.calls {
            let flight = Flight { call: planned.call, ..flight.clone() };
            if let Some(call) = self.exact_first(cell, &snapshot, &planned.call) {
                flights.push(self.launch(cell, Flight { call, ..flight.clone() }, board, &mut state));
                // Nobody waits for this one; whoever comes later finds what it brings.
                self.launch(cell, flight, board, &mut state);
                launched += 2;
            } else {
                flights.push(self.launch(cell, flight, board, &mut state));
                launched += 1;
            }
        }
        journey.calls += launched;
        if let Some(member) = &request.member {
            member.announce(launched as usize);
        }
        Ok(Some(Boarded { snapshot, flights, launched: plan.calls.len() }))
    }

    /// A plan of several calls for which less is left than it takes is not begun.
    fn unaffordable(&self, cell: &Cell, plan: &Plan, request: &Request) -> Option<Failure> {
        let fetcher = self.fetcher(&cell.series.provider).filter(|_| plan.calls.len() > 1)?;
        let cost = fetcher.provider.manifest().cost.saturating_mul(u32::try_from(plan.calls.len()).unwrap_or(u32::MAX));
        let seconds = fetcher.limiter.lacks(cost, request.credential.as_ref().and_then(|key| key.payer()))?;
        let calls = plan.calls.len();
        let detail =
            format!("it takes {calls} calls, and the provider's allowance has less left for the next {seconds} s");
        Some(FetchError::rate(detail, seconds).0)
    }

    /// What a client needs of a widened call, sewn to what is held, where waiting for all of it would take too long.
    fn exact_first(&self, cell: &Cell, snapshot: &Snapshot, call: &Call) -> Option<Call> {
        let limits = self.limits(&cell.series)?;
        let too_much = limits.extra_bytes(call, cell.grid) > self.planning.widen_ahead.0;
        let window = snapshot.seam(call.need, limits.seam);
        (limits.windowed && too_much && window != call.window).then_some(Call { window, reach: window, ..*call })
    }

    fn plan_under_way(
        &self,
        cell: &Cell,
        snapshot: &Snapshot,
        request: &Request,
        state: &State,
        plans: u32,
    ) -> Result<Plan, Failure> {
        let flying: WindowSet = state.flying.iter().map(|flying| flying.window).collect();
        let mut limits = self.limits(&cell.series).ok_or_else(lost)?;
        // Several that go together share what a request may be widened by.
        limits.widen_bytes /= request.member.as_ref().map_or(1, |member| member.of_how_many());
        // Calls that brought less than was expected were planned for too many bars, as of a symbol that is rarely traded
        // or was listed later.
        limits.density /= SPARSER.powi(i32::try_from(plans).unwrap_or(i32::MAX));
        let now = (self.clock)();
        let asked = plan::asked(cell, snapshot, &request.ask, request.native, now);
        let mut plan =
            plan::missing(cell, snapshot, &asked.ask, &flying, &limits, now).map_err(|e| super::serve::refused(&e))?;
        if plan.calls.is_empty() && flying.is_empty() && plan::lacks_sight(cell) {
            plan.calls.push(plan::look(&asked.ask, &limits, now));
        }
        Ok(plan)
    }

    fn launch(
        &self,
        cell: &Arc<Cell>,
        flight: Flight,
        board: &Arc<Board>,
        state: &mut State,
    ) -> watch::Receiver<Progress> {
        let (sender, receiver) = watch::channel(Progress::Flying);
        let sender = Arc::new(sender);
        let id = state.next;
        state.next += 1;
        state.flying.push(Flying { id, window: flight.call.window, landed: receiver.clone() });
        let with_own_key = flight.credential.as_ref().is_some_and(|key| key.payer().is_some());
        let landing = Landing { board: board.clone(), id, outcome: sender, result: Err(lost()), with_own_key };
        let crew = Crew { gateway: self.me.upgrade(), cell: cell.clone() };
        self.tasks.spawn(crew.fly(flight, landing));
        receiver
    }
}

/// A call, in the client's words where it is exact, and the state of the series that it was planned upon.
#[derive(Debug, Clone)]
struct Flight {
    call: Call,
    named: Named,
    epoch: u64,
    credential: Option<Arc<Credential>>,
    who: Who,
    /// With which others it may share a request.
    member: Option<Arc<Member>>,
}

impl Flight {
    /// For a request, with its call still to be named.
    fn of(request: &Request, epoch: u64) -> Flight {
        let window = Window::new(0, 0);
        let call = Call {
            window,
            limit: 0,
            anchor: Anchor::Both,
            columns: request.ask.columns,
            need: window,
            reach: window,
            exact: false,
        };
        let member = request.member.clone().filter(|member| member.gathers());
        Flight {
            call,
            named: request.native.named,
            epoch,
            credential: request.credential.clone(),
            who: request.who.clone(),
            member,
        }
    }
}

/// What a flight's task owns.
struct Crew {
    gateway: Option<Arc<Gateway>>,
    cell: Arc<Cell>,
}

impl Crew {
    async fn fly(self, flight: Flight, mut landing: Landing) {
        let Some(gateway) = self.gateway else { return };
        let cell = self.cell;
        let outcome = landing.outcome.clone();
        let trouble = Trouble::new(move || {
            let _ = outcome.send_if_modified(|progress| {
                let flying = matches!(progress, Progress::Flying);
                if flying {
                    *progress = Progress::Troubled;
                }
                flying
            });
        });
        landing.result = gateway.bring(&cell, flight, trouble).await;
        gateway.note_word(&cell, &landing.result, landing.with_own_key);
        let failed = landing.result.is_err();
        // Waiters go on as soon as the rows are in memory; writing them down is nobody's delay.
        drop(landing);
        if failed {
            tokio::spawn(clear_later(gateway.clone(), cell.series.clone()));
        } else {
            gateway.flights.clear(&cell.series);
        }
        gateway.forget_if_empty(&cell.series);
        if !cell.is_hollow() {
            gateway.tiers.save(&cell, |cell| gateway.span(cell)).await;
        } else if !failed && let Some(oldest) = gateway.tiers.catalog.note_hollow(&cell.series) {
            gateway.forget(&oldest);
        }
    }
}

/// A failure is remembered for a while, then its board comes down.
async fn clear_later(gateway: Arc<Gateway>, series: Arc<Series>) {
    tokio::time::sleep(HOLD).await;
    gateway.flights.clear(&series);
}

impl Gateway {
    async fn bring(&self, cell: &Arc<Cell>, flight: Flight, trouble: Trouble) -> Result<(), Failure> {
        let _lease = self.leases.acquire(&cell.series.symbol).await;
        let fetcher = self.fetcher(&cell.series.provider).ok_or_else(lost)?;
        let mut call = flight.call;
        let caller = Caller { credential: flight.credential.clone(), who: flight.who.clone(), trouble };
        let mut outcome = match &flight.member {
            Some(member) => member.call(fetcher, &cell.series, &call, &caller).await,
            None => fetcher.call(&cell.series, &call, flight.named, &caller).await,
        };
        let of_the_window = |failure: &Failure| matches!(failure.class, ErrorClass::OutOfWindow | ErrorClass::Bad);
        if !call.exact && flight.named != Named::Ask && outcome.as_ref().is_err_and(of_the_window) {
            // It may be refused for what it was widened by; and a refusal has to speak of what the client asked.
            call = exactly(&call, flight.named);
            outcome = fetcher.call(&cell.series, &call, flight.named, &caller).await;
        }
        let is_too_long = outcome.as_ref().is_err_and(|failure| failure.class == ErrorClass::OutOfWindow);
        if is_too_long
            && !call.exact
            && flight.named == Named::Ask
            && let Some(halves) = halves(&call, cell.grid)
        {
            return self.bring_in_halves(cell, halves, &flight, &caller, DEEPEST).await;
        }
        let landed = outcome?;
        if call.exact && matches!(flight.named, Named::Range(_)) {
            call.window.from = begun(cell, flight.named, &landed, &call);
        }
        self.commit(cell, &call, landed, flight.epoch).await
    }
}

impl Gateway {
    /// The newer half first: where a provider reaches less far than was thought, that one is answered.
    fn bring_in_halves<'a>(
        &'a self,
        cell: &'a Arc<Cell>,
        [older, newer]: [Call; 2],
        flight: &'a Flight,
        caller: &'a Caller,
        left: u32,
    ) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>> {
        Box::pin(async move {
            let fetcher = self.fetcher(&cell.series.provider).ok_or_else(lost)?;
            for call in [newer, older] {
                match fetcher.call(&cell.series, &call, Named::Ask, caller).await {
                    Ok(landed) => {
                        self.learned.note(&cell.series, periods(call.window, cell.grid), (self.clock)());
                        self.commit(cell, &call, landed, flight.epoch).await?;
                    }
                    Err(failure) if failure.class == ErrorClass::OutOfWindow && left > 0 => {
                        let halves = halves(&call, cell.grid).ok_or(failure)?;
                        self.bring_in_halves(cell, halves, flight, caller, left - 1).await?;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            Ok(())
        })
    }
}

/// A call for what is needed, in the client's own words.
fn exactly(call: &Call, named: Named) -> Call {
    let from = match named {
        Named::Span { from, .. } => call.need.from.max(from),
        Named::Range(_) | Named::Local { .. } | Named::Ask => call.need.from,
    };
    let window = Window::new(from, call.need.to);
    Call { window, reach: window, exact: true, ..*call }
}

/// Where a range began that was asked for by its name: what the answer says, not what was guessed before; where it does
/// not say, with its first bar.
fn begun(cell: &Cell, named: Named, landed: &Landed, call: &Call) -> Ts {
    let bars = &landed.said.bars.times;
    let opens = |window: Window| bars.iter().copied().filter(|open| window.contains(*open)).collect();
    match cell.provider.first_instant(named, &landed.said.envelope, &opens) {
        Some(first) => cell.provider.earliest(&cell.series, first).max(call.window.from),
        None => bars.first().map_or(call.window.to, |first| (*first).max(call.window.from)),
    }
}
