//! What tells of now, and what is listed.

use super::stock::Listed;
use super::table::table;
use super::{JSON, Problem, stamp};
use crate::facade::{Reply, Request};
use crate::json::Params;
use crate::market::{LISTINGS, Listing};
use crate::tape::Scale;
use crate::tape::pairs::{Asset, Pair, asset, utc};
use crate::tape::slots::{Period, Slot};

/// A flat object with four spaces before every level.
fn object(indent: usize, members: &[(String, String)]) -> String {
    let space = " ".repeat(indent);
    let member = |(name, value): &(String, String)| format!("{space}    \"{name}\": \"{value}\"");
    let members: Vec<String> = members.iter().map(member).collect();
    format!("{{\n{}\n{space}}}", members.join(",\n"))
}

fn titled(title: &str, members: &[(String, String)]) -> Reply {
    Reply::new(200, JSON, format!("{{\n    \"{title}\": {}\n}}", object(4, members)))
}

fn lines(names: &str, rows: &[Vec<(String, String)>]) -> Reply {
    let row = |row: &Vec<(String, String)>| {
        let values: Vec<&str> = row.iter().map(|(_, value)| value.as_str()).collect();
        values.join(",") + "\r\n"
    };
    table(format!("{names}\r\n{}", rows.iter().map(row).collect::<String>()))
}

pub(super) fn quote(request: &Request<'_>, params: &Params, csv: bool, now: i64) -> Result<Reply, Problem> {
    // Of an unknown symbol nothing is said.
    let Ok(listed) = Listed::find(request, params) else { return Ok(Reply::new(200, JSON, "{}")) };
    let days: Vec<Slot> = listed.instrument.slots(Period::Day, false, now).take(2).collect();
    let [day, before] = days.as_slice() else { return Err(Problem::Call) };
    let values = listed.instrument.values(day, now, &|_| Scale::AS_TRADED);
    let previous = listed.instrument.values(before, now, &|_| Scale::AS_TRADED).close;
    let change = values.close - previous;
    let price = |price: f64| format!("{price:.4}");
    let members = [
        ("01. symbol", listed.symbol.clone()),
        ("02. open", price(values.open)),
        ("03. high", price(values.high)),
        ("04. low", price(values.low)),
        ("05. price", price(values.close)),
        ("06. volume", (values.volume as u64).to_string()),
        ("07. latest trading day", day.last.to_string()),
        ("08. previous close", price(previous)),
        ("09. change", price(change)),
        ("10. change percent", format!("{:.4}%", change / previous * 100.0)),
    ];
    let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let names = "symbol,open,high,low,price,volume,latestDay,previousClose,change,changePercent";
    Ok(if csv { lines(names, &[members]) } else { titled("Global Quote", &members) })
}

pub(super) fn search(params: &Params, csv: bool) -> Result<Reply, Problem> {
    let words = params.get("keywords").ok_or(Problem::Call)?.to_ascii_uppercase();
    let stocks = LISTINGS.iter().filter(|listing| listing.extended.is_some());
    let found: Vec<_> = stocks.filter_map(|listing| found(listing, &words)).collect();
    if csv {
        let names = "symbol,name,type,region,marketOpen,marketClose,timezone,currency,matchScore";
        return Ok(lines(names, &found));
    }
    let matches: Vec<String> = found.iter().map(|members| format!("        {}", object(8, members))).collect();
    let list = if matches.is_empty() { "[]".to_owned() } else { format!("[\n{}\n    ]", matches.join(",\n")) };
    Ok(Reply::new(200, JSON, format!("{{\n    \"bestMatches\": {list}\n}}")))
}

fn found(listing: &Listing, words: &str) -> Option<Vec<(String, String)>> {
    let known = listing.symbol.starts_with(words) || listing.long_name.to_ascii_uppercase().contains(words);
    let score = if listing.symbol == words { "1.0000" } else { "0.7273" };
    let values = [
        ("1. symbol", listing.symbol),
        ("2. name", listing.long_name),
        ("3. type", "Equity"),
        ("4. region", "United States"),
        ("5. marketOpen", "09:30"),
        ("6. marketClose", "16:00"),
        ("7. timezone", "UTC-04"),
        ("8. currency", listing.currency),
        ("9. matchScore", score),
    ];
    known.then(|| values.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
}

/// Here a dollar is called in full.
pub(super) fn currency_name(asset: &Asset) -> &'static str {
    if asset.code == "USD" { "United States Dollar" } else { asset.name }
}

pub(super) fn rate(params: &Params, now: i64) -> Result<Reply, Problem> {
    let find = |name: &str| params.get(name).and_then(asset).ok_or(Problem::Call);
    let (base, quote) = (find("from_currency")?, find("to_currency")?);
    let price = Pair { base, quote }.price_at(now);
    let number = |price: f64| format!("{price:.8}");
    let members = [
        ("1. From_Currency Code", base.code.to_owned()),
        ("2. From_Currency Name", currency_name(base).to_owned()),
        ("3. To_Currency Code", quote.code.to_owned()),
        ("4. To_Currency Name", currency_name(quote).to_owned()),
        ("5. Exchange Rate", number(price)),
        ("6. Last Refreshed", stamp(utc(now))),
        ("7. Time Zone", "UTC".to_owned()),
        ("8. Bid Price", number(price * 0.999_98)),
        ("9. Ask Price", number(price * 1.000_02)),
    ];
    let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(titled("Realtime Currency Exchange Rate", &members))
}
