//! Requests behind recorded bodies: as they were recorded, or put together from what the body says.

use super::corpus::Recorded;
use super::json::Json;
use finex_core::time::Ts;
use finex_providers::{Batch, NativeAsk, NativeRequest, Provider, Recognised};

/// 26 November 2026: after all of the recordings.
pub const NOW: Ts = 1_795_651_200_000;

#[derive(Debug)]
pub enum Asked {
    Series(NativeAsk),
    Batch(Batch),
}

/// What finex makes of the request behind a body; else why it goes through.
pub fn recognised(provider: &dyn Provider, recorded: &Recorded) -> Result<Asked, String> {
    let (path, query) = if recorded.path.is_empty() {
        rebuilt(recorded)?
    } else {
        (recorded.path.clone(), today(&recorded.provider, &recorded.query))
    };
    read(provider, &path, &query)
}

pub fn read(provider: &dyn Provider, path: &str, query: &str) -> Result<Asked, String> {
    let request = NativeRequest { method: "GET", path, query, header: &|_| None, now: NOW };
    match provider.recognise(&request) {
        Recognised::Series(ask) => Ok(Asked::Series(ask)),
        Recognised::Batch(batch) => Ok(Asked::Batch(batch)),
        Recognised::Refused(error) => Err(format!("is refused: {}", error.reason)),
        Recognised::Local(_) | Recognised::Forward => Err(format!("goes through: {path}?{query}")),
    }
}

/// A recorded query without what is no longer said in it, where the rows are those of a request without it.
fn today(provider: &str, query: &str) -> String {
    let keep = |pair: &&str| match provider {
        // The older, opposite name of `adjusted`, which clients of 2021 sent with all kinds of values.
        "polygon" => !pair.starts_with("unadjusted="),
        // What enterprise plans may say, and a slip of a client.
        "coingecko" => *pair != "interval=5m" && !pair.starts_with("id="),
        // What a call was made with changes none of its rows.
        _ => !pair.is_empty(),
    };
    let pairs: Vec<&str> = query.split('&').filter(keep).collect();
    pairs.join("&").replace("days=MOCK_DAYS", "days=367")
}

/// A request that would have had such an answer.
fn rebuilt(recorded: &Recorded) -> Result<(String, String), String> {
    let body = Json::read(&recorded.body)?;
    let found = match recorded.provider.as_str() {
        "alphavantage" => alpha_vantage(&body).map(|query| ("/query".into(), query)),
        "twelvedata" => twelve_data(&body).map(|query| ("/time_series".into(), query)),
        "alpaca" => alpaca(&body),
        "finnhub" => {
            let kind = if recorded.is_named("crypto") { "crypto" } else { "stock" };
            let resolution = if recorded.is_named("1min") { "1" } else { "D" };
            let symbol = if kind == "crypto" { "BINANCE:BTCUSDT" } else { "AAPL" };
            // A month, since a longer window of minutes goes through.
            let query = format!("symbol={symbol}&resolution={resolution}&from=1571000000&to=1573500000");
            Some((format!("/api/v1/{kind}/candle"), query))
        }
        "coingecko" => {
            let tail = if recorded.is_named("Ohlc") { "ohlc" } else { "market_chart" };
            Some((format!("/api/v3/coins/bitcoin/{tail}"), "vs_currency=usd&days=30".into()))
        }
        _ => None,
    };
    found.ok_or_else(|| "no request is known that has such an answer".into())
}

fn alpha_vantage(body: &Json) -> Option<String> {
    let meta = body.get("Meta Data")?;
    let said = |name: &str| {
        let ends = |(own, _): &&(String, Json)| own.split_once(". ").is_some_and(|(_, own)| own == name);
        meta.members().iter().find(ends).map(|(_, value)| value.word())
    };
    let key = &body.members().get(1)?.0;
    let unit = key.rsplit_once('(').map_or_else(|| key.split(' ').next(), |(_, unit)| unit.strip_suffix(')'))?;
    let unit = unit.rsplit(' ').next()?;
    let is_intraday = unit.ends_with("min");
    let family = match (key.contains("FX"), key.contains("Digital Currency")) {
        (true, _) => "FX",
        (_, true) => "DIGITAL_CURRENCY",
        _ => "TIME_SERIES",
    };
    let adjusted = key.contains("Adjusted") || said("Information")?.contains("Splits");
    let function = match is_intraday {
        true => format!("{family}_INTRADAY&interval={unit}"),
        false => format!("{family}_{}{}", unit.to_uppercase(), if adjusted { "_ADJUSTED" } else { "" }),
    };
    let symbol = match family {
        "FX" => format!("from_symbol={}&to_symbol={}", said("From Symbol")?, said("To Symbol")?),
        "DIGITAL_CURRENCY" => {
            format!("symbol={}&market={}", said("Digital Currency Code")?, said("Market Code")?)
        }
        _ => format!("symbol={}", said("Symbol")?),
    };
    let is_full = said("Output Size") == Some("Full size");
    // All of what is within days comes by the month.
    let month = (is_intraday && is_full && family == "TIME_SERIES").then(|| said("Last Refreshed")?.get(..7));
    let month = month.flatten().map(|month| format!("&month={month}")).unwrap_or_default();
    Some(format!("function={function}&{symbol}{}{month}", if is_full { "&outputsize=full" } else { "" }))
}

fn twelve_data(body: &Json) -> Option<String> {
    let said = |part: &Json, name: &str| Some(part.get("meta")?.get(name)?.word().to_owned());
    if body.get("values").is_some() {
        return Some(format!("symbol={}&interval={}", said(body, "symbol")?, said(body, "interval")?));
    }
    let names: Vec<&str> = body.members().iter().map(|(name, _)| name.as_str()).collect();
    let interval = body.members().iter().find_map(|(_, part)| said(part, "interval"))?;
    Some(format!("symbol={}&interval={interval}", names.join(",")))
}

fn alpaca(body: &Json) -> Option<(String, String)> {
    let members = body.get("bars")?.members();
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let is_coin = names.iter().any(|name| name.contains('/'));
    let path = if is_coin { "/v1beta3/crypto/us/bars" } else { "/v2/stocks/bars" };
    let names = if names.is_empty() { "AAPL".to_owned() } else { names.join(",") };
    let rows = members.first().map_or(&[][..], |(_, rows)| rows.list());
    let time = |row: &Json| row.get("t").map(|t| t.word().to_owned());
    let (first, last) = (rows.first().and_then(time), rows.last().and_then(time));
    let sort = if first > last { "&sort=desc" } else { "" };
    let on_the_hour = first.as_ref().is_none_or(|first| first.ends_with(":00:00Z"));
    let frame = match first.as_deref() {
        Some(first) if first.contains("T04:") || first.contains("T05:") => "1Day",
        _ if on_the_hour => "1Hour",
        _ => "1Min",
    };
    Some((path.into(), format!("symbols={names}&timeframe={frame}&start=2020-01-01&limit=10000{sort}")))
}
