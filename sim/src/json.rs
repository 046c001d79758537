//! JSON text with its members in order, and how query strings are read.

use std::fmt::{Debug, Display, Write};

/// An object whose fields keep their order.
#[derive(Debug, Default)]
pub(crate) struct Object(String);

impl Object {
    /// `value` is JSON already.
    pub(crate) fn raw(mut self, name: &str, value: impl Display) -> Object {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _ = write!(self.0, "{comma}\"{name}\":{value}");
        self
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Object {
        self.raw(name, serde_json::Value::from(value))
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl Display>) -> Object {
        match value {
            Some(value) => self.raw(name, value),
            None => self,
        }
    }

    pub(crate) fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

pub(crate) fn list(items: impl Iterator<Item = impl Display>) -> String {
    let mut text = String::from("[");
    for (index, item) in items.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{item}");
    }
    text.push(']');
    text
}

/// Prices of bars are 32-bit numbers printed in 64 bits: whole ones keep a `.0`.
pub(crate) fn wide(price: f64) -> String {
    shortest(f64::from(price as f32))
}

/// Prices that stand alone are rounded: to three decimals, to four where prices are hinted at with four.
pub(crate) fn rounded(price: f64, hint: usize) -> f64 {
    let scale = 10f64.powi(hint.max(3) as i32);
    (f64::from(price as f32) * scale).round() / scale
}

pub(crate) fn shortest(number: impl Debug) -> String {
    format!("{number:?}")
}

/// Names and values of a query, decoded.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn read(query: &str) -> Params {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        };
        Params(pairs.map(decoded).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Percent-decoded; what is no escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(escaped) => {
                decoded.push(escaped);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_recorded() {
        assert_eq!(wide(93.33), "93.33000183105469");
        assert_eq!(wide(97.0), "97.0");
        assert_eq!(shortest(rounded(1.592_666_98, 2)), "1.593");
        assert_eq!(shortest(rounded(1.122_082_59, 4)), "1.1221");
        assert_eq!(shortest(rounded(210.0, 2)), "210.0");
    }

    #[test]
    fn queries_are_decoded() {
        let params = Params::read("events=div%7Csplit&q=a+b%2Bc&odd=%zz%4&flag");
        assert_eq!(params.get("events"), Some("div|split"));
        assert_eq!(params.get("q"), Some("a b+c"));
        assert_eq!(params.get("odd"), Some("%zz%4"));
        assert_eq!(params.get("flag"), Some(""));
        assert_eq!(params.get("none"), None);
    }
}
