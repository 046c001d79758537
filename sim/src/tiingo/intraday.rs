//! Bars within days: of one exchange, of coins and of currencies.

use super::write::{Row, chosen, float, object, reply};
use super::{Call, JSON, error};
use crate::facade::Reply;
use crate::instruments::{Bar, Cut, DAY, Instrument, round, utc_text};
use crate::json::{Object, list};

/// `5min`, `30Min`, `4hour`, `1day`, as seconds.
fn width(call: &Call<'_>) -> Result<i64, Reply> {
    let text = call.get("resampleFreq").unwrap_or("5min").to_lowercase();
    let unit = |name, seconds: i64| {
        let count: i64 = text.strip_suffix(name)?.parse().ok()?;
        Some(count.checked_mul(seconds)?).filter(|width| (60..=DAY).contains(width))
    };
    let width = unit("min", 60).or_else(|| unit("hour", 3_600)).or_else(|| unit("day", DAY));
    width.ok_or_else(|| error(400, "Error: resampleFreq must be in the form of 1min, 1hour or 1day."))
}

/// Without a beginning the newest day is shown.
fn bars(call: &Call<'_>, instrument: &Instrument, extended: bool) -> Result<Vec<Bar>, Reply> {
    let width = width(call)?;
    let newest = match instrument {
        Instrument::Stock(stock) => stock.market.newest(call.now).map(|session| session.date),
        Instrument::Floating(_) => None,
    };
    let newest = newest.unwrap_or_else(|| instrument.date(call.now));
    let from = call.moment("startDate", instrument, false)?.unwrap_or_else(|| instrument.midnight(newest));
    let to = call.moment("endDate", instrument, true)?.unwrap_or(call.now);
    let cut = Cut { width, extended, from, to, newest_first: false };
    Ok(instrument.intraday(cut, call.now).collect())
}

pub(super) fn iex(call: &Call<'_>, ticker: &str) -> Result<Reply, Reply> {
    let stock = Instrument::Stock(call.stock(ticker)?);
    let extended = call.get("afterHours").is_some_and(|wish| wish.eq_ignore_ascii_case("true"));
    let row = |bar: &Bar| {
        // One exchange of many.
        let volume = (bar.volume * 0.03).floor() + 1.0;
        let mut row = prices(bar, ".000Z");
        row.push(("volume", float(volume)));
        chosen(call, row, &["open", "high", "low", "close"])
    };
    let mut rows: Vec<Row> = bars(call, &stock, extended)?.iter().map(row).collect();
    if call.get("sort") == Some("-date") {
        rows.reverse();
    }
    Ok(reply(call, &rows))
}

fn prices(bar: &Bar, suffix: &str) -> Row {
    vec![
        ("date", format!("\"{}{suffix}\"", utc_text(bar.at))),
        ("open", float(bar.open)),
        ("high", float(bar.high)),
        ("low", float(bar.low)),
        ("close", float(bar.close)),
    ]
}

pub(super) fn coins(call: &Call<'_>) -> Result<Reply, Reply> {
    let mut found = Vec::new();
    for ticker in call.get("tickers").unwrap_or_default().split(',') {
        let Some(coin) = Instrument::coin(ticker) else { continue };
        let rows = bars(call, &coin, true)?.into_iter().map(|bar| {
            let mut row = prices(&bar, "+00:00");
            row.push(("volume", float(bar.volume)));
            row.push(("volumeNotional", float(round(bar.volume * bar.close, 8))));
            row.push(("tradesDone", float(bar.trades as f64)));
            object(&row)
        });
        let ticker = ticker.to_lowercase();
        let (base, quote) = ticker.split_at_checked(3).unwrap_or((&ticker, ""));
        let body = Object::default().text("ticker", &ticker).text("baseCurrency", base).text("quoteCurrency", quote);
        found.push(body.raw("priceData", list(rows)).end());
    }
    Ok(Reply::new(200, JSON, list(found.iter())))
}

/// Of one pair or several, one after the other.
pub(super) fn currencies(call: &Call<'_>, tickers: &str) -> Result<Reply, Reply> {
    let mut rows = Vec::new();
    for ticker in tickers.split(',') {
        let pair = Instrument::currency(ticker).ok_or_else(|| error(404, "Not found."))?;
        rows.extend(bars(call, &pair, true)?.iter().map(|bar| {
            let mut row = prices(bar, ".000Z");
            row.insert(1, ("ticker", format!("\"{}\"", ticker.to_lowercase())));
            row
        }));
    }
    Ok(reply(call, &rows))
}
