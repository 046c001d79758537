//! Answers around rows, pages of them, and refusals.

use super::*;
use crate::query::Query;

const MINUTES: &str = "/v2/aggs/ticker/AAPL/range/1/minute/1709906400000/1709909999999";
const BARS: &str =
    "/v2/stocks/bars?symbols=AAPL,MSFT&timeframe=1Min&start=2024-03-08T14:00:00Z&end=2024-03-08T15:00:00Z";
const FIRST: Ts = 1_709_906_400_000;

/// Bars of minutes, as a provider's table has them.
fn minutes(provider: &Described, series: &Series, rows: i64) -> Bars {
    let mut bars = provider.table(series).expect("a table").none();
    for row in 0..rows {
        bars.times.push(FIRST + row * 60_000);
        bars.columns.iter_mut().for_each(|(_, texts)| texts.push(&format!("{row}.50")));
    }
    bars
}

fn written(id: &str, url: &str, rows: i64, more: Option<Ts>) -> String {
    let (provider, ask) = (described(id), asked(id, url));
    answer(provider, &ask, &minutes(provider, &ask.series, rows), more, &Envelope::default())
}

fn json_of(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn rows_stand_in_the_order_that_was_asked_for() {
    let times = |more: &str| -> Vec<i64> {
        let body = json_of(&written("polygon", &format!("{MINUTES}?{more}"), 3, None));
        body["results"].as_array().expect("rows").iter().filter_map(|row| row["t"].as_i64()).collect()
    };
    assert_eq!(times("sort=asc"), [FIRST, FIRST + 60_000, FIRST + 120_000]);
    assert_eq!(times("sort=desc"), [FIRST + 120_000, FIRST + 60_000, FIRST]);
}

#[test]
fn an_answer_of_polygon_counts_its_rows_and_says_what_it_is_of() {
    let body = json_of(&written("polygon", &MINUTES.replace("1/minute", "5/minute"), 3, None));
    assert_eq!([&body["queryCount"], &body["resultsCount"], &body["count"]], [15, 3, 3]);
    assert_eq!((&body["ticker"], &body["adjusted"]), (&"AAPL".into(), &true.into()));
    let raw = written("polygon", &format!("{MINUTES}?adjusted=false"), 1, None);
    assert_eq!(json_of(&raw)["adjusted"], false);
    let empty = json_of(&written("polygon", MINUTES, 0, None));
    assert!(empty.get("results").is_none() && empty.get("next_url").is_none(), "{empty}");
}

#[test]
fn what_was_seen_of_the_plan_is_repeated() {
    let (provider, ask) = (described("polygon"), asked("polygon", MINUTES));
    let notes = Envelope { facts: vec![("status".into(), "\"DELAYED\"".into())], ..Envelope::default() };
    for rows in [0, 2] {
        let text = answer(provider, &ask, &minutes(provider, &ask.series, rows), None, &notes);
        assert_eq!(json_of(&text)["status"], "DELAYED");
    }
    assert_eq!(json_of(&written("polygon", MINUTES, 1, None))["status"], "OK");
}

#[test]
fn the_same_answer_has_the_same_id() {
    let id = |url: &str, rows| json_of(&written("polygon", url, rows, None))["request_id"].clone();
    assert_eq!(id(MINUTES, 3), id(MINUTES, 3));
    assert_ne!(id(MINUTES, 3), id(MINUTES, 2));
    assert_ne!(id(MINUTES, 3), id(&MINUTES.replace("AAPL", "MSFT"), 3));
}

#[test]
fn a_link_leads_to_what_the_page_left_out() {
    assert!(json_of(&written("polygon", MINUTES, 3, None)).get("next_url").is_none());
    for (sort, rest) in [("asc", Window::new(FIRST + 120_001, FIRST + 3_600_000)), ("desc", Window::new(FIRST, FIRST))]
    {
        let url = format!("{MINUTES}?sort={sort}&limit=3&adjusted=false&apiKey=Secret4711");
        let body = json_of(&written("polygon", &url, 3, Some(FIRST + 180_000)));
        let link = body["next_url"].as_str().expect("a link");
        let own = link.strip_prefix(BASE).expect("a link to finex itself");
        assert!(!link.contains("4711"), "{link}");
        let (first, next) = (asked("polygon", &url), asked("polygon", own));
        assert_eq!((next.ask.window, &next.series), (rest, &first.series), "{link}");
        assert_eq!((next.ask.take, next.native), (first.ask.take, first.native), "{link}");
    }
}

#[test]
fn a_token_of_one_stock_is_there_only_where_there_is_more() {
    let url = BARS.replace("/stocks/", "/stocks/AAPL/").replace("symbols=AAPL,MSFT&", "");
    let token = |url: &str, more| json_of(&written("alpaca", url, 2, more))["next_page_token"].clone();
    assert!(token(&url, None).is_null());
    let next = |url: &str| {
        let token = token(url, Some(FIRST + 120_000));
        asked("alpaca", &format!("{url}&page_token={}", encoded(token.as_str().expect("a token")))).ask.window
    };
    let window = asked("alpaca", &url).ask.window;
    assert_eq!(next(&url), Window::new(FIRST + 60_001, window.to));
    assert_eq!(next(&format!("{url}&sort=desc")), Window::new(window.from, FIRST));
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn part<'a>(name: &'a str, range: Option<(Ts, Ts)>, more: Option<Ts>) -> Part<'a> {
    Part { name, error: None, rows: if range.is_some() { 2 } else { 0 }, range, more }
}

fn joined(batch: &Batch, parts: &[Part<'_>]) -> String {
    let joint = |joint: &crate::Joint| match joint {
        crate::Joint::Text(text) => String::from_utf8_lossy(text).into_owned(),
        crate::Joint::Part(at) => format!("\"{}\":[]", parts[*at].name),
    };
    described("alpaca").join(batch, parts).joints.iter().map(joint).collect()
}

#[test]
fn members_without_rows_are_left_out_and_the_token_goes_on_behind_the_last_row() {
    let asked_for = batch("alpaca", BARS);
    let range = Some((FIRST, FIRST + 60_000));
    assert_eq!(
        joined(&asked_for, &[part("AAPL", None, None), part("MSFT", range, None)]),
        r#"{"bars":{"MSFT":[]},"next_page_token":null}"#
    );
    assert_eq!(
        joined(&asked_for, &[part("AAPL", None, None), part("MSFT", None, None)]),
        r#"{"bars":{},"next_page_token":null}"#
    );
    let cut = json_of(&joined(&asked_for, &[part("AAPL", range, Some(FIRST + 120_000)), part("MSFT", None, None)]));
    let token = cut["next_page_token"].as_str().expect("a token");
    let next = batch("alpaca", &format!("{BARS}&page_token={}", encoded(token)));
    let windows: Vec<(&str, Ts)> = next
        .members
        .iter()
        .filter_map(|(name, ask)| Some((name.as_str(), ask.as_ref().ok()?.ask.window.from)))
        .collect();
    assert_eq!(windows, [("AAPL", FIRST + 60_001), ("MSFT", FIRST)]);
    // When all of the first symbol was told, the next page begins with the second.
    let later = json_of(&joined(&asked_for, &[part("AAPL", range, None), part("MSFT", range, Some(FIRST + 120_000))]));
    let token = encoded(later["next_page_token"].as_str().expect("a token"));
    let next = batch("alpaca", &format!("{BARS}&page_token={token}"));
    assert_eq!(next.members.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["MSFT"]);
    let newest = batch("alpaca", &format!("{BARS}&sort=desc&page_token={token}"));
    let ask = newest.members[0].1.as_ref().expect("an ask");
    assert_eq!(ask.ask.window, Window::new(FIRST, FIRST + 60_000));
}

#[test]
fn a_token_behind_all_symbols_leads_to_an_empty_page() {
    let behind = batch("alpaca", &format!("{BARS}&page_token={}", encoded(&paging::token("ZZZ", FIRST, false))));
    assert!(behind.members.is_empty());
    assert_eq!(joined(&behind, &[]), r#"{"bars":{},"next_page_token":null}"#);
}

#[test]
fn lists_of_columns_and_of_records_have_their_envelopes() {
    let candles = "/api/v1/stock/candle?symbol=AAPL&resolution=1&from=1709906400&to=1709909999";
    let two = json_of(&written("finnhub", candles, 2, None));
    assert_eq!((&two["s"], &two["t"]), (&"ok".into(), &serde_json::json!([1_709_906_400, 1_709_906_460])));
    assert_eq!(written("finnhub", candles, 0, None), r#"{"s":"no_data"}"#);
    let iex = "/iex/AAPL/prices?startDate=2024-03-08&resampleFreq=1min";
    assert_eq!(json_of(&written("tiingo", iex, 2, None))[1]["date"], "2024-03-08T14:01:00.000Z");
    assert_eq!(written("tiingo", iex, 0, None), "[]");
}

/// No built-in manifest has lines; one that has them writes them as it says.
#[test]
fn lines_have_a_header_and_end_as_the_manifest_says() {
    let lines = |end: bool| {
        let csv = format!(
            "csv = {{ name = \"format\", value = \"csv\", json = \"json\", header = \"volume,rest\", delimiter = \";\", carriage_return = {end}, stamp = \"date\" }}\ncurrency = \"usd\"\nutc_like"
        );
        from_toml(&facts("polygon").replace("currency = \"usd\"\nutc_like", &csv))
    };
    for (carriage_return, end) in [(true, "\r\n"), (false, "\n")] {
        let provider = lines(carriage_return);
        let asked = |query: &str| match recognised_by(&provider, &format!("{MINUTES}?{query}")) {
            Recognised::Series(ask) => ask,
            other => panic!("{other:?}"),
        };
        let ask = asked("format=CSV&sort=desc");
        assert_eq!(ask.series, asked("format=json").series);
        let text = |rows| {
            let bars = minutes(&provider, &ask.series, rows);
            answer(&provider, &ask, &bars, None, &Envelope::default())
        };
        let row = |n: u32| format!("{n}.50;{n}.50;{n}.50;{n}.50;{n}.50;{n}.50;2024-03-08;{n}.50{end}");
        assert_eq!(text(0), format!("volume,rest{end}"));
        assert_eq!(text(2), format!("volume,rest{end}{}{}", row(1), row(0)));
        assert!(matches!(recognised_by(&provider, &format!("{MINUTES}?format=xml")), Recognised::Forward));
    }
}

#[test]
fn a_refusal_of_ours_is_json_whatever_its_reason() {
    for id in ["polygon", "tiingo", "alpaca", "finnhub"] {
        for reason in ["a \"b\" c", "back\\slash", "line\nfeed", "é", "", "${detail}"] {
            for class in [ErrorClass::Bad, ErrorClass::Up, ErrorClass::Auth, ErrorClass::OutOfWindow] {
                let error = described(id).error(&Failure::new(class, reason));
                assert!(json_of(&error.body).is_object() && error.status >= 400, "{id} {reason}");
            }
        }
    }
    let xml = described("fred").error(&Failure::new(ErrorClass::Up, "a < \"b\" & c"));
    assert!(xml.body.contains("message=\"a &lt; &quot;b&quot; &amp; c\""), "{}", xml.body);
}

#[test]
fn a_reason_may_end_with_a_quote() {
    let error = described("alpaca").error(&Failure::new(ErrorClass::Bad, "no \"bars\""));
    assert_eq!(json_of(&error.body)["message"], "no \"bars\"");
}

#[test]
fn a_manifest_that_makes_no_sense_is_refused() {
    let broken = [
        ("timezone = \"America/New_York\"", "timezone = \"America/Nowhere\"", "no zone"),
        ("\"t:time\"", "\"t:trades\"", "two fields fill"),
        ("\"t:time\", \"n:trades?\"", "\"n:trades?\"", "exactly one field is the time"),
        ("${scanned}", "${weather}", "nothing is known to stand"),
        ("${count}${link}}'", "${count'", "has no end"),
        ("utc_like = ", "only = [\"7m\"]\nutc_like = ", "has no bars of 7m"),
    ];
    for (one, other, words) in broken {
        let text = facts("polygon").replace(one, other);
        assert_ne!(text, facts("polygon"), "{one}");
        let error = Described::new(Manifest::parse(&text).expect("a manifest")).err().expect("refused");
        assert!(error.contains(words), "{one}: {error}");
    }
}

#[test]
fn a_link_says_what_the_request_said() {
    let url = format!("{MINUTES}?sort=desc&limit=3&adjusted=false");
    let body = json_of(&written("polygon", &url, 3, Some(FIRST)));
    let query = body["next_url"].as_str().and_then(|link| link.split_once('?')).expect("a query").1.to_owned();
    let query = Query::read(&query);
    assert_eq!(
        [query.get("adjusted"), query.get("sort"), query.get("limit")],
        [Some("false"), Some("desc"), Some("3")]
    );
}
