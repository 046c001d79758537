//! What a manifest says of one way to ask for bars: where each thing stands in a request, and how an answer is written.

use crate::shape::Kind;
use crate::stamp::Unit;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A path that brings bars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Endpoints of one name bring the same bars; the first of them is the one that finex asks.
    pub name: String,
    /// Segments in braces are read: `{symbol}`, `{interval}`, `{from}`, `{to}`.
    pub path: String,
    /// Query parameters for what does not stand in the path.
    #[serde(default)]
    pub symbol: Option<String>,
    /// One that names several symbols, with commas between.
    #[serde(default)]
    pub symbols: Option<String>,
    #[serde(default)]
    pub interval: Option<String>,
    /// The provider's word for the interval of a request that names none.
    #[serde(default)]
    pub default_interval: Option<String>,
    /// Other spellings of the provider's words.
    #[serde(default)]
    pub spellings: BTreeMap<String, String>,
    /// The intervals that it has, if not all of the provider's.
    #[serde(default)]
    pub only: Vec<String>,
    pub from: Bound,
    pub to: Bound,
    #[serde(default)]
    pub limit: Option<Limit>,
    #[serde(default)]
    pub sort: Option<Sort>,
    /// Parameters that change the numbers, with what holds where a request does not name them.
    #[serde(default)]
    pub variant: BTreeMap<String, String>,
    /// Of those, the values that are understood; any where none are named.
    #[serde(default)]
    pub allowed: BTreeMap<String, Vec<String>>,
    /// The words that finex writes here, where they are not the provider's usual ones.
    #[serde(default)]
    pub writes: BTreeMap<String, String>,
    /// Parameters that change nothing.
    #[serde(default)]
    pub ignored: Vec<String>,
    /// Parameters of finex' own calls.
    #[serde(default)]
    pub send: BTreeMap<String, String>,
    pub shape: Kind,
    /// Members on the way to the rows, with slashes between; `{symbol}` stands for the symbol, a number for a place in a
    /// list. Empty: the answer itself.
    #[serde(default)]
    pub rows: String,
    /// `name:column` in order, `name:column?` for what a row may lack, `name:time`.
    pub fields: Vec<String>,
    /// Do numbers stand in quotes?
    #[serde(default)]
    pub quoted: bool,
    /// How times of rows are written.
    pub stamp: Unit,
    #[serde(default)]
    pub label: Label,
    /// The answer, with `${…}` for what varies: see `providers/README.md`.
    pub answer: String,
    /// The same without rows, where it is another.
    #[serde(default)]
    pub empty: Option<String>,
    /// The member by which an answer without rows shows that there are none; where none is named, the first on the way to
    /// the rows, which is then null or empty.
    #[serde(default)]
    pub empty_by: Option<String>,
    /// One symbol's part of an answer for several, which stand in `${members}`.
    #[serde(default)]
    pub member: Option<String>,
    /// Does a symbol without rows have no part?
    #[serde(default)]
    pub skip_empty: bool,
    /// Members beside the rows that are kept as they are, for `${fact:name}`.
    #[serde(default)]
    pub facts: Vec<String>,
    #[serde(default)]
    pub csv: Option<Csv>,
    #[serde(default)]
    pub paging: Option<Paging>,
    #[serde(default)]
    pub rewritten: Option<Rewritten>,
    /// Rows of an answer at most, where the provider keeps the newest without saying so.
    #[serde(default)]
    pub cap: Option<u64>,
    #[serde(default)]
    pub apart: Option<Apart>,
    /// A currency, or `quote` for the one at the end of the symbol.
    #[serde(default)]
    pub currency: String,
    /// What a symbol contains whose days are those of UTC, not of the provider's zone.
    #[serde(default)]
    pub utc_like: Vec<String>,
    /// What a symbol contains that the unified API asks this endpoint for.
    #[serde(default)]
    pub symbols_like: Option<String>,
}

/// One end of a window. Both are inclusive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its query parameter; none where it stands in the path.
    #[serde(default)]
    pub name: Option<String>,
    /// How finex writes it.
    pub unit: Unit,
    /// How clients may write it: `s`, `ms`, `time` (a day, or RFC 3339).
    pub accepts: Vec<Accepts>,
    /// Does a day stand for all of itself, instead of for its beginning?
    #[serde(default)]
    pub whole_days: bool,
    /// Is the bar meant too that an instant lies in?
    #[serde(default)]
    pub reaches_back: bool,
    /// Is a request without it one that only the provider can answer?
    #[serde(default)]
    pub required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accepts {
    S,
    Ms,
    Time,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub name: String,
    pub default: u64,
    pub max: u64,
    /// Does it count the minutes or days that bars are put together from?
    #[serde(default)]
    pub counts_parts: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    pub name: String,
    pub oldest_first: Vec<String>,
    pub newest_first: Vec<String>,
    /// What holds where a request does not say.
    #[serde(default)]
    pub newest_by_default: bool,
}

/// Under which instant a bar is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    #[default]
    Open,
    /// Weeks and longer under their last day from Monday to Friday, holidays or not; shorter ones under their opening.
    LastWeekday,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    pub name: String,
    pub value: String,
    /// What the same parameter says where it means JSON.
    pub json: String,
    pub header: String,
    pub delimiter: char,
    #[serde(default)]
    pub carriage_return: bool,
    pub stamp: Unit,
    #[serde(default)]
    pub content_type: Option<String>,
}

/// How an answer says that there is more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
pub enum Paging {
    /// A member has a URL; further asks carry `parameter`.
    Link { member: String, parameter: String },
    /// A member has a token, which the next request sends as `parameter`.
    Token { member: String, parameter: String },
}

/// Which series have their past rewritten by splits and dividends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewritten {
    /// Not those with such a variant.
    #[serde(default)]
    pub unless: BTreeMap<String, String>,
    /// Of these intervals; none named: of all.
    #[serde(default)]
    pub intervals: Vec<String>,
}

/// The newest part of a window comes from another source, unless a parameter names the source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apart {
    pub unless: String,
    #[serde(deserialize_with = "crate::manifest::millis")]
    pub newest: i64,
}
