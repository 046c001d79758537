//! What finex knows of each provider: facts as TOML, shapes as code. No I/O.
//!
//! A provider is a pair: `<id>.toml` holds what can be written down (hosts, caps, costs, vocabularies), `<id>.rs` what
//! cannot (which request is a series, how rows are read and written, what an error looks like).

pub mod binance;
pub mod manifest;
pub mod rows;

use finex_core::ask::Ask;
use finex_core::columns::Bars;
use finex_core::plan::Call;
use finex_core::series::Series;
use finex_core::status::ErrorClass;
use finex_core::time::{Ts, Window};
use manifest::Manifest;
use rows::Rows;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request as a provider would see it: the path without finex' prefix.
pub struct NativeRequest<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
}

/// What a native request is.
#[derive(Debug)]
pub enum Recognised {
    Series(NativeAsk),
    /// The provider would refuse it, and so do we, without asking.
    Refused(NativeError),
    /// Not a series: forwarded as it is.
    Forward,
}

/// An ask with the way its answer is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeAsk {
    pub series: Arc<Series>,
    pub ask: Ask,
    pub shape: Shape,
}

/// One of a provider's ways of writing the same rows; 0 is the one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Shape(pub u8);

/// How many shapes a provider may have.
pub const SHAPES: usize = 2;

/// What frames the rows of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    pub head: &'static str,
    pub tail: &'static str,
    pub content_type: &'static str,
}

/// An answer of the provider's own kind that carries no data.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Failure {
    pub fn new(class: ErrorClass, detail: impl Into<String>) -> Failure {
        Failure { class, detail: detail.into(), retry_after: None, native: None, timed_out: false }
    }
}

/// A body that is not the data it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {provider} data: {detail}")]
pub struct Undecodable {
    pub provider: &'static str,
    pub detail: String,
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
    fn series(&self, symbol: &str, interval: finex_core::calendar::Interval) -> Result<Series, Unsupported>;

    /// Milliseconds east of UTC in which the bars of a series begin.
    fn offset(&self, _series: &Series) -> i64 {
        0
    }

    fn call(&self, series: &Series, call: &Call) -> Upstream;

    /// The range in which rows of the answer may open.
    fn admissible(&self, call: &Call) -> Window;

    /// What kind of refusal an answer is, if it is one. The body is capped.
    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass>;

    fn decode(&self, series: &Series, body: &[u8]) -> Result<Bars, Undecodable>;

    /// Rows as this provider writes them.
    fn encode(&self, bars: &Bars, shape: Shape) -> Rows;

    fn framing(&self, shape: Shape) -> Framing;

    /// The answer for what could not be had, in the provider's own shape.
    fn error(&self, failure: &Failure) -> NativeError;

    /// The bars behind encoded rows.
    fn reread(&self, series: &Series, rows: &Rows) -> Result<Bars, Undecodable> {
        let framing = self.framing(Shape(0));
        let mut body = Vec::with_capacity(rows.text().len() + 2);
        body.extend_from_slice(framing.head.as_bytes());
        body.extend_from_slice(&rows.slice(0, rows.len()));
        body.extend_from_slice(framing.tail.as_bytes());
        self.decode(series, &body)
    }
}

/// The providers that a gateway knows, by id.
#[derive(Clone, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<dyn Provider>>,
}

impl Registry {
    /// Those built in, with manifests adjusted by `adjust`.
    pub fn builtin(adjust: impl Fn(&mut Manifest)) -> Registry {
        let mut registry = Registry::default();
        registry.add(Arc::new(binance::Binance::new(&adjust)));
        registry
    }

    pub fn add(&mut self, provider: Arc<dyn Provider>) {
        self.providers.insert(provider.manifest().id.clone(), provider);
    }

    pub fn get(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }
}

/// Open time of the first and last bar of a non-empty run.
pub fn range(bars: &Bars) -> Option<(Ts, Ts)> {
    Some((*bars.times.first()?, *bars.times.last()?))
}
