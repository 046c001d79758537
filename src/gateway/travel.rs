//! The longer way to an answer: look, plan, fetch what is missing, look again.

use super::assemble::Selected;
use super::before::Close;
use super::board::{Boarded, concerns_the_key};
use super::serve::{endless, not_held, unknown};
use super::verify::COMPARISONS;
use super::{Gateway, Request};
use crate::plan::{self, Asked};
use crate::render::{Journey, Served};
use crate::store::cell::Cell;
use crate::store::snapshot::{Part, Snapshot};
use finex_core::status::ErrorClass;
use finex_core::time::Ts;
use finex_providers::Failure;
use std::sync::Arc;
use std::time::Instant;

/// Looks at most: the first, and again after each landing.
const LOOKS: u32 = 12;
/// Plans of one client that led to calls: the first, and twice again.
const PLANS: u32 = 3;

impl Gateway {
    /// Coverage → plan → calls (one flight per gap) → keep what arrived → assemble.
    pub(super) async fn travel(&self, request: &Request, journey: Journey) -> Result<Served, Failure> {
        let standing = || self.tiers.catalog.cell(&request.series).ok_or_else(|| unknown(&request.series.provider));
        let mut cell = standing()?;
        let mut traveller = Traveller {
            gateway: self,
            request: Request { terms: self.terms(request), ..request.clone() },
            journey,
            before: cell.snapshot(),
            comparisons: 0,
            heard: request.terms.only_if_cached,
        };
        for _ in 0..LOOKS {
            cell = standing()?;
            if let Some(end) = traveller.look(&cell).await {
                return end;
            }
        }
        traveller.give_in(&cell, endless()).await
    }
}

/// On the way for one client.
struct Traveller<'a> {
    gateway: &'a Gateway,
    /// With the terms as far as they are not met yet.
    request: Request,
    journey: Journey,
    /// The series as it was before anything was fetched for it.
    before: Arc<Snapshot>,
    comparisons: u32,
    /// Is what the answer has to say of the time before it known, or was the provider asked?
    heard: bool,
}

/// What is held at a moment, and the rows that answer, if all of them are.
struct Seen {
    snapshot: Arc<Snapshot>,
    asked: Asked,
    held: Option<Vec<Part>>,
    now: Ts,
}

type Arrived = Result<Served, Failure>;

impl Traveller<'_> {
    /// One look and what it leads to; nothing if there is something new to look at.
    async fn look(&mut self, cell: &Arc<Cell>) -> Option<Arrived> {
        let mut seen = self.see(cell);
        if self.compares(cell, &seen).await || cell.basis() != seen.snapshot.basis {
            return None;
        }
        if seen.held.is_none() {
            if let Some(served) = self.of_an_earlier_basis(cell, &seen).await {
                return Some(Ok(served));
            }
            if self.gateway.pass_by_closed(cell, &seen.snapshot, &seen.asked.ask, seen.now) {
                self.journey.closed = true;
                return None;
            }
        }
        if seen.held.is_none() || plan::lacks_sight(cell) {
            if self.request.terms.only_if_cached {
                return Some(Err(not_held()));
            }
            match self.fetch(cell).await {
                Ok(None) => return None,
                Ok(Some(snapshot)) => seen = self.see_all_of(cell, snapshot, seen.now),
                Err(failure) => return Some(self.give_in(cell, failure).await),
            }
        }
        self.arrive(cell, seen).await.map(Ok)
    }

    fn see(&self, cell: &Cell) -> Seen {
        let Request { ask, native, terms, .. } = &self.request;
        let now = (self.gateway.clock)();
        let snapshot = cell.snapshot().under(terms, now);
        let asked = plan::asked(cell, &snapshot, ask, *native, now);
        let held = plan::held(cell, &snapshot, &asked, now);
        Seen { snapshot, asked, held, now }
    }

    /// A snapshot of which nothing is lacking.
    fn see_all_of(&self, cell: &Cell, snapshot: Arc<Snapshot>, now: Ts) -> Seen {
        let asked = plan::asked(cell, &snapshot, &self.request.ask, self.request.native, now);
        let held = Some(plan::trimmed(cell, &snapshot, &asked, snapshot.select(&asked.ask)));
        Seen { snapshot, asked, held, now }
    }

    /// Bars of two bases must not meet: what is held is compared before anything is added to it, unless what is fetched
    /// anyway brings some of it once more.
    async fn compares(&mut self, cell: &Arc<Cell>, seen: &Seen) -> bool {
        if self.request.terms.only_if_cached || self.request.member.is_some() {
            return false;
        }
        let Some(window) = self.gateway.to_compare(cell, &seen.asked.ask, seen.now).await else { return false };
        self.comparisons += 1;
        if self.comparisons > COMPARISONS {
            self.gateway.give_up_comparing(cell, seen.now);
        } else {
            self.gateway.verify(cell, window, &self.request, &mut self.journey).await;
        }
        true
    }

    /// Bars that the provider gives no more, as they were before history was rewritten: all that an ask wants, or nothing.
    async fn of_an_earlier_basis(&mut self, cell: &Arc<Cell>, seen: &Seen) -> Option<Served> {
        let Seen { snapshot, asked, now, .. } = seen;
        snapshot.earlier.as_ref()?;
        cell.reach(*now).filter(|reach| asked.ask.window.to <= *reach)?;
        let held = |earlier| Some((earlier, plan::held(cell, earlier, asked, *now)?));
        let (snapshot, parts) = snapshot.bases().skip(1).find_map(held)?;
        let answer = Selected { snapshot, parts, asked: *asked };
        self.gateway.assemble(cell, &answer, &self.request, &mut self.journey, &self.before).await
    }

    /// Waits for what is missing. A snapshot if nothing is: the one that was planned upon, which may be newer than what was
    /// looked at first.
    async fn fetch(&mut self, cell: &Arc<Cell>) -> Result<Option<Arc<Snapshot>>, Failure> {
        let boarded = self.gateway.board(cell, &self.request, &mut self.journey)?;
        // The cell was given up while we looked at it.
        let Some(boarded) = boarded else { return Ok(None) };
        if boarded.flights.is_empty() {
            return Ok(Some(boarded.snapshot));
        }
        self.journey.plans += u32::from(boarded.launched > 0);
        if self.journey.plans > PLANS {
            return Err(endless());
        }
        let (departed, launched) = (Instant::now(), boarded.launched);
        let landed = self.wait(cell, boarded).await;
        self.journey.fetching += departed.elapsed();
        match landed {
            Ok(()) => self.request.terms = self.request.terms.met(),
            // Another's key was refused, not this one's.
            Err(failure) if launched == 0 && concerns_the_key(&failure) => {}
            Err(failure) => return Err(failure),
        }
        Ok(None)
    }

    /// Where something past its life can be served, what was launched is not waited for longer than that is worth, nor past
    /// the first attempt that fails: the flight goes on behind the answer.
    async fn wait(&self, cell: &Cell, boarded: Boarded) -> Result<(), Failure> {
        if self.gateway.stale(cell, &self.request, self.journey.now).is_none() {
            return boarded.landed().await;
        }
        let troubled = boarded.troubled();
        tokio::select! {
            biased;
            landed = boarded.landed() => landed,
            () = troubled => Err(Failure::new(ErrorClass::Up, "an attempt failed, and another one is under way")),
            () = tokio::time::sleep(self.gateway.cache.stale_patience.0) => {
                let detail = "it takes longer than cache.stale_patience, and is under way";
                Err(Failure { timed_out: true, ..Failure::new(ErrorClass::Up, detail) })
            }
        }
    }

    /// The answer, if nothing of it was lost meanwhile and it can say what it has to.
    async fn arrive(&mut self, cell: &Arc<Cell>, seen: Seen) -> Option<Served> {
        let Seen { snapshot, asked, held, .. } = seen;
        let answer = Selected { snapshot: &snapshot, parts: held.unwrap_or_default(), asked };
        if !std::mem::replace(&mut self.heard, true)
            && matches!(self.gateway.find_close_before(cell, &answer).await, Close::Untold)
            && self.gateway.ask_close_before(cell, &answer, &self.request, &mut self.journey).await
        {
            return None;
        }
        let served = self.gateway.assemble(cell, &answer, &self.request, &mut self.journey, &self.before).await;
        if served.is_none() {
            // A fragment was lost: what it held counts as missing from here on.
            self.before = cell.snapshot();
        }
        served
    }

    async fn give_in(&self, cell: &Arc<Cell>, failure: Failure) -> Arrived {
        self.gateway.degrade(cell, &self.request, failure, self.journey.clone()).await
    }
}
