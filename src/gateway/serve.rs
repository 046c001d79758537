//! From an ask to rows: from memory at once, if all of them lie there.

use super::assemble::Selected;
use super::before::Close;
use super::{Gateway, Request};
use crate::plan;
use crate::render::{Journey, Served};
use crate::store::cell::Cell;
use crate::store::snapshot::Snapshot;
use finex_core::status::{ErrorClass, Outcome};
use finex_core::terms::Terms;
use finex_providers::Failure;
use std::sync::Arc;

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
    pub(super) fn terms(&self, request: &Request) -> Terms {
        request.terms.with_grace(self.cache.stale_while_revalidate.as_millis())
    }
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

pub(super) fn endless() -> Failure {
    let detail = "the provider's answers leave bars missing that it was asked for";
    Failure { pass_on: true, ..Failure::new(ErrorClass::Up, detail) }
}
