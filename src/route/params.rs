//! Query parameters of the unified API.

use crate::render::problem::{Problem, nearest};
use crate::render::unified::Format;
use finex_core::calendar::Interval;
use finex_core::time::Ts;
use percent_encoding::percent_decode_str;

/// Stated defaults: the newest 500 daily bars.
pub(super) const DEFAULT_INTERVAL: &str = "1d";
const DEFAULT_LIMIT: u64 = 500;
const MAX_LIMIT: u64 = 5_000;

/// Query parameters, each known and at most once.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn read(query: &str, known: &[&str]) -> Result<Params, Problem> {
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| {
                let text = text.replace('+', "%20");
                percent_decode_str(&text).decode_utf8_lossy().into_owned()
            };
            // A plus in a time is a zone, not a space.
            let (name, value) = (decode(name), percent_decode_str(value).decode_utf8_lossy().into_owned());
            if !known.contains(&name.as_str()) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                let hint = nearest(&shown, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(Problem::parameter(&shown, format!("there is no parameter of this name{hint}")));
            }
            if params.iter().any(|(seen, _)| *seen == name) {
                return Err(Problem::parameter(&name, "it is given twice"));
            }
            params.push((name, value));
        }
        Ok(Params(params))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn interval(&self, default: &str) -> Result<Interval, Problem> {
        let text = self.get("interval").unwrap_or(default);
        text.parse().map_err(|unknown: finex_core::calendar::UnknownInterval| {
            Problem::parameter("interval", unknown.to_string())
        })
    }

    pub(super) fn limit(&self) -> Result<u64, Problem> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse::<u64>().ok().filter(|n| (1..=MAX_LIMIT).contains(n));
        limit.ok_or_else(|| Problem::parameter("limit", format!("write a number from 1 to {MAX_LIMIT}")))
    }

    pub(super) fn format(&self, csv: bool) -> Result<Format, Problem> {
        let layout = match self.get("layout") {
            None | Some("rows") => Format::Rows,
            Some("columns") => Format::Columns,
            Some(_) => return Err(Problem::parameter("layout", "write rows or columns")),
        };
        match self.get("format") {
            None if csv => Ok(Format::Csv),
            None | Some("json") => Ok(layout),
            Some("csv") => Ok(Format::Csv),
            Some(_) => Err(Problem::parameter("format", "write json or csv")),
        }
    }

    /// May another provider stand in for one that fails?
    pub(super) fn failover(&self) -> Result<bool, Problem> {
        match self.get("failover") {
            None | Some("on") => Ok(true),
            Some("off") => Ok(false),
            Some(_) => Err(Problem::parameter("failover", "write on or off")),
        }
    }

    /// Are the bars to be compared with those of another provider?
    pub(super) fn compared(&self) -> Result<bool, Problem> {
        match self.get("consensus") {
            None | Some("1") => Ok(false),
            Some("2") => Ok(true),
            Some(_) => Err(Problem::parameter("consensus", "write 2 to compare two providers, or 1")),
        }
    }

    pub(super) fn time(&self, names: &[&'static str], now: Ts) -> Result<Option<Ts>, Problem> {
        let given: Vec<(&str, &str)> = names.iter().filter_map(|name| Some((*name, self.get(name)?))).collect();
        match given[..] {
            [] => Ok(None),
            [(name, text)] => parse_time(text, now).map(Some).ok_or_else(|| {
                let detail = "write a time as 2024-01-31, 2024-01-31T09:30:00Z, an epoch in seconds, milliseconds or \
                              microseconds from 1970 to 2200, now, or -30d";
                Problem::parameter(name, detail)
            }),
            [(name, _), ..] => Err(Problem::parameter(name, "it is given twice, under two names")),
        }
    }
}

/// A date is its first instant in UTC; numbers are told apart by their size; `-30d` counts back from now.
pub(super) fn parse_time(text: &str, now: Ts) -> Option<Ts> {
    const LATEST: Ts = 7_258_118_400_000; // 2200-01-01
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    let ts = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() && text.len() <= 16 {
        let n: i64 = text.parse().ok()?;
        match text.len() {
            ..=10 => n * 1_000,
            11..=14 => n,
            _ => n / 1_000,
        }
    } else if let Some(ago) = text.strip_prefix('-') {
        now.checked_sub(finex_providers::manifest::parse_millis(ago)?)?
    } else if text.len() == 10 {
        format!("{text}T00:00:00Z").parse::<jiff::Timestamp>().ok()?.as_millisecond()
    } else {
        text.parse::<jiff::Timestamp>().ok()?.as_millisecond()
    };
    (0..=LATEST).contains(&ts).then_some(ts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let new_year = Some(1_704_067_200_000);
        for text in [
            "2024-01-01",
            "2024-01-01T00:00:00Z",
            "2024-01-01T01:00:00+01:00",
            "1704067200",
            "1704067200000",
            "1704067200000000",
        ] {
            assert_eq!(parse_time(text, 0), new_year, "{text}");
        }
        assert_eq!(parse_time("-1d", 86_400_000 * 3), Some(86_400_000 * 2));
        for bad in
            ["", "yesterday", "2024-13-01", "2024-02-30", "-5", "99999999999999999", "1e9", "2024-01-01T25:00:00Z"]
        {
            assert_eq!(parse_time(bad, 1_704_067_200_000), None, "{bad}");
        }
    }
}
