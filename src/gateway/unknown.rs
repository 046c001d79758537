//! Series of which the provider says that there are none.
//!
//! One such word may be wrong, as while a provider throttles, and stands for no longer than any failure. Said again and again
//! with nothing else between, it is believed for longer each time. Where anything is held of the symbol it is never believed.

use super::Gateway;
use crate::store::cell::Cell;
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::Ts;
use finex_providers::Failure;
use moka::sync::Cache;
use std::sync::Arc;

const SECOND: i64 = 1_000;
/// For how long the first word is believed, and the next ones.
const LIVES: [i64; 5] = [0, 10 * SECOND, 60 * SECOND, 600 * SECOND, 3_600 * SECOND];
/// Anybody can invent symbols: so many bytes of them are remembered.
const MOST: u64 = 4 << 20;
/// A provider that refused or failed is in trouble for so long: what it says of symbols meanwhile proves nothing.
const TROUBLE: i64 = 60 * SECOND;

/// What was last said of a series, and how often in a row.
#[derive(Clone)]
struct Absence {
    failure: Failure,
    times: usize,
    until: Ts,
}

pub(super) struct Unknown {
    series: Cache<Arc<Series>, Absence>,
    /// When each provider was last in trouble.
    troubled: papaya::HashMap<Arc<str>, Ts>,
}

impl Default for Unknown {
    fn default() -> Unknown {
        let weight = |series: &Arc<Series>, absence: &Absence| {
            let said = absence.failure.native.as_ref().map_or(0, |(_, body)| body.len());
            (512 + series.symbol.len() + absence.failure.detail.len() + said) as u32
        };
        Unknown {
            series: Cache::builder().max_capacity(MOST).weigher(weight).build(),
            troubled: papaya::HashMap::new(),
        }
    }
}

impl Unknown {
    /// The provider's word that there is no such series, while it is believed.
    pub(super) fn word(&self, series: &Series, now: Ts) -> Option<Failure> {
        self.series.get(series).filter(|absence| now < absence.until).map(|absence| absence.failure)
    }

    /// Takes note of it, and for how long it is believed by now, in milliseconds.
    pub(super) fn note(&self, series: &Arc<Series>, failure: &Failure, now: Ts) -> i64 {
        let troubled = self.troubled.pin().get(&series.provider).copied();
        if troubled.is_some_and(|at| now.saturating_sub(at) < TROUBLE) {
            return 0;
        }
        let times = self.series.get(series).map_or(0, |absence| absence.times + 1);
        let life = LIVES[times.min(LIVES.len() - 1)];
        let absence = Absence { failure: failure.clone(), times, until: now.saturating_add(life) };
        self.series.insert(series.clone(), absence);
        life
    }

    /// There is such a series after all.
    pub(super) fn forget(&self, series: &Series) {
        self.series.invalidate(series);
    }

    pub(super) fn forget_all(&self) {
        self.series.invalidate_all();
    }

    /// A provider refused or failed for a reason of its own. What it said of a symbol just before proves nothing either.
    pub(super) fn note_trouble(&self, series: &Series, now: Ts) {
        self.forget(series);
        self.troubled.pin().insert(series.provider.clone(), now);
    }
}

impl Gateway {
    /// Takes note of what the outcome of a flight tells of whether there is such a series.
    pub(super) fn note_word(&self, cell: &Cell, outcome: &Result<(), Failure>, with_own_key: bool) {
        let now = (self.clock)();
        match outcome.as_ref().map_err(|failure| (failure.class, failure)) {
            Ok(()) => self.unknown.forget(&cell.series),
            Err((ErrorClass::NotFound, failure)) => {
                let known = !cell.sight().envelope.is_empty() || self.tiers.catalog.has_bars_of(cell);
                if !known && !with_own_key {
                    self.unknown.note(&cell.series, failure, now);
                }
            }
            Err((ErrorClass::Up | ErrorClass::Rate | ErrorClass::Quota, _)) => {
                self.unknown.note_trouble(&cell.series, now);
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use finex_core::series::{Scope, Variant};

    const DAY: i64 = 86_400 * SECOND;

    fn series(symbol: &str) -> Arc<Series> {
        Arc::new(Series {
            provider: "yahoo".into(),
            symbol: symbol.into(),
            interval: "1d".parse().expect("an interval"),
            currency: "usd".into(),
            variant: Variant::default(),
            scope: Scope::Shared,
        })
    }

    fn no() -> Failure {
        Failure::new(ErrorClass::NotFound, "no data found, symbol may be delisted")
    }

    #[test]
    fn one_word_is_nothing_and_each_further_one_lasts_longer() {
        let (unknown, nope) = (Unknown::default(), series("NOPE"));
        let lives: Vec<i64> = (0..7).map(|n| unknown.note(&nope, &no(), n) / SECOND).collect();
        assert_eq!(lives, [0, 10, 60, 600, 3_600, 3_600, 3_600]);
        assert_eq!(unknown.word(&nope, 6), Some(no()));
        assert_eq!(unknown.word(&nope, 6 + 3_600 * SECOND), None);
        unknown.forget(&nope);
        assert_eq!(unknown.note(&nope, &no(), 7), 0, "it was there meanwhile");
    }

    #[test]
    fn what_is_said_in_trouble_proves_nothing() {
        let (unknown, nope, other) = (Unknown::default(), series("NOPE"), series("OTHER"));
        (0..3).for_each(|_| assert!(unknown.note(&nope, &no(), 0) < DAY));
        unknown.note_trouble(&nope, SECOND);
        assert_eq!(unknown.word(&nope, SECOND), None);
        let noted = |at| (0..5).map(|_| unknown.note(&other, &no(), at)).max();
        assert_eq!(noted(30 * SECOND), Some(0));
        assert_eq!(noted(62 * SECOND), Some(3_600 * SECOND));
    }
}
