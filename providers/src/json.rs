//! JSON read without losing the text of its numbers or the order of its members.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// An object with the order and the text of its members.
pub struct Pairs<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Pairs<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    members.push((name, map.next_value()?));
                }
                Ok(members)
            }
        }
        de.deserialize_map(Members).map(Pairs)
    }
}

/// The text of a number, which stands in quotes or does not; none for null.
pub fn number(raw: &RawValue, quoted: bool) -> Result<Option<&str>, String> {
    let text = raw.get();
    if text == "null" {
        return Ok(None);
    }
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match (inner, quoted) {
        (Some(inner), true) if !inner.contains(['\\', '"']) => Ok(Some(inner)),
        (None, false) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Ok(Some(text)),
        _ => Err(format!("{} is no number as it should be written", shown(text))),
    }
}

/// A string's content, which has no escapes; or a number's text.
pub fn word(raw: &RawValue) -> Result<&str, String> {
    let text = raw.get();
    let inner = text.strip_prefix('"').map_or(Some(text), |rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains(['\\', '"', '{', '['])).ok_or_else(|| format!("{} is no word", shown(text)))
}

/// A text as a JSON string.
pub fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What of a foreign text may stand in a message of ours.
pub fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<' | '>')).take(40).collect()
}
