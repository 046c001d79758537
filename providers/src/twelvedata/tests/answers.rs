//! What an answer says, and how one is written.

use super::*;
use crate::Joint;

const NO_DATA: &str = r#"{"code":400,"message":"No data is available on the specified dates. Try setting different start/end dates.","status":"error"}"#;

fn row(time: &str) -> String {
    format!(r#"{{"datetime":"{time}","open":"1.0","high":"2.0","low":"0.5","close":"1.5","volume":"7"}}"#)
}

fn body(rows: &[String]) -> String {
    format!(
        r#"{{"meta":{{"symbol":"AAPL","interval":"1day","exchange_timezone":"America/New_York"}},"values":[{}],"status":"ok"}}"#,
        rows.join(",")
    )
}

fn decoded(series: &Series, window: Window, body: &str) -> Decoded {
    twelve().decode(series, &call_for(window), body.as_bytes()).expect("data")
}

fn days(from: &str, count: i64) -> Vec<Ts> {
    (0..count).map(|day| at(from) + day * DAY).collect()
}

#[test]
fn an_empty_window_is_an_answer() {
    let window = between("2024-03-09", "2024-03-11");
    let said = decoded(&series("AAPL", "1d"), window, NO_DATA);
    assert_eq!((said.bars.len(), said.spoken), (0, Some(window)));
    for status in [200, 400] {
        assert_eq!(twelve().classify(status, "application/json", NO_DATA.as_bytes()), None);
    }
    assert_eq!(decoded(&series("AAPL", "1d"), window, &body(&[])).spoken, Some(window));
    let absent = twelve().absent(Native::default(), &Envelope::default()).expect("a refusal");
    assert_eq!((absent.status, absent.body.as_str()), (400, NO_DATA));
}

#[test]
fn a_full_answer_speaks_of_its_newest_rows_alone() {
    let window = Window::new(at("1990-01-01"), at("2024-03-09"));
    let answer = |count: i64| {
        let label = |ts: &Ts| {
            let mut text = String::new();
            stamp::write(*ts, Unit::Date, &TimeZone::UTC, &mut text);
            row(&text)
        };
        let newest_first: Vec<String> = days("2000-01-01", count).iter().rev().map(label).collect();
        let series = series("AAPL", "1d");
        let said = decoded(&series, window, &body(&newest_first));
        let sent = twelve().call(&series, &call_for(window), Named::Ask, 0);
        (twelve().spoken(&series, &sent, &said, 0).or(said.spoken), said.bars.len())
    };
    assert_eq!(answer(5_000), (Some(Window::new(at("2000-01-01"), window.to)), 5_000));
    assert_eq!(answer(4_999), (Some(window), 4_999));
}

#[test]
fn the_newest_rows_up_to_an_end_speak_of_what_is_before_them_only_when_they_are_few() {
    let series = series("AAPL", "1d");
    let call = Call { anchor: Anchor::End, limit: 3, ..call_for(Window::new(at("2024-01-01"), at("2024-03-09"))) };
    let sent = twelve().call(&series, &call, Named::Ask, 0);
    assert_eq!(sent.query, "symbol=AAPL&interval=1day&end_date=2024%2D03%2D08&outputsize=3");
    let spoken = |rows: &[&str]| {
        let rows: Vec<String> = rows.iter().map(|day| row(day)).collect();
        let said = twelve().decode(&series, &call, body(&rows).as_bytes()).expect("data");
        assert_eq!(said.bars.len(), rows.len(), "rows before the window are welcome");
        twelve().spoken(&series, &sent, &said, 0).or(said.spoken)
    };
    let full = spoken(&["2024-03-08", "2024-03-07", "2023-12-29"]);
    assert_eq!(full, Some(Window::new(at("2023-12-29"), at("2024-03-09"))));
    assert_eq!(spoken(&["2024-03-08"]), Some(Window::new(BEGINNING, at("2024-03-09"))));
}

#[test]
fn a_full_answer_is_full_whichever_of_its_rows_were_asked_for() {
    let series = series("AAPL", "1d");
    let call = call_for(Window::new(at("1990-01-01"), at("2010-01-01")));
    let label = |ts: &Ts| {
        let mut text = String::new();
        stamp::write(*ts, Unit::Date, &TimeZone::UTC, &mut text);
        row(&text)
    };
    let last = days("2010-01-01", 1);
    let rows: Vec<String> = last.iter().chain(days("1996-01-01", 4_999).iter().rev()).map(label).collect();
    let said = twelve().decode(&series, &call, body(&rows).as_bytes()).expect("data");
    let sent = twelve().call(&series, &call, Named::Ask, 0);
    let spoken = twelve().spoken(&series, &sent, &said, 0).or(said.spoken);
    assert_eq!(spoken, Some(Window::new(at("1996-01-01"), call.window.to)));
}

#[test]
fn rows_outside_of_the_window_were_not_asked_for() {
    let rows = ["2024-03-09", "2024-03-08", "2024-03-07"].map(row);
    let said = decoded(&series("AAPL", "1d"), between("2024-03-08", "2024-03-09"), &body(&rows));
    assert_eq!(said.bars.times, [at("2024-03-08")]);
    assert_eq!(said.envelope.fact("exchange_timezone"), Some("\"America/New_York\""));
}

#[test]
fn what_is_no_data_says_nothing() {
    let window = between("2024-03-08", "2024-03-09");
    for body in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"values":null}"#,
        r#"{"values":{}}"#,
        r#"{"values":[{"datetime":"2024-03-08"}],"status":"ok"}"#,
        r#"{"values":[{"datetime":"08/03/2024","open":"1","high":"1","low":"1","close":"1"}]}"#,
        r#"{"values":[{"datetime":"2024-03-08","open":1,"high":"1","low":"1","close":"1"}]}"#,
        r#"{"code":404,"message":"Data not found","status":"error"}"#,
        r#"{"code":400,"message":"No data is available","status":"error"}"#,
    ] {
        let said = twelve().decode(&series("AAPL", "1d"), &call_for(window), body.as_bytes());
        assert!(said.is_err(), "{body}: {said:?}");
    }
    let daily = body(&[row("2024-03-08 09:30:00")]);
    assert!(twelve().decode(&series("AAPL", "1d"), &call_for(window), daily.as_bytes()).is_err());
}

#[test]
fn each_symbol_of_a_list_is_answered_by_itself() {
    let whole = format!(
        r#"{{"aapl":{},"MSFT":{{"code":404,"message":"**symbol** not found: MSFT.","status":"error"}},"EUR/USD":{NO_DATA}}}"#,
        body(&[row("2024-03-08")])
    );
    let window = between("2024-03-08", "2024-03-09");
    let part = |symbol: &str| twelve().part(&series(symbol, "1d"), &call_for(window), whole.as_bytes());
    assert_eq!(part("AAPL").expect("bars").bars.len(), 1);
    let failure = part("MSFT").expect_err("a refusal");
    assert_eq!((failure.class, failure.native.map(|(status, _)| status)), (ErrorClass::NotFound, Some(200)));
    assert_eq!(part("EUR/USD").expect("no bars").spoken, Some(window));
    assert_eq!(part("TSLA").expect_err("nothing").class, ErrorClass::Up);
}

#[test]
fn rows_are_written_newest_first_on_the_clock_of_the_exchange() {
    let times = [at("2024-03-08T20:59:00Z"), at("2024-03-11T13:30:00Z")];
    let labels = |more: &str, seen: &Envelope| -> Vec<String> {
        let (text, _) = answer(&asked(&format!("symbol=AAPL&interval=1min{more}")), &bars(&times), seen);
        let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let rows = body["values"].as_array().expect("rows");
        rows.iter().filter_map(|row| row["datetime"].as_str().map(str::to_owned)).collect()
    };
    let new_york = sight("America/New_York");
    assert_eq!(labels("", &new_york), ["2024-03-11 09:30:00", "2024-03-08 15:59:00"]);
    assert_eq!(labels("&order=ASC", &new_york), ["2024-03-08 15:59:00", "2024-03-11 09:30:00"]);
    assert_eq!(labels("&timezone=UTC", &new_york), ["2024-03-11 13:30:00", "2024-03-08 20:59:00"]);
    assert_eq!(labels("&timezone=Asia/Tokyo", &new_york), ["2024-03-11 22:30:00", "2024-03-09 05:59:00"]);
    assert_eq!(labels("&timezone=exchange", &sight("UTC")), ["2024-03-11 13:30:00", "2024-03-08 20:59:00"]);
}

#[test]
fn meta_is_what_was_seen_with_the_interval_that_was_asked_for() {
    let meta = |query: &str, seen: &Envelope| {
        let (text, content_type) = answer(&asked(query), &bars(&[at("2024-03-04")]), seen);
        assert!(content_type.starts_with("application/json") && text.ends_with("],\"status\":\"ok\"}"), "{text}");
        text.split(",\"values\"").next().expect("a beginning").to_owned()
    };
    assert_eq!(
        meta("symbol=AAPL&interval=1week", &sight("America/New_York")),
        r#"{"meta":{"symbol":"AAPL","interval":"1week","exchange_timezone":"America/New_York"}"#
    );
    assert_eq!(
        meta("symbol=AAPL&interval=1day", &Envelope::default()),
        r#"{"meta":{"symbol":"AAPL","interval":"1day"}"#
    );
}

fn without_volume(bars: &mut Bars) {
    let rows = bars.len();
    for (_, texts) in bars.columns.iter_mut().filter(|(column, _)| column.name() == "volume") {
        *texts = finex_core::columns::Texts::default();
        (0..rows).for_each(|_| texts.push_null());
    }
}

#[test]
fn lines_have_the_columns_that_there_are() {
    let lines_of = |symbol: &str, more: &str, seen: &Envelope, bars: &Bars| {
        let asked = asked(&format!("symbol={symbol}&interval=1day&format=CSV{more}"));
        let (text, content_type) = answer(&asked, bars, seen);
        assert_eq!(content_type, "text/csv");
        text
    };
    let lines = |more: &str, seen: &Envelope, bars: &Bars| lines_of("AAPL", more, seen, bars);
    let two = bars(&days("2024-03-04", 2));
    let plain = "datetime;open;high;low;close;volume\n2024-03-05;1.50;1.50;1.50;1.50;1.50\n2024-03-04;0.50;0.50;0.50;0.50;0.50\n";
    assert_eq!(lines("", &sight("America/New_York"), &two), plain);
    assert_eq!(lines("&delimiter=%2C", &Envelope::default(), &two), plain.replace(';', ","));
    assert_eq!(lines("", &Envelope::default(), &bars(&[])), "datetime;open;high;low;close;volume\n");
    assert!(lines("&previous_close=true", &Envelope::default(), &bars(&[])).ends_with(";volume;previous_close\n"));
    let mut pair = two.clone();
    without_volume(&mut pair);
    let base = Envelope { facts: vec![("currency_base".into(), "\"Euro\"".into())], ..Envelope::default() };
    assert!(
        lines_of("EUR/USD", "&order=asc", &base, &pair)
            .starts_with("datetime;open;high;low;close\n2024-03-04;0.50;0.50;0.50;0.50\n")
    );
}

#[test]
fn lines_have_as_many_values_as_the_header_has_names() {
    let mut early = bars(&[at("2024-03-08T09:00:00Z"), at("2024-03-08T09:01:00Z")]);
    without_volume(&mut early);
    for more in ["&prepost=true", "&previous_close=true"] {
        let ask = asked(&format!("symbol=AAPL&interval=1min&format=CSV{more}"));
        let (text, _) = answer(&ask, &early, &sight("America/New_York"));
        let counts: Vec<usize> = text.lines().map(|line| line.split(';').count()).collect();
        assert!(counts.iter().all(|count| *count == counts[0]), "{text}");
    }
}

#[test]
fn answers_of_a_list_are_joined_under_the_clients_names() {
    let unknown = errors::not_found("x");
    let other = errors::no_data();
    let part = |name: &'static str, error| Part { name, error, rows: 1, range: None, more: None };
    let parts = [part("aapl", None), part("BAD", Some(&unknown)), part("EUR/USD", Some(&other))];
    let joined = twelve().join(&batch("symbol=aapl,BAD,EUR/USD&interval=1day"), &parts);
    assert_eq!(joined.headers, [("is_batch", "true")]);
    let text: String = joined
        .joints
        .iter()
        .map(|joint| match joint {
            Joint::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Joint::Part(at) => at.to_string(),
        })
        .collect();
    let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&body["aapl"], &body["EUR/USD"], &body["BAD"]["code"]), (&0.into(), &2.into(), &400.into()));
}

#[test]
fn currency_and_zone_are_told_by_answers() {
    let said = |name: &str, value: &str| Envelope { facts: vec![(name.into(), value.into())], ..Envelope::default() };
    let currency = |seen: &Envelope| twelve().currency(&series("AAPL", "1d"), seen);
    assert_eq!(currency(&said("currency", "\"USD\"")), "USD");
    assert_eq!(currency(&said("currency_quote", "\"US Dollar\"")), "US Dollar");
    assert_eq!(currency(&said("currency", "5")), "");
    assert_eq!(twelve().timezone(&said("exchange_timezone", "\"Asia/Tokyo\"")), "Asia/Tokyo");
    assert_eq!(twelve().timezone(&Envelope::default()), "UTC");
}
