//! What an answer says, and how one is written.

use super::*;

const MIDNIGHT: Ts = 1_709_856_000_000;

#[test]
fn samples_come_back_as_they_were() {
    let body = chart(&[MIDNIGHT + 17, MIDNIGHT + HOUR + 23, MIDNIGHT + 2 * HOUR + 5]);
    let said = decoded(&series("1h"), &body);
    assert_eq!((said.bars.len(), said.live, said.spoken), (3, None, Some(Window::new(0, NOW))));
    assert_eq!(answer(&series("1h"), &said.bars), body);
    let runs = gecko().encode(&series("1h"), &said.bars, Shape(0));
    assert_eq!(gecko().reread(&series("1h"), &runs), Ok(said.bars));
}

#[test]
fn the_sample_of_now_is_kept_behind_the_one_before_even_where_it_is_older() {
    for now in [MIDNIGHT + HOUR - 5_000, MIDNIGHT + HOUR] {
        let body = chart(&[MIDNIGHT + 17, MIDNIGHT + HOUR, now]);
        let said = decoded(&series("1h"), &body);
        assert_eq!(said.bars.times, [MIDNIGHT + 17, MIDNIGHT + HOUR, MIDNIGHT + HOUR + 1]);
        assert_eq!(said.live, Some(MIDNIGHT + HOUR + 1));
        assert_eq!(answer(&series("1h"), &said.bars), body, "it is shown under its own time");
        let runs = gecko().encode(&series("1h"), &said.bars, Shape(0));
        assert_eq!(gecko().reread(&series("1h"), &runs), Ok(said.bars));
    }
}

#[test]
fn a_sample_is_that_of_now_by_its_time() {
    let live = |interval: &str, last: Ts| decoded(&series(interval), &chart(&[MIDNIGHT, last])).live;
    assert_eq!(live("1d", MIDNIGHT + DAY), None);
    assert_eq!(live("1d", MIDNIGHT + DAY + 5), Some(MIDNIGHT + DAY + 5));
    assert_eq!(live("5m", MIDNIGHT + 300_123), None);
    assert_eq!(live("5m", MIDNIGHT + 301_000), Some(MIDNIGHT + 301_000));
    assert_eq!(decoded(&series("1h"), &chart(&[])).live, None);
    assert!(!gecko().opened_before(0, 1, &Envelope::default()));
}

#[test]
fn nothing_and_null_are_answers() {
    let empty = decoded(&series("1h"), r#"{"prices":[],"market_caps":[],"total_volumes":[]}"#);
    assert_eq!((empty.bars.len(), empty.spoken), (0, Some(Window::new(0, NOW))));
    assert_eq!(answer(&series("1h"), &empty.bars), r#"{"prices":[],"market_caps":[],"total_volumes":[]}"#);
    let body = format!(
        "{{\"prices\":[[{MIDNIGHT},1E-7]],\"market_caps\":[[{MIDNIGHT},null]],\"total_volumes\":[[{MIDNIGHT},0.0]]}}"
    );
    assert_eq!(answer(&series("1h"), &decoded(&series("1h"), &body).bars), body);
}

#[test]
fn candles_stand_under_their_end_and_come_back_as_they_were() {
    let four_hours = asked("bitcoin/ohlc?vs_currency=usd&days=7").series;
    let body = format!("[[{},1,2.5,0.5,1.5],[{},1.0,3,1,2]]", MIDNIGHT + 4 * HOUR, MIDNIGHT + 8 * HOUR);
    let said = decoded(&four_hours, &body);
    assert_eq!(said.bars.times, [MIDNIGHT, MIDNIGHT + 4 * HOUR]);
    assert_eq!((said.spoken, answer(&four_hours, &said.bars)), (Some(Window::ALL), body));
    // Four days are cut at certain days of a month.
    let four_days = asked("bitcoin/ohlc?vs_currency=usd&days=90").series;
    let short = format!("[[{},1,1,1,1],[{},1,1,1,1],[{},1,1,1,1]]", MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 5 * DAY);
    let said = decoded(&four_days, &short);
    assert!(said.bars.times.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", said.bars.times);
    assert_eq!(answer(&four_days, &said.bars), short);
    assert!(!gecko().columns(&four_days).has(Column::Volume));
}

#[test]
fn what_is_no_data_says_nothing() {
    let two = chart(&[MIDNIGHT, MIDNIGHT + HOUR]);
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"prices":[],"market_caps":[]}"#,
        r#"{"prices":null,"market_caps":[],"total_volumes":[]}"#,
        r#"{"prices":[],"market_caps":[],"total_volumes":[],"more":[]}"#,
        &two.replacen("],[", ",9],[", 1),
        &two.replacen(&MIDNIGHT.to_string(), "1709856001", 1),
        &two.replacen("0.5", "\"0.5\"", 1),
        &two.replace(&format!("[{MIDNIGHT},100.5],"), ""),
        &two.replace(&MIDNIGHT.to_string(), "1709856000"),
        &two[..two.len() - 9],
    ] {
        let said = gecko().decode(&series("1h"), &call_for(Window::ALL), body.as_bytes());
        assert!(said.is_err(), "{body}: {said:?}");
    }
    let candles = asked("bitcoin/ohlc?vs_currency=usd&days=7").series;
    for body in ["{}", "[[1]]", "[[1709856000,1,1,1,1]]", "[[1709856000000,1,1,1]]", "[[1709856000000,1,1,1,\"1\"]]"] {
        assert!(gecko().decode(&candles, &call_for(Window::ALL), body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn refusals_of_ours_are_read_by_clients_as_what_they_are() {
    let all = [
        ErrorClass::Rate,
        ErrorClass::Auth,
        ErrorClass::Plan,
        ErrorClass::OutOfWindow,
        ErrorClass::NotFound,
        ErrorClass::Bad,
        ErrorClass::Up,
    ];
    for class in all {
        let error = gecko().error(&Failure::new(class, "because \"so\""));
        assert_eq!(gecko().classify(error.status, error.content_type, error.body.as_bytes()), Some(class));
    }
    let own = (429, r#"{"status":{"error_code":429,"error_message":"slower"}}"#.to_owned());
    let error = gecko().error(&Failure { native: Some(own.clone()), ..Failure::new(ErrorClass::Rate, "x") });
    assert_eq!((error.status, error.body), own);
}
