//! What rewrites the past.

use super::*;

const SPAN: ((i16, i8, i8), (i16, i8, i8)) = ((2024, 5, 20), (2024, 6, 14));
const EX: (i16, i8, i8) = (2024, 6, 3);

fn days(yahoo: &Yahoo, symbol: &str, now: i64) -> Value {
    let span = (at(symbol, SPAN.0, (0, 0, 0)), at(symbol, SPAN.1, (23, 0, 0)));
    window(yahoo, symbol, "1d", span, "&events=div%7Csplit", now)
}

/// Closes of one answer over those of another.
fn ratios(one: &Value, other: &Value, name: &str) -> Vec<f64> {
    prices(one, name).iter().zip(prices(other, name)).map(|(one, other)| one / other).collect()
}

fn close_to(ratios: &[f64], expected: f64) {
    assert!(ratios.iter().all(|ratio| (ratio / expected - 1.0).abs() < 1e-6), "{ratios:?} are not {expected}");
}

#[test]
fn a_split_rewrites_the_past_at_once() {
    let (yahoo, now) = (Yahoo::default(), at("TSLA", (2024, 7, 1), (8, 0, 0)));
    let old = days(&yahoo, "TSLA", now);
    assert!(yahoo.add_split("tsla", EX, 4, 1, Effect::now((now + 60) * 1_000)));
    assert_eq!(days(&yahoo, "TSLA", now)["indicators"]["adjclose"], old["indicators"]["adjclose"]);
    let new = days(&yahoo, "TSLA", now + 60);
    for name in ["open", "close", "adjclose"] {
        close_to(&ratios(&old, &new, name)[..9], 4.0);
        close_to(&ratios(&old, &new, name)[9..], 1.0);
    }
    assert!(ratios(&new, &old, "volume")[..9].iter().all(|ratio| (ratio - 4.0).abs() < 1e-3));
    let ex = at("TSLA", EX, (9, 30, 0));
    let split = serde_json::json!({ "date": ex, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1" });
    assert_eq!(new["events"]["splits"][ex.to_string()], split);
    assert!(old.get("events").is_none());
    let unasked = window(&yahoo, "TSLA", "1d", (ex, ex + 86_400), "&events=div", now + 60);
    assert!(unasked.get("events").is_none());
    let week = window(&yahoo, "TSLA", "1wk", (ex, ex + 86_400), "&events=div,splits", now + 60);
    let monday = at("TSLA", EX, (0, 0, 0)).to_string();
    assert_eq!((keys(&week["events"]["splits"]), &week["events"]["splits"][&monday]), (vec![monday.as_str()], &split));
}

#[test]
fn event_and_prices_may_come_apart() {
    let (yahoo, now) = (Yahoo::default(), at("TSLA", (2024, 7, 1), (8, 0, 0)));
    let old = days(&yahoo, "TSLA", now);
    yahoo.add_split("TSLA", EX, 2, 1, Effect::late((now + 60) * 1_000, (now + 120) * 1_000));
    let listed = days(&yahoo, "TSLA", now + 60);
    assert!(listed.get("events").is_some());
    close_to(&ratios(&old, &listed, "close"), 1.0);
    close_to(&ratios(&old, &days(&yahoo, "TSLA", now + 120), "close")[..9], 2.0);
}

#[test]
fn a_split_may_rewrite_in_part() {
    let (yahoo, now) = (Yahoo::default(), at("TSLA", (2024, 7, 1), (8, 0, 0)));
    let old = days(&yahoo, "TSLA", now);
    let only_from = at("TSLA", (2024, 5, 24), (0, 0, 0));
    yahoo.add_split("TSLA", EX, 2, 1, Effect::partly((now + 60) * 1_000, only_from * 1_000, (now + 120) * 1_000));
    let part = ratios(&old, &days(&yahoo, "TSLA", now + 60), "close");
    close_to(&part[..4], 1.0);
    close_to(&part[4..9], 2.0);
    close_to(&ratios(&old, &days(&yahoo, "TSLA", now + 120), "close")[..9], 2.0);
}

#[test]
fn a_dividend_lowers_adjusted_closes_only() {
    let (yahoo, now) = (Yahoo::default(), at("TSLA", (2024, 7, 1), (8, 0, 0)));
    yahoo.set_noise(false);
    let old = days(&yahoo, "TSLA", now);
    assert!(yahoo.add_dividend("TSLA", EX, 5.5, Effect::now((now + 60) * 1_000)));
    let new = days(&yahoo, "TSLA", now + 60);
    close_to(&ratios(&new, &old, "close"), 1.0);
    let factor = 1.0 - 5.5 / prices(&old, "close")[8];
    close_to(&ratios(&new, &old, "adjclose")[..9], factor);
    close_to(&ratios(&new, &old, "adjclose")[9..], 1.0);
    let ex = at("TSLA", EX, (9, 30, 0));
    assert_eq!(new["events"]["dividends"][ex.to_string()], serde_json::json!({ "amount": 5.5, "date": ex }));
}

#[test]
fn built_in_actions_are_there() {
    let (yahoo, now) = (Yahoo::default(), at("AAPL", (2024, 7, 1), (8, 0, 0)));
    let span = (at("AAPL", (2020, 8, 1), (0, 0, 0)), at("AAPL", (2020, 9, 10), (0, 0, 0)));
    let rows = window(&yahoo, "AAPL", "1d", span, "&events=div|splits", now);
    let (dividend, split) = (at("AAPL", (2020, 8, 10), (9, 30, 0)), at("AAPL", (2020, 8, 31), (9, 30, 0)));
    assert_eq!(rows["events"]["dividends"][dividend.to_string()]["amount"], 0.24);
    assert_eq!(rows["events"]["splits"][split.to_string()]["splitRatio"], "4:1");
    // As it was seen before that split.
    let august = window(&yahoo, "AAPL", "1d", span, "&events=div|splits", split - 3_600);
    assert_eq!(august["events"]["dividends"][dividend.to_string()]["amount"], 0.96);
    assert!(august["events"].get("splits").is_none());
    close_to(&ratios(&august, &august, "close"), 1.0);
    assert!((prices(&august, "close")[3] / prices(&rows, "close")[3] - 4.0).abs() < 1e-6);
}

#[test]
fn noise_is_small_and_changes_by_the_minute() {
    let (yahoo, now) = (Yahoo::default(), at("MSFT", (2024, 12, 2), (8, 0, 0)));
    let (one, two) = (days(&yahoo, "MSFT", now), days(&yahoo, "MSFT", now + 60));
    assert_eq!(prices(&one, "close"), prices(&two, "close"));
    assert_ne!(prices(&one, "adjclose"), prices(&two, "adjclose"));
    assert_eq!(prices(&one, "adjclose"), prices(&days(&yahoo, "MSFT", now + 59), "adjclose"));
    let view = yahoo.view("MSFT", now).expect("listed");
    let exact = Yahoo::default();
    exact.set_noise(false);
    let quiet = exact.view("MSFT", now).expect("listed");
    for day in view.market.sessions(date(2024, 5, 20), date(2024, 6, 14)) {
        let noisy = f64::from(view.day(&day).adjclose as f32);
        assert!((noisy / quiet.day(&day).adjclose - 1.0).abs() <= 1e-7);
    }
    exact.set_noise(false);
    assert_eq!(prices(&days(&exact, "MSFT", now), "adjclose"), prices(&days(&exact, "MSFT", now + 60), "adjclose"));
}

#[test]
fn a_correction_shows_late() {
    let (yahoo, now) = (Yahoo::default(), at("TSLA", (2024, 7, 1), (8, 0, 0)));
    let open = at("TSLA", (2024, 5, 21), (9, 30, 0));
    let old = days(&yahoo, "TSLA", now);
    assert!(yahoo.correct("TSLA", "1d", open, 1.01, (now + 60) * 1_000));
    close_to(&ratios(&days(&yahoo, "TSLA", now + 59), &old, "close"), 1.0);
    let new = ratios(&days(&yahoo, "TSLA", now + 60), &old, "close");
    close_to(&new[1..2], 1.01);
    close_to(&[&new[..1], &new[2..]].concat(), 1.0);
    let hour = at("TSLA", (2024, 6, 24), (10, 30, 0));
    let hours = || prices(&window(&yahoo, "TSLA", "1h", (hour, hour + 3_600), "", now + 60), "close");
    let before = hours();
    assert!(yahoo.correct("TSLA", "60m", hour, 0.5, 0));
    assert!((hours()[0] / before[0] - 0.5).abs() < 1e-6 && hours()[1] == before[1]);
}

#[test]
fn what_does_not_exist_cannot_be_changed() {
    let yahoo = Yahoo::default();
    assert!(!yahoo.add_split("NOPE", EX, 2, 1, Effect::now(0)));
    assert!(!yahoo.add_dividend("TSLA", (2024, 2, 30), 1.0, Effect::now(0)));
    assert!(!yahoo.correct("TSLA", "7x", 0, 1.0, 0));
}
