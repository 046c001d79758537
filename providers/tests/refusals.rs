//! What providers say instead of data is told apart, and what is said in their place is told apart in the same way.
//!
//! The cases are the rows of the table in section 0.4 of `research/providers.md`. Recorded bodies are read from
//! `../shared/recorded` beside the checkout; where that folder is absent those cases are skipped.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods, unreachable_pub)]

#[path = "refusals/cases.rs"]
mod cases;

use cases::{Body, CASES, Case};
use finex_core::calendar::Interval;
use finex_core::plan::{Anchor, Call};
use finex_core::status::ErrorClass;
use finex_core::time::Window;
use finex_providers::{Failure, Provider, Registry};
use std::path::PathBuf;
use std::sync::Arc;

/// The body of a case; none where it is not recorded beside this checkout.
fn body(case: &Case) -> Option<String> {
    let Body::Recorded(file) = case.body else {
        let Body::Quoted(text) = case.body else { return None };
        return Some(text.to_owned());
    };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded").join(case.provider).join(file);
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {file} is not beside this checkout");
        return None;
    };
    // Some were saved by an editor that puts a mark before the text.
    Some(text.trim_start_matches('\u{feff}').to_owned())
}

/// How many bars of a series of the provider are in a body.
fn bars(provider: &dyn Provider, body: &str) -> Result<usize, String> {
    let (symbol, interval) = match provider.manifest().id.as_str() {
        "binance" => ("BTCUSDT", "1h"),
        "coingecko" => ("bitcoin", "1h"),
        "yahoo" => ("AAPL", "1m"),
        _ => ("AAPL", "1d"),
    };
    let interval: Interval = interval.parse().expect("an interval");
    let series = provider.series(symbol, interval).map_err(|e| e.to_string())?;
    let (window, columns) = (Window::ALL, provider.columns(&series));
    let call =
        Call { window, limit: u64::MAX, anchor: Anchor::Both, columns, need: window, reach: window, exact: false };
    provider.decode(&series, &call, body.as_bytes()).map(|said| said.bars.len()).map_err(|e| e.to_string())
}

/// Cases that are told as something else: with a part of the body, and why.
const OTHERWISE: [(&str, &str, ErrorClass, &str); 1] = [(
    "yahoo",
    "Data doesn't exist for startDate",
    ErrorClass::Bad,
    "the client gets the refusal as it came; that the window has no bars is not remembered",
)];

/// What is wrong with a case, if anything is.
fn wrong(provider: &dyn Provider, case: &Case) -> Option<String> {
    let body = body(case)?;
    let shown: String = body.chars().take(160).collect();
    let named = |found: String| format!("{} {} `{shown}`: {found}", case.provider, case.status);
    let found = provider.classify(case.status, case.content_type, body.as_bytes());
    if let Some((_, _, class, why)) =
        OTHERWISE.iter().find(|(own, part, _, _)| *own == case.provider && body.contains(part))
    {
        eprintln!("  {}", named(format!("is told as {class:?}: {why}")));
        return (found != Some(*class)).then(|| named(format!("is told as {found:?} now")));
    }
    match (found, case.expected) {
        (Some(class), expected) if expected.contains(&class) => None,
        (None, []) => match bars(provider, &body) {
            Ok(0) => None,
            other => Some(named(format!("an answer without bars has {other:?}"))),
        },
        (found, []) => Some(named(format!("is an answer without bars, but {found:?}"))),
        (found, expected) => Some(named(format!("is {expected:?}, but {found:?}"))),
    }
}

#[test]
fn refusals_are_told_apart_by_the_table() {
    let registry = Registry::builtin(|_| {});
    let provider = |case: &Case| registry.get(case.provider).expect("a provider").clone();
    let wrong: Vec<String> = CASES.iter().filter_map(|case| wrong(provider(case).as_ref(), case)).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

const CLASSES: [ErrorClass; 8] = [
    ErrorClass::Rate,
    ErrorClass::Quota,
    ErrorClass::Auth,
    ErrorClass::Plan,
    ErrorClass::NotFound,
    ErrorClass::OutOfWindow,
    ErrorClass::Bad,
    ErrorClass::Up,
];

/// Refusals that are told as another class, with why.
const SHARED: [(&str, ErrorClass, ErrorClass, &str); 18] = [
    ("alpaca", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("binance", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("coingecko", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("finnhub", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("fred", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("polygon", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("tiingo", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("yahoo", ErrorClass::Quota, ErrorClass::Rate, ONE_LIMIT),
    ("alpaca", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("binance", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("finnhub", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("polygon", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("tiingo", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("twelvedata", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("fred", ErrorClass::OutOfWindow, ErrorClass::Bad, NO_EDGE),
    ("alphavantage", ErrorClass::OutOfWindow, ErrorClass::NotFound, ONE_TEXT),
    ("alphavantage", ErrorClass::Bad, ErrorClass::NotFound, ONE_TEXT),
    ("yahoo", ErrorClass::Plan, ErrorClass::Auth, "what needs an account is refused like a wrong crumb"),
];
const ONE_LIMIT: &str = "the provider says the same of every allowance";
const NO_EDGE: &str = "the provider refuses no window for how far back it reaches";
const ONE_TEXT: &str = "the provider says the same of everything that is wrong with a call";

/// Is a body what its content type says?
fn is_of_its_type(content_type: &str, body: &str) -> bool {
    match content_type {
        json if json.starts_with("application/json") => serde_json::from_str::<serde_json::Value>(body).is_ok(),
        xml if xml.starts_with("text/xml") => is_xml(body),
        text => text.starts_with("text/plain") && !body.starts_with(['{', '<']),
    }
}

/// An element whose last attribute ends where it should.
fn is_xml(body: &str) -> bool {
    let entities = ["amp;", "quot;", "apos;", "lt;", "gt;"];
    let behind_an_ampersand = |rest: &str| entities.iter().any(|entity| rest.starts_with(entity));
    let message = body.split_once("message=\"").and_then(|(_, rest)| rest.strip_suffix("\" />"));
    let sound = |text: &str| !text.contains(['"', '<']) && text.split('&').skip(1).all(behind_an_ampersand);
    body.starts_with("<?xml ") && message.is_some_and(sound)
}

fn refused_by(provider: &Arc<dyn Provider>, class: ErrorClass, wrong: &mut Vec<String>) {
    let id = provider.manifest().id.as_str();
    // With what is in the way of one format or the other.
    let error = provider.error(&Failure::new(class, "it said \"no\" & <nothing> \\ more"));
    let is_sound = !error.body.is_empty() && is_of_its_type(error.content_type, &error.body);
    if !is_sound {
        wrong.push(format!("{id} {class:?}: {} as {}", error.body, error.content_type));
    }
    let shared = SHARED.iter().find(|(own, of, _, _)| *own == id && *of == class);
    let expected = shared.map_or(class, |(_, _, to, _)| *to);
    let found = provider.classify(error.status, error.content_type, error.body.as_bytes());
    if found != Some(expected) {
        wrong.push(format!("{id} {class:?}: {} {} is told as {found:?}", error.status, error.body));
    }
    let shared = shared.map(|(_, _, to, why)| format!("is told as {to:?}: {why}"));
    shared.into_iter().for_each(|why| eprintln!("  {id} {class:?} {why}"));
}

#[test]
fn what_is_said_in_a_providers_place_is_told_as_what_it_is() {
    let registry = Registry::builtin(|_| {});
    let mut wrong = Vec::new();
    for provider in registry.iter() {
        CLASSES.iter().for_each(|class| refused_by(provider, *class, &mut wrong));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A provider's own refusal is given back as it came, with its status.
#[test]
fn a_recorded_refusal_is_given_back_as_it_came() {
    let registry = Registry::builtin(|_| {});
    let mut wrong = Vec::new();
    for case in CASES.iter().filter(|case| matches!(case.body, Body::Recorded(_)) && !case.expected.is_empty()) {
        let provider = registry.get(case.provider).expect("a provider");
        let Some(body) = body(case).filter(|body| body.starts_with('{') && case.is_refusal_by_status()) else {
            continue;
        };
        let native = Some((case.status, body.clone()));
        let error = provider.error(&Failure { native, ..Failure::new(case.expected[0], "refused") });
        if (error.status, error.body.as_str()) != (case.status, body.as_str()) {
            wrong.push(format!(
                "{} {} `{body}` is given back as {} `{}`",
                case.provider, case.status, error.status, error.body
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
