//! Which parts are held, and which calls to make for the rest: a pure function of the facts.
//!
//! The work is done on the numbers of the grid. *gap* finds what is missing, *merge* groups it into the fewest calls
//! (greedy from the left, which is optimal for covering points with runs of a fixed length), *widen* spends what is
//! left of each call on history that will be asked for, *page* cuts the result into calls.

pub mod coverage;
pub mod explain;
pub mod gap;
pub mod merge;
pub mod page;
pub mod reach;
pub mod ttl;
pub mod widen;
pub mod worth;

use crate::ask::Ask;
use crate::calendar::Grid;
use crate::columns::Columns;
use crate::time::{Ts, Window, WindowSet};
use coverage::Ledger;

/// What is held of a series, as far as counting bars goes.
pub trait Held {
    /// How many held bars open in the window.
    fn count(&self, window: Window) -> u64;

    /// The window, extended over what is held next to it on either side: all bars that may still change, and up to
    /// `bars` final ones beyond them.
    fn seam(&self, window: Window, bars: u64) -> Window;
}

/// On which side a provider cuts an answer that is too long, and so at which side a call is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// From a start, the oldest rows.
    Start,
    /// Up to an end, the newest rows.
    End,
    /// At both ends: all there is between them.
    Both,
}

/// What a provider allows and charges.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Periods of the grid per call at most.
    pub page: u64,
    /// Cost of a call in the provider's own units, whatever its rows.
    pub cost: u32,
    /// After a bar's end, how long the provider may still change it, in milliseconds.
    pub settle: i64,
    /// Bytes on the wire per period of the grid, and how many bytes a call may be widened to.
    pub row_bytes: u64,
    pub widen_bytes: u64,
    /// Calls per ask at most.
    pub max_calls: u64,
    /// Bars per period of the grid on average: less than 1 where markets close.
    pub density: f64,
    /// Does a call name both its ends?
    pub windowed: bool,
    /// Is a window beyond what a call may span, or how far back it may begin, refused instead of cut?
    pub strict: bool,
    /// How far back from now a call may begin, in milliseconds.
    pub depth: Option<i64>,
    /// Held final bars that a call fetches again on either side, to see whether history was rewritten.
    pub seam: u64,
    /// Is an answer one piece, which no other window can be cut from?
    pub whole: bool,
    /// A window that ends less than this before now is answered from another source: none spans that edge. Milliseconds.
    pub apart: Option<i64>,
}

impl Limits {
    /// To how many rows a call may be widened; 0 leaves every call as it is asked.
    pub fn widened(&self) -> u64 {
        self.page.min(self.widen_bytes / self.row_bytes.max(1))
    }

    /// Periods that hold so many bars, as far as one can tell beforehand.
    pub fn periods(&self, bars: u64) -> u64 {
        if self.density >= 1.0 { bars } else { (bars as f64 / self.density.max(f64::MIN_POSITIVE)).ceil() as u64 }
    }

    /// Bytes that a call brings beyond what it is needed for.
    pub fn extra_bytes(&self, call: &Call, grid: Grid) -> u64 {
        let periods = |w: Window| grid.ceil(w.to).saturating_sub(grid.index(w.from)).max(0) as u64;
        periods(call.window).saturating_sub(periods(call.need)).saturating_mul(self.row_bytes)
    }

    /// Calls that a client without finex makes for so many bars.
    pub fn direct_calls(&self, bars: u64) -> u64 {
        if self.strict { 1 } else { bars.div_ceil(self.page.max(1)).max(1) }
    }

    /// Bars that so many periods hold.
    pub fn bars(&self, periods: u64) -> u64 {
        if self.density >= 1.0 { periods } else { (periods as f64 * self.density) as u64 }
    }
}

/// All that a plan depends on, for one series.
pub struct Facts<'a> {
    pub ledger: &'a Ledger,
    pub held: &'a dyn Held,
    /// Windows that calls are under way for: theirs to bring.
    pub flying: &'a WindowSet,
    pub grid: Grid,
    pub limits: &'a Limits,
    pub now: Ts,
}

/// One upstream request, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Call {
    pub window: Window,
    pub limit: u64,
    #[serde(skip)]
    pub anchor: Anchor,
    #[serde(skip)]
    pub columns: Columns,
    /// What of the window was lacking: a call that is refused for what it was widened by is made once for this alone.
    pub need: Window,
    /// How far it may go where its rows are counted: up to the end of the asks, or down to their beginning.
    pub reach: Window,
    /// Is it the ask itself, in the client's own words? The provider may refuse it, or answer it like no other.
    pub exact: bool,
}

/// A call with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlannedCall {
    pub call: Call,
    /// Bars on the grid that the asks lack and this call brings.
    pub wanted: u64,
    /// Bars that are held and come once more because two gaps were joined over them.
    pub overlap: u64,
    pub cost: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Windows that the asks want and that nothing held or under way answers.
    pub missing: Vec<Window>,
    /// Of those, and of what is under way, what this plan's asks have to wait for.
    pub awaited: Vec<Window>,
    pub calls: Vec<PlannedCall>,
}

impl Plan {
    pub fn cost(&self) -> u32 {
        self.calls.iter().map(|c| c.cost).sum()
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this needs {calls} calls, and at most {max} are made for one request: ask for a shorter range")]
pub struct TooLarge {
    pub calls: u64,
    pub max: u64,
}

/// Plans several asks of one series together.
pub fn plan(asks: &[Ask], facts: &Facts<'_>) -> Result<Plan, TooLarge> {
    let mut out = Plan::default();
    let (mut points, mut columns) = (Vec::new(), Columns::default());
    for ask in asks {
        let gaps = gap::resolve(ask, facts);
        columns = gaps.columns.iter().chain(columns.iter()).collect();
        out.awaited.extend(gaps.awaited);
        points.extend(gaps.missing);
    }
    let missing = merge::normalise(points);
    out.missing = missing.iter().map(|m| Window::new(facts.grid.open(m.from), facts.grid.open(m.to))).collect();
    if let Some(exact) = reach::beyond(asks, &missing, columns, facts) {
        out.calls = exact;
        return Ok(out);
    }
    let calls = merge::optimum(&missing, facts.limits.page);
    if calls > facts.limits.max_calls {
        return Err(TooLarge { calls, max: facts.limits.max_calls });
    }
    let backwards = asks.iter().all(|ask| matches!(ask.take, crate::ask::Take::Last(_)));
    let anchor = match backwards {
        _ if facts.limits.windowed => Anchor::Both,
        true => Anchor::End,
        false => Anchor::Start,
    };
    let held = gap::known(columns, facts);
    let segments = merge::segments(&missing, facts.limits.page);
    let placed = widen::place(&segments, &held, facts);
    out.calls = page::cut(&placed, &missing, &held, anchor, columns, facts);
    page::let_out(&mut out.calls, anchor, asks, facts);
    Ok(out)
}
