//! JSON with the text of its numbers and the order of its members.

use finex_providers::json::Pairs;
use serde_json::value::RawValue;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    Object(Vec<(String, Json)>),
    List(Vec<Json>),
    /// Anything else, as it stands there.
    Leaf(String),
}

impl Json {
    pub fn read(text: &str) -> Result<Json, String> {
        let failed = |e: serde_json::Error| e.to_string();
        Ok(match text.trim_start().as_bytes().first() {
            Some(b'{') => {
                let pairs: Pairs<'_> = serde_json::from_str(text).map_err(failed)?;
                let pair = |(name, raw): &(_, &RawValue)| Ok((String::clone(name), Json::read(raw.get())?));
                let owned = pairs.0.iter().map(|(name, raw)| (name.to_string(), *raw));
                Json::Object(owned.map(|member| pair(&member)).collect::<Result<_, String>>()?)
            }
            Some(b'[') => {
                let list: Vec<&RawValue> = serde_json::from_str(text).map_err(failed)?;
                Json::List(list.iter().map(|raw| Json::read(raw.get())).collect::<Result<_, String>>()?)
            }
            // A string may be escaped in more than one way.
            Some(b'"') => {
                let string: String = serde_json::from_str(text).map_err(failed)?;
                Json::Leaf(serde_json::Value::from(string).to_string())
            }
            _ => Json::Leaf(serde_json::from_str::<&RawValue>(text).map_err(failed)?.get().to_owned()),
        })
    }

    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(own, _)| own == name).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(list) => list,
            _ => &[],
        }
    }

    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    /// A string without its quotes, or a number's text.
    pub fn word(&self) -> &str {
        match self {
            Json::Leaf(text) => text.trim_matches('"'),
            _ => "",
        }
    }

    /// The same without white space.
    pub fn text(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(",");
        match self {
            Json::Object(members) => {
                let member = |(name, value): &(String, Json)| format!("\"{name}\":{}", value.text());
                format!("{{{}}}", joined(members.iter().map(member).collect()))
            }
            Json::List(list) => format!("[{}]", joined(list.iter().map(Json::text).collect())),
            Json::Leaf(text) => text.clone(),
        }
    }

    /// Where the first difference is, and what stands there; the order of members makes none.
    pub fn difference(&self, other: &Json, path: &str) -> Option<String> {
        match (self, other) {
            (Json::Object(a), Json::Object(b)) => {
                let lacking = |a: &[(String, Json)], b: &Json| {
                    a.iter().find(|(name, _)| b.get(name).is_none()).map(|(name, _)| name.clone())
                };
                if let Some(name) = lacking(a, other) {
                    return Some(format!("{path}/{name} is recorded only"));
                }
                if let Some(name) = lacking(b, self) {
                    return Some(format!("{path}/{name} is written only"));
                }
                a.iter().find_map(|(name, value)| value.difference(other.get(name)?, &format!("{path}/{name}")))
            }
            (Json::List(a), Json::List(b)) if a.len() == b.len() => {
                let at = |(at, (a, b)): (usize, (&Json, &Json))| a.difference(b, &format!("{path}/{at}"));
                a.iter().zip(b).enumerate().find_map(at)
            }
            (Json::List(a), Json::List(b)) => Some(format!("{path} has {} recorded, {} written", a.len(), b.len())),
            (a, b) if a == b => None,
            (a, b) => Some(format!("{path} is {} recorded, {} written", shown(a), shown(b))),
        }
    }
}

fn shown(json: &Json) -> String {
    json.text().chars().take(60).collect()
}
