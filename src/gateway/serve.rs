//! From an ask to rows: look, plan, fetch what is missing, look again.

use super::assemble::Selected;
use super::before::Close;
use super::board::{Boarded, concerns_the_key};
use super::verify::COMPARISONS;
use super::{Gateway, Request};
use crate::plan::{self, Asked};
use crate::render::{Journey, Served};
use crate::store::cell::Cell;
use crate::store::snapshot::Snapshot;
use finex_core::status::{ErrorClass, Outcome};
use finex_core::terms::Terms;
use finex_core::time::Ts;
use finex_providers::Failure;
use std::sync::Arc;
use std::time::Instant;

/// Looks at most: the first, and again after each landing.
const LOOKS: u32 = 12;
/// Plans of one client that led to calls: the first, and twice again.
const PLANS: u32 = 3;

impl Gateway {
    /// Serves an ask: from memory at once, else by the longer way, but not for longer than a client waits.
    pub async fn serve(&self, request: &Request) -> Result<Served, Failure> {
        let outcome = self.serve_now(request).await;
        if let Ok(served) = &outcome {
            self.foresee(request, served);
        }
        outcome
    }

    async fn serve_now(&self, request: &Request) -> Result<Served, Failure> {
        let journey = Journey::begin((self.clock)());
        let cell = self.tiers.catalog.view(&request.series).ok_or_else(|| unknown(&request.series.provider))?;
        if let Some(served) = self.hit(&cell, request, &journey) {
            return Ok(served);
        }
        self.give_up_outdated(&cell);
        let outcome = tokio::time::timeout(self.patience, self.travel(request, journey)).await;
        self.forget_if_empty(&request.series);
        outcome.unwrap_or_else(|_| Err(late()))
    }

    /// Coverage → plan → calls (one flight per gap) → keep what arrived → assemble.
    pub(super) async fn travel(&self, request: &Request, mut journey: Journey) -> Result<Served, Failure> {
        let mut terms = self.terms(request);
        let standing = || self.tiers.catalog.cell(&request.series).ok_or_else(|| unknown(&request.series.provider));
        let mut cell = standing()?;
        let (mut before, mut comparisons) = (cell.snapshot(), 0);
        // Is what the answer has to say of the time before it known, or was the provider asked?
        let mut heard = terms.only_if_cached;
        for _ in 0..LOOKS {
            cell = standing()?;
            let cell = &cell;
            let request = &Request { terms, ..request.clone() };
            let now = (self.clock)();
            let mut snapshot = cell.snapshot().under(&terms, now);
            let mut asked = plan::asked(cell, &snapshot, &request.ask, request.native, now);
            let mut held = plan::held(cell, &snapshot, &asked, now);
            // Bars of two bases must not meet: what is held is compared before anything is added to it, unless what is
            // fetched anyway brings some of it once more.
            let due = match request.member {
                _ if request.terms.only_if_cached => None,
                Some(_) => None,
                None => self.to_compare(cell, &asked.ask, now).await,
            };
            if let Some(window) = due {
                comparisons += 1;
                if comparisons > COMPARISONS {
                    self.give_up_comparing(cell, now);
                    continue;
                }
                self.verify(cell, window, request, &mut journey).await;
                continue;
            }
            if cell.basis() != snapshot.basis {
                continue;
            }
            if held.is_none()
                && let Some(answer) = of_an_earlier_basis(cell, &snapshot, asked, now)
                && let Some(served) = self.assemble(cell, &answer, request, &mut journey, &before).await
            {
                return Ok(served);
            }
            if held.is_none() && self.pass_by_closed(cell, &snapshot, &asked.ask, now) {
                journey.closed = true;
                continue;
            }
            if request.terms.only_if_cached && (held.is_none() || plan::lacks_sight(cell)) {
                return Err(not_held());
            }
            if held.is_none() || plan::lacks_sight(cell) {
                let boarded = match self.board(cell, request, &mut journey) {
                    Ok(Some(boarded)) => boarded,
                    // The cell was given up while we looked at it.
                    Ok(None) => continue,
                    Err(failure) => return self.degrade(cell, request, failure, journey).await,
                };
                if !boarded.flights.is_empty() {
                    journey.plans += u32::from(boarded.launched > 0);
                    if journey.plans > PLANS {
                        break;
                    }
                    let (departed, launched) = (Instant::now(), boarded.launched);
                    let landed = self.wait(cell, request, boarded, &journey).await;
                    journey.fetching += departed.elapsed();
                    match landed {
                        Ok(()) => {
                            terms = terms.met();
                            continue;
                        }
                        // Another's key was refused, not this one's.
                        Err(failure) if launched == 0 && concerns_the_key(&failure) => continue,
                        Err(failure) => return self.degrade(cell, request, failure, journey).await,
                    }
                }
                // Nothing is lacking in what was planned upon, which may be newer than what we looked at first.
                snapshot = boarded.snapshot;
                asked = plan::asked(cell, &snapshot, &request.ask, request.native, now);
                held = Some(plan::trimmed(cell, &snapshot, &asked, snapshot.select(&asked.ask)));
            }
            let answer = Selected { snapshot: &snapshot, parts: held.unwrap_or_default(), asked };
            if !std::mem::replace(&mut heard, true)
                && matches!(self.find_close_before(cell, &answer).await, Close::Untold)
                && self.ask_close_before(cell, &answer, request, &mut journey).await
            {
                continue;
            }
            if let Some(served) = self.assemble(cell, &answer, request, &mut journey, &before).await {
                return Ok(served);
            }
            // A fragment was lost: what it held counts as missing from here on.
            before = cell.snapshot();
        }
        self.degrade(&cell, request, endless(), journey).await
    }

    /// The answer, if all of it lies in memory: no lock, no waiting.
    fn hit(&self, cell: &Arc<Cell>, request: &Request, journey: &Journey) -> Option<Served> {
        let (snapshot, terms) = (cell.snapshot(), self.terms(request));
        // A view of one's own is a copy: it is made only where the series as it is does not do.
        if request.terms.are_plain()
            && let Some(served) = self.hit_in(cell, &snapshot, request, journey)
        {
            return Some(served);
        }
        if terms.are_plain() {
            return None;
        }
        self.hit_in(cell, &snapshot.under(&terms, journey.now), request, journey)
    }

    fn hit_in(&self, cell: &Arc<Cell>, snapshot: &Snapshot, request: &Request, journey: &Journey) -> Option<Served> {
        if plan::lacks_sight(cell) || snapshot.is_outdated(cell.rewritten_at()) {
            return None;
        }
        let asked = plan::asked(cell, snapshot, &request.ask, request.native, journey.now);
        // Looked at after the snapshot: what was compared meanwhile may have ended its basis.
        if self.unverified(cell, snapshot, &asked.ask, journey.now).is_some() || cell.basis() != snapshot.basis {
            return None;
        }
        let parts = plan::held(cell, snapshot, &asked, journey.now)?;
        let pieces = self.gather(snapshot, &parts)?;
        snapshot.touch(&parts, journey.now);
        let answer = Selected { snapshot, parts, asked };
        let before = self.close_before(cell, &answer);
        if matches!(before, Close::Unread | Close::Untold) {
            return None;
        }
        let mut journey = journey.clone();
        journey.outcome = Outcome::Hit;
        let served = self.complete(cell, &answer, pieces, before.held(), request, journey);
        self.refresh_behind(request, &served);
        Some(served)
    }

    /// What is held, if it answers the ask as it is; nobody is called.
    pub fn serve_held(&self, request: &Request) -> Option<Served> {
        self.hit(&self.tiers.catalog.get(&request.series)?, request, &Journey::begin((self.clock)()))
    }

    /// The client's terms; who has none takes what the settings allow.
    fn terms(&self, request: &Request) -> Terms {
        request.terms.with_grace(self.cache.stale_while_revalidate.as_millis())
    }

    /// Waits for what was launched. Where something past its life can be served it is not waited for longer than that is
    /// worth, nor past the first attempt that fails: the flight goes on behind the answer.
    async fn wait(&self, cell: &Cell, request: &Request, boarded: Boarded, journey: &Journey) -> Result<(), Failure> {
        if self.stale(cell, request, journey.now).is_none() {
            return boarded.landed().await;
        }
        let troubled = boarded.troubled();
        tokio::select! {
            biased;
            landed = boarded.landed() => landed,
            () = troubled => Err(Failure::new(ErrorClass::Up, "an attempt failed, and another one is under way")),
            () = tokio::time::sleep(self.cache.stale_patience.0) => {
                let detail = "it takes longer than cache.stale_patience, and is under way";
                Err(Failure { timed_out: true, ..Failure::new(ErrorClass::Up, detail) })
            }
        }
    }
}

/// Bars that the provider gives no more, as they were before history was rewritten: all that an ask wants, or nothing.
fn of_an_earlier_basis<'a>(cell: &Cell, snapshot: &'a Snapshot, asked: Asked, now: Ts) -> Option<Selected<'a>> {
    snapshot.earlier.as_ref()?;
    cell.reach(now).filter(|reach| asked.ask.window.to <= *reach)?;
    let held = |earlier: &'a Snapshot| {
        plan::held(cell, earlier, &asked, now).map(|parts| Selected { snapshot: earlier, parts, asked })
    };
    snapshot.bases().skip(1).find_map(held)
}

pub(super) fn unknown(provider: &str) -> Failure {
    Failure::new(ErrorClass::Bad, format!("there is no provider named {provider}"))
}

/// An ask that no number of calls allowed would answer.
pub(super) fn refused(too_large: &finex_core::plan::TooLarge) -> Failure {
    Failure { pass_on: true, ..Failure::new(ErrorClass::Bad, too_large.to_string()) }
}

pub(super) fn late() -> Failure {
    let detail = "it took longer than server.request_timeout allows";
    Failure { timed_out: true, ..Failure::new(ErrorClass::Up, detail) }
}

/// What RFC 9111 has 504 for.
pub fn not_held() -> Failure {
    let detail = "it is not held, and only-if-cached forbids to ask the provider";
    Failure { timed_out: true, ..Failure::new(ErrorClass::Up, detail) }
}

fn endless() -> Failure {
    let detail = "the provider's answers leave bars missing that it was asked for";
    Failure { pass_on: true, ..Failure::new(ErrorClass::Up, detail) }
}
