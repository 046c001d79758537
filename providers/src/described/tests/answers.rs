//! What an answer says, and of which window.

use super::*;

const MINUTES: &str = "/v2/aggs/ticker/AAPL/range/1/minute/1709906400000/1709909999999";

fn decoded(id: &str, url: &str, body: &str) -> Decoded {
    let ask = asked(id, url);
    described(id).decode(&ask.series, &call_for(ask.ask.window), body.as_bytes()).expect("data")
}

fn undecodable(id: &str, url: &str, body: &str) -> Undecodable {
    let ask = asked(id, url);
    described(id).decode(&ask.series, &call_for(ask.ask.window), body.as_bytes()).expect_err("no data")
}

fn alpaca(symbols: &str) -> String {
    format!("/v2/stocks/bars?symbols={symbols}&timeframe=1Min&start=2024-03-08T14:00:00Z&end=2024-03-08T15:00:00Z")
}

fn iex() -> String {
    "/iex/AAPL/prices?startDate=2024-03-05&endDate=2024-03-08".into()
}

const CANDLES: &str = "/api/v1/stock/candle?symbol=AAPL&resolution=1&from=1709906400&to=1709909999";

#[test]
fn an_answer_without_rows_speaks_of_its_whole_window() {
    let empty = [
        (
            "polygon",
            MINUTES.to_owned(),
            r#"{"ticker":"AAPL","queryCount":0,"resultsCount":0,"adjusted":true,"status":"OK","request_id":"a"}"#,
        ),
        ("polygon", MINUTES.to_owned(), r#"{"resultsCount":0,"results":[],"status":"OK"}"#),
        ("alpaca", alpaca("AAPL"), r#"{"bars":{},"next_page_token":null}"#),
        ("alpaca", alpaca("AAPL"), r#"{"bars":null,"next_page_token":null}"#),
        ("alpaca", alpaca("AAPL"), r#"{"bars":{"AAPL":null},"next_page_token":null}"#),
        ("alpaca", alpaca("AAPL"), r#"{"bars":{"MSFT":[{"c":1,"h":1,"l":1,"o":1,"t":"2024-03-08T14:30:00Z","v":1}]}}"#),
        ("tiingo", iex(), "[]"),
        ("tiingo", "/tiingo/crypto/prices?tickers=btcusd&startDate=2024-03-05&endDate=2024-03-08".into(), "[]"),
        ("finnhub", CANDLES.to_owned(), r#"{ "s": "no_data" }"#),
        ("finnhub", CANDLES.to_owned(), r#"{"c":[],"h":[],"l":[],"o":[],"s":"no_data","t":[],"v":[]}"#),
    ];
    for (id, url, body) in empty {
        let said = decoded(id, &url, body);
        assert!(said.bars.is_empty(), "{id} {body}");
        assert_eq!(said.spoken, Some(asked(id, &url).ask.window), "{id} {body}");
    }
}

#[test]
fn what_is_no_data_says_nothing() {
    let bodies = [
        ("polygon", MINUTES.to_owned(), "[]"),
        ("polygon", MINUTES.to_owned(), r#"{"results":{}}"#),
        ("polygon", MINUTES.to_owned(), r#"{"results":[{"t":1709906400000}]}"#),
        ("polygon", MINUTES.to_owned(), r#"{"results":[{"v":1,"o":1,"c":1,"h":1,"l":1,"t":"2024-03-08"}]}"#),
        ("alpaca", alpaca("AAPL"), r#"{"bars":{"AAPL":5}}"#),
        ("alpaca", alpaca("AAPL"), r#"{"bars":[]}"#),
        ("tiingo", iex(), "{}"),
        ("tiingo", iex(), r#"{"detail":"new words"}"#),
        ("finnhub", CANDLES.to_owned(), "{}"),
        ("finnhub", CANDLES.to_owned(), r#"{"s":"ok"}"#),
        ("finnhub", CANDLES.to_owned(), r#"{"c":[1],"h":[1],"l":[1],"o":[1],"s":"ok","t":[1709906400,1],"v":[1]}"#),
        ("finnhub", CANDLES.to_owned(), "<html>"),
    ];
    for (id, url, body) in bodies {
        undecodable(id, &url, body);
    }
}

#[test]
fn unknown_words_are_no_empty_window() {
    undecodable("polygon", MINUTES, r#"{"status":"ERROR","request_id":"a","error":"new words"}"#);
    undecodable("alpaca", &alpaca("AAPL"), r#"{"message":"new words"}"#);
    undecodable(
        "tiingo",
        "/tiingo/crypto/prices?tickers=btcusd&startDate=2024-03-05&endDate=2024-03-08",
        r#"{"detail":"new words"}"#,
    );
}

#[test]
fn a_full_answer_of_iex_speaks_of_its_newest_rows_alone() {
    let row = |at: Ts| {
        let mut text = String::new();
        stamp::write(at, stamp::Unit::Iso, &TimeZone::UTC, &mut text);
        format!(r#"{{"date":"{text}","open":1,"high":1,"low":1,"close":1}}"#)
    };
    let body = |rows: i64| {
        let first = at("2024-03-09") - rows * 60_000;
        let rows: Vec<String> = (0..rows).map(|n| row(first + n * 60_000)).collect();
        format!("[{}]", rows.join(","))
    };
    let window = asked("tiingo", &iex()).ask.window;
    let full = decoded("tiingo", &iex(), &body(2_000));
    assert_eq!(full.spoken, Some(Window::new(at("2024-03-09") - 2_000 * 60_000, window.to)));
    assert_eq!(full.bars.len(), 2_000);
    assert_eq!(decoded("tiingo", &iex(), &body(1_999)).spoken, Some(window));
}

#[test]
fn rows_that_nobody_asked_for_are_left_out() {
    let body = r#"{"results":[{"v":1,"o":1,"c":1,"h":1,"l":1,"t":1709906340000},{"v":2,"o":1,"c":1,"h":1,"l":1,"t":1709906400000},{"v":3,"o":1,"c":1,"h":1,"l":1,"t":1709910000000}]}"#;
    let said = decoded("polygon", MINUTES, body);
    assert_eq!(said.bars.times, [1_709_906_400_000]);
}

#[test]
fn a_list_of_coins_is_told_apart_by_ticker_in_any_case() {
    let url = |symbol: &str| format!("/tiingo/crypto/prices?tickers={symbol}&startDate=2024-03-05&endDate=2024-03-08");
    let row = |price: u32| {
        format!(
            r#"{{"date":"2024-03-05T00:00:00+00:00","open":{price},"high":9,"low":1,"close":2,"volume":1,"volumeNotional":2,"tradesDone":3}}"#
        )
    };
    let part = |ticker: &str, price: u32| {
        format!(r#"{{"ticker":"{ticker}","baseCurrency":"x","quoteCurrency":"usd","priceData":[{}]}}"#, row(price))
    };
    let body = format!("[{},{}]", part("ethusd", 5), part("btcusd", 7));
    let said = decoded("tiingo", &url("BTCUSD"), &body);
    let open = said.bars.column(finex_core::columns::Column::Open).and_then(|texts| texts.get(0));
    assert_eq!((open, said.envelope.fact("ticker")), (Some("7"), Some("\"btcusd\"")));
    assert!(decoded("tiingo", &url("solusd"), &body).bars.is_empty());
}

#[test]
fn weeks_stand_under_their_last_weekday_and_no_other_day() {
    let url = "/tiingo/daily/AAPL/prices?startDate=2024-03-05&endDate=2024-03-08&resampleFreq=weekly";
    let row = |day: &str| {
        format!(
            r#"[{{"date":"{day}T00:00:00.000Z","close":1,"high":1,"low":1,"open":1,"volume":1,"adjClose":1,"adjHigh":1,"adjLow":1,"adjOpen":1,"adjVolume":1,"divCash":0,"splitFactor":1}}]"#
        )
    };
    assert_eq!(decoded("tiingo", url, &row("2024-03-08")).bars.times, [at("2024-03-04")]);
    assert!(undecodable("tiingo", url, &row("2024-03-07")).foreign);
}

#[test]
fn a_page_is_followed_where_the_answer_says_how_to_go_on() {
    let asked_for =
        Upstream { path: "/v2/stocks/bars".into(), query: "symbols=AAPL&page_token=old&limit=10000".into() };
    let next = |id: &str, body: &str| {
        let series = described(id).series("AAPL", interval("1m")).expect("a series");
        described(id).next(&series, &asked_for, body.as_bytes())
    };
    let alpaca = next("alpaca", r#"{"bars":{},"next_page_token":"QUFQTHxN+/=="}"#).expect("more");
    assert_eq!(alpaca.query, "symbols=AAPL&limit=10000&page_token=QUFQTHxN%2B%2F%3D%3D");
    for host in ["https://api.polygon.io", "https://api.massive.com", "http://elsewhere:99"] {
        let body = format!(r#"{{"next_url":"{host}/v2/aggs/ticker/AAPL/range/1/minute/1/2?cursor=abc&limit=9"}}"#);
        let polygon = next("polygon", &body).expect("more");
        assert_eq!(polygon.path, "/v2/aggs/ticker/AAPL/range/1/minute/1/2", "{host}");
        assert_eq!(polygon.query, "cursor=abc&limit=9");
    }
    for (id, body) in [
        ("alpaca", r#"{"next_page_token":null}"#),
        ("alpaca", r#"{"next_page_token":""}"#),
        ("alpaca", r#"{"next_page_token":5}"#),
        ("alpaca", "[]"),
        ("polygon", "{}"),
        ("polygon", r#"{"next_url":"no url"}"#),
        ("polygon", r#"{"next_url":"https://host-alone"}"#),
        ("tiingo", r#"{"next_url":"https://a/b"}"#),
    ] {
        assert_eq!(next(id, body), None, "{id} {body}");
    }
}

#[test]
fn a_path_of_the_base_url_is_not_said_twice() {
    let provider =
        from_toml(&facts("polygon").replace("https://api.polygon.io\"\ntimezone", "http://sim:9/up/\"\ntimezone"));
    let series = provider.series("AAPL", interval("1m")).expect("a series");
    let asked_for = Upstream { path: "/v2".into(), query: String::new() };
    let body = br#"{"next_url":"http://sim:9/up/v2/more?cursor=a"}"#;
    assert_eq!(provider.next(&series, &asked_for, body).expect("more").path, "/v2/more");
}
