//! What happened, in one vocabulary: logs and metrics read it, feeds and audits will.

use crate::series::{FragmentKey, Series};
use crate::status::{CacheLevel, ErrorClass};
use crate::time::Window;
use std::sync::Arc;

/// Where the bars of a fragment came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Asked for.
    Call,
    /// Arrived unasked.
    Push,
}

#[derive(Debug, Clone)]
pub enum Event {
    Stored {
        key: FragmentKey,
        rows: usize,
        bytes: usize,
        provenance: Provenance,
    },
    Invalidated {
        series: Series,
        window: Window,
        fragments: usize,
        reason: String,
    },
    NewBasis {
        series: Series,
        basis: u32,
    },
    Corrected {
        series: Series,
        bars: usize,
    },
    Quarantined {
        series: Series,
        bars: usize,
        rule: &'static str,
    },
    Called {
        provider: Arc<str>,
        rows: usize,
        cost: u32,
        millis: u64,
    },
    Refused {
        provider: Arc<str>,
        class: ErrorClass,
        detail: String,
    },
    /// A tier is as good as full: what comes next drives something out.
    Pressed {
        level: CacheLevel,
        bytes: u64,
        budget: u64,
    },
    /// A fragment failed its proof and was given up with its coverage.
    Dropped {
        key: FragmentKey,
        why: String,
    },
}
