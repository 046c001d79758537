//! This machine's clock, put right by those of the providers where it is slow.

use finex_core::time::{Clock, Ts};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Smaller differences are those of whole seconds and slow answers.
const TOLERANCE: i64 = 60_000;

/// A clock that is slow hides the newest bars: no window is asked for that has not come. One that is fast shows itself in no
/// answer, since what is final is judged by the slower of both.
pub struct Clocks {
    own: Clock,
    behind: AtomicI64,
}

impl Clocks {
    pub fn new(own: Clock) -> Arc<Clocks> {
        Arc::new(Clocks { own, behind: AtomicI64::new(0) })
    }

    /// Now, as far as is known.
    pub fn clock(self: &Arc<Clocks>) -> Clock {
        let clocks = self.clone();
        Arc::new(move || (clocks.own)().saturating_add(clocks.behind.load(Ordering::Relaxed)))
    }

    /// Now, by this machine alone.
    pub fn own(&self) -> Ts {
        (self.own)()
    }

    /// Takes notice of what a provider's clock says just now.
    pub fn hear(&self, theirs: Ts) {
        let ahead = theirs.saturating_sub(self.own());
        let behind = if ahead > TOLERANCE { ahead } else { 0 };
        let before = self.behind.swap(behind, Ordering::Relaxed);
        if behind > 0 && before == 0 {
            tracing::error!(seconds = behind / 1_000, "the clock of this machine is slow: set it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_clock_follows_the_providers_until_it_is_set_and_a_fast_one_does_not() {
        let own = Arc::new(AtomicI64::new(0));
        let shared = own.clone();
        let clocks = Clocks::new(Arc::new(move || shared.load(Ordering::SeqCst)));
        let now = clocks.clock();
        for (theirs, ahead) in [(TOLERANCE, 0), (TOLERANCE + 1, TOLERANCE + 1), (1_000_000, 1_000_000), (-1_000_000, 0)]
        {
            clocks.hear(theirs);
            assert_eq!((now(), clocks.own()), (ahead, 0));
        }
        clocks.hear(1_000_000);
        own.store(1_000_500, Ordering::SeqCst);
        clocks.hear(1_000_600);
        assert_eq!(now(), 1_000_500);
    }
}
