//! What tells of now or of one day, and what is listed.

use super::coins::{COINS, Coin, Quoted, currency};
use super::{Ask, DAY, Problem};
use crate::json::{Object, list, shortest};
use crate::tape::pairs::{midnight, utc};
use jiff::Timestamp;
use jiff::civil::Date;

pub(super) fn list_of_coins() -> String {
    let entry =
        |coin: &Coin| Object::default().text("id", coin.id).text("symbol", coin.symbol).text("name", coin.name).end();
    list(COINS.iter().map(entry))
}

pub(super) fn search(ask: &Ask<'_>) -> String {
    let words = ask.get("query").unwrap_or_default().to_ascii_lowercase();
    let found = COINS.iter().filter(|coin| coin.id.contains(&words) || coin.symbol.contains(&words));
    let entry = |coin: &Coin| {
        Object::default()
            .text("id", coin.id)
            .text("name", coin.name)
            .text("api_symbol", coin.id)
            .text("symbol", &coin.symbol.to_ascii_uppercase())
            .raw("market_cap_rank", coin.rank)
            .text("thumb", &image(coin, "thumb"))
            .text("large", &image(coin, "large"))
            .end()
    };
    let body = Object::default().raw("coins", list(found.map(entry)));
    ["exchanges", "icos", "categories", "nfts"].iter().fold(body, |body, name| body.raw(name, "[]")).end()
}

fn image(coin: &Coin, size: &str) -> String {
    format!("https://assets.coingecko.com/coins/images/{}/{size}/{}.png", coin.rank, coin.id)
}

/// Dear coins are quoted in whole units.
fn short(price: f64) -> String {
    let decimals = match price {
        price if price >= 10_000.0 => 0,
        price if price >= 1.0 => 2,
        _ => 8,
    };
    let scale = 10f64.powi(decimals);
    ((price * scale).round() / scale).to_string()
}

fn change(quoted: &Quoted, now: i64) -> f64 {
    quoted.price(now) - quoted.price(now - DAY)
}

pub(super) fn price(ask: &Ask<'_>) -> Result<String, Problem> {
    let (ids, currencies) = (ask.need("ids")?, ask.need("vs_currencies")?);
    let wanted = |name: &str| ask.get(name) == Some("true");
    // Coins and currencies that are unknown are not there.
    let coins = ids.split(',').filter_map(|id| Coin::find(id).ok());
    let body = coins.fold(Object::default(), |body, coin| {
        let known = currencies.split(',').filter_map(|code| Some((code, coin.quoted(currency(code)?)?)));
        let mut prices = known.fold(Object::default(), |prices, (code, quoted)| {
            let mut prices = prices.raw(code, short(quoted.price(ask.now)));
            if wanted("include_market_cap") {
                prices = prices.raw(&format!("{code}_market_cap"), shortest(quoted.market_cap(ask.now)));
            }
            if wanted("include_24hr_vol") {
                prices = prices.raw(&format!("{code}_24h_vol"), shortest(quoted.volume(ask.now)));
            }
            if wanted("include_24hr_change") {
                let percent = change(&quoted, ask.now) / quoted.price(ask.now - DAY) * 100.0;
                prices = prices.raw(&format!("{code}_24h_change"), shortest(percent));
            }
            prices
        });
        if wanted("include_last_updated_at") {
            prices = prices.raw("last_updated_at", ask.now / 1_000);
        }
        body.raw(coin.id, prices.end())
    });
    Ok(body.end())
}

pub(super) fn markets(ask: &Ask<'_>) -> Result<String, Problem> {
    Quoted::find(ask, "bitcoin")?;
    let wanted = |coin: &&Coin| ask.get("ids").is_none_or(|ids| ids.split(',').any(|id| id == coin.id));
    let quoted = COINS.iter().filter(wanted).filter_map(|coin| Quoted::find(ask, coin.id).ok());
    Ok(list(quoted.map(|quoted| market(&quoted, ask.now))))
}

fn market(quoted: &Quoted, now: i64) -> String {
    let (coin, price, change) = (quoted.coin, quoted.price(now), change(quoted, now));
    let hours: Vec<f64> = (0..=24).map(|hour| quoted.price(now - hour * 3_600_000)).collect();
    let cap = quoted.market_cap(now);
    let cap_change = cap - quoted.market_cap(now - DAY);
    let percent = |change: f64, before: f64| shortest((change / before * 1e7).round() / 1e5);
    Object::default()
        .text("id", coin.id)
        .text("symbol", coin.symbol)
        .text("name", coin.name)
        .text("image", &image(coin, "large"))
        .raw("current_price", short(price))
        .raw("market_cap", cap.round())
        .raw("market_cap_rank", coin.rank)
        .raw("fully_diluted_valuation", cap.round())
        .raw("total_volume", quoted.volume(now).round())
        .raw("high_24h", short(hours.iter().copied().fold(price, f64::max)))
        .raw("low_24h", short(hours.iter().copied().fold(price, f64::min)))
        .raw("price_change_24h", shortest(change))
        .raw("price_change_percentage_24h", percent(change, price - change))
        .raw("market_cap_change_24h", shortest(cap_change))
        .raw("market_cap_change_percentage_24h", percent(cap_change, cap - cap_change))
        .raw("circulating_supply", shortest(coin.supply))
        .raw("total_supply", shortest(coin.supply))
        .raw("max_supply", "null")
        .raw("roi", "null")
        .text("last_updated", &Timestamp::from_millisecond(now).unwrap_or_default().to_string())
        .end()
}

/// The day as it began.
pub(super) fn history(ask: &Ask<'_>, id: &str) -> Result<String, Problem> {
    let date = Date::strptime("%d-%m-%Y", ask.need("date")?);
    let date = date.map_err(|_| Problem::Invalid("Invalid date".to_owned()))?;
    let coin = Coin::find(id)?;
    let at = midnight(date) * 1_000;
    ask.may_see(at)?;
    let body = Object::default().text("id", coin.id).text("symbol", coin.symbol).text("name", coin.name);
    let body = body.raw("localization", Object::default().text("en", coin.name).end());
    let image = Object::default().text("thumb", &image(coin, "thumb")).text("small", &image(coin, "small"));
    let body = body.raw("image", image.end());
    let quotes = || ["btc", "eur", "usd"].into_iter().filter_map(|code| Some((code, coin.quoted(currency(code)?)?)));
    let known = date <= utc(ask.now / 1_000).date() && quotes().all(|(_, quoted)| at >= quoted.since());
    if !known {
        return Ok(body.end());
    }
    let by_currency = |value: &dyn Fn(&Quoted) -> f64| {
        quotes().fold(Object::default(), |all, (code, quoted)| all.raw(code, shortest(value(&quoted)))).end()
    };
    let data = Object::default()
        .raw("current_price", by_currency(&|quoted| quoted.price(at)))
        .raw("market_cap", by_currency(&|quoted| quoted.market_cap(at)))
        .raw("total_volume", by_currency(&|quoted| quoted.volume(at)));
    Ok(body.raw("market_data", data.end()).end())
}
