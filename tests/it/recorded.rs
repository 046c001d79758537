//! Real bodies of Binance decode, come back identical, and can be cut to any window.
//!
//! They are read from `../shared/recorded` beside the checkout; where that folder is absent the tests say so and pass.

use finex_core::calendar::Grid;
use finex_providers::binance::{Binance, MILLISECONDS, read};
use finex_providers::{NativeRequest, Provider, Recognised};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

struct Recorded {
    name: String,
    query: String,
    body: String,
}

/// Bodies of spot klines: recorded, or samples of the documentation in the same shape.
fn klines() -> Option<Vec<Recorded>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded");
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: there is no ../shared/recorded beside this checkout");
        return None;
    };
    let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let ours = rows.filter(|row| {
        let name = row[0].to_ascii_lowercase();
        row[1] == "binance"
            && name.contains("kline")
            && !name.contains("error")
            && !name.contains("/ws-")
            && !name.contains("/docs-")
            && !name.contains("futures")
            && name.ends_with(".json")
    });
    let read = |row: Vec<&str>| Recorded {
        name: row[0].to_owned(),
        query: row[5].split_once('?').map_or(String::new(), |(_, query)| query.to_owned()),
        body: std::fs::read_to_string(folder.join(row[0])).expect("a recorded body"),
    };
    Some(ours.map(read).collect())
}

fn ask(recorded: &Recorded) -> finex_providers::NativeAsk {
    let query = if recorded.query.is_empty() { "symbol=BTCUSDT&interval=1w" } else { &recorded.query };
    let request = NativeRequest { method: "GET", path: "/api/v3/klines", query, header: &|_| None, now: 0 };
    match Binance::new(&|_| {}).recognise(&request) {
        Recognised::Series(ask) => ask,
        other => panic!("{}: {other:?}", recorded.name),
    }
}

#[test]
fn every_recorded_body_comes_back_identical_and_so_does_every_part_of_it() {
    let Some(bodies) = klines() else { return };
    let binance = Binance::new(&|_| {});
    let (mut whole, mut parts) = (0, 0);
    for recorded in &bodies {
        let series = ask(recorded).series;
        let bars = read(&series, recorded.body.as_bytes()).unwrap_or_else(|e| panic!("{}: {e}", recorded.name));
        let rows = binance.encode(&series, &bars, MILLISECONDS);
        let again = |from: usize, to: usize| format!("[{}]", String::from_utf8_lossy(&rows.slice(0, from, to)));
        let expected: Value = serde_json::from_str(&recorded.body).expect("JSON");
        assert_eq!(serde_json::from_str::<Value>(&again(0, rows.len())).expect("JSON"), expected, "{}", recorded.name);
        whole += 1;
        let expected = expected.as_array().expect("rows");
        for from in (0..rows.len()).step_by((rows.len() / 17).max(1)) {
            for to in (from..=rows.len()).step_by((rows.len() / 13).max(1)) {
                let part: Vec<Value> = serde_json::from_str(&again(from, to)).expect("JSON");
                assert_eq!(part, expected[from..to], "{} {from}..{to}", recorded.name);
                parts += 1;
            }
        }
        round_trip_through_parquet(&binance, &series, &bars, &recorded.name);
    }
    eprintln!("{whole} of {} recorded klines bodies identical, {parts} sub-ranges", bodies.len());
    assert!(whole >= 3);
}

fn round_trip_through_parquet(
    binance: &Binance,
    series: &Arc<finex_core::series::Series>,
    bars: &finex_core::columns::Bars,
    name: &str,
) {
    let file =
        finex::frame::to_parquet(bars, binance.manifest().columns, &finex::frame::Metadata::new()).expect("a file");
    let (back, _) = finex::frame::from_parquet(&file).expect("bars");
    let same = binance.encode(series, &back, MILLISECONDS) == binance.encode(series, bars, MILLISECONDS);
    assert!(same, "{name} is not the same after Parquet");
    let grid = Grid::new(series.interval, 0);
    let times = finex::store::fragment::Times::new(&back.times, grid);
    assert!(times.iter().eq(bars.times.iter().copied()), "{name}");
}

/// Two recordings eighteen days apart: only the bar that was forming differs, so history may be kept.
#[test]
fn recorded_history_does_not_change() {
    let Some(bodies) = klines() else { return };
    let daily: Vec<&Recorded> = bodies.iter().filter(|r| r.name.contains("BTCUSDT-1d")).collect();
    let [a, b] = daily[..] else { panic!("two daily recordings") };
    let decode = |r: &Recorded| read(&ask(r).series, r.body.as_bytes()).expect("rows");
    let (a, b) = (decode(a), decode(b));
    let common = |row: &usize| b.times.binary_search(&a.times[*row]).ok();
    let differing: Vec<usize> =
        (0..a.len()).filter(|row| common(row).is_some_and(|other| !a.same_row(*row, &b, other))).collect();
    assert_eq!(differing, [a.len() - 1]);
}

#[test]
fn recorded_errors_are_classified() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/recorded/binance");
    let cases = [
        ("error-418-banned.json", 418, "rate"),
        ("error-429-weight-docform.json", 429, "rate"),
        ("error-klines-400.json", 400, "bad or not found"),
        ("error-klines_interval_err.json", 400, "bad or not found"),
    ];
    for (name, status, expected) in cases {
        let Ok(body) = std::fs::read(folder.join(name)) else {
            eprintln!("SKIPPED: {name} is not beside this checkout");
            return;
        };
        let class = Binance::new(&|_| {}).classify(status, "application/json", &body).expect("a class");
        assert!(expected.contains(&class.name().replace('_', " ")), "{name}: {class:?}");
    }
}
