//! `/market_chart`: how far apart the samples are follows from how much is asked for, and from how long ago that was.

use super::coins::{Quoted, number, precision};
use super::{Ask, DAY, Keep, Problem, fresh};
use crate::facade::Reply;
use crate::prices::hash;
use std::fmt::Write;

pub(super) const LONGEST_HOURLY: i64 = 100 * DAY;

pub(super) fn too_long() -> Problem {
    Problem::Invalid("Invalid date range for this interval".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grain {
    FiveMinutes,
    Hour,
    Day,
}

impl Grain {
    fn named(name: &str) -> Result<Grain, Problem> {
        match name {
            "5m" => Ok(Grain::FiveMinutes),
            "hourly" => Ok(Grain::Hour),
            "daily" => Ok(Grain::Day),
            _ => Err(Problem::Invalid("invalid interval".to_owned())),
        }
    }

    /// Of a span, and of whether it ends now.
    fn of(span: i64, ends_now: bool) -> Grain {
        match span {
            _ if span > 90 * DAY => Grain::Day,
            _ if span > DAY || !ends_now => Grain::Hour,
            _ => Grain::FiveMinutes,
        }
    }

    fn chosen(ask: &Ask<'_>, span: i64, ends_now: bool) -> Result<Grain, Problem> {
        let grain = ask.get("interval").map_or_else(|| Ok(Grain::of(span, ends_now)), Grain::named)?;
        if span <= grain.longest() { Ok(grain) } else { Err(too_long()) }
    }

    /// The longest span of one request.
    fn longest(self) -> i64 {
        match self {
            Grain::FiveMinutes => 10 * DAY,
            Grain::Hour => LONGEST_HOURLY,
            Grain::Day => i64::MAX,
        }
    }

    fn step(self) -> i64 {
        match self {
            Grain::FiveMinutes => 300_000,
            Grain::Hour => 3_600_000,
            Grain::Day => DAY,
        }
    }

    /// When the sample of a step was taken. Days are exact; of the others none is on the grid, and none is in two grains.
    fn taken(self, coin: &str, step: i64) -> i64 {
        let start = step * self.step();
        match self {
            Grain::FiveMinutes => start + 1_002 + (hash(coin, start) % 40_000) as i64 / 2 * 2,
            Grain::Hour => start + 60_003 + (hash(coin, start ^ 3) % 240_000) as i64 / 2 * 2,
            Grain::Day => start,
        }
    }
}

pub(super) fn days(ask: &Ask<'_>, id: &str) -> Result<Reply, Problem> {
    let quoted = Quoted::find(ask, id)?;
    let from = match ask.need("days")? {
        "max" => quoted.since(),
        text => ask.now - span_of(text)?,
    };
    ask.may_see(from)?;
    let grain = Grain::chosen(ask, ask.now - from, true)?;
    let mut samples = samples(&quoted, grain, from, ask.now, ask.now);
    // It counts in seconds: a sample of this very second stays before it, though it is younger.
    samples.push(ask.now.div_euclid(1_000) * 1_000);
    Ok(fresh(body(ask, &quoted, &samples), Keep::of(ask.now - from)))
}

fn span_of(days: &str) -> Result<i64, Problem> {
    let days = days.parse::<f64>().ok().filter(|days| *days > 0.0 && *days < 100_000.0);
    days.map(|days| (days * DAY as f64) as i64).ok_or_else(|| Problem::Invalid("Invalid days parameter".to_owned()))
}

pub(super) fn range(ask: &Ask<'_>, id: &str) -> Result<Reply, Problem> {
    let quoted = Quoted::find(ask, id)?;
    let (from, to) = bounds(ask)?;
    ask.may_see(from)?;
    // Five minutes ago is still now.
    let grain = Grain::chosen(ask, to - from, to >= ask.now - 300_000)?;
    let mut samples = samples(&quoted, grain, from, to, ask.now);
    if to >= ask.now {
        samples.push(ask.now.div_euclid(1_000) * 1_000);
    }
    Ok(fresh(body(ask, &quoted, &samples), Keep::Range))
}

/// `from` and `to`, asked for in seconds.
pub(super) fn bounds(ask: &Ask<'_>) -> Result<(i64, i64), Problem> {
    let read = |name: &str| {
        let seconds = ask.need(name)?.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e11);
        seconds
            .map(|seconds| (seconds * 1_000.0) as i64)
            .ok_or_else(|| Problem::Invalid(format!("Invalid parameter {name}")))
    };
    let (from, to) = (read("from")?, read("to")?);
    if from <= to { Ok((from, to)) } else { Err(Problem::Invalid("Invalid date range".to_owned())) }
}

fn samples(quoted: &Quoted, grain: Grain, from: i64, to: i64, now: i64) -> Vec<i64> {
    let from = from.max(quoted.since());
    // A day becomes known 35 minutes after it is over.
    let known = if grain == Grain::Day { now - 35 * 60_000 } else { now };
    let steps = from.div_euclid(grain.step())..=to.min(known).div_euclid(grain.step());
    let taken = steps.map(|step| grain.taken(quoted.coin.id, step));
    taken.filter(|at| (from..=to.min(now)).contains(at)).collect()
}

fn body(ask: &Ask<'_>, quoted: &Quoted, samples: &[i64]) -> String {
    let precision = precision(ask);
    let mut text = String::with_capacity(samples.len() * 120);
    let mut series = |name: &str, value: &dyn Fn(i64) -> String| {
        let _ = write!(text, "{}\"{name}\":[", if text.is_empty() { "{" } else { "," });
        for (index, at) in samples.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}[{at},{}]", value(*at));
        }
        text.push(']');
    };
    series("prices", &|at| number(quoted.price(at), precision));
    series("market_caps", &|at| market_cap(quoted, at, precision));
    series("total_volumes", &|at| number(quoted.volume(at), precision));
    text + "}"
}

/// Some are whole, and then say so.
fn market_cap(quoted: &Quoted, at: i64, precision: Option<i32>) -> String {
    let value = quoted.market_cap(at);
    if hash(quoted.coin.id, at ^ 41).is_multiple_of(53) { format!("{value:.0}") } else { number(value, precision) }
}
