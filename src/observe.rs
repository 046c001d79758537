//! What happened, for people and for machines. Time is read here and nowhere else.

pub mod clocks;
pub mod events;
pub mod log;
pub mod metrics;

use finex_core::time::{Clock, Ts};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The clock of this machine.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ts::try_from(now.as_millis()).unwrap_or(Ts::MAX)
    })
}
