//! What a client wants of one series.

use crate::columns::Columns;
use crate::time::{Ts, Window};

/// Which bars of the window are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    All,
    /// The oldest `n`.
    First(u64),
    /// The newest `n`.
    Last(u64),
}

/// A window of one series, how much of it, and which columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    pub window: Window,
    pub take: Take,
    pub columns: Columns,
}

impl Ask {
    pub fn between(window: Window, columns: Columns) -> Self {
        Ask { window, take: Take::All, columns }
    }

    /// The newest `n` bars there are.
    pub fn last(n: u64, columns: Columns) -> Self {
        Ask { window: Window::ALL, take: Take::Last(n), columns }
    }

    /// Will the answer, which has `rows` rows at `now`, be another one later, even if no bar changes?
    pub fn grows(&self, now: Ts, rows: usize) -> bool {
        self.window.to > now
            && match self.take {
                Take::First(n) => (rows as u64) < n,
                Take::All | Take::Last(_) => true,
            }
    }
}
