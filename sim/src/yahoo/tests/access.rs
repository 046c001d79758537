//! Who gets what, and what is refused.

use super::*;

const DAY: i64 = 86_400;
const NOW: i64 = 1_710_950_000;

/// Status and body, with this cookie if any.
fn with(yahoo: &Yahoo, target: &str, cookie: Option<&str>) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    if let Some(cookie) = cookie {
        headers.insert("cookie", format!("B=1; {cookie}").parse().expect("a header"));
    }
    yahoo.answer("GET", path, query, &headers, NOW * 1_000, None).expect("one of Yahoo's paths")
}

/// A cookie, and the crumb for it as a query has it.
fn granted(yahoo: &Yahoo) -> (String, String) {
    let page = with(yahoo, "/quote/AAPL", None);
    assert_eq!(page.status, 200);
    let (_, cookie) = page.headers.into_iter().find(|(name, _)| *name == "set-cookie").expect("a cookie");
    let cookie = cookie.strip_suffix("; Path=/").expect("a path").to_owned();
    let crumb = with(yahoo, "/v1/test/getcrumb", Some(&cookie));
    assert_eq!((crumb.status, crumb.content_type), (200, "text/plain;charset=utf-8"));
    (cookie, crumb.body.replace('/', "%2F").replace('+', "%2B"))
}

#[test]
fn quotes_need_cookie_and_crumb() {
    const INVALID: &str =
        "{\"finance\":{\"result\":null,\"error\":{\"code\":\"Unauthorized\",\"description\":\"Invalid Crumb\"}}}";
    let yahoo = Yahoo::default();
    let (cookie, crumb) = granted(&yahoo);
    for target in ["/v7/finance/quote?symbols=AAPL", "/v10/finance/quoteSummary/AAPL?modules=price"] {
        let target = format!("{target}&crumb={crumb}");
        let plain = target.replace("&crumb", "&x");
        assert_eq!(with(&yahoo, &target, Some(&cookie)).status, 200);
        for refused in [with(&yahoo, &target, None), with(&yahoo, &plain, Some(&cookie))] {
            assert_eq!((refused.status, refused.body.as_str()), (401, INVALID));
        }
        yahoo.require_crumb(false);
        assert_eq!(with(&yahoo, &plain, None).status, 200);
        yahoo.require_crumb(true);
    }
    for target in ["/v8/finance/chart/AAPL", "/v1/finance/search?q=aapl"] {
        assert_eq!(with(&yahoo, target, None).status, 200);
    }
}

#[test]
fn crumbs_expire() {
    let yahoo = Yahoo::default();
    assert_eq!(with(&yahoo, "/v1/test/getcrumb", None).status, 401);
    let (cookie, crumb) = granted(&yahoo);
    yahoo.expire_crumb();
    let quote = |cookie: &str, crumb: &str| {
        with(&yahoo, &format!("/v7/finance/quote?symbols=AAPL&crumb={crumb}"), Some(cookie)).status
    };
    assert_eq!(quote(&cookie, &crumb), 401);
    assert_eq!(with(&yahoo, "/v1/test/getcrumb", Some(&cookie)).status, 401);
    let (cookie, crumb) = granted(&yahoo);
    assert_eq!(quote(&cookie, &crumb), 200);
    assert_eq!(with(&yahoo, "/", None).status, 404, "with a cookie all the same");
}

#[test]
fn quotes_and_summaries() {
    let yahoo = Yahoo::default();
    yahoo.require_crumb(false);
    let (_, quotes) = get(&yahoo, "/v7/finance/quote?symbols=aapl%2CNOPE,BTC-USD", NOW);
    let quotes = quotes["quoteResponse"]["result"].as_array().expect("a list");
    assert_eq!(quotes.iter().map(|quote| text(&quote["symbol"])).collect::<Vec<_>>(), ["AAPL", "BTC-USD"]);
    let summary = |target: &str| get(&yahoo, &format!("/v10/finance/quoteSummary/{target}"), NOW);
    let (status, body) = summary("AAPL?modules=price,summaryDetail,quoteType,assetProfile,nonsense");
    let modules = &body["quoteSummary"]["result"][0];
    assert_eq!((status, keys(modules)), (200, vec!["assetProfile", "price", "quoteType", "summaryDetail"]));
    assert_eq!(modules["price"]["regularMarketPrice"], quotes[0]["regularMarketPrice"]);
    let description = |body: &Value| text(&body["quoteSummary"]["error"]["description"]).to_owned();
    let (status, body) = summary("NOPE?modules=price");
    assert_eq!((status, description(&body).as_str()), (404, "Quote not found for ticker symbol: NOPE"));
    let (status, body) = summary("%5EGSPC?modules=assetProfile");
    let missing = "No fundamentals data found for any of the summaryTypes=assetProfile";
    assert_eq!((status, description(&body).as_str()), (404, missing));
    assert_eq!(summary("?modules=price").0, 404);
    let (status, body) = get(&yahoo, "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL?type=x", NOW);
    assert_eq!((status, body.to_string().as_str()), (200, "{\"timeseries\":{\"error\":null,\"result\":[]}}"));
}

#[test]
fn searches_have_all_fields_that_clients_check() {
    let (status, body) = get(&Yahoo::default(), "/v1/finance/search?q=Apple", NOW);
    assert_eq!((status, &body["count"], &body["quotes"][0]["symbol"]), (200, &1.into(), &"AAPL".into()));
    for name in ["explains", "news", "nav", "lists", "researchReports", "screenerFieldResults"] {
        assert!(body[name].is_array(), "{name}");
    }
    let timings = keys(&body).into_iter().filter(|name| name.starts_with("timeTakenFor")).count();
    assert_eq!((timings, body["totalTime"].is_number()), (10, true));
    assert_eq!(get(&Yahoo::default(), "/v1/finance/search", NOW).0, 400);
}

#[test]
fn windows_that_yahoo_refuses() {
    let yahoo = Yahoo::default();
    let ask = |interval: &str, from: i64, to: i64| {
        let (status, text) = refused(&yahoo, &format!("interval={interval}&period1={from}&period2={to}"), NOW);
        (status, text.split_once("endTime=").map_or(text.clone(), |(_, text)| text.to_owned()))
    };
    for (interval, days) in [("1m", 30), ("2m", 60), ("5m", 60), ("15m", 60), ("30m", 60), ("90m", 60), ("1h", 730)] {
        let from = NOW - days * DAY;
        let text = format!("{}. The requested range must be within the last {days} days.", from + 100);
        assert_eq!(ask(interval, from - 1, from + 100), (422, text));
        let fits = format!("/v8/finance/chart/AAPL?interval={interval}&period1={from}&period2={}", from + 100);
        assert_eq!(get(&yahoo, &fits, NOW).0, 200);
    }
    let eight = "Only 8 days worth of 1m granularity data are allowed to be fetched per request.";
    assert_eq!(ask("1m", NOW - 9 * DAY, NOW - 1), (422, format!("{}. {eight}", NOW - 1)));
    let century = "Only 100 years worth of day granularity data are allowed to be fetched per request.";
    assert_eq!(ask("1d", NOW - 40_000 * DAY, NOW), (422, format!("{NOW}. {century}")));
}

#[test]
fn parameters_that_yahoo_refuses() {
    let yahoo = Yahoo::default();
    let intervals = "[1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 4h, 1d, 5d, 1wk, 1mo, 3mo]";
    let text =
        format!("Unprocessable Entity: Invalid input - interval=7x is not supported. Valid intervals: {intervals}");
    assert_eq!(refused(&yahoo, "interval=7x", NOW), (422, text));
    let (status, text) = refused(&yahoo, "range=7x", NOW);
    assert!(status == 422 && text.starts_with("Unprocessable Entity: Invalid input - range=7x is not supported."));
    let text = "Bad Request: Invalid input - start date cannot be after end date. startDate = 2, endDate = 1";
    assert_eq!(refused(&yahoo, "period1=2&period2=1", NOW), (400, text.to_owned()));
    assert_eq!(refused(&yahoo, "period1=2024-01-01&period2=1", NOW).0, 400);
    let (status, body) = get(&yahoo, "/v8/finance/chart/NOPE", NOW);
    let text = "{\"chart\":{\"error\":{\"code\":\"Not Found\",\
                \"description\":\"No data found, symbol may be delisted\"},\"result\":null}}";
    assert_eq!((status, body.to_string().as_str()), (404, text));
    assert!(yahoo.answer("GET", "/api/v3/time", "", &HeaderMap::new(), 0, None).is_none());
    assert_eq!(
        yahoo.answer("POST", "/v1/finance/search", "", &HeaderMap::new(), 0, None).map(|it| it.status),
        Some(405)
    );
}
