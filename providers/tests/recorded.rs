//! Recorded bodies of seven providers become bars and come back as they were, whole and in any range of rows.
//!
//! They are read from `../shared/recorded` beside the checkout; where that folder is absent the tests say so and pass.
//! Binance and Yahoo are tested the same way in `tests/it` of the gateway.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods, unreachable_pub)]

#[path = "recorded/answer.rs"]
mod answer;
#[path = "recorded/asked.rs"]
mod asked;
#[path = "recorded/corpus.rs"]
mod corpus;
#[path = "recorded/json.rs"]
mod json;
#[path = "recorded/known.rs"]
mod known;
#[path = "recorded/lines.rs"]
mod lines;
#[path = "recorded/own.rs"]
mod own;
#[path = "recorded/rows.rs"]
mod rows;

use corpus::Recorded;
use finex_providers::{Provider, Registry, Shape};
use json::Json;

/// Members that are another provider's answer each time, with why.
fn exempt(provider: &str) -> &'static [&'static str] {
    match provider {
        // A random id, how many minutes or days were scanned (not told by the rows), and a link to the provider's host.
        "polygon" => &["request_id", "queryCount", "next_url"],
        // The provider has two ways to write the same row; where it ends the page is compared, not what it is.
        "alpaca" => &["next_page_token"],
        _ => &[],
    }
}

/// The body without what is exempt; a token is there or not all the same.
fn comparable(body: Json, provider: &str) -> Json {
    let Json::Object(members) = body else { return body };
    let names = exempt(provider);
    let kept = members.into_iter().filter_map(|(name, value)| match names.contains(&name.as_str()) {
        true if value.text() == "null" => Some((name, value)),
        true if provider == "alpaca" => Some((name, Json::Leaf("\"token\"".into()))),
        true => None,
        false => Some((name, value)),
    });
    Json::Object(kept.collect())
}

/// What a comparison came to.
struct Compared {
    /// Ranges of rows that are those that were recorded.
    ranges: usize,
    is_to_the_byte: bool,
    /// What is different around the rows.
    difference: Option<String>,
}

/// Else why there are no rows, or others than those that were recorded.
fn compare(provider: &dyn Provider, recorded: &Recorded) -> Result<Compared, String> {
    if recorded.is_csv() && recorded.provider == "alphavantage" {
        let ranges = lines::compare(provider, recorded)?;
        return Ok(Compared { ranges, is_to_the_byte: recorded.body.contains('\r'), difference: None });
    }
    let asked = asked::recognised(provider, recorded)?;
    let own = own::answer(&asked, recorded)?;
    let answer = answer::answer(provider, &asked, recorded, &own)?;
    let before = comparable(Json::read(&recorded.body)?, &recorded.provider);
    let after = comparable(Json::read(&answer.text)?, &recorded.provider);
    let mut ranges = 0;
    for written in &answer.written {
        read_again(provider, written)?;
        ranges += rows::ranges(recorded, &before, written)?;
        inside(recorded, written)?;
    }
    let other_order = || (recorded.is_verbatim() && before.text() != after.text()).then(|| "order of members".into());
    let difference = before.difference(&after, "").or_else(other_order);
    Ok(Compared { ranges, is_to_the_byte: recorded.body.trim_end() == answer.text, difference })
}

/// What is kept is the bars.
fn read_again(provider: &dyn Provider, written: &answer::Written) -> Result<(), String> {
    let kept = provider.encode(&written.series, &written.bars, Shape(0));
    let bars = provider.reread(&written.series, &kept).map_err(|e| format!("is not read again: {e}"))?;
    if bars == written.bars { Ok(()) } else { Err("other bars are read again".into()) }
}

/// The provider's rows lie in the window that the request is taken for.
fn inside(recorded: &Recorded, written: &answer::Written) -> Result<(), String> {
    let is_recorded = !recorded.path.is_empty() && !recorded.query.contains("days=");
    let outside = written.bars.times.iter().find(|at| !written.window.contains(**at));
    match outside.filter(|_| is_recorded) {
        Some(at) => Err(format!("a bar at {at} is not in the window {:?} of the request", written.window)),
        None => Ok(()),
    }
}

/// Compares all recorded bodies of a provider: those that do not come back are those of which that is known.
fn come_back(id: &str) {
    let Some(bodies) = corpus::series_of(id) else { return };
    let registry = Registry::builtin(|_| {});
    let provider = registry.get(id).expect("a provider").as_ref();
    let (mut identical, mut to_the_byte, mut same_rows, mut ranges, mut wrong) = (0, 0, 0, 0, Vec::new());
    for recorded in &bodies {
        let file = &recorded.file;
        let found = match compare(provider, recorded) {
            Ok(compared) => {
                same_rows += 1;
                ranges += compared.ranges;
                identical += usize::from(compared.difference.is_none());
                to_the_byte += usize::from(compared.is_to_the_byte);
                compared.difference
            }
            Err(found) => Some(found),
        };
        match (found, known::reason(file)) {
            (None, None) => {}
            (Some(found), Some(reason)) if found.contains(reason.found) => {
                eprintln!("  {file}: {found}: {}", reason.why)
            }
            (Some(found), _) => wrong.push(format!("{file}: {found}")),
            (None, Some(reason)) => wrong.push(format!("{file} comes back, though {}", reason.why)),
        }
    }
    eprintln!(
        "{id}: {} recorded bodies, {identical} identical ({to_the_byte} to the byte), {same_rows} with the same rows, \
         {ranges} sub-ranges",
        bodies.len()
    );
    let is_there = |file: &&str| bodies.iter().any(|recorded| recorded.file == *file);
    wrong.extend(known::of(id).filter(|file| !is_there(file)).map(|file| format!("{file} is not recorded")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(identical > 0, "no body was compared");
}

macro_rules! recorded_bodies {
    ($($id:ident)*) => {
        $(
            #[test]
            fn $id() {
                come_back(stringify!($id));
            }
        )*
    };
}

recorded_bodies!(alphavantage coingecko twelvedata polygon tiingo alpaca finnhub);

/// A client that goes on by a page token may have it from the provider: ours are the same. (Since 2023 some of Alpaca's
/// hold nanoseconds instead of a time, and one of 2021 the last minute of the last bar.)
#[test]
fn tokens_that_hold_a_time_are_written_as_they_were_recorded() {
    let Some(bodies) = corpus::series_of("alpaca") else { return };
    let registry = Registry::builtin(|_| {});
    let provider = registry.get("alpaca").expect("a provider").as_ref();
    let token = |text: &str| Json::read(text).expect("JSON").get("next_page_token").map(Json::text);
    let mut compared = 0;
    for part in
        ["bars-v2-BYND-1Min-20210612.json", "TestGetBars_Asof.json", "TestGetBars_Asof-2.json", "sdkpy-test_get_bars-2"]
    {
        let recorded = bodies.iter().find(|recorded| recorded.is_named(part)).expect("a recorded page");
        let asked = asked::recognised(provider, recorded).expect("a request");
        let own = own::answer(&asked, recorded).expect("a body");
        let answer = answer::answer(provider, &asked, recorded, &own).expect("an answer");
        assert_eq!(token(&answer.text), token(&recorded.body), "{}", recorded.file);
        compared += 1;
    }
    eprintln!("{compared} page tokens identical");
}
