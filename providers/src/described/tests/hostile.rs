//! Nothing that a client or a provider writes makes it panic.

use super::*;
use proptest::prelude::*;

/// Requests with a place for what is hostile.
const REQUESTS: [(&str, &str); 9] = [
    ("polygon", "/v2/aggs/ticker/~/range/1/day/2024-03-08/2024-03-11"),
    ("polygon", "/v2/aggs/ticker/AAPL/range/45/minute/~/2024-03-11?limit=~"),
    ("polygon", "/v2/aggs/ticker/AAPL/range/1/week/0/~?cursor=~"),
    ("alpaca", "/v2/stocks/bars?symbols=~&timeframe=1Min&start=2024-03-08"),
    ("alpaca", "/v2/stocks/bars?symbols=AAPL&timeframe=1Month&start=~&end=~"),
    ("alpaca", "/v2/stocks/AAPL/bars?timeframe=~&start=2024-03-08&page_token=~&feed=~"),
    ("tiingo", "/tiingo/daily/~/prices?startDate=~&resampleFreq=weekly"),
    ("tiingo", "/tiingo/crypto/prices?tickers=~&startDate=2024-03-08&endDate=~"),
    ("finnhub", "/api/v1/stock/candle?symbol=~&resolution=1&from=1709906400&to=1709910000"),
];

fn text() -> impl Strategy<Value = String> {
    let edges = [
        "",
        "-",
        "T",
        "%",
        "%2",
        "%00",
        "%FF",
        "é",
        "0",
        "-1",
        "1e9",
        "2024-03-08T",
        "2024-02-30",
        "9999-12-31",
        "0000-01-01",
        "0001-01-01",
        "2024-03-08T10:00:00Z1234",
        "2024-03-08 10:00:00+9999",
        "2024-03-08T24:00:00",
        "9223372036854775807",
        "99999999999",
        "-99999999999",
        "9999999999",
        "1000000000",
        "18446744073709551616",
        "NaN",
        "null",
        "A,B",
        "A|M|",
        "A/../B",
        "QXxNfDIwMjQ",
        "==",
        "AAAA====",
    ];
    prop_oneof![prop::sample::select(edges.to_vec()).prop_map(str::to_owned), any::<String>(), "[A-Z0-9:/|=T-]{0,24}"]
}

/// Everything that follows from what a client asked.
fn follow(id: &str, url: &str, body: &[u8]) {
    let provider = described(id);
    let asks: Vec<NativeAsk> = match recognised_by(provider, url) {
        Recognised::Series(ask) => vec![ask],
        Recognised::Batch(batch) => {
            let parts: Vec<Part<'_>> = batch
                .members
                .iter()
                .map(|(name, _)| Part { name, error: None, rows: 1, range: Some((0, 1)), more: Some(2) })
                .collect();
            provider.join(&batch, &parts);
            batch.members.into_iter().filter_map(|(_, ask)| ask.ok()).collect()
        }
        _ => return,
    };
    for ask in asks.iter().take(3) {
        let call = call_for(ask.ask.window);
        let upstream = provider.call(&ask.series, &call, ask.native.named, NOW);
        provider.limits(&ask.series, 1 << 20, 9);
        provider.admissible(&ask.series, &call);
        let _ = provider.next(&ask.series, &upstream, body);
        if let Ok(said) = provider.decode(&ask.series, &call, body) {
            answer(provider, ask, &said.bars, said.bars.times.first().copied(), &said.envelope);
            let runs = provider.encode(&ask.series, &said.bars, Shape(0));
            assert_eq!(provider.reread(&ask.series, &runs).map(|bars| bars.times), Ok(said.bars.times));
        }
    }
}

#[test]
fn the_smallest_number_is_no_instant() {
    follow("finnhub", "/api/v1/stock/candle?symbol=A&resolution=D&from=-9223372036854775808&to=0", b"{}");
}

/// Bodies with a place for a number.
const BODIES: [(&str, &str, &str); 5] = [
    (
        "polygon",
        "/v2/aggs/ticker/AAPL/range/1/day/0/2024-03-11",
        r#"{"results":[{"v":~,"o":1,"c":1,"h":1,"l":1,"t":~,"n":~}],"status":~,"next_url":~}"#,
    ),
    (
        "alpaca",
        "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=1970-01-01",
        r#"{"bars":{"AAPL":[{"c":~,"h":1,"l":1,"o":1,"t":"2024-03-08T05:00:00Z","v":1}]},"next_page_token":~}"#,
    ),
    (
        "tiingo",
        "/tiingo/daily/AAPL/prices?startDate=1970-01-01&resampleFreq=monthly",
        r#"[{"date":~,"close":~,"high":1,"low":1,"open":1,"volume":1,"adjClose":1,"adjHigh":1,"adjLow":1,"adjOpen":1,"adjVolume":1,"divCash":0,"splitFactor":1}]"#,
    ),
    (
        "tiingo",
        "/tiingo/crypto/prices?tickers=btcusd&startDate=1970-01-01",
        r#"[{"ticker":"btcusd","baseCurrency":~,"priceData":[{"date":"2024-03-08T00:00:00+00:00","open":~,"high":1,"low":1,"close":1,"volume":1,"volumeNotional":1,"tradesDone":1}]}]"#,
    ),
    (
        "finnhub",
        "/api/v1/stock/candle?symbol=AAPL&resolution=D&from=0&to=1709910000",
        r#"{"c":[~],"h":[1],"l":[1],"o":[1],"s":"ok","t":[~],"v":[1]}"#,
    ),
];

fn value() -> impl Strategy<Value = String> {
    let edges = [
        "0",
        "-1",
        "1e400",
        "-0.0",
        "1E-9",
        "9223372036854775807",
        "-9223372036854775808",
        "253000000000000",
        "null",
        "true",
        "{}",
        "[]",
        "\"\"",
        "\"x\"",
        "\"\\u0000\"",
        "\"2024-03-08T00:00:00.000Z\"",
        "\"2024-03-29T00:00:00.000Z\"",
        "\"9999-12-31T00:00:00.000Z\"",
        "\"https://a/b?c\"",
        "NaN",
        "-",
        "1709910000000",
    ];
    prop_oneof![prop::sample::select(edges.to_vec()).prop_map(str::to_owned), any::<i64>().prop_map(|n| n.to_string())]
}

proptest! {
    #[test]
    fn no_request_makes_it_panic(
        (id, url) in prop::sample::select(REQUESTS.to_vec()), one in text(), other in text(), body in any::<String>(),
    ) {
        follow(id, &url.replacen('~', &one, 1).replace('~', &other), body.as_bytes());
        follow(id, &one, other.as_bytes());
        let _ = described(id).series(&one, interval("1d"));
    }

    #[test]
    fn no_number_of_an_answer_makes_it_panic(
        (id, url, body) in prop::sample::select(BODIES.to_vec()), one in value(), other in value(), cut in 0usize..400,
    ) {
        let body = body.replacen('~', &one, 1).replace('~', &other);
        follow(id, url, body.as_bytes());
        follow(id, url, &body.as_bytes()[..cut.min(body.len())]);
    }

    #[test]
    fn no_refusal_makes_it_panic(
        id in prop::sample::select(IDS.to_vec()), status in any::<u16>(), kind in any::<String>(),
        body in prop::collection::vec(any::<u8>(), 0..200), words in any::<String>(),
    ) {
        let provider = described(id);
        let class = provider.classify(status, &kind, &body).unwrap_or(ErrorClass::Up);
        provider.classify(200, "application/json", words.as_bytes());
        let native = Some((status, String::from_utf8_lossy(&body).into_owned()));
        provider.error(&Failure { native, ..Failure::new(class, words) });
    }

    /// Wherever a page ends, the next one begins behind it, or is handed on.
    #[test]
    fn tokens_say_where_to_go_on(
        symbol in "[A-Z][A-Z./-]{0,9}", at in -62_000_000_000_000i64..253_000_000_000_000, is_daily in any::<bool>(),
    ) {
        let token = paging::token(&symbol, at, is_daily);
        prop_assert_eq!(paging::cursor(&token), Some((symbol, at)));
        prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
    }

    /// The bar around the first instant is meant, and it is the same one when it is asked for again.
    #[test]
    fn the_beginning_of_a_bar_is_its_own_beginning(
        seconds in 1_262_304_000i64..NOW / 1_000,
        word in prop::sample::select(vec!["1/minute", "30/minute", "45/minute", "1/hour", "4/hour", "1/day"]),
        symbol in prop::sample::select(vec!["AAPL", "X:BTCUSD"]),
    ) {
        // At night the clock of New York may show an hour twice, and stocks do not trade.
        let local = stamp::local(seconds * 1_000, &stamp::zone("America/New_York").expect("a zone"));
        let hour = local.rem_euclid(DAY) / 3_600_000;
        prop_assume!(symbol != "AAPL" || hour >= 4);
        let from = |ts: Ts| {
            asked("polygon", &format!("/v2/aggs/ticker/{symbol}/range/{word}/{ts}/2100-01-01")).ask.window.from
        };
        let open = from(seconds * 1_000);
        prop_assert!(open <= seconds * 1_000 && seconds * 1_000 - open < 25 * 3_600_000);
        prop_assert_eq!(from(open), open);
    }
}
