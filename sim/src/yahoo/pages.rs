//! Quotes, summaries and searches: what there is of a symbol now.

use super::Answer;
use super::view::{Latest, View};
use crate::json::{Params, rounded};
use crate::market::{LISTINGS, Listing};
use serde_json::{Map, Value, json};

pub(crate) fn quote(params: &Params, view: impl Fn(&str) -> Option<View>) -> Answer {
    let Some(symbols) = params.get("symbols") else {
        return Answer::error("finance", 400, "Bad Request", "Missing required query parameter=symbols");
    };
    // Whoever is unknown is left out.
    let quotes: Vec<Value> =
        symbols.split(',').filter_map(|symbol| view(symbol.trim())).map(|view| flat(&view)).collect();
    Answer::data(json!({ "quoteResponse": { "result": quotes, "error": null } }).to_string(), 1, 9)
}

fn flat(view: &View) -> Value {
    let mut fields = merged(identity(view), trading(view, &view.latest()));
    let listing = view.market.listing;
    let more = json!({
        "language": "en-US",
        "region": "US",
        "typeDisp": title(listing.kind),
        "triggerable": true,
        "customPriceAlertConfidence": "HIGH",
        "quoteSourceName": "Nasdaq Real Time Price",
        "market": "us_market",
        "esgPopulated": false,
        "firstTradeDateMilliseconds": listing.first_trade * 1_000,
        "sourceInterval": 15,
        "exchangeDataDelayedBy": 0,
        "tradeable": false,
        "cryptoTradeable": false,
        "hasPrePostMarketData": listing.extended.is_some(),
    });
    fields.extend(entries(more));
    Value::Object(fields)
}

fn entries(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(entries) => entries,
        _ => Map::new(),
    }
}

fn merged(one: Value, other: Value) -> Map<String, Value> {
    let mut fields = entries(one);
    fields.extend(entries(other));
    fields
}

fn identity(view: &View) -> Value {
    let listing = view.market.listing;
    let (offset, zone) = view.market.offset(view.now);
    json!({
        "symbol": listing.symbol,
        "quoteType": listing.kind,
        "shortName": listing.short_name,
        "longName": listing.long_name,
        "exchange": listing.exchange,
        "fullExchangeName": listing.full_exchange,
        "currency": listing.currency,
        "financialCurrency": listing.currency,
        "exchangeTimezoneName": listing.zone,
        "exchangeTimezoneShortName": zone,
        "gmtOffSetMilliseconds": i64::from(offset) * 1_000,
        "priceHint": listing.hint,
        "marketState": state(view),
    })
}

fn trading(view: &View, latest: &Latest) -> Value {
    let price = |price: f64| rounded(price, view.market.listing.hint);
    let (last, previous) = (latest.day.close, latest.previous.unwrap_or(latest.day.close));
    json!({
        "regularMarketPrice": price(last),
        "regularMarketTime": latest.traded,
        "regularMarketOpen": price(latest.day.open),
        "regularMarketDayHigh": price(latest.day.high),
        "regularMarketDayLow": price(latest.day.low),
        "regularMarketDayRange": format!("{} - {}", price(latest.day.low), price(latest.day.high)),
        "regularMarketVolume": latest.day.volume,
        "regularMarketPreviousClose": price(previous),
        "regularMarketChange": price(last - previous),
        "regularMarketChangePercent": price((last / previous - 1.0) * 100.0),
        "fiftyTwoWeekHigh": price(latest.year_high),
        "fiftyTwoWeekLow": price(latest.year_low),
        "fiftyTwoWeekRange": format!("{} - {}", price(latest.year_low), price(latest.year_high)),
        "bid": price(last * 0.9999),
        "ask": price(last * 1.0001),
    })
}

fn state(view: &View) -> &'static str {
    let now = view.now;
    match view.market.session(view.market.date(now)) {
        Some(today) if (today.open..today.close).contains(&now) => "REGULAR",
        Some(today) if (today.pre..today.open).contains(&now) => "PRE",
        Some(today) if (today.close..today.post).contains(&now) => "POST",
        _ => "CLOSED",
    }
}

fn title(kind: &str) -> String {
    let lower = kind.to_lowercase();
    lower.get(..1).map(str::to_uppercase).unwrap_or_default() + lower.get(1..).unwrap_or_default()
}

pub(crate) fn summary(symbol: &str, params: &Params, view: Option<&View>) -> Answer {
    let refused = |description: String| Answer::error("quoteSummary", 404, "Not Found", &description);
    if symbol.is_empty() {
        return Answer::new(404, super::JSON, json!({ "quoteSummary": { "result": [], "error": null } }).to_string());
    }
    let Some(view) = view else { return refused(format!("Quote not found for ticker symbol: {symbol}")) };
    let asked = params.get("modules").unwrap_or_default();
    let latest = view.latest();
    let known = |name: &str| module(name, view, &latest).map(|module| (name.to_owned(), module));
    let modules: Map<String, Value> = asked.split(',').map(str::trim).filter_map(known).collect();
    if modules.is_empty() {
        return refused(format!("No fundamentals data found for any of the summaryTypes={asked}"));
    }
    Answer::data(json!({ "quoteSummary": { "result": [modules], "error": null } }).to_string(), 1, 9)
}

/// Companies have all modules, whatever else is listed only those about its price.
fn module(name: &str, view: &View, latest: &Latest) -> Option<Value> {
    let company = view.market.listing.kind == "EQUITY";
    Some(match name {
        "price" => Value::Object(merged(
            merged(identity(view), trading(view, latest)).into(),
            json!({ "maxAge": 1, "currencySymbol": "$", "regularMarketSource": "FREE_REALTIME" }),
        )),
        "quoteType" => Value::Object(merged(
            identity(view),
            json!({ "maxAge": 1, "firstTradeDateEpochUtc": view.market.listing.first_trade,
                    "timeZoneFullName": view.market.listing.zone }),
        )),
        "summaryDetail" => detail(view, latest),
        "assetProfile" | "summaryProfile" if company => profile(view.market.listing),
        "financialData" if company => financial(view, latest),
        "defaultKeyStatistics" if company => json!({
            "maxAge": 1, "priceHint": view.market.listing.hint, "sharesOutstanding": 1_000_000_000,
            "floatShares": 990_000_000, "bookValue": 4.25, "trailingEps": 6.5, "forwardEps": 7.25, "beta": 1.1,
        }),
        _ => return None,
    })
}

fn detail(view: &View, latest: &Latest) -> Value {
    let price = |price: f64| rounded(price, view.market.listing.hint);
    json!({
        "maxAge": 1,
        "priceHint": view.market.listing.hint,
        "previousClose": price(latest.previous.unwrap_or(latest.day.close)),
        "open": price(latest.day.open),
        "dayLow": price(latest.day.low),
        "dayHigh": price(latest.day.high),
        "volume": latest.day.volume,
        "fiftyTwoWeekLow": price(latest.year_low),
        "fiftyTwoWeekHigh": price(latest.year_high),
        "currency": view.market.listing.currency,
        "tradeable": false,
    })
}

fn profile(listing: &Listing) -> Value {
    json!({
        "maxAge": 86_400,
        "country": "United States",
        "sector": "Technology",
        "industry": "Consumer Electronics",
        "longBusinessSummary": format!("{} does business.", listing.long_name),
        "fullTimeEmployees": 100_000,
        "companyOfficers": [],
    })
}

fn financial(view: &View, latest: &Latest) -> Value {
    json!({
        "maxAge": 86_400,
        "currentPrice": rounded(latest.day.close, view.market.listing.hint),
        "recommendationKey": "buy",
        "numberOfAnalystOpinions": 15,
        "totalRevenue": 18_342_748_160_u64,
        "financialCurrency": view.market.listing.currency,
    })
}

/// `turn` makes the timings differ from answer to answer.
pub(crate) fn search(params: &Params, turn: u64) -> Answer {
    let Some(wanted) = params.get("q").filter(|wanted| !wanted.is_empty()) else {
        return Answer::error("finance", 400, "Bad Request", "Missing required query parameter=q");
    };
    let wanted = wanted.to_lowercase();
    let found = |listing: &&Listing| {
        let names = [listing.symbol, listing.long_name, listing.short_name];
        names.iter().any(|name| name.to_lowercase().contains(&wanted))
    };
    let quotes: Vec<Value> = LISTINGS.iter().filter(found).map(hit).collect();
    let body = json!({
        "explains": [],
        "count": quotes.len(),
        "quotes": quotes,
        "news": [],
        "nav": [],
        "lists": [],
        "researchReports": [],
        "screenerFieldResults": [],
        "totalTime": 20 + turn % 50,
        "timeTakenForQuotes": 400 + turn % 37,
        "timeTakenForNews": 700,
        "timeTakenForAlgowatchlist": 400,
        "timeTakenForPredefinedScreener": 400,
        "timeTakenForCrunchbase": 400,
        "timeTakenForNav": 400,
        "timeTakenForResearchReports": 0,
        "timeTakenForScreenerField": 0,
        "timeTakenForCulturalAssets": 0,
        "timeTakenForSearchLists": 0,
    });
    Answer::data(body.to_string(), 10, 20)
}

fn hit(listing: &Listing) -> Value {
    json!({
        "exchange": listing.exchange,
        "shortname": listing.short_name,
        "quoteType": listing.kind,
        "symbol": listing.symbol,
        "index": "quotes",
        "score": 20_000.0,
        "typeDisp": title(listing.kind),
        "longname": listing.long_name,
        "exchDisp": listing.full_exchange,
        "isYahooFinance": true,
    })
}
