//! Durations and sizes as people write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::time::Duration;

/// `500ms`, `10s`, `5m`, `24h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    pub const fn seconds(n: u64) -> Span {
        Span(Duration::from_secs(n))
    }

    pub const fn millis(n: u64) -> Span {
        Span(Duration::from_millis(n))
    }

    pub fn as_millis(self) -> i64 {
        i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        match units.into_iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", ms / unit),
            None => write!(f, "{ms}ms"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = String::deserialize(de)?;
        finex_providers::manifest::parse_millis(&text)
            .map(|ms| Span(Duration::from_millis(ms as u64)))
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no duration: write 500ms, 10s, 5m, 24h or 7d")))
    }
}

/// `64KiB`, `512MiB`, `20GiB`, or a number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl Bytes {
    pub const fn mib(n: u64) -> Bytes {
        Bytes(n << 20)
    }
}

const UNITS: [(&str, u32); 4] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, shift): &(&str, u32)| self.0.trailing_zeros() >= *shift && self.0 > 0;
        let (name, shift) = UNITS.into_iter().find(fits).unwrap_or(("B", 0));
        write!(f, "{}{name}", self.0 >> shift)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        let text = String::deserialize(de)?;
        parse_bytes(&text)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is no size: write 64KiB, 512MiB or 20GiB")))
    }
}

fn parse_bytes(text: &str) -> Option<Bytes> {
    let (name, shift) = UNITS.into_iter().find(|(name, _)| text.ends_with(name)).unwrap_or(("", 0));
    let number: u64 = text[..text.len() - name.len()].trim().parse().ok()?;
    number.checked_mul(1 << shift).map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_they_are_read() {
        for text in ["500ms", "10s", "5m", "24h", "7d"] {
            let ms = finex_providers::manifest::parse_millis(text).expect("a duration");
            let back = Span(Duration::from_millis(ms as u64)).to_string();
            assert_eq!(finex_providers::manifest::parse_millis(&back), Some(ms), "{text}");
        }
        for text in ["64KiB", "512MiB", "20GiB", "7B"] {
            assert_eq!(parse_bytes(text).map(|b| b.to_string()).as_deref(), Some(text));
        }
        assert_eq!(parse_bytes("512"), Some(Bytes(512)));
        assert_eq!(parse_bytes("a lot"), None);
    }
}
