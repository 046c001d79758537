//! Real charts of Yahoo decode, come back identical, and can be cut to any window; recorded histories that drifted
//! apart are never sewn together.
//!
//! They are read from `../shared/recorded` beside the checkout; where that folder is absent the tests say so and pass.

use crate::yahoo::difference;
use finex_core::columns::{Bars, Column};
use finex_core::plan::{Anchor, Call};
use finex_core::series::Series;
use finex_core::time::{Ts, Window};
use finex_core::truth::basis::{self, Verdict};
use finex_providers::yahoo::Yahoo;
use finex_providers::{
    Composed, Decoded, Named, Native, NativeAsk, NativeRequest, Page, Provider, Recognised, Segment, Shape, Sight,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

struct Recorded {
    name: String,
    query: BTreeMap<String, String>,
    answer: Value,
    text: String,
}

fn charts() -> Option<Vec<Recorded>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded");
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: there is no ../shared/recorded beside this checkout");
        return None;
    };
    let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    // Three bodies were cut by hand, one of them to half of its columns.
    let verbatim = |provenance: &str| provenance.starts_with("recorded") && !provenance.contains("trimmed");
    let ours = rows.filter(|row| row[1] == "yahoo" && row[2] == "chart" && verbatim(row[3]));
    let read = |row: Vec<&str>| {
        let text = std::fs::read_to_string(folder.join(row[0])).expect("a recorded body");
        let pairs = row[5].split_once('?').map_or("", |(_, query)| query).split('&');
        let query = pairs.filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        Recorded { name: row[0].to_owned(), query, answer: answer["chart"]["result"][0].clone(), text }
    };
    // A few were cut by hand or kept in part: what has not all of its columns is no chart.
    Some(ours.map(read).filter(Recorded::is_whole).collect())
}

fn yahoo() -> Yahoo {
    Yahoo::new(&|_| {})
}

impl Recorded {
    fn stamps(&self) -> Vec<i64> {
        self.answer["timestamp"].as_array().map_or(vec![], |all| all.iter().filter_map(Value::as_i64).collect())
    }

    fn is_whole(&self) -> bool {
        let quote = &self.answer["indicators"]["quote"][0];
        let columns = ["open", "high", "low", "close", "volume"].map(|name| quote[name].as_array().map(Vec::len));
        let rows = self.stamps().len();
        rows == 0 || columns.iter().all(|len| *len == Some(rows))
    }

    fn fact(&self, name: &str) -> &str {
        self.answer["meta"][name].as_str().unwrap_or_default()
    }

    /// First and last second of the request; where the recording has none, those of its sessions and bars.
    fn span(&self) -> (i64, i64) {
        let asked = |name: &str| self.query.get(name).and_then(|text| text.parse::<i64>().ok());
        let stamps = self.stamps();
        let periods = &self.answer["meta"]["tradingPeriods"];
        let regular = if periods.is_array() { periods } else { &periods["regular"] };
        let session = regular[0][0]["start"].as_i64();
        let first = stamps.first().copied().unwrap_or(0);
        let from = asked("period1").unwrap_or(session.unwrap_or(first));
        let to = asked("period2").unwrap_or(0).max(stamps.last().copied().unwrap_or(from));
        // Some harnesses changed the request after it was answered.
        (if from > first && first + 86_400 * 100 < from { first } else { from }, to)
    }

    fn ask(&self) -> NativeAsk {
        let (from, to) = self.span();
        let extended = self.query.get("includePrePost").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let query = format!(
            "period1={from}&period2={to}&interval={}&includePrePost={extended}&events=div,splits,capitalGains",
            self.fact("dataGranularity")
        );
        let symbol = self.fact("symbol").replace('^', "%5E");
        let path = format!("/v8/finance/chart/{symbol}");
        let request = NativeRequest { method: "GET", path: &path, query: &query, header: &|_| None, now: 0 };
        match yahoo().recognise(&request) {
            Recognised::Series(ask) => ask,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    fn decode(&self, series: &Series) -> Decoded {
        let first = self.stamps().first().copied().unwrap_or(i64::MAX / 4_000).min(self.span().0);
        let window = Window::new(first * 1_000, self.span().1 * 1_000 + 1);
        let columns = yahoo().columns(series);
        let call = Call { window, limit: 1, anchor: Anchor::Both, columns, need: window, reach: window, exact: true };
        yahoo().decode(series, &call, self.text.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

/// Rows `from..to` of an answer, written anew.
fn write(series: &Series, said: &Decoded, native: Native, rows: std::ops::Range<usize>, before: Option<f64>) -> Value {
    let provider = yahoo();
    let times = &said.bars.times[rows.clone()];
    let runs = provider.encode(series, &said.bars, Shape(0));
    let sight = Sight { written: provider.portray(&said.envelope), envelope: said.envelope.clone() };
    let to = match native.named {
        Named::Span { to, .. } => to + 1,
        _ => i64::MAX / 4,
    };
    let range = times.first().zip(times.last()).map(|(a, b)| (*a, *b));
    let window = Window::new(range.map_or(to, |(first, _)| first), to);
    let page = Page {
        series,
        native,
        window,
        range,
        rows: said.bars.len(),
        newest: None,
        more: None,
        before,
        notes: &said.envelope,
        sight: &sight,
        base: "",
        now: 0,
    };
    let Composed { segments, .. } = provider.compose(&page);
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Text(bytes) => text.push_str(std::str::from_utf8(&bytes).expect("text")),
            Segment::Static(part) => text.push_str(part),
            Segment::Run(run) => {
                text.push_str(std::str::from_utf8(&runs.slice(run, rows.start, rows.end)).expect("text"));
            }
        }
    }
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:.2000}"));
    answer["chart"]["result"][0].clone()
}

fn is_put_together(recorded: &Recorded) -> bool {
    recorded.fact("dataGranularity").ends_with("mo") || recorded.fact("dataGranularity").ends_with("wk")
}

#[test]
fn every_recorded_chart_comes_back_identical() {
    let Some(charts) = charts() else { return };
    let mut bars = 0;
    for recorded in &charts {
        let NativeAsk { series, mut native, .. } = recorded.ask();
        let said = recorded.decode(&series);
        native.named = match recorded.query.get("range").map(String::as_str).or(Some(recorded.fact("range"))) {
            Some("") | None => native.named,
            Some(range) => Named::Range(Box::leak(range.to_owned().into_boxed_str())),
        };
        let written = write(&series, &said, native, 0..said.bars.len(), None);
        assert_eq!(difference(&written, &recorded.answer, ""), None, "{}", recorded.name);
        bars += said.bars.len();
        round_trip_through_parquet(&series, &said.bars, &recorded.name);
    }
    eprintln!("{0} of {0} recorded charts identical, {bars} bars", charts.len());
    assert!(charts.len() >= 170);
}

fn round_trip_through_parquet(series: &Series, bars: &Bars, name: &str) {
    if bars.is_empty() {
        return;
    }
    let file =
        finex::frame::to_parquet(bars, yahoo().manifest().columns, &finex::frame::Metadata::new()).expect("a file");
    let (back, metadata) = finex::frame::from_parquet(&file).expect("bars");
    assert!(&back == bars, "{name} is not the same after Parquet");
    let runs = yahoo().encode(series, bars, Shape(0));
    assert!(yahoo().reread(series, &runs).as_ref() == Ok(bars), "{name} is not read as it was written");
    let odd = metadata.get("finex.exceptions").map_or(0, String::len);
    // Harnesses that wrote the body anew lost the point of whole numbers.
    assert!(odd <= 200 + bars.len() * 5, "{name}: {odd} bytes of texts that no rule writes");
}

/// The recording cut to rows `from..=to`.
fn cut(recorded: &Recorded, from: usize, to: usize) -> Value {
    let stamps = recorded.stamps();
    let mut cut = recorded.answer.clone();
    let slice = |list: &mut Value| {
        if let Some(all) = list.as_array().cloned() {
            *list = json!(all[from..=to]);
        }
    };
    slice(&mut cut["timestamp"]);
    if let Some(quote) = cut["indicators"]["quote"][0].as_object_mut() {
        quote.values_mut().for_each(slice);
    }
    if let Some(adjusted) = cut["indicators"].pointer_mut("/adjclose/0").and_then(Value::as_object_mut) {
        adjusted.values_mut().for_each(slice);
    }
    if let Some(events) = cut.get_mut("events").and_then(Value::as_object_mut) {
        for kind in events.values_mut().filter_map(Value::as_object_mut) {
            let inside = |key: &String| key.parse::<i64>().is_ok_and(|at| stamps[from] <= at && at <= stamps[to]);
            kind.retain(|key, _| inside(key));
        }
        events.retain(|_, kind| kind.as_object().is_some_and(|kind| !kind.is_empty()));
        if events.is_empty() {
            cut.as_object_mut().expect("an answer").remove("events");
        }
    }
    cut["meta"]["range"] = json!("");
    cut
}

#[test]
fn any_part_of_a_recorded_chart_is_the_chart_cut_to_it() {
    let Some(charts) = charts() else { return };
    let (mut parts, mut closes) = (0, 0);
    for recorded in charts.iter().filter(|r| !is_put_together(r) && r.stamps().len() > 1) {
        let NativeAsk { series, native, .. } = recorded.ask();
        let said = recorded.decode(&series);
        let stamps = recorded.stamps();
        for from in (1..stamps.len()).step_by((stamps.len() / 7).max(1)) {
            for to in (from..stamps.len()).step_by((stamps.len() / 5).max(1)) {
                let named = Named::Span { from: stamps[from] * 1_000, to: stamps[to] * 1_000 };
                let at = yahoo().close_before(&series, Some(stamps[from] * 1_000), None, &said.envelope);
                let row = at.map(|at| said.bars.times.partition_point(|open| *open < at));
                let close = said.bars.column(Column::Close).expect("closes");
                let before = row.and_then(|row| (0..row).rev().find_map(|row| close.value(row)));
                let mut written = write(&series, &said, Native { named, ..native }, from..to + 1, before);
                let mut expected = cut(recorded, from, to);
                // What is worked out anew: the close before is that of the bar or session before.
                if let (Some(told), Some(before)) = (written["meta"]["chartPreviousClose"].as_f64(), before) {
                    assert!((told - before).abs() <= before.abs() * 1e-3 + 1e-3, "{}: {told} {before}", recorded.name);
                    closes += 1;
                }
                for (name, meta) in [("chartPreviousClose", &mut written), ("chartPreviousClose", &mut expected)] {
                    meta["meta"][name] = Value::Null;
                }
                sessions_fit(&mut written, &mut expected, &recorded.name);
                assert_eq!(difference(&written, &expected, ""), None, "{} {from}..={to}", recorded.name);
                parts += 1;
            }
        }
    }
    eprintln!("{parts} sub-ranges of recorded charts equal the chart cut to them, {closes} closes before worked out");
    assert!(parts > 1_000 && closes > 500);
}

/// Sessions of a part are those of the recording on the days of its bars.
fn sessions_fit(written: &mut Value, expected: &mut Value, name: &str) {
    let (all, some) = (expected["meta"]["tradingPeriods"].take(), written["meta"]["tradingPeriods"].take());
    let list = |value: &Value| {
        let regular = if value.is_array() { value } else { &value["regular"] };
        regular.as_array().cloned().unwrap_or_default()
    };
    let (all, some) = (list(&all), list(&some));
    assert!(some.iter().all(|session| all.contains(session)), "{name}: a session that was not recorded");
    let day =
        |seconds: i64, session: &Value| (seconds + session[0]["gmtoffset"].as_i64().unwrap_or(0)).div_euclid(86_400);
    let stamps: Vec<i64> =
        written["timestamp"].as_array().map_or(vec![], |t| t.iter().filter_map(Value::as_i64).collect());
    let needed =
        all.iter().filter(|s| stamps.iter().any(|t| day(*t, s) == day(s[0]["start"].as_i64().unwrap_or(0), s)));
    for session in needed {
        assert!(some.contains(session), "{name}: {session} is missing");
    }
}

/// Bars that were over for two days when they were recorded.
fn settled(recorded: &Recorded, said: &Decoded) -> Bars {
    let now = recorded.answer["meta"]["regularMarketTime"].as_i64().unwrap_or(0) * 1_000;
    said.bars.select(|row| said.bars.times[row] < now - 3 * 86_400_000)
}

/// By how much two readings of the bars before `at` differ in the middle: corrections are few, a new basis moves all.
fn drift(a: &Bars, b: &Bars, at: Ts) -> f64 {
    let factor = |row: usize, column| {
        let other = b.times.binary_search(&a.times[row]).ok()?;
        let (old, new) = (a.column(column)?.value(row)?, b.column(column)?.value(other)?);
        Some((new / old - 1.0).abs())
    };
    let of = |row: &usize| {
        let both = [Column::Close, Column::AdjClose].map(|column| factor(*row, column).unwrap_or(0.0));
        both[0].max(both[1])
    };
    let mut all: Vec<f64> = (0..a.len()).filter(|row| a.times[*row] < at).map(|row| of(&row)).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}

#[test]
fn recordings_of_two_bases_are_never_sewn_together() {
    let Some(charts) = charts() else { return };
    let (mut pairs, mut seams, mut refused) = (0, 0, 0);
    for (i, a) in charts.iter().enumerate() {
        for b in charts.iter().skip(i + 1) {
            let alike = |name: &str| a.fact(name) == b.fact(name);
            if !alike("symbol") || !alike("dataGranularity") || is_put_together(a) {
                continue;
            }
            let (x, y) = (a.decode(&a.ask().series), b.decode(&b.ask().series));
            let (x, y) = (settled(a, &x), settled(b, &y));
            let common: Vec<Ts> = x.times.iter().filter(|t| y.times.binary_search(t).is_ok()).copied().collect();
            if common.len() < 6 {
                continue;
            }
            pairs += 1;
            for at in common[3..].iter().step_by((common.len() / 40).max(1)) {
                let held = x.select(|row| x.times[row] < *at);
                let last = held.len().saturating_sub(3);
                let seam = held.select(|row| row >= last);
                let fresh = y.select(|row| y.times[row] >= seam.times[0]);
                seams += 1;
                match basis::judge(&seam, &fresh) {
                    Verdict::Rebased => refused += 1,
                    // Sewn together: then what is held agrees with the later reading of the same bars.
                    _ => assert!(
                        drift(&held, &y, *at) < 1e-4,
                        "{} and {} at {at}: {}",
                        a.name,
                        b.name,
                        drift(&held, &y, *at)
                    ),
                }
            }
        }
    }
    eprintln!("{pairs} pairs of recordings, {seams} seams: {refused} refused, no two bases sewn together");
    assert!(pairs > 20 && refused > 0);
}

#[test]
fn recorded_refusals_are_classified() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded/yahoo");
    let cases = [
        ("error-401-user-unable.json", 401, "auth"),
        ("error-quoteSummary-401-crumb.json", 401, "auth"),
        ("error-chart-400.json", 400, "bad"),
        ("error-chart-404.json", 404, "not_found"),
        ("error-historicalv8-404.json", 404, "not_found"),
        ("error-chart-422-1m-span.json", 422, "out_of_window"),
        ("error-chart-422-1m-window.json", 422, "out_of_window"),
    ];
    for (name, status, expected) in cases {
        let Ok(body) = std::fs::read(folder.join(name)) else {
            eprintln!("SKIPPED: {name} is not beside this checkout");
            return;
        };
        let class = yahoo().classify(status, "application/json", &body).expect("a class");
        assert_eq!(class.name(), expected, "{name}");
    }
}
