//! How good a provider has been lately: how reliably it answers, how complete its answers are, and how often others agree
//! with them.

use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// What the last observation counts for.
const NEWEST: f64 = 0.05;

/// Shares from 0 to 1; all are 1 until something else is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Of calls that were answered.
    pub reliability: f64,
    /// Of bars that it had, of those that it or another one had.
    pub completeness: f64,
    /// Of bars that both had, on which another one agreed.
    pub agreement: f64,
}

impl Shares {
    pub fn score(&self) -> f64 {
        self.reliability * self.completeness * self.agreement
    }
}

#[derive(Debug)]
pub struct Quality(Mutex<Shares>);

impl Default for Quality {
    fn default() -> Quality {
        Quality(Mutex::new(Shares { reliability: 1.0, completeness: 1.0, agreement: 1.0 }))
    }
}

impl Quality {
    pub fn shares(&self) -> Shares {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answered(&self, well: bool) {
        self.change(|shares| move_towards(&mut shares.reliability, f64::from(u8::from(well))));
    }

    /// What a comparison with another provider showed.
    pub fn compared(&self, completeness: Option<f64>, agreement: Option<f64>) {
        self.change(|shares| {
            completeness.into_iter().for_each(|share| move_towards(&mut shares.completeness, share));
            agreement.into_iter().for_each(|share| move_towards(&mut shares.agreement, share));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Shares)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn move_towards(mean: &mut f64, seen: f64) {
    *mean += NEWEST * (seen - *mean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_follows_what_is_seen() {
        let quality = Quality::default();
        assert_eq!(quality.shares().score(), 1.0);
        (0..60).for_each(|_| quality.answered(false));
        assert!(quality.shares().score() < 0.05);
        (0..60).for_each(|_| quality.answered(true));
        quality.compared(Some(0.5), None);
        let shares = quality.shares();
        assert!(shares.reliability > 0.95 && shares.completeness == 0.975 && shares.agreement == 1.0, "{shares:?}");
    }
}
