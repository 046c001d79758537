//! The answer to finex' own request, where that is not the client's: same rows, written in another way.

use super::asked::Asked;
use super::corpus::Recorded;
use super::json::Json;
use finex_providers::stamp::{self, Unit};
use jiff::tz::TimeZone;

pub fn answer(asked: &Asked, recorded: &Recorded) -> Result<String, String> {
    match (recorded.provider.as_str(), asked) {
        // Bars of one stock are asked for by the endpoint for several.
        ("alpaca", Asked::Series(ask)) => {
            let body = Json::read(&recorded.body)?;
            let rows = body.get("bars").filter(|rows| !rows.list().is_empty());
            let bars = rows.map(|rows| (ask.series.symbol.to_string(), rows.clone())).into_iter().collect();
            let token = body.get("next_page_token").cloned().unwrap_or(Json::Leaf("null".into()));
            Ok(Json::Object(vec![("bars".into(), Json::Object(bars)), ("next_page_token".into(), token)]).text())
        }
        ("twelvedata", _) => Ok(on_utc(&Json::read(&recorded.body)?).text()),
        _ => Ok(recorded.body.clone()),
    }
}

/// Within days finex asks on the clock of UTC: labels of the exchange are moved there.
fn on_utc(part: &Json) -> Json {
    let Json::Object(members) = part else { return part.clone() };
    let named = part.get("meta").and_then(|meta| meta.get("exchange_timezone")).map(Json::word);
    let zone = named.and_then(stamp::zone).unwrap_or(TimeZone::UTC);
    let member = |(name, value): &(String, Json)| {
        let value = match value {
            Json::List(rows) if name == "values" => Json::List(rows.iter().map(|row| moved(row, &zone)).collect()),
            value => on_utc(value),
        };
        (name.clone(), value)
    };
    Json::Object(members.iter().map(member).collect())
}

fn moved(row: &Json, zone: &TimeZone) -> Json {
    let member = |(name, value): &(String, Json)| {
        let local = Some(value.word()).filter(|text| name == "datetime" && text.len() > 10);
        let instant = local.and_then(|text| stamp::read(text, Unit::DateTime, zone));
        let value = match instant {
            Some(instant) => {
                let mut text = String::new();
                stamp::write(instant, Unit::DateTime, &TimeZone::UTC, &mut text);
                Json::Leaf(format!("\"{text}\""))
            }
            None => value.clone(),
        };
        (name.clone(), value)
    };
    Json::Object(row.members().iter().map(member).collect())
}
