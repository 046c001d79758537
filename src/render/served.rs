//! What the gateway found, before it is written.

use crate::store::cell::Cell;
use crate::store::fragment::Fragment;
use finex_core::ask::Ask;
use finex_core::envelope::Envelope;
use finex_core::status::{CacheLevel, Outcome};
use finex_core::time::{Ts, Window};
use finex_core::truth::agreement::Comparison;
use finex_providers::{Native, Sight};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of one fragment.
#[derive(Debug, Clone)]
pub struct Piece {
    pub fragment: Arc<Fragment>,
    pub rows: Range<usize>,
    /// May the provider still change these bars?
    pub is_final: bool,
}

/// How an answer came about.
#[derive(Debug, Clone)]
pub struct Journey {
    pub outcome: Outcome,
    /// When the client asked.
    pub now: Ts,
    pub started: Instant,
    /// Upstream calls made for this client alone.
    pub calls: u32,
    /// Plans that led to such calls.
    pub plans: u32,
    /// Did it wait for a call that was made for another?
    pub collapsed: bool,
    /// Was something of it not asked for, since nothing can have opened then?
    pub closed: bool,
    /// The slowest tier that was touched.
    pub tier: CacheLevel,
    /// Calls that a direct client would have made.
    pub direct_calls: u64,
    /// Bars of the answer that were not held when the client asked.
    pub fetched: usize,
    pub fetching: Duration,
    /// What was missing when the client asked.
    pub missing: Vec<Window>,
    pub warnings: Vec<String>,
    /// What another provider says of the same bars, where that was asked for.
    pub consensus: Option<Arc<Consensus>>,
}

/// Two providers' words on the same bars.
#[derive(Debug, Clone)]
pub struct Consensus {
    pub providers: [Arc<str>; 2],
    pub compared: Comparison,
}

impl Journey {
    pub fn begin(now: Ts) -> Journey {
        Journey {
            outcome: Outcome::Hit,
            now,
            started: Instant::now(),
            calls: 0,
            plans: 0,
            collapsed: false,
            closed: false,
            tier: CacheLevel::L1Memory,
            direct_calls: 1,
            fetched: 0,
            fetching: Duration::ZERO,
            missing: Vec::new(),
            warnings: Vec::new(),
            consensus: None,
        }
    }

    pub fn saved(&self) -> i64 {
        self.direct_calls as i64 - i64::from(self.calls)
    }
}

/// The rows of an answer, oldest first, and how they were had.
pub struct Served {
    pub cell: Arc<Cell>,
    /// As it was meant at that moment.
    pub ask: Ask,
    pub native: Native,
    pub pieces: Vec<Piece>,
    pub journey: Journey,
    /// The life of the bars that are not final: when the oldest was fetched, and when the first expires.
    pub loose: Option<(Ts, Ts)>,
    /// Does it end within the period of a row that stands for now? Then only the provider knows its last bar.
    pub cuts_live: bool,
    /// The close before the first row, where the answer has to name it.
    pub before: Option<f64>,
    /// Open time of the first row that is left for another page.
    pub more: Option<Ts>,
    /// What was said of the series, and what was last said of its symbol.
    pub notes: Arc<Envelope>,
    pub sight: Arc<Sight>,
}

impl Served {
    pub fn rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows.len()).sum()
    }

    /// Bars that were not held when the client asked.
    pub fn fetched(&self) -> usize {
        self.journey.fetched.min(self.rows())
    }

    /// Leaves rows beyond a page for another one: the newest, or the oldest where the newest come first.
    pub fn cut(&mut self, page: usize, newest_first: bool) {
        let mut surplus = self.rows().saturating_sub(page);
        while surplus > 0 {
            let at = if newest_first { 0 } else { self.pieces.len() - 1 };
            let Some(piece) = self.pieces.get_mut(at) else { return };
            let drop = surplus.min(piece.rows.len());
            let left_out = if newest_first {
                piece.rows.start += drop;
                piece.rows.start - 1
            } else {
                piece.rows.end -= drop;
                piece.rows.end
            };
            self.more = piece.fragment.times.get(left_out);
            if piece.rows.is_empty() {
                self.pieces.remove(at);
            }
            surplus -= drop;
        }
    }

    /// Open time of the first and last bar.
    pub fn range(&self) -> Option<(Ts, Ts)> {
        let (first, last) = (self.pieces.first()?, self.pieces.last()?);
        Some((first.fragment.times.get(first.rows.start)?, last.fragment.times.get(last.rows.end.checked_sub(1)?)?))
    }
}
