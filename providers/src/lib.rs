//! What finex knows of each provider: facts as TOML, shapes as code. No I/O.
//!
//! A provider is a pair: `<id>.toml` holds what can be written down (hosts, caps, costs, vocabularies), `<id>.rs` what
//! cannot (which request is a series, how rows are read and written, what an error looks like).

pub mod alphavantage;
pub mod binance;
pub mod coingecko;
pub mod described;
pub mod endpoint;
pub mod json;
pub mod keys;
pub mod manifest;
pub mod meaning;
pub mod query;
mod registry;
pub mod rows;
pub mod shape;
pub mod stamp;
mod stand_in;
pub mod twelvedata;
pub mod yahoo;

pub use registry::Registry;

use bytes::Bytes;
use finex_core::ask::Ask;
use finex_core::calendar::{Grid, Interval};
use finex_core::columns::{Bars, Columns};
use finex_core::envelope::Envelope;
use finex_core::exchange::Exchange;
use finex_core::plan::{Call, Limits};
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::{Ts, Window};
use keys::Credential;
use manifest::Manifest;
use rows::Runs;
use std::sync::Arc;

/// A request as a provider would see it: the path without finex' prefix.
pub struct NativeRequest<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    pub now: Ts,
}

/// What a native request is.
#[derive(Debug)]
pub enum Recognised {
    Series(NativeAsk),
    /// Several series at once.
    Batch(Batch),
    /// The provider would refuse it, and so do we, without asking.
    Refused(NativeError),
    /// What a client needs of the provider's session, which is the gateway's business.
    Local(Local),
    /// Not a series: forwarded as it is.
    Forward,
}

/// An answer of the gateway's own in the provider's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    pub content_type: &'static str,
    pub body: &'static str,
    pub cookies: &'static [&'static str],
}

/// An ask with the way its answer is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeAsk {
    pub series: Arc<Series>,
    pub ask: Ask,
    pub native: Native,
}

/// A request for several series.
#[derive(Debug)]
pub struct Batch {
    /// By the names that the client gave them, in the order of the answer.
    pub members: Vec<(String, Result<NativeAsk, NativeError>)>,
    /// Rows of all members together at most, counted in their order.
    pub page: Option<u64>,
    pub newest_first: bool,
    /// As in [`Native`].
    pub options: u32,
}

/// One member's answer, as far as the whole depends on it.
pub struct Part<'a> {
    pub name: &'a str,
    pub error: Option<&'a NativeError>,
    pub rows: usize,
    pub range: Option<(Ts, Ts)>,
    /// Open time of the first row that the page leaves out.
    pub more: Option<Ts>,
}

/// The answer to a batch: text, and the answers of members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    pub joints: Vec<Joint>,
    pub content_type: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joint {
    Text(Bytes),
    Part(usize),
}

/// How a client put it, where the ask does not say it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Native {
    pub shape: Shape,
    pub named: Named,
    /// What of the envelope is wanted, in bits of the provider's own.
    pub options: u32,
    /// Rows of a page at most, where the provider cuts its answers and says how to go on. The ask is for one more.
    pub page: Option<u64>,
}

/// By which words a window was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Named {
    /// Those of the ask.
    #[default]
    Ask,
    /// A first and a last instant, both inclusive; the bar that contains the first is meant too.
    Span { from: Ts, to: Ts },
    /// So much back from the last trade.
    Range(&'static str),
    /// On the clock of the symbol's exchange, as if that were UTC; half-open.
    Local { from: Ts, to: Ts },
}

/// One of a provider's ways of writing the same rows; 0 is the one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape(pub u32);

/// What came back for a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub bars: Bars,
    pub envelope: Envelope,
    /// The row that stands for now instead of a bar.
    pub live: Option<Ts>,
    /// The first bar there ever was, where the provider says so.
    pub since: Option<Ts>,
    /// The window of which the answer speaks, where it is not that of the call: all of it is answered.
    pub spoken: Option<Window>,
}

impl Decoded {
    /// Together with the answer that goes on where this one ends.
    pub fn followed_by(mut self, more: Decoded) -> Decoded {
        if self.bars.columns.is_empty() {
            return more;
        }
        (0..more.bars.len()).for_each(|row| self.bars.push_row(&more.bars, row));
        self.envelope.overlay(&more.envelope, Window::new(0, 0));
        self.live = more.live.or(self.live);
        self.since = self.since.or(more.since);
        self.spoken = match (self.spoken, more.spoken) {
            (Some(a), Some(b)) => Some(Window::new(a.from.min(b.from), a.to.max(b.to))),
            (a, b) => a.or(b),
        };
        self
    }
}

/// Pieces of an answer: text, and rows of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Text(Bytes),
    Static(&'static str),
    Run(usize),
}

/// A native answer before its rows are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub segments: Vec<Segment>,
    pub content_type: &'static str,
    /// What stands between rows of a run.
    pub separator: &'static str,
    /// How the rows are written.
    pub shape: Shape,
}

/// What an answer is composed from.
pub struct Page<'a> {
    pub series: &'a Series,
    pub native: Native,
    /// The window of the ask.
    pub window: Window,
    /// Open time of the first and last row, if there is one.
    pub range: Option<(Ts, Ts)>,
    pub rows: usize,
    /// The newest row, as it is kept.
    pub newest: Option<&'a [u8]>,
    /// Open time of the first row that the page leaves out.
    pub more: Option<Ts>,
    /// The close before, if it is held: see [`Provider::close_before`].
    pub before: Option<f64>,
    /// What was said of this series.
    pub notes: &'a Envelope,
    /// What was last said of the symbol.
    pub sight: &'a Sight,
    /// Where the client finds this provider, for links: `http://127.0.0.1:8080/polygon`.
    pub base: &'a str,
    pub now: Ts,
}

/// The newest that was said of a symbol, with its facts written as an answer has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    pub envelope: Envelope,
    pub written: Bytes,
}

/// An answer of the provider's own kind that carries no data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeError {
    pub status: u16,
    pub body: String,
    pub content_type: &'static str,
    /// Why, in finex' words, for the header.
    pub reason: String,
}

/// The request line of an upstream call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub path: String,
    pub query: String,
}

/// A refusal or failure, as far as the client's answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub class: ErrorClass,
    pub detail: String,
    /// Seconds until another try makes sense.
    pub retry_after: Option<u64>,
    /// The provider's own refusal, where it had its own shape.
    pub native: Option<(u16, String)>,
    pub timed_out: bool,
    /// The answer is the provider's, but has what we could not give back: the client gets it from the provider itself.
    pub pass_on: bool,
}

impl Failure {
    pub fn new(class: ErrorClass, detail: impl Into<String>) -> Failure {
        Failure { class, detail: detail.into(), retry_after: None, native: None, timed_out: false, pass_on: false }
    }

    /// Without the key that the call was made with, which some providers repeat.
    pub fn scrubbed(mut self, credential: Option<&Credential>) -> Failure {
        if let Some(credential) = credential {
            self.detail = credential.scrub(&self.detail);
            self.native = self.native.map(|(status, body)| (status, credential.scrub(&body)));
        }
        self
    }
}

/// A body that is not the data it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {provider} data: {detail}")]
pub struct Undecodable {
    pub provider: String,
    pub detail: String,
    /// Is it data all the same, only with something in it that could not be given back?
    pub foreign: bool,
}

impl Undecodable {
    pub fn failure(&self) -> Failure {
        Failure { pass_on: self.foreign, ..Failure::new(ErrorClass::Up, self.to_string()) }
    }

    pub fn new(provider: impl Into<String>, detail: impl Into<String>) -> Undecodable {
        Undecodable { provider: provider.into(), detail: detail.into(), foreign: false }
    }
}

/// A question that this provider cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error("{provider} has no bars of {interval}; it has {has}")]
    Interval { provider: String, interval: String, has: String },
    #[error("`{symbol}` is no symbol of {provider}: {rule}")]
    Symbol { provider: String, symbol: String, rule: &'static str },
    #[error("{symbol} is quoted in {own}, and finex does not convert to {asked}")]
    Currency { symbol: String, own: String, asked: String },
}

pub trait Provider: Send + Sync {
    fn manifest(&self) -> &Manifest;

    fn recognise(&self, request: &NativeRequest<'_>) -> Recognised;

    /// The series that the unified API means by a symbol and an interval.
    fn series(&self, symbol: &str, interval: Interval) -> Result<Series, Unsupported>;

    /// The grid on which the bars of a series open.
    fn grid(&self, series: &Series) -> Grid {
        Grid::new(series.interval, 0)
    }

    /// The columns that its bars have.
    fn columns(&self, _series: &Series) -> Columns {
        self.manifest().columns
    }

    /// What the planner needs to know; calls are widened up to `widen_bytes`.
    fn limits(&self, _series: &Series, widen_bytes: u64, max_calls: u64) -> Limits {
        self.manifest().planning(widen_bytes, max_calls)
    }

    /// A call in the provider's terms; an exact one in those that the client named.
    fn call(&self, series: &Series, call: &Call, named: Named, now: Ts) -> Upstream;

    /// The range in which rows of the answer may open.
    fn admissible(&self, series: &Series, call: &Call) -> Window;

    /// What kind of refusal an answer is, if it is one. The body is capped.
    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass>;

    fn decode(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable>;

    /// The window of which an answer to a request made at an instant speaks, where the request says it.
    fn spoken(&self, _series: &Series, _asked: &Upstream, _said: &Decoded, _at: Ts) -> Option<Window> {
        None
    }

    /// The request for what an answer left out, where it says how to go on.
    fn next(&self, _series: &Series, _asked: &Upstream, _body: &[u8]) -> Option<Upstream> {
        None
    }

    /// Calls that differ in their symbols alone as one request, where the provider takes them together.
    fn together(&self, _calls: &[(&Series, &Call)]) -> Option<Upstream> {
        None
    }

    /// Of an answer to several calls, what it says to one.
    fn part(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Failure> {
        self.decode(series, call, body).map_err(|error| error.failure())
    }

    /// Rows as this provider writes them.
    fn encode(&self, series: &Series, bars: &Bars, shape: Shape) -> Runs;

    /// The bars behind rows that were encoded in the first shape.
    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable>;

    fn compose(&self, page: &Page<'_>) -> Composed;

    /// The answers of a batch's members as one.
    fn join(&self, batch: &Batch, parts: &[Part<'_>]) -> Joined {
        let _ = (batch, parts);
        Joined { joints: Vec::new(), content_type: "application/json", headers: &[] }
    }

    /// The answer for what could not be had, in the provider's own shape.
    fn error(&self, failure: &Failure) -> NativeError;

    /// Had the bar that a row of now stands for opened before `to`?
    fn opened_before(&self, _live: Ts, _to: Ts, _sight: &Envelope) -> bool {
        true
    }

    /// The refusal that the provider has for a window without bars, if it has one.
    fn absent(&self, _native: Native, _sight: &Envelope) -> Option<NativeError> {
        None
    }

    /// Kinds of actions in an answer that rewrite earlier bars of a series. None where history stays as it is; an empty
    /// list where only bars that come once more show that it did not.
    fn rewritten_by(&self, _series: &Series) -> Option<&'static [&'static str]> {
        None
    }

    /// Does an answer say something of the symbol that no answer can be composed without?
    fn needs_sight(&self) -> bool {
        false
    }

    /// The facts of a symbol as an answer has them.
    fn portray(&self, _envelope: &Envelope) -> Bytes {
        Bytes::new()
    }

    /// The first instant that a client named; none where too little is known of the symbol. `opens` tells which bars open
    /// in a window, as far as they are held.
    fn first_instant(&self, _named: Named, _sight: &Envelope, _opens: &dyn Fn(Window) -> Vec<Ts>) -> Option<Ts> {
        None
    }

    /// The same as long as too little is known: so early that nothing is left out.
    fn first_guess(&self, _named: Named, now: Ts) -> Ts {
        now
    }

    /// How far ahead of now bars may open, in milliseconds: days that are days of no clock begin in the east before they
    /// do in Greenwich.
    fn ahead(&self, _series: &Series) -> i64 {
        0
    }

    /// The name under which what is said of a symbol is kept.
    fn known_as(&self, series: &Series) -> Arc<str> {
        series.symbol.clone()
    }

    /// A window on the clock of the symbol's exchange, in UTC; what is not known yet of the exchange is guessed.
    fn placed(&self, _series: &Series, local: Window, _sight: &Envelope) -> Window {
        local
    }

    /// The earliest open of a bar that could contain an instant.
    fn earliest(&self, _series: &Series, from: Ts) -> Ts {
        from
    }

    /// Does a bar that opens at `open` contain `from`, a later instant?
    fn leads(&self, _series: &Series, _open: Ts, _from: Ts, _sight: &Envelope, _notes: &Envelope) -> bool {
        true
    }

    /// Notes the close before a bar of an answer, where an answer that begins there has to name it: what came before may be
    /// lost by then.
    fn note_before(&self, _series: &Series, _answered: &Bars, _first: Ts, _notes: &mut Envelope) {}

    /// Of the last bar that opens before this, the close stands in an answer whose first bar opens at `first`; in one
    /// without bars, whose first instant is `from`. None where the provider has said it, or where answers name none.
    fn close_before(&self, _series: &Series, _first: Option<Ts>, _from: Option<Ts>, _notes: &Envelope) -> Option<Ts> {
        None
    }

    /// The close of an encoded row, where [`Provider::close_before`] asks for one.
    fn close_of(&self, _runs: &Runs, _row: usize) -> Option<f64> {
        None
    }

    /// Where a series is traded, as far as that can be told: what never closes has no such place.
    fn exchange(&self, _series: &Series, _sight: &Envelope) -> Option<&'static Exchange> {
        None
    }

    /// The currency of a series, where only the provider's answers tell.
    fn currency(&self, series: &Series, _sight: &Envelope) -> String {
        series.currency.to_string()
    }

    /// The zone of its exchange.
    fn timezone(&self, _sight: &Envelope) -> String {
        self.manifest().timezone.clone()
    }
}

/// Open time of the first and last bar of a non-empty run.
pub fn range(bars: &Bars) -> Option<(Ts, Ts)> {
    Some((*bars.times.first()?, *bars.times.last()?))
}
