//! Settings: built-in defaults, then a TOML file, then the environment, then flags.
//!
//! `config/default.toml` is the commented reference; a test proves it equal to [`Config::default`].

pub mod environment;
pub mod values;

use finex_core::calendar::{Interval, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use values::{Bytes, Span as Period};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub admin: Admin,
    pub log: Log,
    pub cache: Cache,
    pub plan: Planning,
    pub prefetch: Prefetch,
    pub warm: Vec<Warm>,
    pub providers: BTreeMap<String, Provider>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    pub listen: String,
    /// How long a client waits for an answer at most.
    pub request_timeout: Period,
    /// How long a slow client may take to send its headers.
    pub header_timeout: Period,
    /// After SIGTERM, how long requests under way may take.
    pub drain: Period,
    /// Requests under way at once; more are turned away with 503.
    pub max_in_flight: usize,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Asked of whatever changes state. On a loopback listener none is needed.
    pub token: Secret,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    pub level: String,
    /// `auto`: for people on a terminal, JSON otherwise.
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Auto,
    Pretty,
    Json,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// At which natural boundaries fragments are cut.
    pub fragment_size: FragmentSize,
    /// The same for single intervals, as `"1h" = "month"`.
    pub fragments: BTreeMap<String, Span>,
    /// Multiplies the life of what is not final.
    pub ttl_multiplier: f64,
    /// How old forming bars may be when the provider fails; never more than one bar.
    pub stale_if_error: Period,
    /// How long a client waits where something past its life can be served.
    pub stale_patience: Period,
    /// By how much bars that grow may be past their life while they are fetched again behind the answer.
    pub stale_while_revalidate: Period,
    pub l1: Memory,
    pub l3: Disk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FragmentSize {
    Small,
    Optimized,
    Large,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    pub max_memory: Bytes,
    /// Is what was used last read from disk after a start, before anybody asks?
    pub wake_up: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    pub kind: DiskKind,
    /// Where Parquet files are kept; empty: `$XDG_DATA_HOME/finex`.
    pub path: PathBuf,
    pub max_size: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskKind {
    Parquet,
    Off,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Planning {
    /// Ask for whole pages where they cost the same as a few bars.
    pub widen: bool,
    /// How many bytes a call may be widened to.
    pub max_call_bytes: Bytes,
    /// How many bytes more than it needs a client may be made to wait for. Beyond this its own ask goes first, and the
    /// widened call follows behind its back.
    pub widen_ahead: Bytes,
    /// Upstream calls for one request at most.
    pub max_calls: u64,
}

/// Bars that are fetched ahead of time at set times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warm {
    pub provider: String,
    pub symbols: Vec<String>,
    pub interval: String,
    /// How far back each time.
    pub since: Period,
    /// Minute, hour, day, month and weekday, in UTC.
    pub cron: String,
}

/// Calls before anybody asks, in idle times and while more than a quarter of an allowance is left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prefetch {
    /// The next bar of what is followed, and the window beside a scan.
    pub enabled: bool,
    /// What the provider will soon give no more, from an allowance that would expire.
    pub harvest: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provider {
    pub enabled: bool,
    /// Empty: as the provider's manifest says.
    pub base_url: String,
    /// A manifest of one's own: facts of a provider that finex does not know, or other facts of one that it does.
    pub manifest: PathBuf,
    /// The gateway's own key. A provider that wants two parts has them with a colon between.
    pub api_key: Secret,
    pub keys: Keys,
    /// Does the licence allow that what was fetched with one client's key is shown to others?
    pub licensed_for_sharing: bool,
    pub timeout: Timeouts,
    pub retry: Retry,
    pub breaker: Breaker,
    /// Calls under way at once.
    pub max_in_flight: usize,
    /// Share of an allowance that finex leaves to others.
    pub reserve: f64,
    /// How long a call may wait for its turn before the client is told to come back.
    pub patience: Period,
    /// Largest answer read, after decompression.
    pub max_body: Bytes,
    /// Allowances by name, where they are others than the manifest says.
    pub limits: BTreeMap<String, u32>,
}

/// With whose key calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// With the gateway's, if it has one, else with the client's.
    #[default]
    Auto,
    /// With the gateway's: what a client sends is dropped.
    Managed,
    /// With the client's.
    Passthrough,
    /// With the client's if it brings one, else with the gateway's.
    Both,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    pub connect: Period,
    pub attempt: Period,
    /// All attempts and pauses together.
    pub total: Period,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Further attempts at most.
    pub max: u32,
    pub base: Period,
    /// Retries per answered call, so that a failing provider is not asked twice as often.
    pub budget: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breaker {
    /// This many failures in a row open it.
    pub failures: u32,
    /// So does a success rate below this, over `window`.
    pub success_rate: f64,
    pub window: Period,
    pub open_for: Period,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn is_set(&self) -> bool {
        !self.0.is_empty()
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_set() { "\"***\"" } else { "\"\"" })
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(if self.is_set() { "***" } else { "" })
    }
}

/// Providers that need no mention in the settings.
pub const BUILT_IN: [&str; 10] =
    ["alpaca", "alphavantage", "binance", "coingecko", "finnhub", "fred", "polygon", "tiingo", "twelvedata", "yahoo"];

impl Default for Config {
    fn default() -> Self {
        Config {
            server: Server::default(),
            admin: Admin::default(),
            log: Log::default(),
            cache: Cache::default(),
            plan: Planning::default(),
            prefetch: Prefetch::default(),
            warm: Vec::new(),
            providers: BUILT_IN.map(|id| (id.to_owned(), Provider::default())).into(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Server {
            listen: "127.0.0.1:8080".into(),
            request_timeout: Period::seconds(60),
            header_timeout: Period::seconds(10),
            drain: Period::seconds(15),
            max_in_flight: 10_000,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Log { level: "info".into(), format: LogFormat::Auto }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Cache {
            fragment_size: FragmentSize::Optimized,
            fragments: BTreeMap::new(),
            ttl_multiplier: 1.0,
            stale_if_error: Period::seconds(86_400),
            stale_patience: Period::seconds(1),
            stale_while_revalidate: Period::seconds(0),
            l1: Memory::default(),
            l3: Disk::default(),
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Memory { max_memory: Bytes::mib(512), wake_up: true }
    }
}

impl Default for Disk {
    fn default() -> Self {
        Disk { kind: DiskKind::Parquet, path: PathBuf::new(), max_size: Bytes::mib(20 * 1024) }
    }
}

impl Default for Planning {
    fn default() -> Self {
        Planning { widen: true, max_call_bytes: Bytes::mib(1), widen_ahead: Bytes::mib(1), max_calls: 100 }
    }
}

impl Default for Provider {
    fn default() -> Self {
        Provider {
            enabled: true,
            base_url: String::new(),
            manifest: PathBuf::new(),
            api_key: Secret::default(),
            keys: Keys::default(),
            licensed_for_sharing: false,
            timeout: Timeouts::default(),
            retry: Retry::default(),
            breaker: Breaker::default(),
            max_in_flight: 32,
            reserve: 0.05,
            patience: Period::seconds(5),
            max_body: Bytes::mib(16),
            limits: BTreeMap::new(),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts { connect: Period::seconds(3), attempt: Period::seconds(15), total: Period::seconds(30) }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Retry { max: 2, base: Period::millis(200), budget: 0.2 }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker { failures: 5, success_rate: 0.5, window: Period::seconds(30), open_for: Period::seconds(10) }
    }
}

/// A configuration that cannot be used, with the place at fault.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {detail}")]
    Malformed { path: String, detail: String },
    #[error("{name}: {detail}")]
    Value { name: &'static str, detail: String },
}

impl Config {
    /// Defaults, then `file`, then `environment` (pairs of name and value).
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?,
        };
        let origin = file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        let malformed = |detail: String| ConfigError::Malformed { path: origin.clone(), detail };
        // Read once by itself, so that a mistake is shown where it stands.
        toml::from_str::<Config>(&text).map_err(|e| malformed(e.to_string()))?;
        let mut table: toml::Table = toml::from_str(&text).map_err(|e| malformed(e.to_string()))?;
        environment::overlay(&mut table, environment)?;
        let mut config: Config = table.try_into().map_err(|e: toml::de::Error| ConfigError::Malformed {
            path: "environment".into(),
            detail: e.message().to_owned(),
        })?;
        for (id, provider) in Config::default().providers {
            config.providers.entry(id).or_insert(provider);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fault = |name, detail: String| Err(ConfigError::Value { name, detail });
        if !(0.0..=1_000.0).contains(&self.cache.ttl_multiplier) {
            return fault("cache.ttl_multiplier", format!("{} is not between 0 and 1000", self.cache.ttl_multiplier));
        }
        for name in self.cache.fragments.keys() {
            if let Err(unknown) = name.parse::<Interval>() {
                return fault("cache.fragments", unknown.to_string());
            }
        }
        for (id, provider) in &self.providers {
            let url = &provider.base_url;
            if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
                return fault("providers.*.base_url", format!("{id}: `{url}` does not begin with http:// or https://"));
            }
            if !(0.0..1.0).contains(&provider.reserve) {
                return fault("providers.*.reserve", format!("{id}: {} is not between 0 and 1", provider.reserve));
            }
            if !(0.0..=1.0).contains(&provider.breaker.success_rate) || provider.breaker.failures == 0 {
                return fault("providers.*.breaker", format!("{id}: failures from 1, success_rate from 0 to 1"));
            }
        }
        Ok(())
    }
}

impl Cache {
    /// Where fragments of an interval are cut. The sizes follow the rows, so that a fragment holds some hundred to
    /// some thousand: a day of minutes, a month of hours, a year of days.
    pub fn span(&self, interval: Interval, density: f64) -> Span {
        if let Some(span) = self.fragments.get(&interval.to_string()) {
            return *span;
        }
        // Where markets close, a bar stands for more time.
        let sparse = (interval.nominal_len() as f64 / density.clamp(0.05, 1.0)) as i64;
        // From less than a minute, a quarter of an hour, four hours, and a day; longer bars stand on the last rung.
        let rungs = [60_000, 900_000, 14_400_000, 86_400_001];
        let by_rows = rungs.iter().position(|len| sparse < *len).unwrap_or(rungs.len());
        let ladder = [Span::Hour, Span::Day, Span::Month, Span::Year, Span::Decade];
        match self.fragment_size {
            // The sizes of the original specification: a day of intraday bars, a month of days, a year of weeks.
            FragmentSize::Small if interval.nominal_len() < 86_400_000 => Span::Day,
            FragmentSize::Small if interval.nominal_len() == 86_400_000 => Span::Month,
            FragmentSize::Small => Span::Year,
            FragmentSize::Optimized => ladder[by_rows],
            FragmentSize::Large => ladder[(by_rows + 1).min(4)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_cut_where_the_settings_say() {
        let mut cache = Cache::default();
        let spans = |cache: &Cache| {
            ["1s", "1m", "5m", "1h", "4h", "1d", "1w", "1mo"]
                .map(|name| cache.span(name.parse().expect("an interval"), 1.0))
        };
        use Span::{Day, Decade, Hour, Month, Year};
        assert_eq!(spans(&cache), [Hour, Day, Day, Month, Year, Year, Decade, Decade]);
        let sparse = |name: &str| cache.span(name.parse().expect("an interval"), 0.2);
        assert_eq!([sparse("1m"), sparse("5m"), sparse("1h"), sparse("1d")], [Day, Month, Year, Decade]);
        cache.fragment_size = FragmentSize::Small;
        assert_eq!(spans(&cache), [Day, Day, Day, Day, Day, Month, Year, Year]);
        cache.fragment_size = FragmentSize::Large;
        assert_eq!(spans(&cache), [Day, Month, Month, Year, Decade, Decade, Decade, Decade]);
        cache.fragments.insert("1h".into(), Day);
        assert_eq!(spans(&cache)[3], Day);
    }
}
