//! Recorded bodies that do not come back as they were, each with the reason.

/// What a comparison finds, and why.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    pub found: &'static str,
    pub why: &'static str,
}

const fn because(found: &'static str, why: &'static str) -> Reason {
    Reason { found, why }
}

const OLDER_MEMBERS: Reason =
    because("order of members", "until 2022 bars had their members as t, o, h, l, c, v: they are written as today");
const CUT: Reason =
    because("Last Refreshed is", "it was cut by hand, so that its newest row is not the one that is named there");
const OLDER_ENVELOPE: Reason =
    because("/count is written only", "in 2020 answers had no `count` and no `request_id`: they are written as today");
const NOT_OFFERED: Reason =
    because("goes through", "bars of several weeks or months are laid from the first day that is asked for");
const NEWEST: Reason = because("goes through", "without a first day the newest row comes, written in another way");
const MORE_DIGITS: Reason = because("goes through", "as CSV its numbers have more digits than as JSON");

const KNOWN: [(&str, Reason); 42] = [
    (
        "alphavantage/TS-java-data-intraday.json",
        because("goes through", "how far back all of FX_INTRADAY reaches is not said"),
    ),
    ("alphavantage/TS-ph-test_alphavantage-btc-aud-partial.json", CUT),
    ("alphavantage/TS-ph-test_alphavantage-ibm-partial-adj.json", CUT),
    (
        "alphavantage/TS-ph-test_alphavantage-ibm-partial.json",
        because("a row has no `5. adjusted close`", "it was cut by hand to four of eight columns"),
    ),
    ("alphavantage/csv-TIME_SERIES_DAILY_ADJUSTED-pt.csv", MORE_DIGITS),
    ("alpaca/bars-v2-AMZN-1Day-20210612-2.json", OLDER_MEMBERS),
    ("alpaca/bars-v2-AMZN-1Hour-20210612.json", OLDER_MEMBERS),
    ("alpaca/bars-v2-AMZN-1Min-20210612.json", OLDER_MEMBERS),
    ("alpaca/bars-v2-BYND-1Min-20210612-page2.json", OLDER_MEMBERS),
    ("alpaca/bars-v2-BYND-1Min-20210612.json", OLDER_MEMBERS),
    ("alpaca/bars-v2-QQQ-15Min-20190712.json", OLDER_MEMBERS),
    (
        "alpaca/bars-v2-QQQ-1Day-20190712.json",
        because("is not in the window", "its request was changed by hand: it asks for later days"),
    ),
    ("polygon/aggs-AAPL-1day-2019-01-01-2019-02-01-20200501.json", OLDER_ENVELOPE),
    ("polygon/aggs-BYND-1hour-2020-01-15-2020-01-17-20200618.json", OLDER_ENVELOPE),
    ("polygon/aggs-BYND-1hour-2020-01-21-2020-01-24-20200618.json", OLDER_ENVELOPE),
    ("polygon/aggs-BYND-1hour-2020-02-18-2020-02-21-20200618.json", OLDER_ENVELOPE),
    ("polygon/aggs-AMZN-2month-2019-08-01-2020-04-01-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-2month-2020-02-01-2020-04-01-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-2month-2020-03-01-2020-04-01-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-2week-2020-02-03-2020-03-30-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-2week-2020-03-16-2020-03-30-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-2week-2020-03-23-2020-03-30-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-3month-2019-04-01-2020-04-01-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-3month-2020-01-01-2020-04-01-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-3month-2020-02-01-2020-04-01-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-4week-2019-12-09-2020-03-30-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-4week-2020-03-02-2020-03-30-20210118.json", NOT_OFFERED),
    ("polygon/aggs-AMZN-4week-2020-03-16-2020-03-30-20210118.json", NOT_OFFERED),
    (
        "tiingo/crypto_prices-2019-05-01_2019-05-02-1day.json",
        because("goes through", "rows of single exchanges are asked for"),
    ),
    ("tiingo/daily-AAPL-weekly-2018-01-05_2018-01-19.csv", MORE_DIGITS),
    ("tiingo/daily-GOOGL-daily-2015-01-01_2015-01-05.csv", MORE_DIGITS),
    ("tiingo/daily-GOOGL-daily-2018-01-05_2018-01-19.csv", MORE_DIGITS),
    ("tiingo/daily-GOOGL-weekly-2018-01-05_2018-01-19.csv", MORE_DIGITS),
    ("tiingo/daily-PG-daily-2015-01-01_2015-01-05.csv", MORE_DIGITS),
    ("tiingo/daily-GOOGL-daily-latest.json", NEWEST),
    ("tiingo/daily-GOOGL-daily-latest-2.json", NEWEST),
    ("tiingo/daily-GOOGL-daily-latest-3.json", NEWEST),
    ("tiingo/daily-GOOGL-daily-latest-4.json", NEWEST),
    ("tiingo/daily-GOOGL-daily-latest_-columns.json", NEWEST),
    ("tiingo/daily-GOOGL-daily-latest_-columns-2.json", NEWEST),
    ("tiingo/daily-PG-daily-latest.json", NEWEST),
    (
        "tiingo/iex-PG-30Min-2018-01-02_2018-01-02.json",
        because("order of members", "its members stand in another order than those of the same day of GOOGL"),
    ),
];

/// Why a body does not come back.
pub fn reason(file: &str) -> Option<Reason> {
    KNOWN.iter().find(|(own, _)| *own == file).map(|(_, reason)| *reason)
}

/// The bodies of a provider that do not come back.
pub fn of(provider: &str) -> impl Iterator<Item = &'static str> + '_ {
    KNOWN.iter().map(|(file, _)| *file).filter(move |file| file.split('/').next() == Some(provider))
}
