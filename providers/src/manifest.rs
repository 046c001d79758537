//! A provider's facts, as they stand in its TOML.

use crate::Unsupported;
use crate::endpoint::Endpoint;
use crate::keys::Places;
use crate::meaning::Means;
use finex_core::calendar::Interval;
use finex_core::columns::Columns;
use finex_core::plan::Limits;
use finex_core::status::ErrorClass;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Also the prefix of its native paths.
    pub id: String,
    pub name: String,
    pub base_url: String,
    pub timezone: String,
    /// The calendar of its stocks, by MIC.
    #[serde(default)]
    pub exchange: String,
    /// How long after its end a bar may still change, in milliseconds.
    #[serde(deserialize_with = "millis")]
    pub settle: i64,
    pub page: u64,
    pub cost: u32,
    pub row_bytes: u64,
    #[serde(default, deserialize_with = "columns")]
    pub columns: Columns,
    #[serde(default)]
    pub limits: Vec<RateWindow>,
    /// How old final bars are, in milliseconds, when they are looked at once more, if somebody asks for them: providers
    /// correct bars for some days.
    #[serde(default, deserialize_with = "ages")]
    pub recheck: Vec<i64>,
    /// How long it is left alone when it says that this was too fast, and not for how long, in milliseconds.
    #[serde(default = "a_minute", deserialize_with = "millis")]
    pub rate_pause: i64,
    /// finex' spelling → the provider's.
    #[serde(deserialize_with = "intervals")]
    pub intervals: BTreeMap<Interval, String>,
    #[serde(default)]
    pub costs: BTreeMap<String, u32>,
    #[serde(default)]
    pub quotes: Quotes,
    /// Where the provider tells intervals apart.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// A path and query that cost little and that every key may ask for, for who wants to see the limits.
    #[serde(default)]
    pub probe: Option<String>,
    /// How finex names itself to this provider.
    #[serde(default)]
    pub user_agent: Option<String>,
    #[serde(default)]
    pub session: Option<Session>,
    /// Where its keys travel.
    #[serde(default)]
    pub keys: Places,
    /// Do its refusals repeat the key that was sent?
    #[serde(default)]
    pub echoes_keys: bool,
    /// Beginnings of links in its answers that lead back to it, beside the base URL; clients follow them.
    #[serde(default)]
    pub links: Vec<String>,
    /// Do clients put the provider's name before a path that has it already?
    #[serde(default)]
    pub prefix_repeats: bool,
    /// Other names by which paths and requests may call it.
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(default)]
    pub symbols: Symbols,
    /// Ways to ask for bars, of a provider that needs no code of its own.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// How it says no, looked through in order; what none fits is told by its status.
    #[serde(default)]
    pub signatures: Vec<Signature>,
    /// How finex says no in its place.
    #[serde(default)]
    pub refusals: BTreeMap<ErrorClass, Refusal>,
    #[serde(default)]
    pub content_type: Option<String>,
    /// What the unified API's bars of its stocks mean, by interval.
    #[serde(default)]
    pub means: Vec<Means>,
    /// Symbols that one request may name, and whether each of them costs as much as a request.
    #[serde(default)]
    pub batch: Option<Together>,
}

/// What a symbol looks like.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Symbols {
    /// Are lower and upper case one?
    pub upper: bool,
    /// Characters beside letters and digits.
    pub beside: String,
    pub longest: usize,
    /// What stands between a ticker and the letter of its class, if a class is written so and nothing else is.
    pub class: Option<char>,
}

impl Default for Symbols {
    fn default() -> Symbols {
        Symbols { upper: false, beside: ".-_".into(), longest: 40, class: None }
    }
}

/// How a refusal is recognised: by all that is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    #[serde(default)]
    pub status: Option<u16>,
    #[serde(default)]
    pub contains: Option<String>,
    /// None: it is data, whatever its status.
    #[serde(default)]
    pub class: Option<ErrorClass>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub status: u16,
    /// With `${detail}` for the reason in finex' words.
    pub body: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Together {
    pub symbols: usize,
    pub cost_each: bool,
}

/// What holds for some intervals only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub intervals: Vec<String>,
    /// Longest window of one call, and how far back from now it may begin, in milliseconds.
    #[serde(default, deserialize_with = "millis")]
    pub page: i64,
    #[serde(default, deserialize_with = "some_millis")]
    pub depth: Option<i64>,
    #[serde(deserialize_with = "millis")]
    pub settle: i64,
    /// Bars per period of the grid, on average.
    pub density: f64,
    /// Bytes of a row as JSON.
    pub row_bytes: u64,
    #[serde(default, deserialize_with = "columns")]
    pub columns: Columns,
    /// Do windows beyond a page go through as they are, since it is not known how they are answered?
    #[serde(default)]
    pub longer_goes_through: bool,
    /// Do bars open on even marks of the clock in UTC?
    #[serde(default)]
    pub even: bool,
    /// Is an answer put together from its window, so that no other can be cut from it?
    #[serde(default)]
    pub whole: bool,
}

/// A cookie and a token that some paths ask for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Where the cookie comes from; below `base_url` where that is set by hand.
    pub cookie_url: String,
    pub token_path: String,
    pub parameter: String,
    /// Beginnings of the paths that ask for them.
    pub paths: Vec<String>,
}

/// A mean month of the calendar, which stands for each of them.
pub const MONTH: i64 = 2_629_746_000;

/// What a provider counts together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    #[default]
    Key,
    /// All calls of one network address, whatever their keys.
    Address,
}

/// An allowance per calendar window.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateWindow {
    pub name: String,
    pub quota: u32,
    /// In milliseconds; a day begins anew at midnight, a month ([`MONTH`]) with its first day.
    #[serde(deserialize_with = "window")]
    pub window: i64,
    /// The zone whose midnight that is (IANA); UTC unless it is named.
    #[serde(default, deserialize_with = "zone")]
    pub zone: Option<String>,
    /// What is counted together.
    #[serde(default)]
    pub per: Per,
    /// The response header that reports what is used.
    #[serde(default)]
    pub header: Option<String>,
    /// Further headers under which clients read the same figure.
    #[serde(default)]
    pub also: Vec<String>,
    /// Headers that report the allowance itself, what is left of it, and when it begins anew (seconds since 1970).
    #[serde(default)]
    pub limit_header: Option<String>,
    #[serde(default)]
    pub left_header: Option<String>,
    #[serde(default)]
    pub reset_header: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotes {
    pub assets: Vec<String>,
}

impl Manifest {
    /// Facts of a provider of which nothing is known but where it is: all of it is passed through.
    pub fn plain(id: &str, base_url: &str) -> String {
        let text = |text: &str| toml::Value::from(text).to_string();
        format!(
            "id = {0}\nname = {0}\nbase_url = {1}\ntimezone = \"UTC\"\nsettle = \"1d\"\npage = 1000\ncost = 1\nrow_bytes = 100\n[intervals]\n",
            text(id),
            text(base_url)
        )
    }

    /// Reads a manifest; built-in ones are proved by a test to be readable.
    pub fn parse(text: &str) -> Result<Manifest, toml::de::Error> {
        toml::from_str(text)
    }

    pub fn native_interval(&self, interval: Interval) -> Option<&str> {
        self.intervals.get(&interval).map(String::as_str)
    }

    /// Refuses an interval that the provider has no bars of.
    pub fn offers(&self, interval: Interval) -> Result<(), Unsupported> {
        if self.intervals.contains_key(&interval) {
            return Ok(());
        }
        let has: Vec<String> = self.intervals.keys().map(Interval::to_string).collect();
        Err(Unsupported::Interval { provider: self.id.clone(), interval: interval.to_string(), has: has.join(", ") })
    }

    /// Spelling is significant: `1m` is a minute where `1M` is a month.
    pub fn interval(&self, native: &str) -> Option<Interval> {
        self.intervals.iter().find(|(_, name)| *name == native).map(|(interval, _)| *interval)
    }

    /// What share of a day's allowance a call takes.
    pub fn share_of_a_day(&self) -> f64 {
        let a_day = |limit: &RateWindow| f64::from(limit.quota) * (86_400_000.0 / limit.window.max(1) as f64);
        f64::from(self.cost) / self.limits.iter().map(a_day).fold(f64::INFINITY, f64::min)
    }

    pub fn cost_of(&self, path: &str) -> u32 {
        self.costs.get(path).copied().unwrap_or(1)
    }

    /// What the planner needs to know; calls are widened up to `widen_bytes`.
    pub fn planning(&self, widen_bytes: u64, max_calls: u64) -> Limits {
        Limits {
            page: self.page,
            cost: self.cost,
            settle: self.settle,
            row_bytes: self.row_bytes,
            widen_bytes,
            max_calls,
            density: 1.0,
            windowed: false,
            strict: false,
            depth: None,
            seam: 0,
            whole: false,
            apart: None,
        }
    }

    /// What holds for an interval.
    pub fn class_of(&self, interval: Interval) -> Option<&Class> {
        let name = interval.to_string();
        self.classes.iter().find(|class| class.intervals.contains(&name))
    }

    /// The quote currency at the end of a symbol, in lower case as it stands in keys.
    pub fn quote_of(&self, symbol: &str) -> Option<String> {
        let fits = |asset: &&String| symbol.len() > asset.len() && symbol.ends_with(asset.as_str());
        self.quotes.assets.iter().filter(fits).max_by_key(|asset| asset.len()).map(|asset| asset.to_lowercase())
    }
}

fn ages<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<i64>, D::Error> {
    let texts = Vec::<String>::deserialize(source)?;
    let age =
        |text: &String| parse_millis(text).ok_or_else(|| de::Error::custom(format!("`{text}` is no length of time")));
    texts.iter().map(age).collect()
}

fn a_minute() -> i64 {
    60_000
}

/// `500ms`, `2s`, `1m`, `1h` or `1d` in milliseconds.
pub fn parse_millis(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    text[..digits].parse::<i64>().ok()?.checked_mul(unit)
}

pub(crate) fn millis<'de, D: Deserializer<'de>>(de: D) -> Result<i64, D::Error> {
    let text = String::deserialize(de)?;
    parse_millis(&text)
        .ok_or_else(|| de::Error::custom(format!("`{text}` is no duration: write 500ms, 2s, 1m, 1h or 1d")))
}

fn window<'de, D: Deserializer<'de>>(de: D) -> Result<i64, D::Error> {
    let text = String::deserialize(de)?;
    let window = if text == "1mo" { Some(MONTH) } else { parse_millis(&text).filter(|window| *window > 0) };
    window.ok_or_else(|| de::Error::custom(format!("`{text}` is no window: write 1s, 5m, 1h, 1d or 1mo")))
}

fn zone<'de, D: Deserializer<'de>>(de: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(de)?;
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(Some(name)),
        Err(_) => Err(de::Error::custom(format!("`{name}` is no time zone, as America/New_York"))),
    }
}

fn some_millis<'de, D: Deserializer<'de>>(de: D) -> Result<Option<i64>, D::Error> {
    millis(de).map(Some)
}

fn columns<'de, D: Deserializer<'de>>(de: D) -> Result<Columns, D::Error> {
    let text = String::deserialize(de)?;
    Columns::parse(&text).ok_or_else(|| de::Error::custom(format!("unknown column in `{text}`")))
}

fn intervals<'de, D: Deserializer<'de>>(de: D) -> Result<BTreeMap<Interval, String>, D::Error> {
    let names = BTreeMap::<String, String>::deserialize(de)?;
    names.into_iter().map(|(name, native)| Ok((name.parse().map_err(de::Error::custom)?, native))).collect()
}
