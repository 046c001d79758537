//! Which stream of bars is meant, and the key under which a fragment of it is kept.

use crate::calendar::Interval;
use crate::columns::Columns;
use crate::time::Ts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::{fmt, str::FromStr, sync::Arc};

/// Everything but letters, digits, `-` and `.`: the separators `:`, `+`, `,`, `=` and `_` never stand in a part.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.');

/// What else changes the numbers: endpoint, adjustment, session, venue, zone. Sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variant(Vec<(String, String)>);

impl Variant {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variant {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(parts: I) -> Self {
        let mut parts: Vec<_> = parts.into_iter().map(|(n, v)| (n.into(), v.into())).collect();
        parts.sort();
        parts.dedup_by(|a, b| a.0 == b.0);
        Variant(parts)
    }
}

/// Whose data it is: everybody's, or one tenant's where a licence forbids sharing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    #[default]
    Shared,
    Tenant(String),
}

/// One stream of bars.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    pub provider: Arc<str>,
    pub symbol: Arc<str>,
    pub interval: Interval,
    pub currency: Arc<str>,
    pub variant: Variant,
    pub scope: Scope,
}

/// Layout of stored fragments, and the corporate-action state of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    pub layout: u16,
    pub basis: u32,
}

impl Version {
    pub const LAYOUT: u16 = 1;
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}", self.layout, self.basis)
    }
}

/// `finex:{symbol}:{interval}:{first_ts}:{last_ts}:{provider}:{currency}:{fields}_{version}`: what was received.
///
/// Times are seconds, with three decimals where a bar does not open on a whole second. Every part is
/// percent-encoded, so two keys are one text only if they are one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    pub series: Series,
    pub first: Ts,
    pub last: Ts,
    pub columns: Columns,
    pub version: Version,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a finex key: {0}")]
pub struct BadKey(&'static str);

fn part(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, PART)
}

/// A part as it stands in a key, for folders that carry the same names.
pub fn encode_part(text: &str) -> String {
    part(text).to_string()
}

fn unpart(text: &str) -> Result<String, BadKey> {
    percent_decode_str(text).decode_utf8().map(|s| s.into_owned()).map_err(|_| BadKey("a part is not UTF-8"))
}

struct Seconds(Ts);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, ms) = (self.0.div_euclid(1_000), self.0.rem_euclid(1_000));
        if ms == 0 { write!(f, "{whole}") } else { write!(f, "{whole}.{ms:03}") }
    }
}

fn parse_seconds(text: &str) -> Result<Ts, BadKey> {
    let bad = BadKey("a time is not in seconds");
    let (whole, ms) = text.split_once('.').unwrap_or((text, "000"));
    let ms_value: i64 = ms.parse().map_err(|_| BadKey("a time is not in seconds"))?;
    let whole: i64 = whole.parse().map_err(|_| BadKey("a time is not in seconds"))?;
    if ms.len() != 3 || !(0..1_000).contains(&ms_value) {
        return Err(bad);
    }
    whole.checked_mul(1_000).and_then(|t| t.checked_add(ms_value)).ok_or(bad)
}

impl FragmentKey {
    /// `{fields}`: the columns, then variant and scope as `name=value`.
    pub fn fields(&self) -> String {
        let scope = match &self.series.scope {
            Scope::Shared => None,
            Scope::Tenant(id) => Some(("scope", id.as_str())),
        };
        let named = self.series.variant.iter().map(|(n, v)| (n, v, "")).chain(scope.map(|(n, v)| (n, v, "@")));
        named.fold(self.columns.to_string().replace('_', "-"), |text, (name, value, mark)| {
            format!("{text},{mark}{}={}", part(name), part(value))
        })
    }

    /// The key without its range: what every fragment of this series, columns and version begins with.
    pub fn series_pattern(series: &Series) -> String {
        format!("finex:{}:{}:", part(&series.symbol), series.interval)
    }
}

impl fmt::Display for FragmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = &self.series;
        write!(
            f,
            "finex:{}:{}:{}:{}:{}:{}:{}_{}",
            part(&s.symbol),
            s.interval,
            Seconds(self.first),
            Seconds(self.last),
            part(&s.provider),
            part(&s.currency),
            self.fields(),
            self.version
        )
    }
}

impl FromStr for FragmentKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["finex", symbol, interval, first, last, provider, currency, tail] = parts[..] else {
            return Err(BadKey("it has not eight parts"));
        };
        let (fields, version) = tail.rsplit_once('_').ok_or(BadKey("it has no version"))?;
        let (columns, variant, scope) = parse_fields(fields)?;
        let (layout, basis) =
            version.strip_prefix('v').and_then(|v| v.split_once('.')).ok_or(BadKey("its version is malformed"))?;
        let series = Series {
            provider: unpart(provider)?.into(),
            symbol: unpart(symbol)?.into(),
            interval: interval.parse().map_err(|_| BadKey("its interval is unknown"))?,
            currency: unpart(currency)?.into(),
            variant,
            scope,
        };
        let version = Version {
            layout: layout.parse().map_err(|_| BadKey("its layout is not a number"))?,
            basis: basis.parse().map_err(|_| BadKey("its basis is not a number"))?,
        };
        Ok(FragmentKey { series, first: parse_seconds(first)?, last: parse_seconds(last)?, columns, version })
    }
}

fn parse_fields(fields: &str) -> Result<(Columns, Variant, Scope), BadKey> {
    let mut parts = fields.split(',');
    let columns = parts.next().unwrap_or_default().replace('-', "_");
    let columns = Columns::parse(&columns).ok_or(BadKey("it names an unknown column"))?;
    let (mut variant, mut scope) = (Vec::new(), Scope::Shared);
    for named in parts {
        let (name, value) = named.split_once('=').ok_or(BadKey("a field has no value"))?;
        match name.strip_prefix('@') {
            Some("scope") => scope = Scope::Tenant(unpart(value)?),
            Some(_) => return Err(BadKey("a field is unknown")),
            None => variant.push((unpart(name)?, unpart(value)?)),
        }
    }
    Ok((columns, variant.into_iter().collect(), scope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(provider: &str, symbol: &str, currency: &str, variant: Vec<(String, String)>, scope: Scope) -> Series {
        Series {
            provider: provider.into(),
            symbol: symbol.into(),
            interval: "1d".parse().expect("an interval"),
            currency: currency.into(),
            variant: variant.into_iter().collect(),
            scope,
        }
    }

    #[test]
    fn the_key_has_the_shape_that_was_asked_for() {
        let key = FragmentKey {
            series: series("yahoo", "AAPL", "usd", vec![], Scope::Shared),
            first: 1_704_067_200_000,
            last: 1_706_918_400_000,
            columns: Columns::OHLCV,
            version: Version { layout: 1, basis: 0 },
        };
        assert_eq!(key.to_string(), "finex:AAPL:1d:1704067200:1706918400:yahoo:usd:ohlcv_v1.0");
    }

    fn any_key() -> impl Strategy<Value = FragmentKey> {
        let name = prop_oneof![any::<String>(), "[A-B:_=,@%.]{0,4}"];
        let scope = prop_oneof![Just(Scope::Shared), name.clone().prop_map(Scope::Tenant)];
        let variant = prop::collection::vec((name.clone(), name.clone()), 0..3);
        (name.clone(), name.clone(), name, variant, scope, any::<i32>(), 0i64..5_000, 0u64..(1 << 13)).prop_map(
            |(provider, symbol, currency, variant, scope, first, len, bits)| FragmentKey {
                series: series(&provider, &symbol, &currency, variant, scope),
                first: i64::from(first),
                last: i64::from(first) + len,
                columns: (0..13).filter(|b| bits >> b & 1 == 1).filter_map(nth_column).collect(),
                version: Version { layout: 1, basis: first.unsigned_abs() },
            },
        )
    }

    fn nth_column(n: usize) -> Option<crate::columns::Column> {
        let all = Columns::parse("ohlcv+close_time+quote_volume+trades+taker_base+taker_quote+ignore+adj_close+vwap")?;
        all.iter().nth(n)
    }

    proptest! {
        #[test]
        fn a_key_is_read_back_as_it_was_written(key in any_key()) {
            prop_assert_eq!(key.to_string().parse::<FragmentKey>(), Ok(key));
        }

        #[test]
        fn two_keys_share_a_text_only_if_they_are_one(a in any_key(), b in any_key()) {
            prop_assert_eq!(a.to_string() == b.to_string(), a == b);
        }

        #[test]
        fn hostile_texts_are_refused_without_panic(text in any::<String>()) {
            let _ = text.parse::<FragmentKey>();
            let _ = format!("finex:{text}").parse::<FragmentKey>();
        }
    }
}
