//! Reading and writing samples and candles.

use super::{CANDLES, DAY};
use crate::json::number;
use crate::rows::{Order, Rows, Runs};
use crate::{Composed, Page, Segment, Undecodable};
use finex_core::calendar::Interval;
use finex_core::columns::{Bars, Column};
use finex_core::time::Ts;
use serde::Deserialize;
use serde_json::value::RawValue;

const JSON: &str = "application/json; charset=utf-8";
const ROW_BYTES: u64 = 40;
const SAMPLE: [Column; 4] = [Column::Close, Column::Volume, Column::MarketCap, Column::Label];
const CANDLE: [Column; 5] = [Column::Open, Column::High, Column::Low, Column::Close, Column::Label];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chart<'a> {
    #[serde(borrow)]
    prices: Vec<(i64, &'a RawValue)>,
    #[serde(borrow)]
    market_caps: Vec<(i64, &'a RawValue)>,
    #[serde(borrow)]
    total_volumes: Vec<(i64, &'a RawValue)>,
}

fn bad(detail: impl Into<String>) -> Undecodable {
    Undecodable::new("", detail)
}

fn instant(ts: i64) -> Result<Ts, Undecodable> {
    // In seconds it would lie in January 1970.
    let sound = (10_000_000_000..100_000_000_000_000).contains(&ts);
    if sound { Ok(ts) } else { Err(bad(format!("{ts} is no time in milliseconds"))) }
}

/// Three series with the same times. The last sample, that of now, was seen to be a little older than the one before:
/// it is kept behind it, with its own time as a label.
pub(super) fn samples(text: &str) -> Result<Bars, Undecodable> {
    let chart: Chart<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let mut bars = Bars::with_columns(SAMPLE);
    let rows = chart.prices.len();
    if chart.market_caps.len() != rows || chart.total_volumes.len() != rows {
        return Err(bad("prices, market_caps and total_volumes differ in length"));
    }
    let all = chart.prices.iter().zip(&chart.market_caps).zip(&chart.total_volumes);
    for (at, ((price, cap), volume)) in all.enumerate() {
        if price.0 != cap.0 || price.0 != volume.0 {
            return Err(bad("prices, market_caps and total_volumes differ in their times"));
        }
        let ts = instant(price.0)?;
        let before = bars.times.last().copied().filter(|before| at + 1 == rows && *before >= ts);
        bars.times.push(before.map_or(ts, |before| before + 1));
        for ((_, texts), raw) in bars.columns.iter_mut().zip([price.1, volume.1, cap.1]) {
            match number(raw, false).map_err(bad)? {
                Some(text) => texts.push(text),
                None => texts.push_null(),
            }
        }
        match before {
            Some(_) => bars.columns[3].1.push(&ts.to_string()),
            None => bars.columns[3].1.push_null(),
        }
    }
    Ok(bars)
}

/// The sample of now: on a whole second, and no day's.
pub(super) fn live(interval: Interval, bars: &Bars) -> Option<Ts> {
    let last = bars.times.last().copied()?;
    let out_of_order = bars.column(Column::Label).is_some_and(|labels| labels.get(bars.len() - 1).is_some());
    let daily = interval.nominal_len() == DAY;
    (out_of_order || if daily { last % DAY != 0 } else { last % 1_000 == 0 }).then_some(last)
}

/// Three runs: prices, market capitalisations, volumes.
pub(super) fn encode_samples(bars: &Bars) -> Runs {
    let labels = bars.column(Column::Label);
    let run = |column: Column| {
        let texts = bars.column(column);
        Rows::each(bars.len(), ROW_BYTES, Order::OldestFirst, b',', |text, row| {
            let mut digits = itoa::Buffer::new();
            let own = labels.and_then(|labels| labels.get(row));
            let time = own.unwrap_or_else(|| digits.format(bars.times[row]));
            let value = texts.and_then(|texts| texts.get(row)).unwrap_or("null");
            for part in ["[", time, ",", value, "]"] {
                text.extend_from_slice(part.as_bytes());
            }
        })
    };
    Runs::new([Column::Close, Column::MarketCap, Column::Volume].map(run).into())
}

/// Runs as one chart again.
pub(super) fn chart(prices: &str, caps: &str, volumes: &str) -> String {
    format!("{{\"prices\":[{prices}],\"market_caps\":[{caps}],\"total_volumes\":[{volumes}]}}")
}

/// Candles stand under their end. That of four days ends on certain days of a month: how long one was is not said.
pub(super) fn candles(interval: Interval, text: &str) -> Result<Bars, Undecodable> {
    let rows: Vec<(i64, &RawValue, &RawValue, &RawValue, &RawValue)> =
        serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
    let mut bars = Bars::with_columns(CANDLE);
    for row in &rows {
        let end = instant(row.0)?;
        let open = end - interval.nominal_len();
        // After a short one the next would seem to open before the last has ended.
        let open = bars.times.last().map_or(open, |before| open.max(before + 1));
        bars.times.push(open);
        for ((_, texts), raw) in bars.columns.iter_mut().zip([row.1, row.2, row.3, row.4]) {
            match number(raw, false).map_err(bad)? {
                Some(text) => texts.push(text),
                None => texts.push_null(),
            }
        }
        bars.columns[4].1.push(&end.to_string());
    }
    Ok(bars)
}

pub(super) fn encode_candles(interval: Interval, bars: &Bars) -> Runs {
    let labels = bars.column(Column::Label);
    let rows = Rows::each(bars.len(), ROW_BYTES, Order::OldestFirst, b',', |text, row| {
        let mut digits = itoa::Buffer::new();
        let own = labels.and_then(|labels| labels.get(row));
        let end = own.unwrap_or_else(|| digits.format(bars.times[row] + interval.nominal_len()));
        text.extend_from_slice(b"[");
        text.extend_from_slice(end.as_bytes());
        for column in &CANDLE[..4] {
            text.extend_from_slice(b",");
            let value = bars.column(*column).and_then(|texts| texts.get(row)).unwrap_or("null");
            text.extend_from_slice(value.as_bytes());
        }
        text.extend_from_slice(b"]");
    });
    rows.into()
}

pub(super) fn compose(page: &Page<'_>) -> Composed {
    let segments = match page.series.variant.get(CANDLES) {
        Some(_) => vec![Segment::Static("["), Segment::Run(0), Segment::Static("]")],
        None => vec![
            Segment::Static("{\"prices\":["),
            Segment::Run(0),
            Segment::Static("],\"market_caps\":["),
            Segment::Run(1),
            Segment::Static("],\"total_volumes\":["),
            Segment::Run(2),
            Segment::Static("]}"),
        ],
    };
    Composed { segments, content_type: JSON, separator: ",", shape: page.native.shape }
}
