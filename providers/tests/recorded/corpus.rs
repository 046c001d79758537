//! The recorded bodies beside the checkout, and which of them are series that finex serves.

use std::path::PathBuf;

/// A recorded answer, with the request where that was recorded too.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// As in the index: `polygon/aggs-….json`.
    pub file: String,
    pub provider: String,
    provenance: String,
    pub path: String,
    pub query: String,
    pub body: String,
}

impl Recorded {
    /// Was nothing changed on the way from the wire to the file?
    pub fn is_verbatim(&self) -> bool {
        self.provenance == "recorded"
    }

    pub fn is_csv(&self) -> bool {
        self.file.ends_with(".csv")
    }

    pub fn is_named(&self, part: &str) -> bool {
        self.file.contains(part)
    }
}

/// Folders of the index that hold bars, by provider.
const ENDPOINTS: [(&str, &[&str]); 7] = [
    ("alphavantage", &["TS", "TIME_SERIES_DAILY_ADJUSTED", "TIME_SERIES_INTRADAY", "FX_DAILY", "csv"]),
    ("coingecko", &["market_chart", "market_chart_range", "ohlc", "jkorf"]),
    ("twelvedata", &["time_series", "batch", "batch_time_series", "batch_error"]),
    ("polygon", &["aggs", "v2_aggs_ticker_AAPL_prev", "v2_aggs_ticker_BYND_prev"]),
    ("tiingo", &["daily", "iex", "crypto_prices"]),
    ("alpaca", &["bars", "bars_v1", "live2026"]),
    ("finnhub", &["stock", "stock_candle", "forex_candle", "crypto"]),
];

/// Of those, by parts of their names, what no endpoint of finex brings.
const NOT_SERVED: [(&str, &str); 28] = [
    ("alphavantage/TS-kev-Technicals", "indicators"),
    ("alphavantage/csv-CPI", "economic data"),
    ("alphavantage/csv-TREASURY_YIELD", "economic data"),
    ("alphavantage/csv-FEDERAL_FUNDS_RATE", "economic data"),
    ("alphavantage/csv-DIVIDENDS", "actions"),
    ("alphavantage/csv-SPLITS", "actions"),
    ("alphavantage/csv-EMA", "indicators"),
    ("alphavantage/csv-SMA", "indicators"),
    ("alphavantage/csv-GLOBAL_QUOTE", "quotes"),
    ("alphavantage/csv-global_quote", "quotes"),
    ("alphavantage/csv-SYMBOL_SEARCH", "search"),
    ("alphavantage/csv-search_results", "search"),
    ("alphavantage/csv-listing_status", "listings"),
    ("coingecko/jkorf-GetPrices", "prices"),
    ("coingecko/jkorf-Search", "search"),
    ("polygon/aggs-clientpy-grouped", "a day of all symbols"),
    ("polygon/aggs-clientpy-ticker_AAPL_prev", "the previous day"),
    ("polygon/v2_aggs_ticker", "the previous day"),
    ("alpaca/bars_v1", "the first version, which is gone"),
    ("alpaca/bars-v1beta1", "a beta, which is gone"),
    ("alpaca/bars-sdkpy-test_get_bars.json", "options"),
    ("alpaca/bars-sdkpy-test_multisymbol_get_bars.json", "options"),
    ("alpaca/bars-sdkgo-TestLatest", "newest bars"),
    ("alpaca/bars-sdkgo-TestDefaultDo", "newest bars"),
    ("_latest_", "newest bars, quotes and trades"),
    ("_snapshot_", "snapshots"),
    ("-symbols-", "symbols"),
    ("-quote-", "quotes"),
];

fn is_series(file: &str, provider: &str, endpoint: &str) -> bool {
    let known = ENDPOINTS.iter().any(|(own, endpoints)| *own == provider && endpoints.contains(&endpoint));
    known && !NOT_SERVED.iter().any(|(part, _)| file.contains(part))
}

/// Recorded bar series of a provider, JSON or CSV; none where the recordings are not beside this checkout.
pub fn series_of(provider: &str) -> Option<Vec<Recorded>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/recorded");
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: there is no ../shared/recorded beside this checkout");
        return None;
    };
    let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let ours = rows.filter(|row| row[1] == provider && is_series(row[0], row[1], row[2]));
    let read = |row: Vec<&str>| {
        let body = std::fs::read_to_string(folder.join(row[0])).expect("a recorded body");
        // Some were saved by an editor that puts a mark before the text.
        let body = body.trim_start_matches('\u{feff}').to_owned();
        let local = row[5].split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let (path, query) = local.map_or(("", ""), |local| local.split_once('?').unwrap_or((local, "")));
        Recorded {
            file: row[0].to_owned(),
            provider: row[1].to_owned(),
            provenance: row[3].to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: after_request(row[0], &body).to_owned(),
        }
    };
    Some(ours.map(read).collect())
}

/// Samples of one client have three lines of request before the body.
fn after_request<'a>(file: &str, text: &'a str) -> &'a str {
    match file.ends_with(".txt") {
        true => text.splitn(4, '\n').nth(3).unwrap_or(text),
        false => text,
    }
}
