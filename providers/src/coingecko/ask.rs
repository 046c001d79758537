//! Reading a request.

use super::{CANDLES, CoinGecko, DAY, FIVE_MINUTES, MOST_HOURLY, errors};
use crate::query::Query;
use crate::{Native, NativeAsk, NativeError, NativeRequest, Provider, Recognised};
use finex_core::ask::Ask;
use finex_core::calendar::{Interval, Unit};
use finex_core::series::Variant;
use finex_core::time::{BEGINNING, END, Ts, Window};

const ROOT: &str = "/api/v3/coins/";
const LATEST_SECONDS: f64 = 99_999_999_999.0;
/// What ends so shortly before now may or may not count as ending now.
const UNSURE: i64 = 10 * 60_000;

/// An id, or one of a contract: `ethereum/contract/0x…`.
pub(super) fn coin(text: &str) -> Option<&str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let parts: Vec<&str> = text.split('/').collect();
    let shaped = matches!(parts.as_slice(), [_] | [_, "contract", _]);
    let sound =
        parts.iter().all(|part| (1..=100).contains(&part.len()) && part.bytes().all(fits) && !part.starts_with('.'));
    (shaped && sound).then_some(text)
}

pub(super) fn recognise(provider: &CoinGecko, request: &NativeRequest<'_>) -> Recognised {
    let Some(rest) = request.path.strip_prefix(ROOT) else { return Recognised::Forward };
    let kinds = [("/market_chart", Kind::Days), ("/market_chart/range", Kind::Range), ("/ohlc", Kind::Candles)];
    let found = kinds.into_iter().find_map(|(tail, kind)| Some((rest.strip_suffix(tail)?, kind)));
    let Some((id, kind)) = found else { return Recognised::Forward };
    let Some(coin) = coin(id) else { return Recognised::Refused(errors::not_found()) };
    let query = Query::read(request.query);
    let known = |name: &str| {
        let named = ["vs_currency", "days", "interval", "precision", "from", "to"];
        named.contains(&name) || provider.manifest.keys.is_parameter(name)
    };
    if query.repeats() || !query.names().all(known) {
        return Recognised::Forward;
    }
    match (Reading { provider, coin, query, now: request.now }).read(kind) {
        Ok(Some(ask)) => Recognised::Series(ask),
        Ok(None) => Recognised::Forward,
        Err(error) => Recognised::Refused(error),
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Days,
    Range,
    Candles,
}

struct Reading<'a> {
    provider: &'a CoinGecko,
    coin: &'a str,
    query: Query,
    now: Ts,
}

const fn interval(count: u16, unit: Unit) -> Interval {
    Interval { count, unit }
}

const SAMPLES: [Interval; 3] = [interval(5, Unit::Minute), interval(1, Unit::Hour), interval(1, Unit::Day)];

impl Reading<'_> {
    fn read(&self, kind: Kind) -> Result<Option<NativeAsk>, NativeError> {
        let fits = |text: &&str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let Some(currency) = self.query.get("vs_currency").filter(fits) else { return Ok(None) };
        let mut variant = Vec::new();
        if let Some(precision) = self.query.get("precision") {
            if !precision.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Ok(None);
            }
            variant.push(("precision".to_owned(), precision.to_owned()));
        }
        let wanted = match kind {
            Kind::Days => self.days(),
            Kind::Range => self.range()?,
            Kind::Candles => self.candles().map(|(interval, days)| {
                variant.push((CANDLES.to_owned(), days));
                (interval, Window::ALL)
            }),
        };
        let Some((interval, window)) = wanted else { return Ok(None) };
        let variant: Variant = variant.into_iter().collect();
        let series = self.provider.make_series(self.coin, &currency.to_lowercase(), interval, variant);
        let columns = self.provider.columns(&series);
        Ok(Some(NativeAsk { series: series.into(), ask: Ask::between(window, columns), native: Native::default() }))
    }

    /// Samples of a span, which the client may name; none where only the provider knows.
    fn granularity(&self, span: i64, ends_now: bool) -> Option<Interval> {
        match self.query.get("interval") {
            Some("daily") => Some(SAMPLES[2]),
            Some("hourly") if span > DAY && span <= MOST_HOURLY * DAY => Some(SAMPLES[1]),
            Some(_) => None,
            None if span > MOST_HOURLY * DAY => Some(SAMPLES[2]),
            None if span > DAY || !ends_now => Some(SAMPLES[1]),
            None => Some(SAMPLES[0]),
        }
    }

    fn days(&self) -> Option<(Interval, Window)> {
        if self.query.get("from").is_some() || self.query.get("to").is_some() {
            return None;
        }
        let days = self.query.get("days")?;
        if days == "max" {
            return self.granularity(i64::MAX, true).map(|interval| (interval, Window::new(BEGINNING, END)));
        }
        let days: f64 = days.parse().ok().filter(|days| *days > 0.0 && *days <= 36_500.0)?;
        let span = (days * DAY as f64) as i64;
        let interval = self.granularity(span, true)?;
        let from = self.now - span;
        // Days stand on midnights: what is before the first of them holds none.
        let from = if interval == SAMPLES[2] {
            from.div_euclid(DAY) * DAY + if from.rem_euclid(DAY) == 0 { 0 } else { DAY }
        } else {
            from
        };
        Some((interval, Window::new(from, END)))
    }

    fn range(&self) -> Result<Option<(Interval, Window)>, NativeError> {
        let read = |name: &str| {
            let number = self.query.get(name).and_then(|text| text.parse::<f64>().ok());
            let Some(seconds) = number.filter(|seconds| !seconds.is_nan()) else { return Ok(None) };
            match seconds.abs() <= LATEST_SECONDS {
                true => Ok(Some((seconds * 1_000.0) as i64)),
                false => Err(errors::bad(&format!("{name} is in seconds; this looks like milliseconds"))),
            }
        };
        let (Some(from), Some(to)) = (read("from")?, read("to")?) else { return Ok(None) };
        if from > to {
            // Refused in the provider's own words.
            return Ok(None);
        }
        // Whether that ends now is the provider's to say; and so is what it shows of times to come.
        if (self.now - UNSURE..self.now).contains(&to) || from > self.now {
            return Ok(None);
        }
        let ends_now = to >= self.now - FIVE_MINUTES;
        let Some(interval) = self.granularity(to - from, ends_now) else { return Ok(None) };
        // Nor is it said whether the part that is to come counts.
        if self.granularity(to.min(self.now) - from, ends_now) != Some(interval) {
            return Ok(None);
        }
        Ok(Some((interval, Window::new(from, if to >= self.now { END } else { to.saturating_add(1) }))))
    }

    /// Candles of the last days, for the numbers of days that are offered.
    fn candles(&self) -> Option<(Interval, String)> {
        if self.query.get("interval").is_some() {
            return None;
        }
        let days = self.query.get("days")?;
        let interval = match days {
            "1" => interval(30, Unit::Minute),
            "7" | "14" | "30" => interval(4, Unit::Hour),
            "90" | "180" | "365" => interval(4, Unit::Day),
            _ => return None,
        };
        Some((interval, days.to_owned()))
    }
}
