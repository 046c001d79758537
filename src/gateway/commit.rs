//! Keeping what actually arrived: fragments, coverage, envelope and basis in one swap.

use super::Gateway;
use crate::fetch::Landed;
use crate::store::cell::Cell;
use crate::store::fragment::Fragment;
use crate::store::snapshot::{Piece, Snapshot, holds};
use finex_core::calendar::Span;
use finex_core::columns::{Bars, Column};
use finex_core::envelope::Envelope;
use finex_core::event::{Event, Provenance};
use finex_core::plan::coverage::{Attested, Known, Reason, Received, attest};
use finex_core::plan::{Anchor, Call, ttl};
use finex_core::series::{FragmentKey, Version};
use finex_core::status::ErrorClass;
use finex_core::time::{BEGINNING, Ts, Window};
use finex_core::truth::basis::{self, Verdict};
use finex_core::truth::quality;
use finex_providers::{Failure, Shape};
use std::sync::Arc;

const DAY: i64 = 86_400_000;

impl Gateway {
    /// Judges what arrived for a call and takes it into the series. What was invalidated meanwhile is not taken: those
    /// who wait will ask again.
    pub(super) async fn commit(
        &self,
        cell: &Arc<Cell>,
        call: &Call,
        landed: Landed,
        epoch: u64,
    ) -> Result<(), Failure> {
        let Landed { mut said, at, theirs, max_age } = landed;
        said.envelope.seen_at = at;
        // What is announced has rewritten nothing yet.
        said.envelope.acted.retain(|_, date| *date <= at);
        // Where the two clocks differ, what is over by both is final, and what has begun by one of them is not to come.
        let sure = theirs.map_or(at, |theirs| theirs.min(at)).min(self.clocks.own());
        theirs.inspect(|theirs| self.clocks.hear(*theirs));
        let (admissible, now) = (cell.provider.admissible(&cell.series, call), (self.clock)().max(at));
        let now = theirs.map_or(now, |theirs| theirs.max(now));
        let latest = now.saturating_add(cell.provider.ahead(&cell.series));
        let mut checked = quality::check(&said.bars, cell.grid, admissible.from, admissible.to, latest)
            .map_err(|refused| bad_data(&refused.to_string()))?;
        confirm(cell, &mut checked);
        let mut rules = checked.rules.clone();
        rules.sort_unstable();
        for same in rules.chunk_by(|a, b| a == b) {
            let series = cell.series.as_ref().clone();
            self.events.tell(Event::Quarantined { series, bars: same.len(), rule: same[0] });
        }
        let settle = self.limits(&cell.series).map_or(0, |limits| limits.settle);
        let market = self.market(cell, &checked.sound, call.window, max_age, (self.clock)());
        let (interval, multiplier) = (cell.series.interval, self.cache.ttl_multiplier);
        let lag = if cell.grid.even { settle } else { settle.saturating_add(interval.nominal_len()) };
        let ended = cell.grid.open(cell.grid.index(sure) - i64::from(!cell.grid.even));
        let received = Received {
            times: &checked.sound.times,
            suspect: &checked.suspect.times,
            rows: said.bars.len() as u64,
            live: said.live,
            at,
            sure,
            expires: ttl::forming(interval, market, multiplier),
            settles: ttl::unsettled(ended, lag, market, multiplier),
        };
        // An answer that says of which window it speaks is whole there.
        let whole = said.spoken.map(|window| Call { window, limit: u64::MAX, anchor: Anchor::Both, ..*call });
        let call = whole.as_ref().unwrap_or(call);
        let mut attested = attest(call, received, cell.grid, settle);
        let since = said.since.filter(|since| said.bars.times.first().is_none_or(|first| since <= first));
        attested.known.extend(unlisted(call, since, at));
        let told = self.compare(cell, &checked.sound, &said.envelope, &attested, at).await;
        // Without what could not be read.
        let held = cell.snapshot();
        let arrival = Arrival {
            cell,
            checked: &checked,
            attested: &attested,
            envelope: &said.envelope,
            window: call.window,
            live: said.live.filter(|live| stands_alone(cell, &said.bars, *live)),
            span: self.span(cell),
            at,
        };
        let entered = cell.update(|snapshot| arrival.enter(snapshot, epoch, &told));
        cell.see(&said.envelope);
        // With nothing there to compare, what arrives is the first of its basis.
        cell.note_comparison(&held, &checked.sound.times, at);
        self.tell(cell, &entered);
        self.put_aside(cell, entered.superseded);
        Ok(())
    }

    /// Where fragments of a series are cut.
    pub(super) fn span(&self, cell: &Cell) -> Span {
        let density = self.limits(&cell.series).map_or(1.0, |limits| limits.density);
        self.cache.span(cell.series.interval, density)
    }

    /// What an answer tells of bars that are held: they are compared with those that come once more, and an action that is
    /// younger than a held bar's fetch speaks for itself.
    async fn compare(&self, cell: &Arc<Cell>, sound: &Bars, envelope: &Envelope, attested: &Attested, at: Ts) -> Told {
        let kinds = cell.provider.rewritten_by(&cell.series);
        let snapshot = cell.snapshot();
        let currency = |envelope: &Envelope| cell.provider.currency(&cell.series, envelope);
        let (before, now) = (currency(&snapshot.envelope), currency(envelope));
        let is_other_money = !before.is_empty() && !now.is_empty() && before != now;
        if is_other_money || kinds.is_some_and(|kinds| snapshot.is_outdated(envelope.acted(kinds))) {
            return Told::Rewritten;
        }
        let mut held: Vec<(Piece, Bars)> = Vec::new();
        for piece in snapshot.pieces.iter().filter(|piece| overlaps(piece, sound)) {
            let Some((fragment, _)) = self.tiers.load(cell, piece).await else { continue };
            let Ok(bars) = cell.provider.reread(&cell.series, fragment.rows()) else { continue };
            held.push((piece.clone(), bars));
        }
        let all = held.iter().map(|(_, bars)| bars.clone()).reduce(|before, bars| before.overlay(&bars));
        let verdict = all.map_or(Verdict::Same, |held| basis::judge(&held, sound));
        if kinds.is_some() && verdict == Verdict::Rebased {
            return Told::Rewritten;
        }
        // Within days the first bar of an answer may lack volume that came before it (seen of Yahoo).
        let first = usize::from(cell.series.interval.nominal_len() < DAY);
        let lasting = sound.select(|row| row >= first && sound.times[row] < attested.horizon);
        // An answer that was asked for before a bar was fetched is the older word.
        let newer = held.into_iter().filter(|(piece, _)| piece.fetched_at < at);
        Told::Corrected(newer.filter_map(|(piece, bars)| Correction::of(cell, piece, &bars, &lasting)).collect())
    }

    fn tell(&self, cell: &Cell, entered: &Entered) {
        if let Some(basis) = entered.basis {
            self.events.tell(Event::NewBasis { series: cell.series.as_ref().clone(), basis });
        }
        if entered.corrected > 0 {
            let series = cell.series.as_ref().clone();
            self.events.tell(Event::Corrected { series, bars: entered.corrected });
        }
        for fragment in entered.pieces.iter().filter_map(|piece| piece.pending.clone()) {
            self.tiers.memory.insert(fragment.clone());
            self.events.tell(Event::Stored {
                key: fragment.key.clone(),
                rows: fragment.len(),
                bytes: fragment.weight(),
                provenance: Provenance::Call,
            });
        }
    }

    /// Gives up bars that an action has rewritten since they were fetched: the symbol's other series may have told.
    pub(super) fn give_up_outdated(&self, cell: &Arc<Cell>) {
        let at = cell.rewritten_at();
        if !cell.snapshot().is_outdated(at) {
            return;
        }
        let (superseded, basis) = cell.update(|snapshot| match snapshot.is_outdated(at) {
            true => (snapshot.rebase(cell.reach((self.clock)())), Some(snapshot.basis)),
            false => (Vec::new(), None),
        });
        self.tell(cell, &Entered { basis, ..Entered::default() });
        self.put_aside(cell, superseded);
    }

    /// Renames the files of an older basis and writes the ledger without them, whether or not the client stays.
    fn put_aside(&self, cell: &Arc<Cell>, superseded: Vec<Piece>) {
        let Some(gateway) = self.me.upgrade().filter(|_| !superseded.is_empty()) else { return };
        let cell = cell.clone();
        self.tasks.spawn(async move { gateway.tiers.supersede(&cell, &superseded).await });
    }
}

/// Has the row of now taken the place of its period's bar?
fn stands_alone(cell: &Cell, bars: &Bars, live: Ts) -> bool {
    let period = cell.grid.index(live);
    !bars.times.iter().rev().skip(1).take(1).any(|open| cell.grid.index(*open) == period)
}

/// Is one of these bars held?
fn overlaps(piece: &Piece, bars: &Bars) -> bool {
    bars.times.iter().any(|open| piece.times.contains(*open))
}

/// Before the first bar there ever was there is nothing.
fn unlisted(call: &Call, since: Option<Ts>, at: Ts) -> Option<Known> {
    let window = Window::new(BEGINNING, call.window.from);
    let entry = Known { window, columns: call.columns, reason: Reason::BeforeListing, fetched_at: at };
    since.filter(|since| call.window.from <= *since && !call.exact).map(|_| entry)
}

/// The same implausible reading twice is the provider's word: it is kept, or it would be asked for for ever.
fn confirm(cell: &Cell, checked: &mut quality::Checked) {
    let snapshot = cell.snapshot();
    let is_null = |row: usize| checked.suspect.column(Column::Close).is_some_and(|closes| closes.get(row).is_none());
    let said_before = |row: usize| {
        // A null may get its numbers for some days, however often it is read.
        if is_null(row) {
            return false;
        }
        let open = checked.suspect.times[row];
        let now = cell.provider.encode(&cell.series, &checked.suspect.select(|r| r == row), Shape(0));
        snapshot.loose.iter().filter(|run| run.times.contains(open)).any(|run| {
            let at = run.times.lower_bound(open);
            run.rows().iter().zip(now.iter()).all(|(before, now)| before.row(at) == now.row(0))
        })
    };
    let confirmed = checked.suspect.select(said_before);
    if !confirmed.is_empty() {
        checked.suspect = checked.suspect.select(|row| !said_before(row));
        checked.sound = checked.sound.overlay(&confirmed);
    }
}

/// An answer about to enter a snapshot.
struct Arrival<'a> {
    cell: &'a Cell,
    checked: &'a quality::Checked,
    attested: &'a Attested,
    envelope: &'a Envelope,
    window: Window,
    live: Option<Ts>,
    span: Span,
    at: Ts,
}

/// What an answer says of bars that are held.
enum Told {
    /// History is another one now.
    Rewritten,
    Corrected(Vec<Correction>),
}

/// A held fragment with other numbers for some of its bars.
struct Correction {
    piece: Piece,
    bars: Bars,
    rows: usize,
}

impl Correction {
    fn of(cell: &Cell, piece: Piece, held: &Bars, fresh: &Bars) -> Option<Correction> {
        let rows = basis::corrections(held, fresh, cell.grid);
        let complete = rows.set().includes(held.set());
        (!rows.is_empty() && complete).then(|| Correction { piece, bars: held.overlay(&rows), rows: rows.len() })
    }
}

/// What entered, and what had to go.
#[derive(Default)]
struct Entered {
    pieces: Vec<Piece>,
    superseded: Vec<Piece>,
    /// Bars that were held and have other numbers now.
    corrected: usize,
    /// The new basis, if one began.
    basis: Option<u32>,
}

impl Arrival<'_> {
    /// Writes rows, coverage and envelope; history that was rewritten goes first, so that two bases never meet.
    fn enter(&self, snapshot: &mut Snapshot, epoch: u64, told: &Told) -> Entered {
        let mut entered = Entered::default();
        if snapshot.epoch != epoch {
            return entered;
        }
        match told {
            Told::Rewritten => {
                entered.superseded = snapshot.rebase(self.cell.reach(self.at));
                entered.basis = Some(snapshot.basis);
            }
            Told::Corrected(corrections) => self.correct(snapshot, corrections, &mut entered),
        }
        for run in self.runs(snapshot) {
            let piece = Piece::new(Arc::new(self.fragment(&run, snapshot.basis, self.at)));
            snapshot.insert(piece.clone());
            entered.pieces.push(piece);
        }
        // Where only emptiness was known, an implausible bar is something new, and it has to have a life that ends.
        for open in self.checked.suspect.times.iter().filter(|open| !holds(&snapshot.pieces, **open)) {
            snapshot.ledger.forget(self.cell.grid.periods(*open, *open));
        }
        snapshot.ledger.record(self.attested);
        self.enter_loose(snapshot);
        let speaks_of_it = |live: Ts| self.window.contains(live) || self.window.contains(self.at);
        let newest = self.at >= snapshot.envelope.seen_at;
        if newest && (self.live.is_some() || snapshot.live.is_none_or(speaks_of_it)) {
            snapshot.live = self.live;
        }
        if !self.envelope.is_empty() {
            let notes = self.notes(snapshot);
            Arc::make_mut(&mut snapshot.envelope).overlay(&notes, self.window);
        }
        entered
    }

    /// What the provider said, and the closes before the fragments that it spoke of: the one before may be lost one day.
    fn notes(&self, snapshot: &Snapshot) -> Envelope {
        let mut notes = self.envelope.clone();
        for piece in snapshot.pieces.iter().filter(|piece| overlaps(piece, &self.checked.sound)) {
            self.cell.provider.note_before(&self.cell.series, &self.checked.sound, piece.key.first, &mut notes);
        }
        notes
    }

    /// Puts what the provider says now in the place of what it said before.
    fn correct(&self, snapshot: &mut Snapshot, corrections: &[Correction], entered: &mut Entered) {
        for Correction { piece, bars, rows } in corrections {
            let fragment = self.fragment(bars, piece.key.version.basis, self.at);
            let (used, seen) = (piece.used.clone(), piece.seen.clone());
            let corrected = Piece { used, seen, ..Piece::new(Arc::new(fragment)) };
            if snapshot.swap(std::slice::from_ref(piece), corrected.clone()) {
                entered.pieces.push(corrected);
                entered.corrected += rows;
            }
        }
        if entered.corrected > 0 {
            snapshot.corrected = Some((self.at, entered.corrected));
        }
    }

    /// Final bars that are not held yet, cut at natural boundaries and around what is already there.
    fn runs(&self, snapshot: &Snapshot) -> Vec<Bars> {
        let sound = &self.checked.sound;
        let fresh: Vec<usize> = (0..sound.len())
            .filter(|row| sound.times[*row] < self.attested.horizon && !within(&snapshot.pieces, sound.times[*row]))
            .collect();
        let together = |a: &usize, b: &usize| {
            let (a, b) = (sound.times[*a], sound.times[*b]);
            let between = Window::new(a.saturating_add(1), b);
            self.span.around(a) == self.span.around(b)
                && !snapshot.pieces.iter().any(|piece| between.contains(piece.key.first))
                && !self.checked.suspect.times.iter().any(|open| between.contains(*open))
        };
        fresh.chunk_by(together).map(|rows| chosen(sound, rows)).collect()
    }

    /// Bars that may still change: what they replace goes.
    fn enter_loose(&self, snapshot: &mut Snapshot) {
        let spoken_of = |open: Ts| {
            let known = self.attested.known.iter().map(|k| k.window);
            known.chain(self.attested.loose.iter().map(|l| l.window)).any(|w| w.contains(open))
        };
        let stays = |open: Ts| !spoken_of(open) && !holds(&snapshot.pieces, open);
        let mut loose: Vec<Arc<Fragment>> = snapshot.loose.iter().flat_map(|run| self.left_of(run, &stays)).collect();
        let arrived = self.checked.sound.select(|row| self.checked.sound.times[row] >= self.attested.horizon);
        let arrived = arrived.overlay(&self.checked.suspect);
        // A bar that is held as final stays so: this answer may be older than that one.
        let fresh: Vec<usize> =
            (0..arrived.len()).filter(|row| !within(&snapshot.pieces, arrived.times[*row])).collect();
        let together = |a: &usize, b: &usize| {
            let between = Window::new(arrived.times[*a].saturating_add(1), arrived.times[*b]);
            let pieces = snapshot.pieces.iter().map(|piece| piece.key.first);
            !pieces.chain(loose.iter().map(|run| run.key.first)).any(|first| between.contains(first))
        };
        let runs: Vec<Bars> = fresh.chunk_by(together).map(|rows| chosen(&arrived, rows)).collect();
        loose.extend(runs.iter().map(|run| Arc::new(self.fragment(run, snapshot.basis, self.at))));
        loose.sort_by_key(|run| run.key.first);
        let odd = self.checked.suspect.times.iter().copied().filter(|open| !within(&snapshot.pieces, *open));
        let mut suspect: Vec<Ts> = snapshot.suspect.iter().copied().filter(|open| stays(*open)).chain(odd).collect();
        suspect.sort_unstable();
        snapshot.suspect = suspect.into();
        snapshot.loose = loose;
    }

    /// What of a run stays: whole stretches of it, between which other bars may come to lie.
    fn left_of(&self, run: &Arc<Fragment>, stays: &impl Fn(Ts) -> bool) -> Vec<Arc<Fragment>> {
        let opens: Vec<Ts> = run.times.iter().collect();
        let staying: Vec<usize> = (0..opens.len()).filter(|row| stays(opens[*row])).collect();
        if staying.len() == opens.len() || staying.is_empty() {
            return staying.first().map(|_| run.clone()).into_iter().collect();
        }
        let Ok(bars) = self.cell.provider.reread(&self.cell.series, run.rows()) else { return Vec::new() };
        let stretches = staying.chunk_by(|a, b| a + 1 == *b);
        let fragment = |rows: &[usize]| self.fragment(&chosen(&bars, rows), run.key.version.basis, run.fetched_at);
        stretches.map(|rows| Arc::new(fragment(rows))).collect()
    }

    fn fragment(&self, bars: &Bars, basis: u32, fetched_at: Ts) -> Fragment {
        let (first, last) = finex_providers::range(bars).unwrap_or_default();
        let key = FragmentKey {
            series: self.cell.series.as_ref().clone(),
            first,
            last,
            columns: bars.set(),
            version: Version { layout: Version::LAYOUT, basis },
        };
        Fragment::new(key, bars, self.cell.grid, self.cell.provider.as_ref(), fetched_at)
    }
}

/// Does a bar open within the span of a piece? What comes late to a stretch that was complete is not taken in: it would
/// stand out of order.
fn within(pieces: &[Piece], open: Ts) -> bool {
    let at = pieces.partition_point(|piece| piece.key.last < open);
    pieces.get(at).is_some_and(|piece| piece.key.first <= open)
}

/// Some rows, by their numbers in order.
fn chosen(bars: &Bars, rows: &[usize]) -> Bars {
    bars.select(|row| rows.binary_search(&row).is_ok())
}

fn bad_data(detail: &str) -> Failure {
    Failure::new(ErrorClass::Up, format!("the provider's answer is refused: {detail}"))
}
