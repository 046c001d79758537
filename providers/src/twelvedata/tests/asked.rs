//! Which requests are series, and of what.

use super::*;

const DAYS: &str = "symbol=AAPL&interval=1day&start_date=2024-03-04&end_date=2024-03-08";
const MINUTES: &str = "symbol=AAPL&interval=1min&start_date=2024-03-08%2009:30:00&end_date=2024-03-08T10:00:00";

#[test]
fn without_dates_the_newest_thirty_rows_are_meant_and_with_them_all() {
    let take = |query: &str| asked(query).ask.take;
    let newest = asked("symbol=AAPL&interval=1day");
    assert_eq!((newest.ask.window, newest.ask.take), (Window::ALL, Take::Last(30)));
    assert_eq!(take(DAYS), Take::Last(5_000));
    assert_eq!(take("symbol=AAPL&interval=1day&end_date=2024-03-08"), Take::Last(5_000));
    assert_eq!(take(&format!("{DAYS}&outputsize=2")), Take::Last(2));
    assert_eq!(take("symbol=AAPL&interval=1day&outputsize=5000"), Take::Last(5_000));
    for rows in ["0", "5001", "-1", "many"] {
        let query = format!("{DAYS}&outputsize={rows}");
        assert!(matches!(recognised(&query), Recognised::Forward), "{query}");
    }
}

#[test]
fn days_are_days_of_no_clock_and_both_ends_are_meant() {
    let days = asked(DAYS);
    assert_eq!(days.ask.window, Window::new(at("2024-03-04"), at("2024-03-08") + 1));
    assert_eq!(days.native.named, Named::Ask);
    assert_eq!(asked(&format!("{DAYS}&timezone=Asia/Tokyo")), days, "the zone is ignored for days");
    assert_eq!(asked(&DAYS.replace("2024-03-08", "2024-03-08%2000:00:00")), days);
    assert_eq!(asked("symbol=AAPL&interval=1week&date=2024-03-04").ask.window, between("2024-03-04", "2024-03-05"));
}

#[test]
fn within_days_the_clock_is_the_exchanges_until_another_is_named() {
    let local = asked(MINUTES);
    let window = Window::new(at("2024-03-08T09:30:00Z"), at("2024-03-08T10:00:00Z") + 1);
    assert_eq!(local.native.named, Named::Local { from: window.from, to: window.to });
    assert_eq!(local.ask.window, window);
    assert_eq!(asked(&format!("{MINUTES}&timezone=Exchange")), local);
    let utc = asked(&format!("{MINUTES}&timezone=UTC"));
    assert_eq!((utc.native.named, utc.ask.window), (Named::Ask, window));
    let tokyo = asked(&format!("{MINUTES}&timezone=Asia%2FTokyo"));
    assert_eq!(tokyo.ask.window, Window::new(window.from - 9 * HOUR, window.to - 9 * HOUR));
    assert_eq!(tokyo.series, local.series, "a clock is a way of writing");
    assert!(matches!(recognised(&format!("{MINUTES}&timezone=asia/tokyo")), Recognised::Forward));
    assert_eq!(asked("symbol=AAPL&interval=1min").native.named, Named::Ask);
}

#[test]
fn a_date_is_a_day_of_the_clock() {
    let day = |more: &str| asked(&format!("symbol=AAPL&interval=1min&date=2024-03-10{more}"));
    let local = between("2024-03-10", "2024-03-11");
    assert_eq!(day("").native.named, Named::Local { from: local.from, to: local.to });
    // It has 23 hours in New York.
    let named = day("&timezone=America/New_York").ask.window;
    assert_eq!(named, between("2024-03-10T05:00:00Z", "2024-03-11T04:00:00Z"));
    for bad in ["date=today", "date=yesterday", "date=2024-03-10&start_date=2024-03-10"] {
        let query = format!("symbol=AAPL&interval=1min&{bad}");
        assert!(matches!(recognised(&query), Recognised::Forward), "{query}");
    }
}

#[test]
fn what_means_the_same_is_the_same_series_and_ask() {
    let plain = asked(DAYS);
    for query in [
        "end_date=2024-03-08&start_date=2024-03-04&interval=1day&symbol=AAPL".to_owned(),
        DAYS.replace("symbol", "Symbol").replace("interval", "INTERVAL").replace("start_date", "Start_Date"),
        DAYS.replace("AAPL", "aapl"),
        format!("{DAYS}&adjust=splits&dp=-1&prepost=false&previous_close=FALSE&exchange=&type="),
        format!("{DAYS}&order=DESC&format=json&outputsize=5000&delimiter=%2C"),
        format!("{DAYS}&apikey=Secret4711&source=python"),
        format!("{DAYS}&ApiKey=Secret4711"),
    ] {
        assert_eq!(asked(&query), plain, "{query}");
    }
    assert_eq!(asked(&DAYS.replace("AAPL", "EUR%2FUSD")).series, asked(&DAYS.replace("AAPL", "eur/usd")).series);
    assert_eq!(asked(&format!("{DAYS}&adjust=NONE")), asked(&format!("{DAYS}&adjust=none")));
}

#[test]
fn what_changes_the_numbers_is_another_series() {
    let plain = asked(DAYS).series;
    for more in [
        "adjust=none",
        "adjust=all",
        "dp=5",
        "prepost=true",
        "previous_close=true",
        "exchange=NYSE",
        "mic_code=XNGS",
        "country=Canada",
        "type=ETF",
        "interval=1week",
        "symbol=MSFT",
    ] {
        let (name, value) = more.split_once('=').expect("a value");
        let query = match DAYS.split('&').find(|pair| pair.starts_with(&format!("{name}="))) {
            Some(pair) => DAYS.replace(pair, &format!("{name}={value}")),
            None => format!("{DAYS}&{more}"),
        };
        assert_ne!(asked(&query).series, plain, "{query}");
    }
    let interval = |name: &str| asked(&DAYS.replace("1day", name)).series.interval.to_string();
    assert_eq!([interval("1min"), interval("1month")], ["1m", "1mo"]);
}

#[test]
fn listings_of_one_name_are_known_apart() {
    let known = |more: &str| twelve().known_as(&asked(&format!("{DAYS}{more}")).series).to_string();
    assert_eq!(known(""), "AAPL");
    assert_eq!(known("&adjust=all&dp=5"), "AAPL");
    assert_eq!(known("&exchange=NYSE&country=Canada"), "AAPL|country=canada|exchange=nyse");
}

#[test]
fn a_list_of_symbols_keeps_its_names_and_order() {
    let list = batch(&DAYS.replace("AAPL", "msft,%20EUR%2FUSD,,A B"));
    let names: Vec<&str> = list.members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, list.page), (vec!["msft", "EUR/USD", "A B"], None));
    let symbol = |at: usize| list.members[at].1.as_ref().map(|ask| ask.series.symbol.to_string());
    assert_eq!((symbol(0), symbol(1)), (Ok("MSFT".into()), Ok("EUR/USD".into())));
    assert_eq!(symbol(2).expect_err("refused").status, 400);
    assert_eq!(asked(&DAYS.replace("AAPL", "AAPL,")).series, asked(DAYS).series);
    assert!(matches!(recognised(&format!("{}&format=CSV", DAYS.replace("AAPL", "A,B"))), Recognised::Forward));
    let many = vec!["A"; 501].join(",");
    assert!(matches!(recognised(&DAYS.replace("AAPL", &many)), Recognised::Forward));
}

#[test]
fn what_only_the_provider_knows_goes_through() {
    for query in [
        "",
        "symbol=AAPL",
        "interval=1day",
        "symbol=&interval=1day",
        "symbol=,&interval=1day",
        "symbol=AAPL&interval=1Day",
        "symbol=AAPL&interval=1d",
        "symbol=AAPL&interval=3min",
        "isin=US0378331005&interval=1day",
        "symbol=AAPL&interval=1day&start_date=last-week",
        "symbol=AAPL&interval=1day&start_date=2024-03-04%2009:30:00",
        "symbol=AAPL&interval=1day&order=random",
        "symbol=AAPL&interval=1day&format=xml",
        "symbol=AAPL&interval=1day&format=csv&delimiter=ab",
        "symbol=AAPL&SYMBOL=MSFT&interval=1day",
        "symbol=AAPL&interval=1day&cb=17",
        "symbol=AAPL&interval=1day&start_date=2024-03-08&end_date=2024-03-04",
        "symbol=AAPL&interval=1min&timezone=America/New_York&start_date=2024-11-03%2001:30:00",
        "symbol=AAPL&interval=1min&timezone=America/New_York&start_date=2024-03-10%2002:30:00",
    ] {
        assert!(matches!(recognised(query), Recognised::Forward), "{query}");
    }
    let by = |method, path| twelve().recognise(&NativeRequest { method, path, query: DAYS, header: &|_| None, now: 0 });
    for (method, path) in [("GET", "/quote"), ("GET", "/time_series/cross"), ("POST", PATH)] {
        assert!(matches!(by(method, path), Recognised::Forward), "{method} {path}");
    }
    assert!(matches!(by("HEAD", PATH), Recognised::Series(_)));
}

#[test]
fn what_cannot_be_is_refused_in_its_words() {
    let refused = |query: &str| match recognised(query) {
        Recognised::Refused(error) => serde_json::from_str::<serde_json::Value>(&error.body).expect("JSON"),
        other => panic!("{query}: {other:?}"),
    };
    let symbol = refused("symbol=A%22B&interval=1day");
    assert_eq!((&symbol["code"], &symbol["status"]), (&400.into(), &"error".into()));
    assert!(symbol["message"].as_str().expect("words").starts_with("**symbol** not found: AB."), "{symbol}");
    for bad in ["...", "%00", "A;B", "é", &"A".repeat(41)] {
        assert_eq!(refused(&format!("symbol={bad}&interval=1day"))["code"], 400, "{bad}");
    }
}

#[test]
fn a_key_is_part_of_nothing() {
    let ask = asked(&format!("{MINUTES}&apikey=Secret4711"));
    let call = twelve().call(&ask.series, &call_for(ask.ask.window), ask.native.named, 0);
    assert!(!format!("{ask:?}{call:?}").contains("4711"));
}

#[test]
fn a_key_is_one_under_a_name_in_any_case() {
    let keys = &twelve().manifest.keys;
    assert!(keys.brought("symbol=AAPL&APIKEY=Secret4711", &|_| None).is_some());
    assert_eq!(keys.stripped("symbol=AAPL&APIKEY=Secret4711"), "symbol=AAPL");
}

#[test]
fn the_unified_api_means_the_series_of_a_plain_request() {
    assert_eq!(&series("aapl", "1d"), asked(DAYS).series.as_ref());
    assert_eq!(&series("EUR/USD", "1h"), asked("symbol=EUR/USD&interval=1h").series.as_ref());
    let told = |symbol: &str, interval: &str| twelve().series(symbol, interval.parse().expect("an interval"));
    for symbol in ["", "A B", "...", "A,B", "A?b", "é", &"A".repeat(41)] {
        assert!(matches!(told(symbol, "1d"), Err(Unsupported::Symbol { .. })), "{symbol}");
    }
    for interval in ["3m", "3d", "1s", "3mo"] {
        assert!(matches!(told("AAPL", interval), Err(Unsupported::Interval { .. })), "{interval}");
    }
}
