//! The rows of the table, each with a body that was recorded or is quoted.

use finex_core::status::ErrorClass::{self, Auth, Bad, NotFound, OutOfWindow, Plan, Quota, Rate, Up};

pub enum Body {
    /// A file below the provider's folder of recordings.
    Recorded(&'static str),
    Quoted(&'static str),
}

pub struct Case {
    pub provider: &'static str,
    pub status: u16,
    pub content_type: &'static str,
    pub body: Body,
    /// Any of these classes; none: an answer without bars.
    pub expected: &'static [ErrorClass],
}

impl Case {
    /// A refusal with a status of success is Alpha Vantage's own way; elsewhere a client would take it for data.
    pub fn is_refusal_by_status(&self) -> bool {
        self.status >= 400 || self.provider == "alphavantage"
    }
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const EMPTY_RANGE: &[ErrorClass] = &[];

const fn recorded(provider: &'static str, status: u16, file: &'static str, expected: &'static [ErrorClass]) -> Case {
    Case { provider, status, content_type: JSON, body: Body::Recorded(file), expected }
}

const fn quoted(provider: &'static str, status: u16, body: &'static str, expected: &'static [ErrorClass]) -> Case {
    Case { provider, status, content_type: JSON, body: Body::Quoted(body), expected }
}

const fn of_type(content_type: &'static str, case: Case) -> Case {
    Case { content_type, ..case }
}

const PAGE: &str = "<!DOCTYPE html><html><body>Will be right back</body></html>";

pub const CASES: &[Case] = &[
    of_type(TEXT, quoted("yahoo", 429, "Too Many Requests\r\n", &[Rate])),
    quoted("yahoo", 429, "", &[Rate]),
    of_type(TEXT, quoted("yahoo", 200, "Too Many Requests", &[Rate])),
    of_type(HTML, quoted("yahoo", 200, PAGE, &[Up])),
    quoted("yahoo", 200, PAGE, &[Up]),
    of_type(HTML, quoted("yahoo", 503, PAGE, &[Up])),
    quoted("yahoo", 200, "", &[Up]),
    recorded("yahoo", 401, "error-401-user-unable.json", &[Auth]),
    recorded("yahoo", 401, "error-quoteSummary-401-crumb.json", &[Auth]),
    quoted(
        "yahoo",
        401,
        r#"{"chart":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}"#,
        &[Auth],
    ),
    recorded("yahoo", 404, "error-chart-404.json", &[NotFound]),
    recorded("yahoo", 404, "error-historicalv8-404.json", &[NotFound]),
    recorded("yahoo", 400, "error-chart-400.json", EMPTY_RANGE),
    recorded("yahoo", 422, "error-chart-422-1m-span.json", &[OutOfWindow]),
    recorded("yahoo", 422, "error-chart-422-1m-window.json", &[OutOfWindow]),
    quoted(
        "yahoo",
        422,
        r#"{"chart":{"result":null,"error":{"code":"Unprocessable Entity","description":"5m data not available for startTime=1770111238 and endTime=1770975238. The requested range must be within the last 60 days."}}}"#,
        &[OutOfWindow],
    ),
    recorded("yahoo", 200, "chart-AAPL-1m-p1738368000-20250220.json", EMPTY_RANGE),
    quoted(
        "alphavantage",
        200,
        r#"{"Information":"Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly (1 request per second) to avoid hitting our API rate limit. Or subscribe to any of the premium plans at https://www.alphavantage.co/premium/ to instantly remove all daily rate limits and lift the free key rate limit (25 requests per day) as well."}"#,
        &[Rate],
    ),
    quoted("alphavantage", 200, r#"{"Note":"Please consider spreading out your free API requests."}"#, &[Rate]),
    recorded("alphavantage", 200, "error-information-25perday-key.json", &[Quota]),
    recorded("alphavantage", 200, "error-information-25perday.json", &[Quota]),
    of_type("application/x-download", recorded("alphavantage", 200, "error-information-25perday-key.json", &[Quota])),
    recorded("alphavantage", 200, "error-note-BALANCE_SHEET-20220718.json", &[Rate]),
    recorded("alphavantage", 200, "error-note-kev-ApiLimit.json", &[Rate]),
    recorded("alphavantage", 200, "error-information-kev-PremiumMessage.json", &[Rate]),
    recorded("alphavantage", 200, "error-information-TIME_SERIES_DAILY_ADJUSTED-20220402.json", &[Plan]),
    recorded("alphavantage", 200, "error-information-TIME_SERIES_DAILY_ADJUSTED-20220904.json", &[Plan]),
    quoted(
        "alphavantage",
        200,
        r#"{"Information":"The **demo** API key is for demo purposes only. Please claim your free API key at (https://www.alphavantage.co/support/#api-key) to explore our full API offerings."}"#,
        &[Auth],
    ),
    quoted(
        "alphavantage",
        200,
        r#"{"Error Message":"the parameter apikey is invalid or missing. Please claim your free API key on (https://www.alphavantage.co/support/#api-key)."}"#,
        &[Auth],
    ),
    recorded("alphavantage", 200, "error-errormessage-kev-Error.json", &[NotFound, Bad]),
    quoted(
        "alphavantage",
        200,
        r#"{"Error Message":"Invalid API call. Please retry or visit the documentation (https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY."}"#,
        &[NotFound, Bad],
    ),
    quoted("alphavantage", 200, r#"{"Error Message":"This API function (123) does not exist."}"#, &[NotFound, Bad]),
    quoted("alphavantage", 200, "{}", &[NotFound]),
    recorded("binance", 429, "error-429-weight-docform.json", &[Rate]),
    recorded("binance", 418, "error-418-banned.json", &[Rate]),
    of_type(HTML, quoted("binance", 403, "<html><body>Request blocked</body></html>", &[Up])),
    quoted(
        "binance",
        451,
        r#"{"code":0,"msg":"Service unavailable from a restricted location according to 'b. Eligibility'."}"#,
        &[Plan],
    ),
    recorded("binance", 400, "error-klines-400.json", &[NotFound]),
    recorded("binance", 400, "error-klines_interval_err.json", &[Bad]),
    quoted("binance", 400, r#"{"code":-1100,"msg":"Illegal characters found in parameter 'symbol'."}"#, &[Bad]),
    quoted("binance", 400, r#"{"code":-1101,"msg":"Too many parameters sent for this endpoint."}"#, &[Bad]),
    quoted("binance", 400, r#"{"code":-1102,"msg":"Mandatory parameter 'interval' was not sent."}"#, &[Bad]),
    quoted("binance", 400, r#"{"code":-1104,"msg":"Not all sent parameters were read."}"#, &[Bad]),
    quoted("binance", 400, r#"{"code":-1105,"msg":"Parameter 'symbol' was empty."}"#, &[Bad]),
    quoted("binance", 400, r#"{"code":-1127,"msg":"Lookup interval is too big."}"#, &[Bad]),
    quoted("binance", 400, r#"{"code":-1130,"msg":"Data sent for parameter 'limit' is not valid."}"#, &[Bad]),
    quoted("binance", 200, "[]", EMPTY_RANGE),
    recorded("coingecko", 429, "error-429.json", &[Rate]),
    recorded("coingecko", 200, "error-429.json", &[Rate]),
    of_type(HTML, quoted("coingecko", 429, PAGE, &[Rate])),
    recorded("coingecko", 401, "error-ping-401.json", &[Auth]),
    quoted("coingecko", 400, r#"{"status":{"error_code":10010,"error_message":"Invalid API Key"}}"#, &[Auth]),
    quoted("coingecko", 403, r#"{"status":{"error_code":10011,"error_message":"Invalid API Key"}}"#, &[Auth]),
    quoted(
        "coingecko",
        401,
        r#"{"status":{"error_code":10005,"error_message":"This request is limited to PRO API subscribers."}}"#,
        &[Plan],
    ),
    quoted(
        "coingecko",
        401,
        r#"{"error":{"status":{"timestamp":"2024-03-30T07:22:29.427+00:00","error_code":10012,"error_message":"Your request exceeds the allowed time range. Public API users are limited to querying historical data within the past 365 days."}}}"#,
        &[OutOfWindow],
    ),
    quoted("coingecko", 404, r#"{"error":"coin not found"}"#, &[NotFound]),
    recorded("coingecko", 404, "error-btc-404.json", &[NotFound]),
    recorded("coingecko", 422, "error-market_chart-422.json", &[Bad]),
    recorded("coingecko", 422, "error-volume_chart-422.json", &[Bad]),
    recorded("coingecko", 500, "error-ohlc-500.json", &[Up]),
    quoted("coingecko", 200, r#"{"prices":[],"market_caps":[],"total_volumes":[]}"#, EMPTY_RANGE),
    recorded("twelvedata", 429, "error-429-minute-credits.json", &[Rate]),
    recorded("twelvedata", 200, "error-429-minute-credits.json", &[Rate]),
    quoted(
        "twelvedata",
        200,
        r#"{"code":429,"message":"You have run out of API credits for the day. 801 API credits were used, with the current limit being 800. Wait for the next day.","status":"error"}"#,
        &[Quota],
    ),
    quoted(
        "twelvedata",
        400,
        r#"{"code":400,"message":"No data is available on the specified dates. Try setting different start/end dates.","status":"error"}"#,
        EMPTY_RANGE,
    ),
    quoted(
        "twelvedata",
        200,
        r#"{"code":400,"message":"No data is available on the specified dates. Try setting different start/end dates.","status":"error"}"#,
        EMPTY_RANGE,
    ),
    quoted(
        "twelvedata",
        404,
        r#"{"code":404,"message":"Data not found","status":"error","meta":{"symbol":"AAPL","interval":"1day","exchange":""}}"#,
        &[NotFound],
    ),
    quoted(
        "twelvedata",
        400,
        r#"{"code":400,"message":"**symbol** not found: INVALID. Please specify it correctly according to API Documentation.","status":"error"}"#,
        &[NotFound],
    ),
    quoted(
        "twelvedata",
        404,
        r#"{"code":404,"message":"**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol according to API documentation: https://twelvedata.com/docs#reference-data","status":"error"}"#,
        &[NotFound],
    ),
    recorded("twelvedata", 401, "error-401.json", &[Auth]),
    quoted(
        "twelvedata",
        403,
        r#"{"code":403,"message":"Your API key does not have access to this endpoint.","status":"error"}"#,
        &[Plan],
    ),
    recorded("twelvedata", 404, "error-404-plan.json", &[Plan]),
    quoted("twelvedata", 414, r#"{"code":414,"message":"Too many symbols.","status":"error"}"#, &[Bad]),
    quoted(
        "twelvedata",
        400,
        r#"{"code":400,"message":"Invalid **interval** provided: 0.99min. Supported intervals: 1min, 5min","status":"error"}"#,
        &[Bad],
    ),
    recorded("polygon", 429, "error-429.json", &[Rate]),
    recorded("polygon", 200, "error-429.json", &[Rate]),
    recorded("polygon", 403, "error-403-not-authorized.json", &[Plan]),
    recorded("polygon", 403, "error-403-timeframe.json", &[Plan]),
    recorded("polygon", 401, "error-401.json", &[Auth]),
    quoted("polygon", 404, r#"{"status":"NOT_FOUND","request_id":"32f2","error":"Ticker not found."}"#, &[NotFound]),
    recorded("polygon", 200, "aggs-AMZN-1year-1975-07-11-1975-07-12-20210612.json", EMPTY_RANGE),
    recorded("polygon", 200, "aggs-C_GCUYGCYUFGDCUTYFCYUF-1day-2000-01-01-2022-05-30-20220530.json", EMPTY_RANGE),
    recorded("tiingo", 429, "error-429-hourly.json", &[Rate]),
    of_type(TEXT, recorded("tiingo", 200, "error-hourly-textbody.txt", &[Rate])),
    of_type(
        TEXT,
        quoted("tiingo", 200, "Error: You have run over your 500 symbol look up for this month.", &[Rate, Quota]),
    ),
    quoted("tiingo", 404, r#"{"detail":"Not found."}"#, &[NotFound]),
    quoted("tiingo", 404, r#"{"detail":"Error: Ticker 'ZZZZZ' not found"}"#, &[NotFound]),
    quoted("tiingo", 401, r#"{"detail":"Invalid token."}"#, &[Auth]),
    recorded("tiingo", 403, "error-403-1.json", &[Plan]),
    of_type(HTML, recorded("tiingo", 404, "error-404-invalid_url.html", &[Up])),
    quoted("tiingo", 200, "[]", EMPTY_RANGE),
    quoted("alpaca", 429, r#"{"message":"too many requests."}"#, &[Rate]),
    quoted("alpaca", 401, r#"{"code":40110000,"message":"request is not authorized."}"#, &[Auth]),
    quoted("alpaca", 401, r#"{"message":"unauthorized."}"#, &[Auth]),
    recorded("alpaca", 403, "error-403-recent-sip.json", &[Plan]),
    quoted("alpaca", 422, r#"{"code":42210000,"message":"end is too late for subscription"}"#, &[Plan]),
    recorded("alpaca", 404, "error-404.json", &[NotFound]),
    quoted("alpaca", 422, r#"{"message":"invalid timeframe"}"#, &[Bad]),
    quoted("alpaca", 200, r#"{"bars":null,"next_page_token":null}"#, EMPTY_RANGE),
    quoted("alpaca", 200, r#"{"bars":{"AAPL":null},"next_page_token":null}"#, EMPTY_RANGE),
    recorded("alpaca", 200, "bars-sdkpy-test_get_bars_single_empty_response-2.json", EMPTY_RANGE),
    recorded("finnhub", 429, "error-429.json", &[Rate]),
    quoted(
        "finnhub",
        429,
        r#"{"error":"API limit reached. Please sign up for a free account at https://finnhub.io"}"#,
        &[Auth],
    ),
    recorded("finnhub", 403, "error-403-candle.json", &[Plan]),
    recorded("finnhub", 401, "error-403-candle.json", &[Plan]),
    recorded("finnhub", 401, "error-quote-20220819.json", &[Auth]),
    of_type(HTML, quoted("finnhub", 302, r#"<a href="https://finnhub.io/">Found</a>."#, &[Up])),
    of_type(HTML, quoted("finnhub", 200, PAGE, &[Up])),
    quoted("finnhub", 200, r#"{"s":"no_data"}"#, EMPTY_RANGE),
];
