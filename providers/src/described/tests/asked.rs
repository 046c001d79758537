//! Which requests are series, and of what.

use super::*;
use finex_core::ask::Take;

const DAYS: &str = "/v2/aggs/ticker/AAPL/range/1/day/2024-03-08/2024-03-11";
const BARS: &str = "/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2024-03-08T14:30:00Z&end=2024-03-08T15:00:00Z";
const DAILY: &str = "/tiingo/daily/AAPL/prices?startDate=2024-03-05&endDate=2024-03-08";
const IEX: &str = "/iex/AAPL/prices?startDate=2024-03-05&endDate=2024-03-08";
const CANDLES: &str = "/api/v1/stock/candle?symbol=AAPL&resolution=1&from=1709908200&to=1709910000";

/// A request of each provider, ready for more parameters.
const REQUESTS: [(&str, &str); 5] = [
    ("polygon", "/v2/aggs/ticker/AAPL/range/1/day/2024-03-08/2024-03-11?sort=asc"),
    ("alpaca", BARS),
    ("tiingo", DAILY),
    ("tiingo", IEX),
    ("finnhub", CANDLES),
];

#[test]
fn days_of_polygon_begin_in_new_york_for_stocks_and_in_greenwich_for_coins() {
    let stock = asked("polygon", DAYS);
    assert_eq!(stock.ask.window, between("2024-03-08T05:00:00Z", "2024-03-12T04:00:00Z"));
    assert_eq!((stock.ask.take, stock.series.symbol.as_ref()), (Take::First(5_001), "AAPL"));
    for symbol in ["X:BTCUSD", "C:EURUSD"] {
        let coin = asked("polygon", &DAYS.replace("AAPL", symbol));
        assert_eq!(coin.ask.window, between("2024-03-08", "2024-03-12"), "{symbol}");
    }
}

#[test]
fn polygon_means_the_bar_too_that_the_first_instant_lies_in() {
    let from = |word: &str, from: &str| {
        asked("polygon", &format!("/v2/aggs/ticker/AAPL/range/{word}/{}/1709910090000", at(from))).ask.window
    };
    let asked = from("1/minute", "2024-03-08T14:30:30Z");
    assert_eq!(asked, Window::new(at("2024-03-08T14:30:00Z"), 1_709_910_090_001));
    assert_eq!(from("4/hour", "2024-03-08T14:30:30Z").from, at("2024-03-08T13:00:00Z"));
    assert_eq!(from("1/day", "2024-03-08T04:59:59Z").from, at("2024-03-07T05:00:00Z"));
}

#[test]
fn a_minute_of_a_longer_night_is_its_own() {
    let from = at("2023-11-05T06:30:00Z");
    assert_eq!(
        asked("polygon", &format!("/v2/aggs/ticker/AAPL/range/1/minute/{from}/2023-11-06")).ask.window.from,
        from
    );
}

#[test]
fn a_page_is_asked_for_with_one_row_more_at_the_end_that_comes_first() {
    let take = |id: &str, url: &str| asked(id, url).ask.take;
    assert_eq!(take("polygon", &format!("{DAYS}?limit=120")), Take::First(121));
    assert_eq!(take("polygon", &format!("{DAYS}?limit=50000&sort=desc")), Take::Last(50_001));
    assert_eq!(take("alpaca", BARS), Take::First(1_001));
    assert_eq!(take("alpaca", &format!("{BARS}&limit=3&sort=DESC")), Take::Last(4));
    assert_eq!(take("tiingo", &format!("{DAILY}&sort=-date")), Take::All);
    assert_eq!(asked("tiingo", &format!("{DAILY}&sort=-date")).native.shape, Shape(NEWEST_FIRST));
    for limit in ["0", "50001", "-1", "1e3", ""] {
        goes_through("polygon", &format!("{DAYS}?limit={limit}"));
    }
    goes_through("alpaca", &format!("{BARS}&limit=10001"));
    goes_through("alpaca", &format!("{BARS}&sort=up"));
}

#[test]
fn what_means_the_same_is_the_same_series_and_ask() {
    let pairs = [
        ("polygon", DAYS.to_owned(), format!("{DAYS}?adjusted=true&sort=asc&limit=5000&apiKey=k")),
        ("polygon", DAYS.replace("AAPL", "X:BTCUSD"), DAYS.replace("AAPL", "X%3ABTCUSD")),
        ("alpaca", BARS.to_owned(), BARS.replace("1Min", "1T")),
        ("alpaca", BARS.to_owned(), format!("{BARS}&adjustment=raw&feed=&currency=USD&sort=asc&limit=1000&asof=")),
        ("alpaca", BARS.to_owned(), BARS.replace(":", "%3A").replace("15%3A00%3A00Z", "10:00:00-05:00")),
        ("tiingo", DAILY.to_owned(), format!("{DAILY}&resampleFreq=daily&format=json&token=k&sort=date")),
        ("tiingo", IEX.to_owned(), format!("{IEX}&resampleFreq=5Min&afterHours=false&forceFill=False&columns=")),
        ("finnhub", CANDLES.to_owned(), format!("{CANDLES}&format=json&token=k")),
    ];
    for (id, one, other) in pairs {
        assert_eq!(asked(id, &one), asked(id, &other), "{id} {other}");
    }
    let order = "/v2/stocks/bars?end=2024-03-08T15:00:00Z&timeframe=1Min&symbols=AAPL&start=2024-03-08T14:30:00Z";
    assert_eq!(asked("alpaca", order), asked("alpaca", BARS));
}

#[test]
fn what_means_another_thing_is_another_series() {
    let pairs = [
        ("polygon", DAYS.to_owned(), format!("{DAYS}?adjusted=false")),
        ("polygon", DAYS.to_owned(), DAYS.replace("AAPL", "aapl")),
        ("polygon", DAYS.replace("1/day", "1/minute"), DAYS.replace("1/day", "1/month")),
        ("polygon", DAYS.replace("1/day", "60/minute"), DAYS.replace("1/day", "1/hour")),
        ("alpaca", BARS.to_owned(), format!("{BARS}&adjustment=split")),
        ("alpaca", format!("{BARS}&adjustment=all"), format!("{BARS}&adjustment=split")),
        ("alpaca", BARS.to_owned(), format!("{BARS}&feed=iex")),
        ("alpaca", BARS.to_owned(), format!("{BARS}&asof=2022-06-01")),
        ("alpaca", BARS.to_owned(), format!("{BARS}&currency=EUR")),
        ("alpaca", BARS.to_owned(), BARS.replace("/stocks/", "/stocks/AAPL/").replace("symbols=AAPL&", "feed=iex&")),
        ("tiingo", DAILY.to_owned(), format!("{DAILY}&resampleFreq=weekly")),
        ("tiingo", IEX.to_owned(), format!("{IEX}&columns=open%2Chigh,low,close,volume")),
        ("finnhub", CANDLES.to_owned(), CANDLES.replace("resolution=1", "resolution=D")),
        ("finnhub", CANDLES.to_owned(), CANDLES.replace("stock", "crypto")),
    ];
    for (id, one, other) in pairs {
        assert_ne!(asked(id, &one).series, asked(id, &other).series, "{id} {other}");
    }
    let word = |word: &str| asked("alpaca", &BARS.replace("1Min", word)).series.interval.to_string();
    assert_eq!([word("1T"), word("1M"), word("1Month"), word("1H")], ["1m", "1mo", "1mo", "1h"]);
}

#[test]
fn what_is_false_in_any_case_is_one_series() {
    let plain = asked("polygon", &format!("{DAYS}?adjusted=false"));
    assert_eq!(asked("polygon", &format!("{DAYS}?adjusted=False")), plain);
    assert_eq!(described("polygon").rewritten_by(&plain.series), None);
}

#[test]
fn a_key_is_part_of_nothing() {
    for (id, url) in REQUESTS {
        let plain = asked(id, url);
        let name = match id {
            "polygon" => "apiKey",
            "alpaca" => continue,
            _ => "token",
        };
        let keyed = asked(id, &format!("{url}&{name}=Secret4711"));
        assert_eq!(keyed, plain, "{id}");
        assert!(!upstream(id, &keyed.series, keyed.ask.window).contains("4711"), "{id}");
    }
}

#[test]
fn a_bar_of_one_stock_is_the_same_by_either_path() {
    let single =
        "/v2/stocks/AAPL/bars?timeframe=1Min&start=2024-03-08T14:30:00Z&end=2024-03-08T15:00:00Z&adjustment=split";
    let (single, listed) = (asked("alpaca", single), asked("alpaca", &format!("{BARS}&adjustment=split")));
    assert_eq!((single.series, single.ask), (listed.series, listed.ask));
    assert_ne!(single.native.options, listed.native.options);
}

#[test]
fn symbols_of_a_list_are_sorted_and_told_once() {
    let listed = batch("alpaca", &BARS.replace("AAPL", "MSFT%2CAAPL,%20MSFT"));
    let names: Vec<&str> = listed.members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, listed.page, listed.newest_first), (vec!["AAPL", "MSFT"], Some(1_000), false));
    let coins = "/tiingo/crypto/prices?tickers=ethusd,btcusd&startDate=2024-03-05&resampleFreq=1day";
    let listed = batch("tiingo", coins);
    let asks: Vec<&NativeAsk> = listed.members.iter().filter_map(|(_, ask)| ask.as_ref().ok()).collect();
    assert_eq!(asks[0].series.interval, interval("1d"));
    assert_eq!(asks[0].ask.window, Window::new(at("2024-03-05"), finex_core::time::END));
    for bad in ["", ",", "AAPL,", "A B", "AAPL,%00", "é", "..", "A;B"] {
        goes_through("alpaca", &BARS.replace("AAPL", bad));
    }
}

#[test]
fn ends_are_inclusive_and_a_day_ends_with_its_last_instant() {
    let window = |id: &str, url: &str| asked(id, url).ask.window;
    assert_eq!(window("alpaca", BARS), Window::new(at("2024-03-08T14:30:00Z"), at("2024-03-08T15:00:00Z") + 1));
    let days = BARS.replace("2024-03-08T14:30:00Z", "2024-03-08").replace("2024-03-08T15:00:00Z", "2024-03-10");
    assert_eq!(window("alpaca", &days), between("2024-03-08T05:00:00Z", "2024-03-11T04:00:00Z"));
    assert_eq!(window("tiingo", DAILY), between("2024-03-05", "2024-03-09"));
    assert_eq!(window("finnhub", CANDLES), Window::new(1_709_908_200_000, 1_709_910_001_000));
}

#[test]
fn a_week_is_asked_for_from_its_monday_where_the_provider_rolls_back() {
    let weekly = asked("tiingo", &format!("{DAILY}&resampleFreq=weekly"));
    assert_eq!(weekly.ask.window, between("2024-03-04", "2024-03-09"));
    let yearly = asked("tiingo", &format!("{DAILY}&resampleFreq=annually"));
    assert_eq!(yearly.ask.window.from, at("2024-01-01"));
}

#[test]
fn an_answer_that_is_one_piece_belongs_to_its_window() {
    let weekly = |from: &str| asked("polygon", &format!("/v2/aggs/ticker/AAPL/range/1/week/{from}/2024-03-08"));
    let (one, other) = (weekly("2024-01-01"), weekly("2024-01-02"));
    assert_ne!(one.series, other.series);
    assert_eq!(one.series.variant.get(WINDOW), Some("1704085200000~1709960400000"));
    assert!(one.ask.window.from < at("2023-12-25"), "bars may begin before the window that they are made from");
    assert!(described("polygon").limits(&one.series, 1 << 20, 9).whole);
}

#[test]
fn what_only_the_provider_knows_goes_through() {
    let urls = [
        ("polygon", format!("{DAYS}?explain=1")),
        ("polygon", format!("{DAYS}?adjusted=maybe")),
        ("polygon", format!("{DAYS}?adjusted=")),
        ("polygon", format!("{DAYS}?sort=asc&sort=desc")),
        ("polygon", DAYS.replace("1/day", "7/day")),
        ("polygon", DAYS.replace("2024-03-08", "yesterday")),
        ("polygon", DAYS.replace("2024-03-11", "2024-03-01")),
        ("polygon", format!("{DAYS}?cursor=YWRqdXN0ZWQ9dHJ1ZSZhcD0x")),
        ("polygon", format!("{DAYS}/more")),
        ("polygon", DAYS.replace("AAPL", "A%2F..%2FB")),
        ("polygon", DAYS.replace("AAPL", "..")),
        ("polygon", "/v2/aggs/ticker/AAPL/prev".into()),
        ("polygon", "/v2/aggs/grouped/locale/us/market/stocks/2024-03-08".into()),
        ("alpaca", "/v2/stocks/bars?symbols=AAPL&timeframe=1Min".into()),
        ("alpaca", BARS.replace("1Min", "7Min")),
        ("alpaca", BARS.replace("1Min", "1m")),
        ("alpaca", format!("{BARS}&page_token=nonsense")),
        ("alpaca", "/v2/stocks/AAPL/trades?start=2024-03-08".into()),
        ("tiingo", "/tiingo/daily/AAPL/prices".into()),
        ("tiingo", "/tiingo/daily/AAPL".into()),
        ("tiingo", format!("{DAILY}&format=csv")),
        ("tiingo", format!("{DAILY}&resampleFreq=5min")),
        ("tiingo", format!("{DAILY}&columns=close")),
        ("tiingo", format!("{IEX}&afterHours=true")),
        ("tiingo", format!("{IEX}&forceFill=true")),
        ("tiingo", format!("{IEX}&resampleFreq=daily")),
        ("finnhub", format!("{CANDLES}&format=csv")),
        ("finnhub", CANDLES.replace("&to=1709910000", "")),
        ("finnhub", CANDLES.replace("from=1709908200", "from=1709910001")),
        ("finnhub", CANDLES.replace("from=1709908200", "from=2024-03-08")),
        ("finnhub", CANDLES.replace("from=1709908200", "from=1700000000")),
        ("finnhub", "/api/v1/quote?symbol=AAPL".into()),
        ("fred", "/fred/series/observations?series_id=GDP&api_key=k".into()),
    ];
    for (id, url) in urls {
        goes_through(id, &url);
    }
    let years = asked("finnhub", &CANDLES.replace("=1&from=1709908200", "=D&from=1500000000"));
    assert_eq!(years.ask.window.from, 1_500_000_000_000);
}

#[test]
fn reading_is_for_reading_methods() {
    for (id, url) in REQUESTS {
        let (path, query) = url.split_once('?').expect("a query");
        let by = |method| described(id).recognise(&NativeRequest { method, path, query, header: &|_| None, now: NOW });
        assert!(matches!(by("POST"), Recognised::Forward), "{id}");
        assert!(matches!(by("HEAD"), Recognised::Series(_) | Recognised::Batch(_)), "{id}");
    }
}

#[test]
fn lines_by_content_negotiation_are_the_providers() {
    let by = |accept: &'static str| {
        let header = |name: &str| (name == "accept").then_some(accept);
        described("polygon").recognise(&NativeRequest {
            method: "GET",
            path: DAYS,
            query: "",
            header: &header,
            now: NOW,
        })
    };
    assert!(matches!(by("text/csv"), Recognised::Forward));
    assert!(matches!(by("application/json, text/csv"), Recognised::Series(_)));
    assert!(matches!(by("*/*"), Recognised::Series(_)));
}

#[test]
fn a_token_of_another_symbol_or_window_goes_through() {
    let token = |symbol: &str, day: &str| paging::token(symbol, at(day), false);
    let cursor = |token: String| recognised("polygon", &format!("{DAYS}?cursor={}", call::encoded(&token)));
    assert!(matches!(cursor(token("AAPL", "2024-03-11")), Recognised::Series(_)));
    assert!(matches!(cursor(token("MSFT", "2024-03-11")), Recognised::Forward));
    assert!(matches!(cursor(token("AAPL", "2024-03-13")), Recognised::Forward));
    let late = call::encoded(&token("AAPL", "2024-03-09"));
    goes_through("alpaca", &format!("{BARS}&page_token={late}"));
}

#[test]
fn seconds_and_milliseconds_are_not_taken_for_each_other() {
    let seconds = refused("polygon", "/v2/aggs/ticker/AAPL/range/1/day/1709910000/1709996400");
    assert_eq!(seconds.status, 400);
    assert!(seconds.body.contains("from is in milliseconds; this looks like seconds"), "{}", seconds.body);
    let millis = refused("finnhub", &CANDLES.replace("to=1709910000", "to=1709910000000"));
    assert_eq!(millis.status, 422);
    assert!(millis.body.contains("to is in seconds; this looks like milliseconds"), "{}", millis.body);
    assert_eq!(asked("polygon", &DAYS.replace("2024-03-08", "0")).ask.window.from, at("1969-12-31T05:00:00Z"));
}
