//! `FINEX_PROVIDERS__BINANCE__BASE_URL` is `providers.binance.base_url`.

use super::ConfigError;
use toml::{Table, Value};

const PREFIX: &str = "FINEX_";

/// Names that are read elsewhere.
const FOREIGN: [&str; 2] = ["FINEX_CONFIG", "FINEX_LOG"];

/// Writes what the environment says over `table`.
pub fn overlay(table: &mut Table, environment: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(PREFIX).filter(|_| !FOREIGN.contains(&name.as_str())) else { continue };
        // A single word is no value of ours but somebody else's variable.
        if !path.contains("__") {
            continue;
        }
        let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        set(table, &keys, read(&value)).map_err(|detail| ConfigError::Malformed { path: name.clone(), detail })?;
    }
    Ok(())
}

fn set(table: &mut Table, keys: &[String], value: Value) -> Result<(), String> {
    match keys {
        [] => Ok(()),
        [last] => {
            table.insert(last.clone(), value);
            Ok(())
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            let inner = inner.as_table_mut().ok_or_else(|| format!("`{first}` is a value, not a section"))?;
            set(inner, rest, value)
        }
    }
}

/// Numbers, truth values and lists as TOML writes them; anything else is text.
fn read(text: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v"));
    match parsed {
        Some(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigError};

    fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(None, pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn every_value_has_a_name_in_the_environment() {
        let config = load(&[
            ("FINEX_PROVIDERS__BINANCE__BASE_URL", "http://127.0.0.1:9"),
            ("FINEX_CACHE__L1__MAX_MEMORY", "1GiB"),
            ("FINEX_PLAN__WIDEN", "false"),
            ("FINEX_CACHE__TTL_MULTIPLIER", "0.1"),
            ("FINEX_HOME", "/somewhere"),
            ("PATH", "/bin"),
        ])
        .expect("a configuration");
        assert_eq!(config.providers["binance"].base_url, "http://127.0.0.1:9");
        assert_eq!(config.cache.l1.max_memory.0, 1 << 30);
        assert!(!config.plan.widen);
        assert_eq!(config.cache.ttl_multiplier, 0.1);
    }

    #[test]
    fn a_mistake_names_the_setting() {
        for (name, value) in [("FINEX_CACHE__L1__MAX_MEM", "1GiB"), ("FINEX_CACHE__L1__MAX_MEMORY", "much")] {
            let error = load(&[(name, value)]).expect_err(name).to_string();
            assert!(error.contains("max_mem") || error.contains("much"), "{error}");
        }
        assert!(load(&[("FINEX_PROVIDERS__BINANCE__BASE_URL", "ftp://x")]).is_err());
    }

    #[test]
    fn the_reference_file_is_the_default() {
        let text = include_str!("../../config/default.toml");
        let reference: Config = toml::from_str(text).expect("config/default.toml is readable");
        assert_eq!(reference, Config::default());
    }
}
