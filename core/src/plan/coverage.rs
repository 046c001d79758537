//! The ledger of what has been asked and answered.
//!
//! Keys carry what was received; a ledger of received ranges alone would make every halt, weekend and pre-listing day
//! a gap for ever. So coverage carries what was *answered*: asked ∪ received, unless the answer was cut short, and
//! never beyond the horizon of what is final.

use super::{Anchor, Call};
use crate::calendar::Grid;
use crate::columns::Columns;
use crate::terms::Terms;
use crate::time::{BEGINNING, END, Ts, Window, WindowSet};
use crate::truth::finality;

/// Why a window is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Data,
    Empty,
    BeforeListing,
    OutOfReach,
}

/// A window that was answered for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Known {
    pub window: Window,
    pub columns: Columns,
    pub reason: Reason,
    pub fetched_at: Ts,
}

/// A window whose answer may still change: forming bars, or a row that was set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loose {
    pub window: Window,
    pub columns: Columns,
    pub fetched_at: Ts,
    pub expires: Ts,
}

impl Loose {
    /// May it still be served? What was fetched at a later time than now was fetched by a clock that was wrong. `Ts::MIN` asks
    /// for all there is.
    fn lives(&self, now: Ts) -> bool {
        now == Ts::MIN || (self.fetched_at <= now && now < self.expires)
    }
}

/// Coverage of one series. `known` is sorted; windows with the same reason and columns that touch are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    known: Vec<Known>,
    loose: Vec<Loose>,
}

impl Ledger {
    pub fn known(&self) -> &[Known] {
        &self.known
    }

    pub fn loose(&self) -> &[Loose] {
        &self.loose
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.loose.is_empty()
    }

    /// Is all of the window answered, for these columns, at `now`? Allocates nothing in the common case of one entry.
    pub fn covers(&self, window: Window, columns: Columns, now: Ts) -> bool {
        let mut at = window.from;
        while at < window.to {
            let known = self.known.iter().find(|k| k.window.contains(at) && k.columns.includes(columns));
            let loose = || {
                let fits = |l: &&Loose| l.window.contains(at) && l.columns.includes(columns) && l.lives(now);
                self.loose.iter().find(fits).map(|l| l.window.to)
            };
            match known.map(|k| k.window.to).or_else(loose) {
                Some(to) => at = to,
                None => return self.covered(columns, now).gaps(window).is_empty(),
            }
        }
        true
    }

    /// The windows answered for every one of `columns` at `now`, each column by whichever entry has it.
    pub fn covered(&self, columns: Columns, now: Ts) -> WindowSet {
        let entries = || {
            let loose = self.loose.iter().filter(|l| l.lives(now)).map(|l| (l.columns, l.window));
            self.known.iter().map(|k| (k.columns, k.window)).chain(loose)
        };
        if entries().all(|(has, _)| has.includes(columns)) {
            return entries().map(|(_, window)| window).collect();
        }
        let per_column = columns.iter().map(|column| {
            entries().filter(|(has, _)| has.has(column)).map(|(_, window)| window).collect::<WindowSet>()
        });
        per_column.reduce(|a, b| a.intersect(&b)).unwrap_or_default()
    }

    /// As a client may see it that has terms of its own: what it does not take is not there, and what it takes past its life
    /// lives longer.
    pub fn under(&self, terms: &Terms, now: Ts) -> Ledger {
        if terms.no_cache {
            return Ledger::default();
        }
        let taken = self.loose.iter().filter(|l| terms.accept(l.fetched_at, l.expires, now));
        let longer = |l: &Loose| Loose { expires: l.expires.saturating_add(terms.grace()), ..*l };
        Ledger { known: self.known.clone(), loose: taken.map(longer).collect() }
    }

    /// Writes an attestation into the ledger: what it settles replaces what was loose there.
    pub fn record(&mut self, attested: &Attested) {
        for known in &attested.known {
            self.forget_loose(known.window);
            self.insert(*known);
        }
        for loose in &attested.loose {
            // What is known for good is not unlearnt: a slow answer may be older than what is held.
            let known: WindowSet =
                self.known.iter().filter(|k| k.columns.includes(loose.columns)).map(|k| k.window).collect();
            for window in known.gaps(loose.window) {
                self.forget_loose(window);
                self.loose.push(Loose { window, ..*loose });
            }
            self.loose.sort_by_key(|l| l.window);
        }
    }

    /// Forgets a window: a fragment that is dropped takes its coverage along.
    pub fn forget(&mut self, window: Window) {
        self.cut(window);
        self.forget_loose(window);
    }

    fn insert(&mut self, known: Known) {
        if known.window.is_empty() {
            return;
        }
        let mut merged = known;
        let mut rest = Vec::with_capacity(self.known.len() + 1);
        for k in self.known.drain(..) {
            let alike = k.columns == merged.columns && k.reason == merged.reason;
            let touches = k.window.from <= merged.window.to && merged.window.from <= k.window.to;
            if alike && touches {
                merged.window = Window::new(k.window.from.min(merged.window.from), k.window.to.max(merged.window.to));
                merged.fetched_at = k.fetched_at.min(merged.fetched_at);
            } else if k.columns == merged.columns {
                rest.extend(pieces(k.window, known.window).map(|window| Known { window, ..k }));
            } else {
                rest.push(k);
            }
        }
        rest.push(merged);
        rest.sort_by_key(|k| k.window);
        self.known = rest;
    }

    fn cut(&mut self, window: Window) {
        let cut = self.known.iter().flat_map(|k| pieces(k.window, window).map(|window| Known { window, ..*k }));
        self.known = cut.collect();
    }

    fn forget_loose(&mut self, window: Window) {
        let cut = self.loose.iter().flat_map(|l| pieces(l.window, window).map(|window| Loose { window, ..*l }));
        self.loose = cut.collect();
    }
}

/// What of `whole` lies outside `hole`.
fn pieces(whole: Window, hole: Window) -> impl Iterator<Item = Window> {
    let left = Window::new(whole.from, whole.to.min(hole.from));
    let right = Window::new(whole.from.max(hole.to), whole.to);
    let both = if whole.overlaps(hole) { [left, right] } else { [whole, Window::new(0, 0)] };
    both.into_iter().filter(|w| !w.is_empty())
}

/// What an answer settles, and what it says for the time being.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attested {
    /// Bars that open before this are final.
    pub horizon: Ts,
    pub known: Vec<Known>,
    pub loose: Vec<Loose>,
}

/// What came back for a call: the open times of its rows, those of rows set apart, and when.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    pub times: &'a [Ts],
    pub suspect: &'a [Ts],
    /// Rows in the body, repetitions included: what tells whether the answer was cut.
    pub rows: u64,
    /// A row that stands for now instead of a bar: nothing from its period on is final.
    pub live: Option<Ts>,
    /// When it was asked for.
    pub at: Ts,
    /// The same by the slower of our clock and the provider's: what is final is judged by this.
    pub sure: Ts,
    /// Until when what still grows may be served. Counted from the arrival, or a slow answer would be past its life before
    /// anybody saw it.
    pub expires: Ts,
    /// The same for what is over and not settled.
    pub settles: Ts,
}

/// What the answer to `call` attests.
///
/// An answer shorter than its limit says that there is nothing more in its direction; one that reaches the limit says
/// nothing beyond its last (or, fixed at the end, first) row.
pub fn attest(call: &Call, got: Received<'_>, grid: Grid, settle: i64) -> Attested {
    let cut = got.rows >= call.limit;
    let (first, last) = bounds(got.times, got.suspect);
    let answered = match (call.anchor, first.zip(last)) {
        (Anchor::Both, _) => call.window,
        (_, None) => whole_direction(call),
        (Anchor::Start, Some((_, last))) => Window::new(call.window.from, if cut { grid.cover_end(last) } else { END }),
        (Anchor::End, Some((first, last))) => {
            Window::new(if cut { first } else { BEGINNING }, call.window.to.max(grid.cover_end(last)))
        }
    };
    let horizon =
        finality::horizon(grid, settle, got.sure).min(got.live.map_or(END, |open| grid.open(grid.index(open))));
    let settled = Window::new(answered.from, answered.to.min(horizon));
    let seen = if grid.even { got.at.saturating_add(1) } else { grid.open(grid.index(got.at) + 1) };
    let open_end = Window::new(answered.from.max(horizon), answered.to.min(seen.max(last_end(last, grid))));
    let entry = |window, reason| Known { window, columns: call.columns, reason, fetched_at: got.at };
    let loose = |window| Loose { window, columns: call.columns, fetched_at: got.at, expires: got.expires };
    let final_first = first.filter(|f| *f < horizon);
    let known = match final_first {
        // Nothing came although everything before was asked for: history begins at the first row.
        Some(first) if answered.from < first && starts_history(call, &answered) => vec![
            entry(Window::new(settled.from, first), Reason::BeforeListing),
            entry(Window::new(first, settled.to), Reason::Data),
        ],
        Some(_) => vec![entry(settled, Reason::Data)],
        None => vec![entry(settled, Reason::Empty)],
    };
    let suspects: Vec<Window> = got.suspect.iter().map(|open| Window::new(*open, grid.cover_end(*open))).collect();
    let sound = known.iter().flat_map(|k| {
        let mut left = WindowSet::from_iter([k.window]);
        suspects.iter().for_each(|suspect| left.remove(*suspect));
        left.iter().map(|window| Known { window, ..*k }).collect::<Vec<_>>()
    });
    // An odd bar that is over is told otherwise, or once more, in its own time.
    let odd = |window: &Window| match window.to <= got.sure {
        true => Loose { expires: got.settles, ..loose(*window) },
        false => loose(*window),
    };
    let mut out = Attested { horizon, known: sound.collect(), loose: suspects.iter().map(odd).collect() };
    // Where sessions decide when bars open, the period before may still go on.
    let growing = grid.open(grid.index(got.sure) - i64::from(!grid.even));
    let over = Window::new(open_end.from, open_end.to.min(growing));
    let forming = Window::new(open_end.from.max(growing), open_end.to);
    out.loose
        .extend(Some(over).filter(|w| !w.is_empty()).map(|window| Loose { expires: got.settles, ..loose(window) }));
    out.loose.extend(Some(forming).filter(|w| !w.is_empty()).map(loose));
    out
}

fn bounds(a: &[Ts], b: &[Ts]) -> (Option<Ts>, Option<Ts>) {
    let first = a.first().into_iter().chain(b.first()).min().copied();
    (first, a.last().into_iter().chain(b.last()).max().copied())
}

fn last_end(last: Option<Ts>, grid: Grid) -> Ts {
    last.map_or(BEGINNING, |open| grid.cover_end(open))
}

fn whole_direction(call: &Call) -> Window {
    match call.anchor {
        Anchor::Start => Window::new(call.window.from, END),
        Anchor::End => Window::new(BEGINNING, call.window.to),
        Anchor::Both => call.window,
    }
}

/// Did the call ask for everything there is before its first row?
fn starts_history(call: &Call, answered: &Window) -> bool {
    answered.from == BEGINNING || call.window.from <= 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const NOW: Ts = 100 * HOUR + 1_800_000;

    fn grid() -> Grid {
        Grid::new("1h".parse().expect("an interval"), 0)
    }

    fn call(from: i64, to: i64, anchor: Anchor) -> Call {
        let window = Window::new(from * HOUR, to * HOUR);
        Call {
            window,
            limit: (to - from) as u64,
            anchor,
            columns: Columns::OHLCV,
            need: window,
            reach: window,
            exact: false,
        }
    }

    fn answer(call: &Call, hours: &[i64]) -> Attested {
        let times: Vec<Ts> = hours.iter().map(|h| h * HOUR).collect();
        let got = Received {
            times: &times,
            suspect: &[],
            rows: times.len() as u64,
            live: None,
            at: NOW,
            sure: NOW,
            expires: NOW + 60_000,
            settles: NOW + 60_000,
        };
        attest(call, got, grid(), 5_000)
    }

    fn settled(attested: &Attested) -> Vec<(i64, i64)> {
        attested.known.iter().map(|k| (k.window.from / HOUR, k.window.to / HOUR)).collect()
    }

    #[test]
    fn a_cut_answer_attests_only_what_it_contains() {
        let cut = answer(&call(10, 13, Anchor::Start), &[10, 11, 12]);
        assert_eq!((settled(&cut), cut.loose.len()), (vec![(10, 13)], 0));
        let cut = answer(&call(10, 13, Anchor::End), &[10, 11, 12]);
        assert_eq!(settled(&cut), [(10, 13)]);
    }

    #[test]
    fn a_short_answer_attests_to_now_but_not_what_is_forming() {
        let short = answer(&call(98, 110, Anchor::Start), &[98, 99, 100]);
        assert_eq!(settled(&short), [(98, 100)]);
        assert_eq!(short.loose[0].window, Window::new(100 * HOUR, 101 * HOUR));
    }

    #[test]
    fn a_hole_inside_an_answer_is_answered() {
        let cut = answer(&call(10, 14, Anchor::Start), &[10, 11, 14, 15]);
        assert_eq!(settled(&cut), [(10, 16)]);
    }

    #[test]
    fn a_call_with_two_ends_attests_what_lies_between_them() {
        assert_eq!(settled(&answer(&call(10, 13, Anchor::Both), &[10, 11, 12])), [(10, 13)]);
        assert_eq!(settled(&answer(&call(10, 14, Anchor::Both), &[11])), [(10, 14)]);
        assert_eq!(settled(&answer(&call(10, 14, Anchor::Both), &[])), [(10, 14)]);
    }

    #[test]
    fn nothing_from_the_row_of_now_on_is_final() {
        let grid = Grid::uneven("1h".parse().expect("an interval"));
        let live = 20 * HOUR + 7_000;
        let times = [18 * HOUR, 19 * HOUR, live];
        let got = Received {
            times: &times,
            suspect: &[],
            rows: 3,
            live: Some(live),
            at: NOW,
            sure: NOW,
            expires: NOW + 60_000,
            settles: NOW + 60_000,
        };
        let attested = attest(&call(10, 90, Anchor::Both), got, grid, 5_000);
        assert_eq!((settled(&attested), attested.horizon), (vec![(10, 20)], 20 * HOUR));
        assert_eq!(attested.loose[0].window, Window::new(20 * HOUR, 90 * HOUR));
        let long_ago = attest(&call(10, 90, Anchor::Both), Received { live: None, ..got }, grid, 5_000);
        assert_eq!(settled(&long_ago), [(10, 90)]);
    }

    #[test]
    fn nothing_is_an_answer_too() {
        let none = answer(&call(10, 14, Anchor::Start), &[]);
        assert_eq!(none.known[0].reason, Reason::Empty);
        assert_eq!(settled(&none), [(10, 100)]);
    }

    #[test]
    fn history_begins_at_the_first_row_of_everything() {
        let probe = answer(&call(0, 1, Anchor::Start), &[40]);
        assert_eq!(settled(&probe), [(0, 40), (40, 41)]);
        assert_eq!(probe.known[0].reason, Reason::BeforeListing);
    }

    #[test]
    fn a_bar_off_the_grid_attests_no_further_than_its_period() {
        let ask = call(10, 12, Anchor::Start);
        let odd = 11 * HOUR + 28 * 60_000 + 15_000;
        let got = Received {
            times: &[10 * HOUR, odd],
            suspect: &[],
            rows: 2,
            live: None,
            at: NOW,
            sure: NOW,
            expires: NOW + 60_000,
            settles: NOW + 60_000,
        };
        assert_eq!(settled(&attest(&ask, got, grid(), 5_000)), [(10, 12)]);
    }

    #[test]
    fn what_is_known_for_good_is_not_unlearnt() {
        let mut ledger = Ledger::default();
        ledger.record(&answer(&call(98, 110, Anchor::Start), &[98, 99, 100]));
        let later = Received {
            times: &[98 * HOUR, 99 * HOUR, 100 * HOUR, 101 * HOUR],
            suspect: &[],
            rows: 4,
            live: None,
            at: NOW + HOUR,
            sure: NOW + HOUR,
            expires: NOW + 2 * HOUR,
            settles: NOW + 2 * HOUR,
        };
        ledger.record(&attest(&call(98, 110, Anchor::Start), later, grid(), 5_000));
        ledger.record(&answer(&call(98, 110, Anchor::Start), &[98, 99, 100]));
        assert_eq!(ledger.known().iter().map(|k| k.window.to / HOUR).collect::<Vec<_>>(), [101]);
        assert!(ledger.loose().iter().all(|l| l.window.from >= 101 * HOUR), "{:?}", ledger.loose());
    }

    #[test]
    fn a_suspect_row_is_never_settled() {
        let ask = call(10, 13, Anchor::Start);
        let got = Received {
            times: &[10 * HOUR, 12 * HOUR],
            suspect: &[11 * HOUR],
            rows: 3,
            live: None,
            at: NOW,
            sure: NOW,
            expires: NOW + 60_000,
            settles: NOW + 60_000,
        };
        let mut ledger = Ledger::default();
        ledger.record(&attest(&ask, got, grid(), 5_000));
        let all = Window::new(10 * HOUR, 13 * HOUR);
        assert!(ledger.covers(all, Columns::OHLCV, NOW));
        assert!(!ledger.covers(all, Columns::OHLCV, NOW + 60_000));
        assert!(ledger.covers(Window::new(10 * HOUR, 11 * HOUR), Columns::OHLCV, NOW + 60_000));
    }

    #[test]
    fn columns_are_covered_each_by_itself() {
        let mut ledger = Ledger::default();
        let vwap: Columns = [crate::columns::Column::Vwap].into_iter().collect();
        let entry =
            |from, to, columns| Known { window: Window::new(from, to), columns, reason: Reason::Data, fetched_at: 0 };
        ledger.insert(entry(0, 10, Columns::OHLCV));
        ledger.insert(entry(5, 20, vwap));
        let both: Columns = Columns::OHLCV.iter().chain(vwap.iter()).collect();
        assert!(ledger.covers(Window::new(0, 10), Columns::OHLCV, 0));
        assert!(ledger.covers(Window::new(5, 10), both, 0));
        assert!(!ledger.covers(Window::new(0, 10), both, 0));
    }
}
