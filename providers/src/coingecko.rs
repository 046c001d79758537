//! CoinGecko: samples of price, market capitalisation and volume, as far apart as the provider chooses.
//!
//! How far apart follows from the span that is asked for and from whether it ends now; samples of one kind are not among
//! those of another, so each kind is a series of its own, and calls are stretched until they bring the right one.

mod ask;
mod errors;
#[cfg(test)]
mod tests;
mod write;

use crate::manifest::Manifest;
use crate::query::Query;
use crate::rows::Runs;
use crate::{
    Composed, Decoded, Failure, Named, NativeError, NativeRequest, Page, Provider, Recognised, Shape, Undecodable,
    Unsupported, Upstream, json,
};
use finex_core::calendar::{Grid, Interval};
use finex_core::columns::{Bars, Column, Columns};
use finex_core::envelope::Envelope;
use finex_core::plan::{Call, Limits};
use finex_core::series::{Scope, Series, Variant};
use finex_core::status::ErrorClass;
use finex_core::time::{BEGINNING, Ts, Window};

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const FIVE_MINUTES: i64 = 300_000;
/// Up to this many days an answer has hours, beyond it has days.
const MOST_HOURLY: i64 = 90;
const LEAST_HOURLY: i64 = 2;
/// Names of a series' variant.
const CANDLES: &str = "candles";

pub struct CoinGecko {
    manifest: Manifest,
}

impl CoinGecko {
    #[allow(clippy::expect_used, reason = "the manifest is compiled in and read by a test")]
    pub fn new(adjust: &dyn Fn(&mut Manifest)) -> Self {
        let mut manifest = Manifest::parse(include_str!("../coingecko.toml")).expect("coingecko.toml is readable");
        adjust(&mut manifest);
        CoinGecko { manifest }
    }

    fn make_series(&self, coin: &str, currency: &str, interval: Interval, variant: Variant) -> Series {
        Series {
            provider: self.manifest.id.as_str().into(),
            symbol: coin.into(),
            interval,
            currency: currency.into(),
            variant,
            scope: Scope::Shared,
        }
    }

    /// What a chart of this series has to be asked for.
    fn chart(&self, series: &Series, call: &Call, now: Ts) -> String {
        let ends_now = call.window.to.saturating_add(FIVE_MINUTES) >= now;
        let (from, to) = (call.window.from.max(0), call.window.to.min(now));
        let days_back = |least: i64, most: i64| (now - from).div_euclid(DAY).saturating_add(1).clamp(least, most);
        match series.interval.nominal_len() {
            FIVE_MINUTES => "/market_chart?days=1".to_owned(),
            // A call begins with its first hour, a little before what is asked for.
            HOUR if ends_now && now - from <= MOST_HOURLY * DAY + HOUR => {
                format!("/market_chart?days={}", days_back(LEAST_HOURLY, MOST_HOURLY))
            }
            HOUR => {
                let (from, to) = stretched(from, to, LEAST_HOURLY * DAY, now);
                let to = to.min(from + MOST_HOURLY * DAY);
                format!("/market_chart/range?from={}&to={}", from.div_euclid(1_000), to.div_euclid(1_000))
            }
            _ if call.window.from <= 0 && ends_now => "/market_chart?days=max".to_owned(),
            _ if ends_now => format!("/market_chart?days={}", days_back(MOST_HOURLY + 1, 100_000)),
            _ => {
                let (from, to) = stretched(from, to, (MOST_HOURLY + 1) * DAY, now);
                format!("/market_chart/range?from={}&to={}", from.div_euclid(1_000), to.div_euclid(1_000))
            }
        }
    }
}

/// A window of at least a length: longer at its end as far as now, then at its beginning.
fn stretched(from: Ts, to: Ts, least: i64, now: Ts) -> (Ts, Ts) {
    let to = to.max(from.saturating_add(least)).min(now.max(to));
    (from.min(to - least), to)
}

fn path_of(series: &Series) -> String {
    format!("/api/v3/coins/{}", series.symbol)
}

impl Provider for CoinGecko {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn recognise(&self, request: &NativeRequest<'_>) -> Recognised {
        if !matches!(request.method, "GET" | "HEAD") {
            return Recognised::Forward;
        }
        ask::recognise(self, request)
    }

    fn series(&self, symbol: &str, interval: Interval) -> Result<Series, Unsupported> {
        let coin = ask::coin(symbol).ok_or_else(|| Unsupported::Symbol {
            provider: self.manifest.id.clone(),
            symbol: json::shown(symbol),
            rule: "it is the id of a coin, as in bitcoin",
        })?;
        if !matches!(interval.nominal_len(), FIVE_MINUTES | HOUR | DAY) {
            return Err(Unsupported::Interval {
                provider: self.manifest.id.clone(),
                interval: interval.to_string(),
                has: "5m, 1h, 1d".into(),
            });
        }
        self.manifest.offers(interval)?;
        Ok(self.make_series(coin, "usd", interval, Variant::default()))
    }

    fn grid(&self, series: &Series) -> Grid {
        Grid::uneven(series.interval)
    }

    fn columns(&self, series: &Series) -> Columns {
        match series.variant.get(CANDLES) {
            Some(_) => [Column::Open, Column::High, Column::Low, Column::Close].into_iter().collect(),
            None => self.manifest.columns,
        }
    }

    fn limits(&self, series: &Series, widen_bytes: u64, max_calls: u64) -> Limits {
        let base = self.manifest.planning(widen_bytes, max_calls);
        let Some(class) = self.manifest.class_of(series.interval) else { return base };
        /// More periods than there ever were.
        const EVERYTHING: u64 = 1 << 50;
        let page = u64::try_from(class.page / series.interval.nominal_len()).unwrap_or(0);
        // A call is not widened to where the last hour would make it one for days.
        let widen = class.row_bytes * page.saturating_sub(25);
        Limits {
            page: if page == 0 { EVERYTHING } else { page },
            depth: class.depth,
            settle: class.settle,
            row_bytes: class.row_bytes,
            windowed: true,
            widen_bytes: match series.variant.get(CANDLES) {
                Some(_) => 0,
                None if page == 0 => base.widen_bytes,
                None => base.widen_bytes.min(widen),
            },
            ..base
        }
    }

    fn call(&self, series: &Series, call: &Call, _named: Named, now: Ts) -> Upstream {
        let tail = match series.variant.get(CANDLES) {
            Some(days) => format!("/ohlc?days={days}"),
            None => self.chart(series, call, now),
        };
        let (path, query) = tail.split_once('?').unwrap_or((&tail, ""));
        let precision = series.variant.get("precision").map(|p| format!("&precision={p}")).unwrap_or_default();
        Upstream {
            path: format!("{}{path}", path_of(series)),
            query: format!("vs_currency={}&{query}{precision}", series.currency),
        }
    }

    fn admissible(&self, _series: &Series, _call: &Call) -> Window {
        Window::ALL
    }

    fn classify(&self, status: u16, content_type: &str, body: &[u8]) -> Option<ErrorClass> {
        errors::classify(status, content_type, body)
    }

    fn decode(&self, series: &Series, call: &Call, body: &[u8]) -> Result<Decoded, Undecodable> {
        let text = std::str::from_utf8(body).map_err(|e| Undecodable::new(&self.manifest.name, e.to_string()))?;
        let named = |error: Undecodable| Undecodable { provider: self.manifest.name.clone(), ..error };
        if series.variant.get(CANDLES).is_some() {
            let bars = write::candles(series.interval, text).map_err(named)?;
            return Ok(Decoded { bars, spoken: Some(Window::ALL), ..Decoded::default() });
        }
        let bars = write::samples(text).map_err(named)?;
        let live = write::live(series.interval, &bars);
        Ok(Decoded { bars, live, spoken: Some(call.window), ..Decoded::default() })
    }

    fn spoken(&self, series: &Series, asked: &Upstream, _said: &Decoded, at: Ts) -> Option<Window> {
        let query = Query::read(&asked.query);
        let number = |name: &str| query.get(name)?.parse::<i64>().ok();
        match (number("from"), number("to"), number("days")) {
            // Nothing is older than 1970.
            (Some(from), Some(to), _) => {
                Some(Window::new(if from <= 0 { BEGINNING } else { from * 1_000 }, to * 1_000 + 1))
            }
            _ if series.variant.get(CANDLES).is_some() => None,
            (_, _, Some(days)) => {
                let from = at - days * DAY;
                let five_minutes = series.interval.nominal_len() == FIVE_MINUTES;
                // Nobody can ask for what is before it any more.
                let from = if five_minutes { from.div_euclid(FIVE_MINUTES) * FIVE_MINUTES } else { from };
                Some(Window::new(from, finex_core::time::END))
            }
            _ => None,
        }
    }

    fn encode(&self, series: &Series, bars: &Bars, _shape: Shape) -> Runs {
        match series.variant.get(CANDLES) {
            Some(_) => write::encode_candles(series.interval, bars),
            None => write::encode_samples(bars),
        }
    }

    fn reread(&self, series: &Series, runs: &Runs) -> Result<Bars, Undecodable> {
        let named = |error: Undecodable| Undecodable { provider: self.manifest.name.clone(), ..error };
        let text = |run: usize| String::from_utf8_lossy(&runs.slice(run, 0, runs.len())).into_owned();
        match series.variant.get(CANDLES) {
            Some(_) => write::candles(series.interval, &format!("[{}]", text(0))).map_err(named),
            None => write::samples(&write::chart(&text(0), &text(1), &text(2))).map_err(named),
        }
    }

    fn compose(&self, page: &Page<'_>) -> Composed {
        write::compose(page)
    }

    fn error(&self, failure: &Failure) -> NativeError {
        errors::answer(failure)
    }

    /// The sample of now stands beside the others, not in the place of one.
    fn opened_before(&self, _live: Ts, _to: Ts, _sight: &Envelope) -> bool {
        false
    }
}
