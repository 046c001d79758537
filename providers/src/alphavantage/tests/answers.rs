//! What an answer says, and how one is written.

use super::*;

fn row(label: &str) -> String {
    format!(r#""{label}": {{"1. open": "1.0","2. high": "2.0","3. low": "0.5","4. close": "1.5","5. volume": "7"}}"#)
}

fn body(key: &str, rows: &[String]) -> String {
    format!(r#"{{"Meta Data": {{"2. Symbol": "IBM"}},"{key}": {{{}}}}}"#, rows.join(","))
}

fn decoded(query: &str, body: &str) -> Result<Decoded, Undecodable> {
    alpha().decode(&asked(query).series, &call_for(Window::ALL, 100, Anchor::End), body.as_bytes())
}

#[test]
fn labels_are_on_the_clock_of_new_york_for_stocks_and_of_utc_for_others() {
    let rows = ["2024-03-11 09:30:00", "2024-03-08 16:00:00"].map(row);
    let stock = decoded(MINUTES, &body("Time Series (5min)", &rows)).expect("data");
    assert_eq!(stock.bars.times, [at("2024-03-08T21:00:00Z"), at("2024-03-11T13:30:00Z")]);
    let coin = "function=CRYPTO_INTRADAY&symbol=BTC&market=USD&interval=5min";
    let coin = decoded(coin, &body("Time Series Crypto (5min)", &rows)).expect("data");
    assert_eq!(coin.bars.times, [at("2024-03-08T16:00:00Z"), at("2024-03-11T09:30:00Z")]);
}

#[test]
fn weeks_and_months_are_kept_under_their_beginning_whatever_day_they_stand_under() {
    let weekly = "function=TIME_SERIES_WEEKLY&symbol=IBM";
    for (day, open) in [("2024-03-08", "2024-03-04"), ("2024-03-06", "2024-03-04"), ("2024-03-11", "2024-03-11")] {
        let said = decoded(weekly, &body("Weekly Time Series", &[row(day)])).expect("data");
        assert_eq!(said.bars.times, [at(open)], "{day}");
        let (text, _) = answer(&asked(weekly), &said.bars, &Envelope::default());
        assert!(text.contains(&format!("\"{day}\"")), "{text}");
        let runs = alpha().encode(&asked(weekly).series, &said.bars, Shape(0));
        assert_eq!(alpha().reread(&asked(weekly).series, &runs), Ok(said.bars));
    }
    let monthly = "function=TIME_SERIES_MONTHLY&symbol=IBM";
    let said = decoded(monthly, &body("Monthly Time Series", &[row("2024-03-08"), row("2024-02-29")])).expect("data");
    assert_eq!(said.bars.times, [at("2024-02-01"), at("2024-03-01")]);
}

#[test]
fn how_far_back_it_goes_is_remembered_where_that_moves() {
    let digital = "function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=USD";
    let said = decoded(digital, &body("Time Series (Digital Currency Daily)", &[row("2024-03-08")])).expect("data");
    assert_eq!(said.envelope.fact(OLDEST), Some("1709856000000"));
    let stock = decoded(DAYS, &body("Time Series (Daily)", &[row("2024-03-08")])).expect("data");
    assert_eq!(stock.envelope.fact(OLDEST), None);
}

#[test]
fn what_is_no_data_says_nothing() {
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"Information": "new words"}"#,
        &body("Time Series (5min)", &[]),
        &body("Time Series (Daily)", &[row("2024-03-08 09:30:00")]),
        &body("Time Series (Daily)", &[row("08/03/2024")]),
        &body("Time Series (Daily)", &[r#""2024-03-08": {"1. open": "1.0"}"#.into()]),
        &body("Time Series (Daily)", &[row("2024-03-08").replace("\"1.0\"", "1.0")]),
        &body("Time Series (Daily)", &[row("2024-03-08").replace("5. volume", "9. weather")]),
        r#"{"Time Series (Daily)": []}"#,
    ] {
        assert!(decoded(DAYS, text).is_err(), "{text}");
    }
    assert!(decoded(DAYS, &body("Time Series (Daily)", &[])).expect("data").bars.is_empty());
}

#[test]
fn refusals_that_look_alike_are_told_apart() {
    let class = |text: &str| alpha().classify(200, "application/json", text.as_bytes());
    let told = |name: &str, words: &str| class(&format!("{{\"{name}\": \"{words}\"}}"));
    let burst = "(1 request per second) … lift the free key rate limit (25 requests per day) as well.";
    let quota = "We have detected your API key as X and our standard API rate limit is 25 requests per day.";
    for name in ["Information", "Note"] {
        assert_eq!(told(name, burst), Some(ErrorClass::Rate), "{name}");
        assert_eq!(told(name, quota), Some(ErrorClass::Quota), "{name}");
    }
    assert_eq!(told("Error Message", "the parameter apikey is invalid or missing"), Some(ErrorClass::Auth));
    assert_eq!(told("Error Message", "Invalid API call."), Some(ErrorClass::NotFound));
    assert_eq!(class(" {} "), Some(ErrorClass::NotFound));
    assert_eq!(class(" <html>"), Some(ErrorClass::Up));
    assert_eq!(class("timestamp,open,high,low,close,volume\r\n"), None);
    assert_eq!(class(&body("Time Series (Daily)", &[row("2024-03-08")])), None);
}

#[test]
fn refusals_of_ours_are_read_by_clients_as_what_they_are() {
    let all = [ErrorClass::Rate, ErrorClass::Quota, ErrorClass::Auth, ErrorClass::Plan, ErrorClass::NotFound];
    for class in all {
        let error = alpha().error(&Failure::new(class, "because \"so\""));
        assert_eq!(alpha().classify(error.status, error.content_type, error.body.as_bytes()), Some(class));
    }
    let up = alpha().error(&Failure { timed_out: true, ..Failure::new(ErrorClass::Up, "late") });
    assert_eq!((up.status, alpha().error(&Failure::new(ErrorClass::Up, "down")).status), (504, 503));
}

#[test]
fn an_answer_is_laid_out_newest_first() {
    let seen = facts(&[("1. Information", "Daily Prices"), ("2. Symbol", "IBM")]);
    let ask = asked(DAYS);
    let (text, content_type) = answer(&ask, &bars(&ask.series, &[at("2024-03-07"), at("2024-03-08")]), &seen);
    let rows = |day: &str, price: &str| {
        let fields = ["1. open", "2. high", "3. low", "4. close", "5. volume"];
        let fields = fields.map(|name| format!("            \"{name}\": \"{price}\"")).join(",\n");
        format!("        \"{day}\": {{\n{fields}\n        }}")
    };
    let expected = format!(
        "{{\n    \"Meta Data\": {{\n        \"1. Information\": \"Daily Prices\",\n        \"2. Symbol\": \"IBM\"\n    }},\n    \"Time Series (Daily)\": {{\n{},\n{}\n    }}\n}}",
        rows("2024-03-08", "1.5000"),
        rows("2024-03-07", "0.5000")
    );
    assert_eq!((text, content_type), (expected, "application/json"));
    let (empty, _) = answer(&ask, &bars(&ask.series, &[]), &Envelope::default());
    let empty: serde_json::Value = serde_json::from_str(&empty).expect("JSON");
    assert_eq!(empty["Time Series (Daily)"], serde_json::json!({}));
}

#[test]
fn lines_end_as_in_files_of_dos() {
    let lines = |query: &str, times: &[Ts]| {
        let ask = asked(&format!("{query}&datatype=CSV"));
        let (text, content_type) = answer(&ask, &bars(&ask.series, times), &Envelope::default());
        assert_eq!(content_type, "application/x-download");
        text
    };
    let five = "0.5000,0.5000,0.5000,0.5000,0.5000";
    let header = "timestamp,open,high,low,close,volume\r\n";
    assert_eq!(lines(DAYS, &[at("2024-03-08")]), format!("{header}2024-03-08,{five}\r\n"));
    assert_eq!(lines(MINUTES, &[at("2024-03-11T13:30:00Z")]), format!("{header}2024-03-11 09:30:00,{five}\r\n"));
    assert_eq!(lines(DAYS, &[]), header);
    let adjusted = lines("function=TIME_SERIES_WEEKLY_ADJUSTED&symbol=IBM", &[at("2024-03-08")]);
    assert_eq!(
        adjusted,
        format!(
            "timestamp,open,high,low,close,adjusted close,volume,dividend amount\r\n2024-03-08,{five},0.5000,0.5000\r\n"
        )
    );
    let two = lines("function=FX_DAILY&from_symbol=EUR&to_symbol=USD", &[at("2024-03-07"), at("2024-03-08")]);
    assert!(two.starts_with("timestamp,open,high,low,close\r\n2024-03-08,1.5000,"), "{two}");
}

fn meta(query: &str, times: &[Ts], seen: &Envelope) -> serde_json::Value {
    let ask = asked(query);
    let (text, _) = answer(&ask, &bars(&ask.series, times), seen);
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["Meta Data"].clone()
}

#[test]
fn the_size_that_was_asked_for_is_told() {
    let seen = facts(&[("4. Output Size", "Full size"), ("5. Time Zone", "US/Eastern")]);
    let size = |query: &str| meta(query, &[at("2024-03-08")], &seen)["4. Output Size"].clone();
    assert_eq!([size(DAYS), size(&format!("{DAYS}&outputsize=full"))], ["Compact", "Full size"]);
    assert_eq!(meta(DAYS, &[], &seen)["5. Time Zone"], "US/Eastern");
}

#[test]
fn what_was_refreshed_last_is_the_newest_row_unless_a_trade_was() {
    let refreshed = |query: &str, newest: &str, seen: &str| {
        meta(query, &[at("2024-02-01"), at(newest)], &facts(&[("3. Last Refreshed", seen)]))["3. Last Refreshed"]
            .clone()
    };
    assert_eq!(refreshed(DAYS, "2024-03-08", "2024-03-07"), "2024-03-08");
    assert_eq!(refreshed(DAYS, "2024-03-08", "2024-03-08 12:34:56"), "2024-03-08 12:34:56");
    assert_eq!(refreshed(MINUTES, "2024-03-11T13:30:00Z", "2024-03-08 16:00:00"), "2024-03-11 09:30:00");
    let digital = "function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=USD";
    assert_eq!(refreshed(digital, "2024-03-08", "2024-03-07 00:00:00"), "2024-03-08 00:00:00");
    let weekly = "function=TIME_SERIES_WEEKLY&symbol=IBM";
    assert_eq!(refreshed(weekly, "2024-03-08", "2024-03-07"), "2024-03-08");
    // Of an answer without rows nothing newer is known.
    let empty = meta(DAYS, &[], &facts(&[("3. Last Refreshed", "2024-03-07")]));
    assert_eq!(empty["3. Last Refreshed"], "2024-03-07");
}

#[test]
fn a_fact_of_ours_is_not_told() {
    let seen = Envelope {
        facts: vec![("2. Digital Currency Code".into(), "\"BTC\"".into()), (OLDEST.into(), "5".into())],
        ..Envelope::default()
    };
    let told = meta("function=DIGITAL_CURRENCY_DAILY&symbol=BTC&market=USD", &[at("2024-03-08")], &seen);
    assert_eq!(told, serde_json::json!({ "2. Digital Currency Code": "BTC" }));
}
