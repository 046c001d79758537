//! What grows is fetched again behind an answer: where a client was served something past its life, and early where many
//! ask, so that none of them has to wait for it.

use super::{Gateway, Request};
use crate::fetch::turns::{Haste, Who};
use crate::render::{Journey, Served};
use crate::store::cell::Cell;
use finex_core::terms::Terms;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// In so many call times before its end the chance of an early refresh is below one in a million.
const NEVER: i64 = 14;

impl Gateway {
    /// Fetches again what a hit was made of, if it is past its life or near its end.
    pub(super) fn refresh_behind(&self, request: &Request, served: &Served) {
        let Some((_, expires)) = served.loose else { return };
        let left = expires.saturating_sub(served.journey.now);
        if left > 0 && !self.is_early(served, left) {
            return;
        }
        let Some(gateway) = self.me.upgrade().filter(|_| !request.terms.only_if_cached) else { return };
        let Some(refreshing) = Refreshing::begin(&served.cell) else { return };
        let terms = Terms { min_fresh: Some(left.max(0) + 1), ..Terms::default() };
        let who = Who { haste: Haste::Nobody, ..request.who.clone() };
        let again = Request { terms, who, member: None, ..request.clone() };
        self.tasks.spawn(async move {
            let _refreshing = refreshing;
            let journey = Journey::begin((gateway.clock)());
            // Whatever comes of it is the next client's.
            let _ = tokio::time::timeout(gateway.patience, gateway.travel(&again, journey)).await;
        });
    }

    fn is_early(&self, served: &Served, left: i64) -> bool {
        let took = self.fetcher(&served.cell.series.provider).map_or(0, |fetcher| fetcher.took());
        is_early(took, left, fastrand::f64())
    }
}

/// XFetch (Vattani, Chierichetti, Lowenstein: Optimal probabilistic cache stampede prevention, VLDB 2015) with β = 1: the
/// nearer the end and the longer a call takes, the likelier; e^(-left/took). Times in milliseconds, `chance` from 0 to 1.
fn is_early(took: i64, left: i64, chance: f64) -> bool {
    left <= took.saturating_mul(NEVER) && -(took as f64) * chance.max(f64::MIN_POSITIVE).ln() >= left as f64
}

/// One refresh of a series at a time.
struct Refreshing(Arc<Cell>);

impl Refreshing {
    fn begin(cell: &Arc<Cell>) -> Option<Refreshing> {
        (!cell.refreshing.swap(true, Ordering::SeqCst)).then(|| Refreshing(cell.clone()))
    }
}

impl Drop for Refreshing {
    fn drop(&mut self) {
        self.0.refreshing.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_early_refresh_is_the_likelier_the_nearer_the_end() {
        let share = |left: i64| (0..10_000).filter(|n| is_early(100, left, f64::from(*n) / 10_000.0)).count();
        // e^-1, e^-2, and e^-0.1.
        assert_eq!([share(100) / 10, share(200) / 10, share(10) / 10], [367, 135, 904]);
        assert_eq!([share(100 * NEVER + 1), usize::from(is_early(0, 1, 0.0))], [0, 0]);
    }
}
