//! When the provider fails: what is held past its life, marked, or the failure itself. Never a short answer passed off
//! as whole.

use super::assemble::Selected;
use super::{Gateway, Request};
use crate::plan::{self, Asked};
use crate::render::{Journey, Served};
use crate::store::cell::Cell;
use crate::store::snapshot::{Part, Snapshot};
use finex_core::ask::Ask;
use finex_core::status::{ErrorClass, Outcome};
use finex_core::time::{Ts, Window};
use finex_providers::Failure;
use std::sync::Arc;

/// Rows past their life.
pub(super) struct Stale {
    snapshot: Arc<Snapshot>,
    parts: Vec<Part>,
    asked: Asked,
}

impl Gateway {
    pub(super) async fn degrade(
        &self,
        cell: &Arc<Cell>,
        request: &Request,
        failure: Failure,
        mut journey: Journey,
    ) -> Result<Served, Failure> {
        if !matches!(failure.class, ErrorClass::Up | ErrorClass::Rate | ErrorClass::Quota) {
            return Err(failure);
        }
        let Some(stale) = self.stale(cell, request, journey.now) else { return Err(failure) };
        journey.warnings.push(format!("served from memory because the provider failed: {}", failure.detail));
        journey.outcome = Outcome::Stale;
        let Stale { snapshot, parts, asked } = stale;
        let answer = Selected { snapshot: &snapshot, parts, asked };
        self.assemble(cell, &answer, request, &mut journey, &snapshot).await.ok_or(failure)
    }

    /// What the client would have been answered when the series was last seen, if that is not too long ago.
    pub(super) fn stale(&self, cell: &Cell, request: &Request, now: Ts) -> Option<Stale> {
        let snapshot = cell.snapshot();
        let bar = cell.series.interval.nominal_len().max(1_000);
        let usual = bar.min(self.cache.stale_if_error.as_millis());
        let allowance = request.terms.stale_if_error.unwrap_or(usual);
        let seen = snapshot.ledger.loose().iter().map(|l| l.fetched_at).max()?;
        let meant = plan::asked(cell, &snapshot, &request.ask, request.native, now);
        let ask = Ask { window: Window::new(meant.ask.window.from, meant.ask.window.to.min(seen + 1)), ..meant.ask };
        let asked = Asked { ask, ..meant };
        let parts = snapshot.select(&ask);
        let long_ago = Ts::MIN;
        let whole = snapshot.answers_until(&ask, &parts, seen, long_ago);
        if now.saturating_sub(seen) > allowance || !whole || plan::lacks_sight(cell) {
            return None;
        }
        let parts = plan::trimmed(cell, &snapshot, &asked, parts);
        Some(Stale { snapshot, parts, asked })
    }
}
